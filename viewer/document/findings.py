"""What the finished runs of a scenario hold, read from the store as the report needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.coupling import WET_AT_START
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from twin.grid import Grid
    from twin.store import Run
    from viewer.api.group import RunGroup
    from viewer.strings import Lang

__all__ = ["Findings", "Flooding"]

MAPS = ("h_max_cell", "arrival_cell")


@dataclass(frozen=True, slots=True, eq=False)
class Flooding:
    """Maximum depth of a flood run.

    Parameters
    ----------
    grid : Grid
    depth : ndarray (ny, nx)
        [m]; NaN outside the domain.
    arrival : ndarray (ny, nx)
        First time with water [s]; NaN where it never came.
    is_water : ndarray (ny, nx)
        Sea and rivers.
    """

    grid: Grid
    depth: NDArray[np.float32]
    arrival: NDArray[np.float32]
    is_water: NDArray[np.bool_]


@dataclass(frozen=True)
class Findings:
    """The runs of one scenario.

    Parameters
    ----------
    lang : {"ja", "en"}
    group : RunGroup
    """

    lang: Lang
    group: RunGroup

    @cached_property
    def runs(self) -> dict[str, Run]:
        """The finished runs by stage."""
        return {name: one.run for name, one in self.group.members.items() if one.status is Status.DONE}

    def manifest(self, stage: str) -> Mapping[str, Any]:
        """What is known about a stage."""
        return self.group.members[stage].manifest

    @property
    def scenario(self) -> Mapping[str, Any]:
        """The scenario as plain data: that of the stage that comes last, which has passed through all others."""
        found: Mapping[str, Any] = self.manifest(self.last)["scenario"]
        return found

    @property
    def last(self) -> str:
        """The stage whose key depends on most others."""
        return max(self.group.members, key=lambda name: len(self.manifest(name).get("upstream", {})))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """west, south, east, north of the area [m]."""
        west, south, east, north = self.scenario["area"]["bbox"]
        return float(west), float(south), float(east), float(north)

    def table(self, stage: str, name: str) -> pd.DataFrame | None:
        """A table of a finished stage; None where there is none."""
        run = self.runs.get(stage)
        if run is None or not (run.folder / f"{name}.parquet").is_file():
            return None
        return run.table(name)

    def shapes(self, stage: str, name: str) -> NDArray[np.object_]:
        """Geometries of a table, in its order; none where there is no such table."""
        import shapely

        table = self.table(stage, name)
        if table is None or "geometry" not in table:
            return np.empty(0, dtype=object)
        return np.asarray(shapely.from_wkb(table["geometry"].to_numpy()), dtype=object)

    @cached_property
    def buildings(self) -> NDArray[np.object_]:
        """Footprints of the buildings of the flooded area."""
        return self.shapes("flood", "buildings")

    @cached_property
    def streets(self) -> NDArray[np.object_]:
        """Lines of the streets that people take."""
        return self.shapes("evacuation", "links")

    @cached_property
    def flooding(self) -> Flooding | None:
        """Maximum depth, arrival, sea and rivers; None without a flood."""
        import rasterio

        run = self.runs.get("flood")
        if run is None or not all((run.folder / f"{name}.tif").is_file() for name in MAPS):
            return None
        maps = []
        for name in MAPS:
            with rasterio.open(run.map_path(name)) as source:
                maps.append(np.asarray(source.read(1), dtype=np.float32))
        at_start = np.nan_to_num(run.fields()["h_cell"][0].to_numpy(), nan=0.0)
        return Flooding(run.grid, maps[0], maps[1], at_start >= WET_AT_START)
