"""The street graph that people walk on: links with capacity, shelters joined to it, doors that open onto it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

import sim.evacuation.kernels as k
from sim.evacuation.division import divide_streets
from sim.evacuation.doors import find_doors, link_attribute
from twin.errors import LayerError
from twin.network import LinkKind

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sim.evacuation.doors import Doors
    from sim.evacuation.shelters import ShelterPlan
    from twin.layer import NetworkLayer

__all__ = ["StreetPlan", "lay_streets", "walking_speed"]

SHORTEST = 1.0
"""Links count as at least this long [m]: a way of no length would take no time."""


@cache
def _walking() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(files("sim.evacuation").joinpath("walking.yaml").read_text("utf-8"))
    return table


def walking_speed(density: ArrayLike) -> NDArray[np.float64]:
    """Walking speed over free speed at a density [persons/m2], Weidmann (1993).

    >>> walking_speed([0.5, 1.75]).round(3).tolist()
    [0.969, 0.522]
    """
    table = _walking()
    rho = np.maximum(np.asarray(density, dtype=np.float64), 1e-6)
    return np.asarray(1.0 - np.exp(-table["gamma"] * (1.0 / rho - 1.0 / table["jam_density"])))


@dataclass(frozen=True, slots=True, eq=False)
class StreetPlan:
    """The graph before anybody walks on it.

    Parameters
    ----------
    given : NetworkLayer
        The city's.
    layer : NetworkLayer
        The same, divided at the shelters' doors.
    row : ndarray of int64 (n_features,)
        Row of the given layer that each feature is a part of.
    n_features : int
        Features of the layer; those that join shelters come after them.
    link : mapping of str to ndarray
        Columns of ``kernels.Streets`` that belong to links.
    feature : mapping of str to ndarray
        Columns that belong to features: width, length, area, storage.
    joined : ndarray of int64 (n_joined,)
        Shelter that each feature after the layer's joins to the streets.
    node_shelter : ndarray of int32 (n_nodes,)
    vertex : ndarray of float64 (n_vertices, 3)
        Lines of all features: x, y [m], z [m T.P.].
    vertex_start : ndarray of int64 (n_features + 1,)
    """

    given: NetworkLayer
    layer: NetworkLayer
    row: NDArray[np.int64]
    n_features: int
    link: dict[str, NDArray[Any]]
    feature: dict[str, NDArray[Any]]
    joined: NDArray[np.int64]
    node_shelter: NDArray[np.int32]
    vertex: NDArray[np.float64]
    vertex_start: NDArray[np.int64]

    def streets(self, doors: Doors) -> k.Streets:
        """What the kernels walk on."""
        table = _walking()
        steps = np.arange(0.0, table["peak_density"] + k.STEP_DENSITY / 2, k.STEP_DENSITY)
        return k.Streets(
            tail=self.link["tail"], head=self.link["head"], feature=self.link["feature"], length=self.link["length"],
            flow=self.link["flow"], pace=self.link["pace"], area=self.feature["area"],
            storage=self.feature["storage"], shelter=self.node_shelter, door=doors.link, fraction=doors.fraction,
            path=doors.path, density=walking_speed(steps).astype(np.float32),
        )  # fmt: skip


def lay_streets(layer: NetworkLayer, shelters: ShelterPlan) -> StreetPlan:
    """Give links their capacities, and join each shelter to the nearest street, which is divided there.

    Raises
    ------
    LayerError
        If the network has no link that somebody can walk on, or no shelter is near it.
    """
    given = layer
    if not layer.network.n_links:
        raise LayerError("has no links", where=f"layer {layer.id}", remedy="Choose an area with streets.")
    doors = find_doors(layer, shelters.x, shelters.y, "shelters")
    layer, row, node = divide_streets(layer, doors.feature, doors.fraction)
    net = layer.network
    table = _walking()
    kinds = [table["kinds"][kind.name] for kind in LinkKind]
    kind = link_attribute(layer, "kind", np.full(net.n_links, float(LinkKind.ROAD))).astype(np.int64)
    default_width = np.array([entry["width"] for entry in kinds])[kind]
    width = np.maximum(link_attribute(layer, "width", default_width), 0.1)
    rise = net.node_xyz[net.link_head, 2] - net.node_xyz[net.link_tail, 2]
    slope = link_attribute(layer, "slope", np.where(np.isfinite(rise), rise, 0.0))
    pace = np.where(slope > 0, np.array([e["up"] for e in kinds])[kind], np.array([e["down"] for e in kinds])[kind])
    n_features = len(layer.links)
    feature_width = np.zeros(n_features)
    np.maximum.at(feature_width, net.link_feature, width)
    feature_length = np.zeros(n_features)
    np.maximum.at(feature_length, net.link_feature, np.maximum(net.link_length, SHORTEST))
    plan = StreetPlan(
        given,
        layer,
        row,
        n_features,
        {
            "tail": net.link_tail.astype(np.int32), "head": net.link_head.astype(np.int32),
            "feature": net.link_feature.astype(np.int32), "length": np.maximum(net.link_length, SHORTEST),
            "flow": table["peak_flow"] * width * pace, "pace": pace.astype(np.float32),
            "is_against": net.link_reversed,
        },
        _feature_columns(feature_width, feature_length),
        np.zeros(0, dtype=np.int64),
        np.full(net.n_nodes, -1, dtype=np.int32),
        *_lines(layer),
    )  # fmt: skip
    return _join_shelters(plan, shelters, node, doors.path)


def _feature_columns(width: NDArray[np.float64], length: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    area = np.maximum(width * length, 0.1)
    storage = np.maximum(1, np.floor(area * _walking()["jam_density"])).astype(np.int32)
    return {"width": width, "length": length, "area": area, "storage": storage}


def _lines(layer: NetworkLayer) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices of the features' lines with heights; where a line has none, linear between its nodes."""
    import shapely

    net = layer.network
    lines = layer.links.geometry.to_numpy()
    xyz, row = shapely.get_coordinates(lines, include_z=True, return_index=True)
    start = np.searchsorted(row, np.arange(len(lines) + 1))
    ends = np.full((len(lines), 2), np.nan)
    forward = ~net.link_reversed
    for links, order in ((np.flatnonzero(~forward), (1, 0)), (np.flatnonzero(forward), (0, 1))):
        for side, node in zip(order, (net.link_tail[links], net.link_head[links]), strict=True):
            ends[net.link_feature[links], side] = net.node_xyz[node, 2]
    unknown = ~np.isfinite(xyz[:, 2])
    if unknown.any():
        step = np.hypot(*np.diff(xyz[:, :2], axis=0, prepend=xyz[:1, :2]).T)
        step[start[:-1]] = 0.0
        along = np.cumsum(step)
        along -= along[start[:-1]][row]
        total = along[start[1:] - 1][row]
        share = np.divide(along, total, out=np.zeros_like(along), where=total > 0)
        z = ends[row, 0] + share * (ends[row, 1] - ends[row, 0])
        xyz[unknown, 2] = np.where(np.isfinite(z), z, 0.0)[unknown]
    return xyz, start.astype(np.int64)


def _join_shelters(
    plan: StreetPlan, shelters: ShelterPlan, door: NDArray[np.int64], path: NDArray[np.float32]
) -> StreetPlan:
    """Add a node for each shelter and a two-way link from the node at its door."""
    net = plan.layer.network
    table = _walking()
    joined = np.flatnonzero(door >= 0)
    count, at = len(joined), door[joined]
    inside = net.n_nodes + joined
    length = np.maximum(SHORTEST, path[joined].astype(np.float64))
    own = _feature_columns(np.full(count, float(table["door_width"])), length)
    street = np.where(np.isfinite(net.node_xyz[at, 2]), net.node_xyz[at, 2], shelters.ground[joined])
    vertex = np.empty((2 * count, 3))
    vertex[::2] = np.column_stack([net.node_xyz[at, :2], street])
    vertex[1::2] = np.column_stack([shelters.x[joined], shelters.y[joined], shelters.ground[joined]])
    extra = {
        "tail": np.column_stack([at, inside]).ravel().astype(np.int32),
        "head": np.column_stack([inside, at]).ravel().astype(np.int32),
        "feature": (plan.n_features + np.repeat(np.arange(count), 2)).astype(np.int32),
        "length": np.repeat(length, 2),
        "flow": np.full(2 * count, table["peak_flow"] * table["door_width"]),
        "pace": np.ones(2 * count, np.float32),
        "is_against": np.tile([False, True], count),
    }
    start = plan.vertex_start[-1] + 2 * np.arange(1, count + 1)
    return replace(
        plan,
        link={name: np.concatenate([values, extra[name]]) for name, values in plan.link.items()},
        feature={name: np.concatenate([values, own[name]]) for name, values in plan.feature.items()},
        joined=joined,
        node_shelter=np.concatenate([plan.node_shelter, np.arange(shelters.size, dtype=np.int32)]),
        vertex=np.concatenate([plan.vertex, vertex]),
        vertex_start=np.concatenate([plan.vertex_start, start.astype(np.int64)]),
    )
