"""What a flood shows beside its water: areas of equal class, in the classes and colours that the run was judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.pack import Ground, surface_arrays
from sim.flood.publication import map_on_land
from sim.flood.ranks import rank_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from viewer.api.group import Member

__all__ = ["Zones", "zone_pack", "zones"]

ARRIVAL = "arrival"


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """One table of classes over a map of the run.

    Parameters
    ----------
    name : mapping of str to str
    map : str
        Name of the run's map.
    lowers : ndarray (n,)
        Lower bound of each class, in the map's unit.
    classes : list of mapping
        ``name`` and ``color`` of each class.
    """

    name: Mapping[str, str]
    map: str
    lowers: NDArray[np.float64]
    classes: list[dict[str, Any]]


def zones(member: Member, style: Mapping[str, Any]) -> list[Zones]:
    """The tables of a finished flood, in the style's order; those that no ground falls into are left out."""
    exposure = member.run.table("exposure")
    out = []
    for entry in style["tables"]:
        rows = exposure[exposure["table"] == entry["table"]]
        if entry["table"] == ARRIVAL:
            ranks = rank_tables()[ARRIVAL].ranks
            lowers = [rank.lower for rank in ranks]
            classes = [{"name": dict(rank.name), "color": rank.color} for rank in ranks]
        elif rows["area_ha"].sum() > 0:
            lowers = rows["lower"].to_list()
            classes = [
                {"name": {"ja": row.name_ja, "en": row.name_en}, "color": row.color} for row in rows.itertuples()
            ]
        else:
            continue
        out.append(Zones(entry["name"], entry["map"], np.array(lowers), classes))
    return out


def zone_pack(
    member: Member, number: int, style: Mapping[str, Any], origin: tuple[float, float]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Areas of equal class at the highest level of the water, which so never hides them.

    Triangles with ``vclass`` u1; meta has the classes.
    """
    from affine import Affine
    from rasterio.features import shapes

    zone, grid = zones(member, style)[number], member.run.grid
    values = map_on_land(member.run, zone.map)
    code = np.where(values > 0, np.searchsorted(zone.lowers, values, side="right"), 0).astype(np.uint8)
    found = list(shapes(code, mask=code > 0, connectivity=4, transform=Affine(*grid.affine)))
    areas = [shapely.geometry.shape(outline) for outline, _ in found]
    kinds = np.array([int(value) - 1 for _, value in found], dtype=np.uint8)
    return {"classes": zone.classes}, surface_arrays(areas, kinds, origin, _highest_water(member))


def _highest_water(member: Member) -> Ground:
    """Highest level of the water where it came, else the bed [m T.P.]."""
    grid, stage = member.run.grid, member.run.map("stage_max_cell")
    level = np.where(np.isfinite(stage), stage, member.run.map("z_cell"))
    return Ground(level, grid.west, grid.north, grid.cell_size)
