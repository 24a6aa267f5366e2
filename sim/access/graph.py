"""The network as a search sees it: links cut at the places that are asked for, and a node for every set of goals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sim.access.engine import DijkstraEngine
from twin.network import LinkKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.access.engine import PathEngine
    from twin.layer import NetworkLayer
    from twin.network import Network

__all__ = ["Cut", "Graph", "build_graph"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A place on a feature where its links are cut in two.

    Parameters
    ----------
    feature : int
        Row of the layer's links.
    share : float
        Where along its line, above 0 and below 1.
    """

    feature: int
    share: float


@dataclass(frozen=True, eq=False)
class Graph:
    """Arcs in compressed rows (sorted by tail); every arc is a link of the network or a part of one.

    Parameters
    ----------
    network : Network
        What it was made from.
    start : ndarray (n_nodes + 1,)
        Arcs of node ``u`` are ``start[u]:start[u + 1]``.
    tail, head : ndarray (n_arcs,)
    length : ndarray (n_arcs,)
        [m].
    link : ndarray (n_arcs,)
        Link of the network, -1 for an arc of no length that leads to a set of goals, or into or out of a car.
    begin, end : ndarray (n_arcs,)
        The part of the link, 0 to 1 in the link's direction.
    node_xyz : ndarray (n_nodes, 3)
        The network's nodes, then the cuts, then the goals (NaN: they are nowhere), then the elevators' cars.
    network_node : ndarray (n_nodes,)
        Node of the network that a node is or that a car stands at, -1 for cuts and goals.
    is_boarding : ndarray of bool (n_arcs,)
        Arcs into a car, where one waits: once a ride, however many floors (and links) it has.
    closes : ndarray (n_arcs,)
        When the goal that an arc leads to closes for good [s], inf for every other arc.
    """

    network: Network
    start: NDArray[np.int64]
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    length: NDArray[np.float64]
    link: NDArray[np.int64]
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    node_xyz: NDArray[np.float64]
    network_node: NDArray[np.int64]
    is_boarding: NDArray[np.bool_]
    closes: NDArray[np.float64]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.start) - 1

    @property
    def n_arcs(self) -> int:
        """Number of arcs."""
        return len(self.head)

    @cached_property
    def feature(self) -> NDArray[np.int64]:
        """Row of the layer's links of every arc, -1 where it is no link; (n_arcs,)."""
        return np.where(self.link >= 0, self.network.link_feature[self.link], -1)

    @cached_property
    def engine(self) -> PathEngine:
        """Finds paths in it; a hierarchy would be made here (see :mod:`sim.access.engine`)."""
        return DijkstraEngine(self.start, self.head)


def build_graph(layer: NetworkLayer, cuts: Sequence[Cut] = (), goals: Sequence[Mapping[int, float]] = ()) -> Graph:
    """Cut links and add goals.

    Parameters
    ----------
    layer : NetworkLayer
    cuts : sequence of Cut
        Cut ``k`` becomes node ``n_nodes + k`` of the network; cuts at one and the same place share no node but are
        joined by an arc of no length.
    goals : sequence of mappings of int to float
        Set ``k`` of nodes (of the network, or of cuts) becomes node ``n_nodes + len(cuts) + k``, to which an arc of no
        length leads from each of them until it closes [s].
    """
    network = layer.network
    first_cut, first_goal = network.n_nodes, network.n_nodes + len(cuts)
    first_car = first_goal + len(goals)
    link_tail, link_head = network.link_tail, network.link_head.copy()
    cars = _move_into_cars(layer, link_tail, link_head, first_car)
    is_cut = np.isin(network.link_feature, [cut.feature for cut in cuts])
    whole = np.flatnonzero(~is_cut)
    pieces: list[tuple[int, int, int, float, float]] = []
    for number_of_link in np.flatnonzero(is_cut):
        link = int(number_of_link)
        feature, is_reversed = network.link_feature[link], network.link_reversed[link]
        on_it = sorted((cut.share, first_cut + number) for number, cut in enumerate(cuts) if cut.feature == feature)
        if is_reversed:
            on_it = [(1.0 - share, node) for share, node in reversed(on_it)]
        chain = [(0.0, int(link_tail[link])), *on_it, (1.0, int(link_head[link]))]
        pieces += [(a[1], b[1], link, a[0], b[0]) for a, b in pairwise(chain)]
    extra = [(node, first_goal + number) for number, nodes in enumerate(goals) for node in nodes]
    closing = [closes for nodes in goals for closes in nodes.values()]
    boarding = [(int(node), first_car + number) for number, node in enumerate(cars)]
    extra += boarding
    extra += [(car, node) for node, car in boarding]
    tail = np.array([*link_tail[whole], *(p[0] for p in pieces), *(t[0] for t in extra)], dtype=np.int64)
    head = np.array([*link_head[whole], *(p[1] for p in pieces), *(t[1] for t in extra)], dtype=np.int64)
    links = np.array([*whole, *(p[2] for p in pieces), *[-1] * len(extra)], dtype=np.int64)
    begin = np.concatenate([np.zeros(len(whole)), [p[3] for p in pieces], np.zeros(len(extra))])
    end = np.concatenate([np.ones(len(whole)), [p[4] for p in pieces], np.zeros(len(extra))])
    length = np.zeros(len(links))
    is_link = links >= 0
    length[is_link] = network.link_length[links[is_link]] * (end - begin)[is_link]
    closes = np.full(len(links), np.inf)
    closes[len(whole) + len(pieces) :][: len(closing)] = closing
    order = np.argsort(tail, kind="stable")
    n_nodes = first_car + len(cars)
    start = np.zeros(n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=n_nodes), out=start[1:])
    own = np.arange(network.n_nodes)
    return Graph(
        network=network,
        start=start,
        tail=tail[order],
        head=head[order],
        length=length[order],
        link=links[order],
        begin=begin[order],
        end=end[order],
        node_xyz=np.vstack(
            [network.node_xyz, _cut_points(layer, cuts), np.full((len(goals), 3), np.nan), network.node_xyz[cars]]
        ),
        network_node=np.concatenate([own, np.full(first_car - network.n_nodes, -1), cars]),
        is_boarding=((head >= first_car) & ~is_link)[order],
        closes=closes[order],
    )


def _move_into_cars(
    layer: NetworkLayer, tail: NDArray[np.int64], head: NDArray[np.int64], first_car: int
) -> NDArray[np.int64]:
    """Let the links of elevators run between cars, nodes of their own (in place); the node that each car stands at.

    Links of one ``elevator_group`` share their cars; one that belongs to no group is an elevator of its own.
    """
    network = layer.network
    kind = network.attributes.get("kind")
    if kind is None:
        return np.empty(0, dtype=np.int64)
    lifts = np.flatnonzero(kind.known & (np.asarray(kind.values) == LinkKind.ELEVATOR))
    feature = network.link_feature[lifts]
    group = -1 - feature
    if "elevator_group" in layer.links.columns:
        said = layer.links["elevator_group"].to_numpy(dtype=np.int64)[feature]
        group = np.where(said >= 0, said, group)
    numbers: dict[tuple[int, int], int] = {}
    for nodes in (tail, head):
        for lift, number in zip(lifts, group, strict=True):
            nodes[lift] = first_car + numbers.setdefault((int(nodes[lift]), int(number)), len(numbers))
    return np.array([node for node, _ in numbers], dtype=np.int64)


def _cut_points(layer: NetworkLayer, cuts: Sequence[Cut]) -> NDArray[np.float64]:
    """Positions of the cuts, heights linear between the ends of the feature; (n, 3)."""
    import shapely

    if not cuts:
        return np.empty((0, 3))
    lines = layer.links.geometry.to_numpy()[[cut.feature for cut in cuts]]
    share = np.array([cut.share for cut in cuts])
    xy = shapely.get_coordinates(shapely.line_interpolate_point(lines, share, normalized=True))
    network = layer.network
    ends = np.full((len(layer.links), 2), np.nan)
    first = np.where(network.link_reversed, network.link_head, network.link_tail)
    last = np.where(network.link_reversed, network.link_tail, network.link_head)
    ends[network.link_feature, 0] = network.node_xyz[first, 2]
    ends[network.link_feature, 1] = network.node_xyz[last, 2]
    z = ends[[cut.feature for cut in cuts]]
    return np.column_stack([xy, z[:, 0] * (1 - share) + z[:, 1] * share])
