"""Lines and lengths of a surveyed pedestrian network's links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS

from layers.datum import crs_of, horizontal_code
from twin.frame import Frame
from twin.network import LinkKind

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from layers.pedestrian_nodes import Nodes

__all__ = ["Shapes", "elevator_groups", "link_shapes"]

APART = 1.0
"""A line may end this far from its node [m]; beyond, it is counted."""
TOLERANCE = 0.1
"""Share by which a stated length may differ from its line before the line is believed; at least 1 m."""
_VERTICAL = (LinkKind.STAIRS, LinkKind.ESCALATOR, LinkKind.ELEVATOR)


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Lines from start to end and lengths of links.

    Parameters
    ----------
    lines : ndarray of LineString (n,)
        In the city's frame, without heights.
    length : ndarray (n,)
        What somebody walks [m].
    """

    lines: NDArray[np.object_]
    length: NDArray[np.float64]


def link_shapes(
    geometry: gpd.GeoSeries | None,
    stated: NDArray[np.float64],
    kind: NDArray[np.int8],
    nodes: Nodes,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    *,
    frame: Frame,
    crs: str | None,
    notes: list[str],
) -> Shapes:
    """Lines that run from start to end, and their lengths.

    Parameters
    ----------
    geometry : GeoSeries, optional
        Lines as the file has them; straight lines between the nodes without it, and where one is missing.
    stated : ndarray (n,)
        Lengths that the file states [m], NaN where it does not. Taken where they fit the line, and for stairs,
        escalators and elevators, whose lines in the plan do not show their length.
    kind : ndarray of int8 (n,)
        LinkKind.
    nodes : Nodes
    start, end : ndarray of int (n,)
        Rows of `nodes`.
    frame : Frame
    crs : str, optional
        Goes before the file's own system.
    notes : list of str
        What had to be mended or does not fit is added to it.
    """
    import shapely

    ends = np.stack([nodes.xy[start], nodes.xy[end]], axis=1)
    lines = shapely.linestrings(ends)
    if geometry is not None:
        given = _single_lines(np.asarray(geometry.array))
        usable = ~shapely.is_missing(given)
        if not usable.all():
            notes.append(f"{int((~usable).sum())} links have no single line and are drawn straight")
        moved = _moved(given[usable], CRS(geometry.crs), crs, frame)
        lines[usable] = _oriented(moved, ends[usable], notes)
    drawn = shapely.length(lines)
    is_vertical = np.isin(kind, _VERTICAL)
    fits = np.abs(stated - drawn) <= np.maximum(TOLERANCE * drawn, 1.0)
    if geometry is None:
        fits |= stated > drawn  # a straight line says only how long it is at least
    take = np.isfinite(stated) & (stated >= 0) & (fits | (is_vertical & (stated >= drawn - 1.0)))
    refused = np.isfinite(stated) & ~take
    if refused.any():
        notes.append(
            f"{int(refused.sum())} stated lengths differ from their lines by more than {TOLERANCE:.0%} and 1 m: "
            "the lines are measured"
        )
    return Shapes(lines, np.where(take, stated, drawn))


def elevator_groups(kind: NDArray[np.int8], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int32]:
    """Number of the elevator that a link is part of, -1 for other links: links that meet at a node are one elevator."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    out = np.full(len(kind), -1, dtype=np.int32)
    rows = np.flatnonzero(kind == LinkKind.ELEVATOR)
    if rows.size:
        count = int(max(start.max(), end.max())) + 1
        graph = coo_array((np.ones(len(rows)), (start[rows], end[rows])), shape=(count, count))
        part = connected_components(graph, directed=False)[1][start[rows]]
        out[rows] = np.unique(part, return_inverse=True)[1]
    return out


def _single_lines(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """One line string a link; None where it is none, or in several pieces."""
    import shapely

    merged = shapely.force_2d(shapes.copy())
    multi = shapely.get_type_id(merged) == shapely.GeometryType.MULTILINESTRING
    merged[multi] = shapely.line_merge(merged[multi])
    usable = (shapely.get_type_id(merged) == shapely.GeometryType.LINESTRING) & ~shapely.is_empty(merged)
    usable &= np.isfinite(shapely.bounds(merged)).all(axis=1)
    merged[~usable] = None
    return np.asarray(merged)


def _moved(lines: NDArray[np.object_], own: CRS, crs: str | None, frame: Frame) -> NDArray[np.object_]:
    import shapely

    source = Frame(horizontal_code(own if crs is None else crs_of(crs, "links")), None)
    x, y, _ = frame.from_(source, *shapely.get_coordinates(lines).T)
    return np.asarray(shapely.set_coordinates(lines.copy(), np.column_stack([x, y])))


def _oriented(lines: NDArray[np.object_], ends: NDArray[np.float64], notes: list[str]) -> NDArray[np.object_]:
    """Lines that run from their start node: some files draw them the other way round."""
    import shapely

    first = shapely.get_coordinates(shapely.get_point(lines, 0))
    last = shapely.get_coordinates(shapely.get_point(lines, -1))

    def gap(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.hypot(*(a - ends[:, 0]).T) + np.hypot(*(b - ends[:, 1]).T))

    against = gap(last, first) < gap(first, last) - 1e-6
    if against.any():
        notes.append(f"{int(against.sum())} lines run from end to start and were turned")
        lines[against] = shapely.reverse(lines[against])
    off = np.minimum(gap(first, last), gap(last, first)) > 2 * APART
    if off.any():
        notes.append(f"{int(off.sum())} lines end more than {APART:g} m from their nodes")
    return lines
