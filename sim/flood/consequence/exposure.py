"""People, buildings and floor area by class of the flood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.flood.consequence.overlay import Filling, Overlay, largest_class
from sim.flood.fields import ARRIVAL_DEPTHS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from sim.flood.consequence.exposed import Exposed
    from sim.flood.ranks import RankTable
    from sim.flood.surface import SurfaceModel

__all__ = ["Classified", "classify_flood", "exposure_table"]


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """A flood in classes, and what lies under them.

    Parameters
    ----------
    depth : ndarray of float32 (ny, nx)
        The map ``flood_depth_cell``.
    classes : mapping of str to ndarray of int8 (ny, nx)
        By table (``depth``, ``standard``, ``duration``, ``rating``, ``vulnerability``, ``collapse``): number of the
        class, 0 none, -1 off the land.
    tables : mapping of str to RankTable
        Of the same names.
    buildings : Overlay
        Footprints over the grid.
    building_class : mapping of str to ndarray of int8 (n_buildings,)
        Class with the largest part of the footprint.
    persons, households : ndarray (n_buildings,)
        Who lives (by day: is) in a building; households NaN where unknown.
    """

    depth: NDArray[np.float32]
    classes: Mapping[str, NDArray[np.int8]]
    tables: Mapping[str, RankTable]
    buildings: Overlay
    building_class: Mapping[str, NDArray[np.int8]]
    persons: NDArray[np.float64]
    households: NDArray[np.float64]
    squares: Overlay
    even: NDArray[np.float64]
    """Persons of each square who lie evenly in it."""


def classify_flood(
    model: SurfaceModel,
    maps: Mapping[str, NDArray[np.float32]],
    exposed: Exposed,
    ranks: Mapping[str, RankTable],
) -> Classified:
    """Put a finished run into classes, on the map and by building.

    Classes of the duration count what the run has seen: water that stands when it ends stands longer.
    """
    grid = model.grid
    filling = Filling.of(model.ground, raised=model.section.buildings == "block")
    depth = filling.fill(maps["h_max_cell"])
    depth = np.where(depth < ARRIVAL_DEPTHS[0], depth * np.float32(0.0), depth)
    danger = model.danger.tables.rank_tables()
    tables = {"depth": ranks["detailed"], "standard": ranks["standard"], "duration": ranks["duration"], **danger}
    values = {
        "depth": depth,
        "standard": depth,
        "duration": filling.fill(maps["duration_cell"]),
        "rating": filling.fill(maps["rating_max_cell"]),
        "vulnerability": filling.fill(maps["vulnerability_cell"]),
        "collapse": filling.fill(maps["collapse_cell"]),
    }
    off = np.isnan(depth)
    classes = {name: np.where(off, -1, tables[name].classify(values[name])).astype(np.int8) for name in values}
    buildings = Overlay.of(exposed.outline, grid)
    persons, households, even = exposed.persons_by_building(grid)
    squares = np.zeros(0, dtype=object) if exposed.squares is None else exposed.squares.shape
    needs_squares = bool((even > 0).any())
    return Classified(
        depth,
        classes,
        tables,
        buildings,
        {
            name: largest_class(buildings.area_by_class(found, len(tables[name].ranks)))
            for name, found in classes.items()
        },
        persons,
        households,
        Overlay.of(squares if needs_squares else squares[:0], grid),
        even if needs_squares else even[:0],
    )


def exposure_table(found: Classified, exposed: Exposed, cell_area: float) -> pd.DataFrame:
    """A row a class of each table.

    Columns: ``table`` (``depth``, ``standard``, ``duration``, ``rating``, ``vulnerability``, ``collapse``), ``rank``,
    ``lower`` (bound, in the table's unit), ``name_ja``, ``name_en``, ``color``, ``area_ha`` (land, ground under
    buildings included), ``people`` (NaN where the city has no population), ``buildings``, ``floor_area_m2``.
    """
    import pandas as pd

    rows = []
    floor = exposed.floor
    for name, table in found.tables.items():
        n = len(table.ranks)
        cells = np.bincount(found.classes[name][found.classes[name] >= 0], minlength=n + 1)
        of_building = found.building_class[name].astype(np.int64)
        people = _people(found, name, n)
        count = np.bincount(of_building, minlength=n + 1)
        floors = np.bincount(of_building, floor, minlength=n + 1)
        for number, rank in enumerate(table.ranks, start=1):
            rows.append(
                {
                    "table": name, "rank": number, "lower": rank.lower, "name_ja": rank.name["ja"],
                    "name_en": rank.name["en"], "color": rank.color, "area_ha": float(cells[number] * cell_area / 1e4),
                    "people": float("nan") if exposed.squares is None else float(people[number]),
                    "buildings": int(count[number]), "floor_area_m2": float(floors[number]),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _people(found: Classified, name: str, n: int) -> NDArray[np.float64]:
    """Persons by class: those in buildings with their building, the others by the share of their square's land."""
    out = np.bincount(found.building_class[name].astype(np.int64), found.persons, minlength=n + 1)
    if len(found.even):
        area = found.squares.area_by_class(found.classes[name], n)
        total = area.sum(axis=1, keepdims=True)
        # a square without land in the area: nobody is known to be wet
        share = np.divide(area, total, out=np.zeros_like(area), where=total > 0)
        out = out + found.even @ share
    return np.asarray(out, dtype=np.float64)
