"""Small street networks and models on them, for the tests of the evacuation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sim.coupling import Water, no_water
from sim.evacuation.assembly import route_classes
from sim.evacuation.doors import find_doors
from sim.evacuation.hazard import Flood, read_wading
from sim.evacuation.model import EvacuationModel, Start
from sim.evacuation.scenario import Hazard
from sim.evacuation.shelters import ShelterPlan
from sim.evacuation.streets import lay_streets
from twin import OSAKA, Attribute, Network, NetworkLayer, Provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def network(nodes: ArrayLike, streets: Sequence[tuple[int, int]], width: ArrayLike = 4.0) -> NetworkLayer:
    """Two-way straight streets between nodes."""
    xyz = np.asarray(nodes, dtype=np.float64)
    xyz = xyz if xyz.shape[1] == 3 else np.column_stack([xyz, np.zeros(len(xyz))])
    a, b = np.array(streets).T
    n = len(a)
    widths = np.tile(np.broadcast_to(np.asarray(width, dtype=np.float64), n), 2)
    known = np.ones(2 * n, dtype=np.bool_)
    net = Network.from_links(
        xyz,
        tail=np.r_[a, b],
        head=np.r_[b, a],
        feature=np.tile(np.arange(n), 2),
        is_reversed=np.repeat([False, True], n),
        attributes={"width": Attribute(widths, known, "m", "test")},
    )
    lines = shapely.linestrings(np.stack([xyz[a], xyz[b]], axis=1))
    links = gpd.GeoDataFrame({"id": [f"s{i}" for i in range(n)]}, geometry=lines, crs=OSAKA.crs())
    table = pd.DataFrame({"id": [f"n{i}" for i in range(len(xyz))]})
    return NetworkLayer("streets", OSAKA, Provenance("test", "CC0-1.0"), net, links, table)


def grid_network(side: int, spacing: float = 50.0, width: ArrayLike = 4.0) -> NetworkLayer:
    """`side` x `side` crossings."""
    y, x = np.divmod(np.arange(side * side), side)
    number = np.arange(side * side).reshape(side, side)
    streets = [*zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True)]
    streets += [*zip(number[:-1].ravel(), number[1:].ravel(), strict=True)]
    return network(np.column_stack([x, y]) * spacing, streets, width)


def shelter_plan(*shelters: tuple[float, float, int], floor: float = 0.0) -> ShelterPlan:
    """Shelters (x, y, capacity)."""
    x, y, capacity = np.array(shelters, dtype=np.float64).reshape(-1, 3).T
    n = len(x)
    names = tuple(f"S{i}" for i in range(n))
    return ShelterPlan(x, y, np.zeros(n), np.full(n, floor), capacity.astype(np.int64), names, names, ("",) * n)


def make_model(
    layer: NetworkLayer,
    shelters: ShelterPlan,
    at: ArrayLike,
    *,
    departure: ArrayLike = 0.0,
    speed: ArrayLike = 1.0,
    group: ArrayLike = 0,
    luck: ArrayLike = 0.5,
    goes_up: ArrayLike = False,
    storeys: ArrayLike = 1.0,
    streets_water: tuple[ArrayLike, ArrayLike] | None = None,
    doors_water: tuple[ArrayLike, ArrayLike] | None = None,
    shelters_water: tuple[ArrayLike, ArrayLike] | None = None,
    street_speed: float = 0.0,
    hazard: Hazard | None = None,
    **options: Any,
) -> EvacuationModel:
    """A model in which each person starts at a point of his own; water is (times, depth (T, n))."""
    spots = np.asarray(at, dtype=np.float64).reshape(-1, 2)
    n = len(spots)
    plan = lay_streets(layer, shelters)
    wading = read_wading(hazard or Hazard(), None)
    classes, class_of = route_classes(wading)

    def each(values: ArrayLike, kind: type) -> NDArray[Any]:
        return np.broadcast_to(np.asarray(values, dtype=kind), n).copy()

    groups = each(group, np.int64)
    start = Start(
        np.arange(n, dtype=np.int32), groups, class_of[groups], each(speed, np.float32), each(departure, np.float64),
        each(luck, np.float32), each(goes_up, np.bool_), np.zeros(n, np.bool_),
    )  # fmt: skip

    def water(given: tuple[ArrayLike, ArrayLike] | None, count: int, flow: float = 0.0) -> Water:
        if given is None:
            return no_water(count)
        times = np.asarray(given[0], dtype=np.float64)
        if np.ndim(given[1]) == 2 and count == plan.n_features and np.shape(given[1])[1] == len(layer.links):
            given = given[0], np.asarray(given[1])[:, plan.row]
        depth = np.broadcast_to(np.asarray(given[1], dtype=np.float32).reshape(len(times), -1), (len(times), count))
        return Water(times, depth.copy(), np.full_like(depth, flow))

    home = wading.home
    upstairs = home["ground_floor"] + home["storey"] * (each(storeys, np.float64) - 1.0)
    flood = Flood(
        wading, water(streets_water, plan.n_features, street_speed), water(doors_water, n),
        water(shelters_water, shelters.size), plan.joined, upstairs, shelters.floor, classes,
    )  # fmt: skip
    doors = find_doors(plan.layer, spots[:, 0], spots[:, 1], "people")
    return EvacuationModel(plan, doors, np.column_stack([spots, np.zeros(n)]), shelters, start, flood, **options)


def drive(model: EvacuationModel, until: float) -> EvacuationModel:
    """Advance to `until` [s] in steps of at most a minute."""
    while (left := until - model.clock.time) > 1e-9:
        model.step(min(model.stable_dt(), left))
    return model
