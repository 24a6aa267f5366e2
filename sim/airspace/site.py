"""Landing sites, which of them are dry and until when, and the column of air that leads to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.airspace.scenario import SiteSpec
from sim.coupling import no_water, water_at
from twin.errors import LayerError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.airspace.compiler import CompiledAirspace
    from sim.airspace.space import Space
    from twin.layer import VectorLayer
    from twin.store import Run

__all__ = ["ROOF", "Port", "Site", "enter", "read_sites"]

ROOF = "roof"
"""Kind of a site that no flood reaches."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place to start and land.

    Parameters
    ----------
    id, name, kind : str
    x, y, z : float
        Of the pad [m in the frame, m T.P.].
    radius : float
        [m]
    wet_from : float
        When the flood closes it [s]; inf: never.
    """

    id: str
    name: str
    kind: str
    x: float
    y: float
    z: float
    radius: float = 5.0
    wet_from: float = np.inf

    def is_dry(self, until: float) -> bool:
        """Whether it is dry from the beginning until then [s]."""
        return self.wet_from > until


@dataclass(frozen=True, slots=True)
class Port:
    """The column of air over a place: straight up from it to the first voxel that may be flown through.

    Parameters
    ----------
    x, y, z : float
        The place [m in the frame, m T.P.].
    cell : (int, int, int)
        Level, row, column of the voxel.
    entry : float
        Height of that voxel's centre, or of the place where that is higher [m T.P.].
    """

    x: float
    y: float
    z: float
    cell: tuple[int, int, int]
    entry: float


def enter(space: Space, x: float, y: float, z: float) -> Port | None:
    """The port over a place, None where no air above may be flown through.

    The column itself is taken to be open: a site is declared to be one, a drop lies above everything beside it.
    """
    level, row, col = space.cells([[x, y, z]])[0]
    nz, ny, nx = space.cost.shape
    if not (0 <= row < ny and 0 <= col < nx) or level >= nz:
        return None
    free = np.flatnonzero(space.cost[max(0, level) :, row, col])
    if not len(free):
        return None
    entry = int(max(0, level) + free[0])
    return Port(x, y, z, (entry, int(row), int(col)), max(z, float(space.voxels.z_cell[entry])))


def read_sites(
    layer: VectorLayer | None, specs: Sequence[SiteSpec], air: CompiledAirspace, flood: Run | None, wet_depth: float
) -> tuple[Site, ...]:
    """Sites of the layer and of the scenario inside the area, with the time at which the flood closes each.

    Raises
    ------
    LayerError
        If the layer has no points, or a site no name.
    ScenarioError
        If two sites share a name, or one of the scenario's lies outside the area.
    """
    found = [] if layer is None else _from_layer(layer, air)
    for number, spec in enumerate(specs):
        if not air.voxels.grid.contains(*spec.at):
            raise ScenarioError(
                f"{spec.at} lies outside the area {air.voxels.grid.bounds} (west, south, east, north, in m)",
                where=f"airspace.sites[{number}].at",
                remedy="Move the site into area.bbox.",
            )
        z = _pad_height(air, *spec.at, spec.kind) if spec.height is None else spec.height
        found.append(Site(spec.id, spec.name or spec.id, spec.kind, *spec.at, z, spec.radius))
    names = [site.id for site in found]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ScenarioError(
            f"sites share an id: {', '.join(twice)}", where="airspace.sites", remedy="Give each its own."
        )
    x, y = np.array([(site.x, site.y) for site in found]).reshape(-1, 2).T
    water = no_water(len(found)) if flood is None else water_at(flood, x, y)
    wet = water.first_time_over(wet_depth)
    return tuple(
        Site(
            s.id, s.name, s.kind, s.x, s.y, s.z, s.radius, np.inf if s.kind == ROOF else float(first)
        ) for s, first in zip(found, wet, strict=True)
    )  # fmt: skip


def _from_layer(layer: VectorLayer, air: CompiledAirspace) -> list[Site]:
    table = layer.table
    missing = [name for name in ("site_id", "kind") if name not in table.columns]
    if missing:
        raise LayerError(
            f"has no column {', '.join(missing)}", where=f"layer {layer.id}", remedy="It needs: site_id, kind."
        )
    if not (table.geometry.geom_type == "Point").all():
        raise LayerError("holds more than points", where=f"layer {layer.id}", remedy="Give one point a site.")
    x, y = table.geometry.x.to_numpy(), table.geometry.y.to_numpy()
    none = np.full(len(table), np.nan)
    heights = layer.numbers("height") if "height" in table.columns else none
    radii = layer.numbers("radius_m") if "radius_m" in table.columns else none
    out = []
    for row in np.flatnonzero(air.voxels.grid.contains(x, y)):
        entry = table.iloc[row]
        kind = str(entry["kind"])
        z = float(heights[row]) if np.isfinite(heights[row]) else _pad_height(air, x[row], y[row], kind)
        radius = float(radii[row]) if np.isfinite(radii[row]) else SiteSpec.model_fields["radius"].default
        name = str(entry["name"]) if "name" in table.columns else str(entry["site_id"])
        out.append(Site(str(entry["site_id"]), name, kind, float(x[row]), float(y[row]), z, radius))
    return out


def _pad_height(air: CompiledAirspace, x: float, y: float, kind: str) -> float:
    row, col = air.voxels.grid.row_col(x, y)
    heights: NDArray[np.float32] = air.top if kind == ROOF else air.ground
    return float(heights[int(row), int(col)])
