"""Who is where: people in buildings, by group, with the time at which they leave."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from sim.evacuation.hazard import GROUPS
from sim.evacuation.shelters import ground_height
from twin.errors import LayerError, ScenarioError
from twin.footprint import footprints
from twin.layer import MeshLayer, VectorLayer
from twin.memory import require_memory

if TYPE_CHECKING:
    import datetime as dt

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sim.evacuation.groups import GroupTable
    from sim.evacuation.scenario import EvacuationSection
    from sim.stage import StageInput
    from twin.city import CityModel

__all__ = ["BYTES_PER_PERSON", "People", "is_night", "settle_people"]

BYTES_PER_PERSON = 500
"""Memory of a model at its highest, a person (benchmarks/bench_evacuation_city.py)."""
MAN, WOMAN, ELDERLY_MAN, ELDERLY_WOMAN, CHILD, SUPPORTED = range(len(GROUPS))


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Persons and the places that they start from.

    Parameters
    ----------
    x, y, ground : ndarray (n_places,)
        [m in the area's frame], [m T.P.]
    storeys : ndarray (n_places,)
        Above ground; 0 in the open.
    place : ndarray of int32 (n,)
    group : ndarray of int64 (n,)
    from_floor_area : int
        Persons who were made from the floor area of buildings, because there is no population layer.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    ground: NDArray[np.float64]
    storeys: NDArray[np.float64]
    place: NDArray[np.int32]
    group: NDArray[np.int64]
    from_floor_area: int


def is_night(section: EvacuationSection, start: dt.datetime | None) -> bool:
    """Whether it is night at the scenario's start: from 18 to 6 o'clock, day where no start is given."""
    if isinstance(section.night, bool):
        return section.night
    return start is not None and not 6 <= start.hour < 18


@dataclass(frozen=True, slots=True, eq=False)
class _Buildings:
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    storeys: NDArray[np.float64]
    floor: NDArray[np.float64]
    """Gross floor area [m2], 0 for huts."""
    persons: NDArray[np.float64]
    """Expected persons by floor area and use."""


def settle_people(
    stage: StageInput, section: EvacuationSection, city: CityModel, groups: GroupTable, rng: Generator
) -> People:
    """Spread the people of the population squares over their buildings by floor area and use.

    A square that the area cuts keeps the share of its people that its area inside has. Where the section names no
    population layer, people are made from floor area (``occupancy.yaml``). Where it names a zone, only who is in it
    counts.

    Raises
    ------
    LayerError
        If the population layer lacks the column or holds a number that cannot be.
    ScenarioError
        If there is nobody.
    """
    night = is_night(section, stage.scenario.start)
    buildings = _list_buildings(stage, section, city, "night" if night else "day")
    if section.population is not None and section.population in city:
        people = _from_squares(stage, section, city, groups, buildings, night, rng)
    elif section.population is not None and section.buildings not in city:
        raise LayerError(
            f"the city has neither people ({section.population!r}) nor buildings ({section.buildings!r})",
            where="evacuation.population",
            remedy="Name the city's population layer.",
        )
    else:
        people = _from_floor_area(buildings, groups, rng)
    x, y, storeys, place, group, made = people
    if section.zone is not None:
        is_called = _lies_in(city.require(section.zone, VectorLayer), x, y)[place]
        made = round(made * is_called.mean()) if len(place) else 0
        place, group = place[is_called], group[is_called]
    if not len(place):
        where = "area" if section.zone is None else f"zones of layer {section.zone!r}"
        raise ScenarioError(f"nobody is in the {where}", where="evacuation.population", remedy="Choose a larger area.")
    used, place = np.unique(place, return_inverse=True)
    x, y = x[used], y[used]
    return People(x, y, ground_height(city, section.terrain, x, y), storeys[used], place.astype(np.int32), group, made)


def _lies_in(zones: VectorLayer, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    import shapely

    everywhere = shapely.union_all(zones.table.geometry.to_numpy())
    shapely.prepare(everywhere)
    inside: NDArray[np.bool_] = shapely.intersects_xy(everywhere, x, y)
    return inside


def _list_buildings(stage: StageInput, section: EvacuationSection, city: CityModel, hour: str) -> _Buildings:
    import shapely

    if section.buildings not in city:
        none = np.zeros(0)
        return _Buildings(none, none, none, none, none)
    layer = city.require(section.buildings, MeshLayer)
    occupancy: dict[str, Any] = yaml.safe_load(files("sim.evacuation").joinpath("occupancy.yaml").read_text("utf-8"))
    shapes = np.array(list(footprints(layer)), dtype=object)
    points = shapely.point_on_surface(shapes)
    x, y, area = shapely.get_x(points), shapely.get_y(points), shapely.area(shapes)
    table = layer.table
    n = len(table)
    storeys = table["storeys_above"].to_numpy(np.float64, na_value=np.nan) if "storeys_above" in table else np.full(
        n, np.nan
    )  # fmt: skip
    height = table["height"].to_numpy(np.float64, na_value=np.nan) if "height" in table else np.full(n, np.nan)
    storeys = np.where(storeys > 0, storeys, np.maximum(1.0, np.round(np.nan_to_num(height) / occupancy["storey"])))
    usage = table["usage_code"].astype(str).to_numpy() if "usage_code" in table else np.full(n, "")
    rates = {code: float(entry[hour]) for code, entry in occupancy["usage"].items()}
    rate = np.array([rates.get(code, float(occupancy["default"][hour])) for code in usage])
    floor = np.nan_to_num(area) * storeys * occupancy["gross"]
    floor[floor < occupancy["smallest"]] = 0.0
    inside = np.isfinite(x) & np.isfinite(y)
    inside[inside] = stage.grid.contains(x[inside], y[inside])
    return _Buildings(x[inside], y[inside], storeys[inside], floor[inside], (floor * rate)[inside])


def _round_to_sum(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers with the rounded sum of `values`: largest remainders first."""
    whole = np.floor(values).astype(np.int64)
    missing = round(float(values.sum())) - int(whole.sum())
    whole[np.argsort(whole - values, kind="stable")[:missing]] += 1
    return whole


_Settled = tuple[
    "NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.int64]", "NDArray[np.int64]", int
]


def _from_floor_area(buildings: _Buildings, groups: GroupTable, rng: Generator) -> _Settled:
    count = _round_to_sum(buildings.persons)
    n = int(count.sum())
    c = groups.composition
    elderly = round(n * c["elderly"])
    group = _compose(n, elderly, round(elderly * c["supported_of_elderly"]), round(n * c["child"]), groups, rng)
    return buildings.x, buildings.y, buildings.storeys, np.repeat(np.arange(len(count)), count), group, n


def _compose(
    n: int, elderly: int, supported: int, children: int, groups: GroupTable, rng: Generator
) -> NDArray[np.int64]:
    """Groups of `n` persons in random order."""
    elderly = min(elderly, n)
    supported = min(supported, elderly)
    children = min(children, n - elderly)
    old, grown = elderly - supported, n - elderly - children
    old_men, men = round(old * groups.composition["elderly_men"]), round(grown * groups.composition["men"])
    out = np.repeat(np.arange(len(GROUPS)), [men, grown - men, old_men, old - old_men, children, supported])
    return rng.permutation(out)


def _from_squares(
    stage: StageInput,
    section: EvacuationSection,
    city: CityModel,
    groups: GroupTable,
    buildings: _Buildings,
    night: bool,
    rng: Generator,
) -> _Settled:
    import shapely

    assert section.population is not None
    layer = city.require(section.population, VectorLayer)
    where = f"layer {layer.id}"
    column = section.column if section.column != "auto" else ("night" if night else "day")
    numbers = {column: _column(layer, column, where)}
    for name in ("elderly", "needs_support"):
        if name in layer.table.columns:
            numbers[name] = _column(layer, name, where)
    squares = layer.table.geometry.to_numpy()
    box = shapely.box(*stage.grid.bounds)
    area = shapely.area(squares)
    kept = shapely.intersection(squares, box)
    share = np.divide(shapely.area(kept), area, out=np.ones_like(area), where=area > 0)
    persons_count = float((share * numbers[column]).sum())
    require_memory(round(persons_count * BYTES_PER_PERSON), where=f"an evacuation of {persons_count:,.0f} persons")
    points = shapely.points(buildings.x, buildings.y)
    tree = shapely.STRtree(points)
    x, y, storeys = [buildings.x], [buildings.y], [buildings.storeys]
    places, persons = [], []
    n_places = len(buildings.x)
    composition = groups.composition
    for row in np.flatnonzero(share * numbers[column] > 0):
        n = round(float(share[row] * numbers[column][row]))
        found = np.sort(tree.query(squares[row], predicate="covers")) if len(points) else np.zeros(0, dtype=np.int64)
        # where the table of uses expects nobody, any floor will do
        weight = buildings.persons[found] if buildings.persons[found].any() else buildings.floor[found]
        if weight.any():
            weight = weight / weight.sum()
            places.append(np.repeat(found, _round_to_sum(n * weight)))
        else:
            # nobody's building: in the open, in the middle of the square
            middle = shapely.point_on_surface(kept[row])
            x.append(np.array([middle.x]))
            y.append(np.array([middle.y]))
            storeys.append(np.zeros(1))
            places.append(np.full(n, n_places))
            n_places += 1
        elderly = float(numbers["elderly"][row] * share[row]) if "elderly" in numbers else n * composition["elderly"]
        supported = (
            float(numbers["needs_support"][row] * share[row])
            if "needs_support" in numbers
            else elderly * composition["supported_of_elderly"]
        )
        persons.append(_compose(n, round(elderly), round(supported), round(n * composition["child"]), groups, rng))
    none = np.zeros(0, dtype=np.int64)
    return (
        np.concatenate(x), np.concatenate(y), np.concatenate(storeys),
        np.concatenate([none, *places]), np.concatenate([none, *persons]), 0,
    )  # fmt: skip


def _column(layer: VectorLayer, name: str, where: str) -> NDArray[np.float64]:
    values = layer.numbers(name)
    values = np.where(np.isnan(values), 0.0, values)  # nobody is known of
    if not np.all(np.isfinite(values) & (values >= 0)):
        row = int(np.argmin(np.isfinite(values) & (values >= 0)))
        raise LayerError(
            f"column {name!r} holds {values[row]}", where=f"{where}: row {row}", remedy="Give persons, 0 or more."
        )
    return values
