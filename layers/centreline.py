"""Centre lines of a surface: the skeleton of its raster as a graph of nodes and lines with widths.

The skeleton is scikit-image's (Zhang & Suen 1984), the width twice SciPy's exact Euclidean distance to the rim. Ours is
the graph on top: pixels chained to lines, short spurs into corners removed, nodes of one crossing drawn together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from layers.kernels import trace_chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Line", "Skeleton", "centre_lines"]

SPUR = 1.2
"""Dead ends shorter than this share of the width at their foot are corners of the surface, not streets."""
WIDTH_QUANTILE = 0.3
"""Share of a line that may be narrower than its width: crossings widen its ends, a single notch shall not narrow it."""
ROUNDS = 8
"""Most rounds of pruning and joining; each removes what the last one laid bare."""


@dataclass(frozen=True, slots=True)
class Line:
    """One centre line.

    Parameters
    ----------
    start, end : int
        Nodes.
    path : ndarray (n, 2)
        (row, col) of its pixels, the positions of both nodes included.
    width : ndarray (n,)
        Width of the surface there [cells].
    """

    start: int
    end: int
    path: NDArray[np.float64]
    width: NDArray[np.float64]

    @property
    def length(self) -> float:
        """Length [cells]."""
        return float(np.hypot(*np.diff(self.path, axis=0).T).sum())

    @property
    def clear_width(self) -> float:
        """Width of the line as a whole [cells]."""
        return float(np.quantile(self.width, WIDTH_QUANTILE))

    def reverse(self) -> Line:
        """The same line, the other way round."""
        return Line(self.end, self.start, self.path[::-1], self.width[::-1])


@dataclass(slots=True)
class Skeleton:
    """Centre lines as a graph.

    Parameters
    ----------
    position : dict of int to ndarray (2,)
        (row, col) of each node.
    room : dict of int to float
        Width of the surface at each node [cells].
    lines : list of Line
    spurs : int
        Dead ends that were removed.
    """

    position: dict[int, NDArray[np.float64]]
    room: dict[int, float]
    lines: list[Line]
    spurs: int = field(default=0)


def centre_lines(mask: NDArray[np.bool_]) -> Skeleton:
    """Centre lines of the True cells.

    Parameters
    ----------
    mask : ndarray of bool (ny, nx)

    Returns
    -------
    Skeleton
        In cells of `mask`; (row, col) is the centre of a cell.
    """
    from skimage.morphology import skeletonize

    padded = np.pad(mask, 1)
    width = 2.0 * ndimage.distance_transform_edt(padded)
    thin = skeletonize(padded)
    neighbours = ndimage.convolve(thin.astype(np.uint8), np.ones((3, 3), np.uint8), mode="constant") - thin
    is_node = thin & (neighbours != 2)
    parts, n_parts = ndimage.label(thin, np.ones((3, 3)))
    if n_parts:
        rings = np.setdiff1d(np.arange(1, n_parts + 1), parts[is_node])
        flat = parts.reshape(-1)
        is_node.reshape(-1)[[int(np.flatnonzero(flat == ring)[0]) for ring in rings]] = True
    label, n_nodes = ndimage.label(is_node, np.ones((3, 3)))
    if n_nodes == 0:
        return Skeleton({}, {}, [])
    numbers = np.arange(1, n_nodes + 1)
    centre = np.array(ndimage.center_of_mass(is_node, label, numbers))
    room = ndimage.maximum(width, label, numbers)
    steps, start, ends = trace_chains(thin, label.astype(np.int32), 2 * int(thin.sum()) + 16)
    graph = Skeleton({int(n): centre[n - 1] - 1.0 for n in numbers}, {int(n): float(room[n - 1]) for n in numbers}, [])
    for k, (a, b) in enumerate(ends):
        pixels = steps[start[k] : start[k + 1]]
        path = np.concatenate([[centre[a - 1]], pixels, [centre[b - 1]]]) - 1.0
        at = np.r_[room[a - 1], width[pixels[:, 0], pixels[:, 1]], room[b - 1]]
        graph.lines.append(Line(int(a), int(b), path, at))
    return _tidy(graph)


def _tidy(graph: Skeleton) -> Skeleton:
    for _ in range(ROUNDS):
        before = len(graph.lines)
        _draw_together(graph)
        _prune(graph)
        _join(graph)
        if len(graph.lines) == before:
            break
    used = {node for line in graph.lines for node in (line.start, line.end)}
    graph.position = {node: place for node, place in graph.position.items() if node in used}
    return graph


def _degrees(lines: list[Line]) -> dict[int, int]:
    degree: dict[int, int] = defaultdict(int)
    for line in lines:
        degree[line.start] += 1
        degree[line.end] += 1
    return degree


def _draw_together(graph: Skeleton) -> None:
    """Nodes of one crossing become one: a wide crossing's skeleton has several, closer than its own half width."""
    degree = _degrees(graph.lines)
    parent = {node: node for node in graph.position}

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for line in graph.lines:
        is_inner = degree[line.start] > 2 and degree[line.end] > 2
        if is_inner and line.length < 0.5 * min(graph.room[line.start], graph.room[line.end]):
            parent[root(line.start)] = root(line.end)
    groups: dict[int, list[int]] = defaultdict(list)
    for node in graph.position:
        groups[root(node)].append(node)
    for head, members in groups.items():
        if len(members) > 1:
            graph.position[head] = np.mean([graph.position[node] for node in members], axis=0)
            graph.room[head] = max(graph.room[node] for node in members)
    moved = []
    for line in graph.lines:
        a, b = root(line.start), root(line.end)
        if a == b and line.length < graph.room[a]:
            continue
        path = line.path.copy()
        path[0], path[-1] = graph.position[a], graph.position[b]
        moved.append(replace(line, start=a, end=b, path=path))
    graph.lines = moved


def _prune(graph: Skeleton) -> None:
    degree = _degrees(graph.lines)
    kept = []
    for line in graph.lines:
        for tip, foot in ((line.start, line.end), (line.end, line.start)):
            if degree[tip] == 1 and degree[foot] > 2 and line.length < SPUR * graph.room[foot]:
                graph.spurs += 1
                break
        else:
            kept.append(line)
    graph.lines = kept


def _join(graph: Skeleton) -> None:
    """Lines that meet at a node where nothing else does become one."""
    at: dict[int, list[int]] = defaultdict(list)
    lines: dict[int, Line] = dict(enumerate(graph.lines))
    for number, line in lines.items():
        at[line.start].append(number)
        at[line.end].append(number)
    for node, touching in at.items():
        if len(touching) != 2 or touching[0] == touching[1]:
            continue
        first, second = lines[touching[0]], lines[touching[1]]
        first = first if first.end == node else first.reverse()
        second = second if second.start == node else second.reverse()
        joined = Line(
            first.start,
            second.end,
            np.concatenate([first.path, second.path[1:]]),
            np.concatenate([first.width, second.width[1:]]),
        )
        kept, gone = touching
        lines[kept] = joined
        del lines[gone]
        at[second.end] = [kept if number == gone else number for number in at[second.end]]
    graph.lines = list(lines.values())
