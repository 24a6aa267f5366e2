"""Buildings of the ward: footprints, heights, roofs and what a survey would record of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from sample_data.lots import divide, footprint, frame_of
from sample_data.names import building_name, chome
from sample_data.sites import Placed, buildings_of_site, danchi_slabs, station_halls, towers
from sample_data.ward import Kind

if TYPE_CHECKING:
    from numpy.random import Generator
    from shapely import Polygon

    from sample_data.plan import Block, Plan
    from sample_data.terrain import Terrain

__all__ = ["Building", "make_buildings"]


@dataclass(frozen=True, slots=True)
class Habit:
    """How a kind of district is built up."""

    lot: float
    """Usual lot [m2]."""
    setback: float
    coverage: float
    vacant: float
    """Share of lots without a building: parking, gardens."""
    forms: dict[str, float]
    storeys: tuple[tuple[int, float], ...]
    """(storeys, weight)."""
    usages: tuple[tuple[str, float], ...]
    """(code of Building_usage.xml, weight)."""
    years: tuple[int, int]


HABITS: dict[Kind, Habit] = {
    Kind.OLD: Habit(124, 0.4, 0.74, 0.05, {"box": 0.87, "L": 0.11, "chamfer": 0.02}, ((1, 0.1), (2, 0.74), (3, 0.16)),
                    (("411", 0.72), ("413", 0.17), ("415", 0.05), ("412", 0.06)), (1938, 1992)),
    Kind.LOW: Habit(560, 1.0, 0.55, 0.10, {"box": 0.7, "L": 0.25, "chamfer": 0.05},
                    ((2, 0.56), (3, 0.24), (4, 0.08), (5, 0.06), (7, 0.04), (10, 0.02)),
                    (("411", 0.6), ("412", 0.22), ("413", 0.07), ("415", 0.07), ("441", 0.04)), (1958, 2019)),
    Kind.HOUSES: Habit(620, 1.3, 0.48, 0.12, {"box": 0.62, "L": 0.32, "U": 0.06},
                       ((2, 0.6), (3, 0.2), (4, 0.06), (6, 0.06), (9, 0.05), (13, 0.03)),
                       (("411", 0.62), ("412", 0.28), ("413", 0.06), ("402", 0.04)), (1968, 2022)),
    Kind.MID: Habit(850, 1.4, 0.56, 0.10, {"box": 0.58, "L": 0.27, "U": 0.07, "chamfer": 0.08},
                    ((2, 0.2), (3, 0.22), (4, 0.14), (6, 0.14), (8, 0.12), (11, 0.1), (14, 0.08)),
                    (("411", 0.24), ("412", 0.42), ("414", 0.12), ("401", 0.1), ("402", 0.08), ("422", 0.04)),
                    (1970, 2023)),
    Kind.GRID: Habit(740, 1.2, 0.55, 0.10, {"box": 0.64, "L": 0.26, "chamfer": 0.1},
                     ((2, 0.42), (3, 0.26), (4, 0.08), (6, 0.08), (9, 0.09), (12, 0.07)),
                     (("411", 0.46), ("412", 0.34), ("414", 0.08), ("401", 0.05), ("402", 0.05), ("431", 0.02)),
                     (1972, 2023)),
    Kind.SOUTH: Habit(1500, 2.0, 0.56, 0.10, {"box": 0.74, "L": 0.18, "U": 0.08},
                      ((1, 0.2), (2, 0.4), (3, 0.24), (5, 0.1), (8, 0.06)),
                      (("441", 0.42), ("431", 0.2), ("412", 0.2), ("411", 0.1), ("415", 0.08)), (1961, 2018)),
    Kind.CENTRE: Habit(1250, 1.2, 0.72, 0.05, {"box": 0.6, "L": 0.16, "U": 0.06, "chamfer": 0.18},
                       ((5, 0.1), (7, 0.16), (8, 0.2), (9, 0.18), (10, 0.16), (12, 0.12), (15, 0.08)),
                       (("401", 0.46), ("402", 0.28), ("404", 0.1), ("403", 0.08), ("414", 0.08)), (1973, 2024)),
    Kind.HARBOUR: Habit(6200, 5.0, 0.56, 0.10, {"box": 0.84, "L": 0.16}, ((1, 0.62), (2, 0.3), (4, 0.08)),
                        (("431", 0.6), ("441", 0.36), ("452", 0.04)), (1965, 2016)),
}  # fmt: skip

DETAILED = {
    "401": ("401101", "401102"), "402": ("402102", "402201", "402101"), "403": ("403101",), "404": ("404",),
    "411": ("4111",), "412": ("412102", "412101"), "413": ("413",), "414": ("414",), "415": ("415",),
    "421": ("421101",), "422": ("422601", "422202", "422304"), "431": ("431202", "431203"), "441": ("441201", "441301"),
    "452": ("452",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Building:
    """One building (or one part of a building where `branch` is set).

    `base` is the ground [m T.P.], `eaves` the height of the walls and `ridge` the rise of the roof above them [m].
    """

    number: int
    branch: int | None
    outline: Polygon
    district: str
    kind: Kind
    name: str
    address: str
    usage: str
    detailed: str
    structure: str
    fireproof: str
    building_class: str
    storeys: int
    basements: int
    year: int
    base: float
    eaves: float
    roof: str
    ridge: float
    has_lod2: bool
    has_measured_height: bool
    has_usage: bool

    @property
    def building_id(self) -> str:
        """Permanent number as PLATEAU writes it."""
        return f"27199-bldg-{self.number}"

    @property
    def lod1_height(self) -> float:
        """Median height of the roof above the base [m]."""
        return self.eaves + 0.5 * self.ridge

    @property
    def measured_height(self) -> float:
        """Highest point of the roof above the base [m], without penthouses."""
        return self.eaves + self.ridge


def _pick(of: tuple[tuple[object, float], ...], rng: Generator) -> int:
    weight = np.array([w for _, w in of])
    return int(rng.choice(len(of), p=weight / weight.sum()))


def _lot_building(lot: Polygon, block: Block, rng: Generator) -> Placed | None:
    habit = HABITS[block.kind]
    if rng.random() < habit.vacant:
        return None
    usage = str(habit.usages[_pick(habit.usages, rng)][0])
    storeys = int(habit.storeys[_pick(habit.storeys, rng)][0])
    if lot.area > 420 and usage == "411" and rng.random() < 0.6:
        usage = "412"
    coverage = habit.coverage * rng.uniform(0.85, 1.1)
    if usage in ("411", "413", "415"):
        storeys = min(storeys, 3)
        coverage = min(coverage, rng.uniform(105.0, 190.0) / lot.area)
    narrowest = 3.2 if block.kind is Kind.OLD else 5.0
    shape = footprint(lot, habit.setback, coverage, habit.forms, rng, narrowest)
    if shape is None:
        return None
    breadth = frame_of(shape)[4]
    if usage in ("412", "414") and block.kind is not Kind.OLD:
        storeys = max(storeys, 3)
    if usage == "441":
        storeys = min(storeys, 3)
    # nobody builds higher than some five times the narrow side on an ordinary lot
    storeys = max(1, min(storeys, int(1.5 * breadth / 3.0) + 1))
    return Placed(shape, usage, storeys)


def _heights(placed: Placed, rng: Generator) -> tuple[float, str, float]:
    """(eaves, roof form, rise of the roof) [m]."""
    if placed.height is not None:
        return placed.height, placed.roof, placed.rise
    storeys, usage = placed.storeys, placed.usage
    _, _, _, length, breadth = frame_of(placed.outline)
    # planes of a pitched roof are plane over a true rectangle only
    is_box = len(placed.outline.exterior.coords) == 5 and placed.outline.area > 0.999 * length * breadth
    if usage in ("441", "431", "452"):
        eaves = 3.4 + 3.9 * storeys + rng.uniform(0, 2.5)
        if is_box and breadth < 45 and rng.random() < 0.5:
            return eaves, "gable", min(4.5, 0.12 * breadth)
        return eaves, "flat", 0.0
    if usage in ("401", "402", "403", "404", "421", "422"):
        return 1.2 + 3.75 * storeys + rng.uniform(0, 1.5), "flat", 0.0
    if storeys <= 3 and usage in ("411", "413", "415"):
        eaves = 0.4 + 2.8 * storeys + rng.uniform(0, 0.4)
        if is_box and breadth < 13 and rng.random() < 0.86:
            return eaves, str(rng.choice(["gable", "hip"], p=[0.62, 0.38])), 0.22 * breadth
        return eaves + 0.4, "flat", 0.0
    return 0.9 + 2.95 * storeys + rng.uniform(0, 0.8), "flat", 0.0


def _survey(placed: Placed, eaves: float, years: tuple[int, int], rng: Generator) -> dict[str, object]:
    wooden = placed.usage in ("411", "413", "415") and placed.storeys <= 3 and rng.random() < 0.85
    structure = "601" if wooden else ("602" if eaves > 45 else ("604" if placed.usage in ("441", "431") else "603"))
    year = int(rng.integers(years[0], years[1] + 1))
    return {
        "structure": structure,
        "fireproof": "1003" if wooden and year < 1990 else ("1002" if wooden else "1001"),
        "building_class": "3001" if wooden or structure == "604" else "3002",
        "year": year,
    }


def _all_placed(plan: Plan, rng: Generator) -> list[tuple[Placed, str, Kind, int]]:
    """Every building with its district, kind and a number of its town part, in drawing order."""
    out: list[tuple[Placed, str, Kind, int]] = []
    part: dict[str, int] = {}
    slab_number = 1
    tall = towers(plan, rng)
    out += [(tower, "水都駅前", Kind.CENTRE, 0) for tower in tall]
    taken = shapely.union_all([tower.outline.convex_hull.buffer(2.0) for tower in tall])
    for block in plan.blocks:
        index = part.setdefault(block.district, 0)
        part[block.district] += 1
        number = index // 12
        if block.kind is Kind.DANCHI:
            slabs = danchi_slabs(block, plan, slab_number, rng)
            slab_number += len(slabs)
            out += [(slab, block.district, block.kind, 0) for slab in slabs]
            continue
        if block.outline.intersects(taken):
            continue
        if (
            block.outline.area < 900
            and block.kind in (Kind.LOW, Kind.MID, Kind.HOUSES, Kind.GRID)
            and rng.random() < 0.3
        ):
            continue  # a pocket park
        for lot in divide(block.outline, HABITS[block.kind].lot, rng):
            placed = _lot_building(lot, block, rng)
            if placed is not None:
                out.append((placed, block.district, block.kind, number))
    for site in plan.sites:
        out += [(placed, site.district, site.kind, 0) for placed in buildings_of_site(site, rng)]
    out += [(placed, "水都駅前", Kind.CENTRE, 0) for placed in station_halls(plan)]
    return out


def make_buildings(plan: Plan, terrain: Terrain, seed: int) -> list[Building]:
    """Every building of the ward.

    Parameters
    ----------
    plan : Plan
        Blocks and sites.
    terrain : Terrain
        Ground, for the bases.
    seed : int
        Decides lots, footprints, heights and attributes.

    Returns
    -------
    list of Building
        Footprints do not overlap, and keep clear of roads and water.
    """
    rng = np.random.default_rng([seed, 3])
    buildings: list[Building] = []
    number, tower_number = 10001, 0
    name = ""
    centre = shapely.Point(plan.station.centroid)
    old_heart = plan.site("汐見神社").outline.centroid
    for placed, district, kind, part in _all_placed(plan, rng):
        outline = shapely.geometry.polygon.orient(placed.outline)
        eaves, roof, rise = _heights(placed, rng)
        years = HABITS[kind].years if kind in HABITS else (1966, 2012)
        survey = _survey(placed, eaves, years, rng)
        if placed.branch != 2:
            is_tower = placed.branch == 1
            name = placed.name or building_name(
                placed.usage, placed.storeys, district, rng, tower_number if is_tower else None
            )
            tower_number += is_tower
            number += 1
        xy = np.vstack([np.asarray(outline.exterior.coords)[:-1], np.asarray(outline.representative_point().coords)])
        base = float(np.median(terrain.at(xy[:, 0], xy[:, 1])))
        near_centre, near_old = outline.distance(centre), outline.distance(old_heart)
        has_lod2 = near_centre < 262 or near_old < 112 or placed.is_landmark
        detailed = placed.detailed or str(rng.choice(DETAILED[placed.usage]))
        buildings.append(
            Building(
                number=number, branch=placed.branch, outline=outline, district=district, kind=kind, name=name,
                address=chome(district, part), usage=placed.usage, detailed=detailed,
                storeys=placed.storeys, basements=placed.basements, base=round(base, 2), eaves=round(eaves, 2),
                roof=roof, ridge=round(rise, 2), has_lod2=bool(has_lod2),
                has_measured_height=bool(rng.random() > 0.12), has_usage=bool(rng.random() > 0.08),
                structure=str(survey["structure"]), fireproof=str(survey["fireproof"]),
                building_class=str(survey["building_class"]), year=int(str(survey["year"])),
            )
        )  # fmt: skip
    return _without_overlaps(buildings)


def _without_overlaps(buildings: list[Building]) -> list[Building]:
    """Drop the later one of two buildings that share more than a touch (a rounding of neighbouring lots)."""
    outlines = [b.outline for b in buildings]
    tree = shapely.STRtree(outlines)
    dropped: set[int] = set()
    for i, j in tree.query(outlines, predicate="intersects").T:
        if i < j and i not in dropped and j not in dropped and outlines[i].intersection(outlines[j]).area > 1e-4:
            dropped.add(int(j))
    return [replace(b) for k, b in enumerate(buildings) if k not in dropped]
