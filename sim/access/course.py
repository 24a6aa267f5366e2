"""The course of a route: lines of its arcs, and what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.access.graph import Graph
    from twin.layer import NetworkLayer

__all__ = ["Course"]


class Course:
    """Draws arcs of a graph.

    Parameters
    ----------
    graph : Graph
    layer : NetworkLayer
        What the graph was made from.
    """

    def __init__(self, graph: Graph, layer: NetworkLayer) -> None:
        self.graph = graph
        self._lines = layer.links.geometry.to_numpy()
        self._ids = layer.links["id"].astype(str).to_numpy()
        names = layer.links["name"] if "name" in layer.links.columns else None
        self._names = [""] * len(layer.links) if names is None else names.fillna("").astype(str).str.strip().to_list()
        floors = layer.nodes["floor"] if "floor" in layer.nodes.columns else None
        self._floor = np.full(graph.n_nodes, np.nan)
        if floors is not None:
            is_known = graph.network_node >= 0
            self._floor[is_known] = floors.to_numpy(dtype=np.float64)[graph.network_node[is_known]]

    def points(self, arc: int) -> NDArray[np.float64]:
        """Vertices of an arc in its direction, (k, 3); heights linear between its ends, 0 where unknown."""
        graph = self.graph
        link = graph.link[arc]
        ends = graph.node_xyz[[graph.tail[arc], graph.head[arc]]]
        if link < 0:
            return np.empty((0, 3))
        line = self._lines[graph.feature[arc]]
        begin, end = graph.begin[arc], graph.end[arc]
        if graph.network.link_reversed[link]:
            begin, end = 1.0 - begin, 1.0 - end
        if begin != end and (begin, end) not in ((0.0, 1.0), (1.0, 0.0)):
            line = shapely.ops.substring(line, begin, end, normalized=True)
        elif begin > end:
            line = shapely.reverse(line)
        xy = shapely.get_coordinates(line)
        run = np.r_[0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))] if len(xy) > 1 else np.zeros(len(xy))
        share = run / run[-1] if len(run) and run[-1] > 0 else np.linspace(0.0, 1.0, len(xy))
        z = np.nan_to_num(ends[0, 2] * (1 - share) + ends[1, 2] * share)
        return np.column_stack([xy, z])

    def line(self, arcs: NDArray[np.int64]) -> shapely.LineString:
        """The line of a route; a route of no length is drawn as a line of two equal points, an empty one is empty."""
        parts = [points for arc in arcs if len(points := self.points(int(arc)))]
        if not parts:
            return shapely.LineString()
        xyz = np.vstack(parts)
        keep = np.r_[True, np.any(np.diff(xyz, axis=0) != 0, axis=1)]
        xyz = xyz[keep]
        return shapely.LineString(xyz if len(xyz) > 1 else np.repeat(xyz, 2, axis=0))

    def middle(self, arc: int) -> shapely.Point:
        """Point half-way along an arc."""
        return shapely.line_interpolate_point(self.line(np.array([arc])), 0.5, normalized=True)

    def name(self, arc: int) -> str:
        """Name of an arc's link, or ""."""
        feature = self.graph.feature[arc]
        return self._names[feature] if feature >= 0 else ""

    def link_id(self, arc: int) -> str:
        """Id of an arc's link."""
        feature = self.graph.feature[arc]
        return str(self._ids[feature]) if feature >= 0 else ""

    def floors(self, arc: int) -> tuple[float, float]:
        """Floors of an arc's ends, NaN where unknown."""
        return float(self._floor[self.graph.tail[arc]]), float(self._floor[self.graph.head[arc]])
