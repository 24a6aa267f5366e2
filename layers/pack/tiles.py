"""Triangles of many features as tiles with 16-bit coordinates and 16-bit indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_VERTICES", "cut_tiles", "weld"]

MOST_VERTICES = 65535
"""Indices of a tile are 16 bits."""
MOST_EXTENT = 40_000
"""Edge of a tile [steps]: int16 reaches 32,767 from the tile's middle, and a feature may reach over the edge."""


def weld(
    steps: NDArray[np.int64], triangles: NDArray[np.int64], feature: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Share equal corners within a building; triangles ordered by building, those that shrank to a line left out.

    Returns
    -------
    corners : ndarray (n, 4)
        x, y, z [steps] and building row, ordered by building.
    triangles : ndarray (m, 3)
    feature : ndarray (m,)
    """
    points = steps[triangles.ravel()]
    low = points.min(axis=0) if len(points) else np.zeros(3, dtype=np.int64)
    span = (points.max(axis=0) - low + 1) if len(points) else np.ones(3, dtype=np.int64)
    place = ((points[:, 0] - low[0]) * span[1] + points[:, 1] - low[1]) * span[2] + points[:, 2] - low[2]
    _, place = np.unique(place, return_inverse=True)
    key = np.repeat(feature, 3) * (int(place.max(initial=0)) + 1) + place
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    corners = np.column_stack([points[first], np.repeat(feature, 3)[first]])
    welded = inverse.reshape(-1, 3)
    a, b, c = welded.T
    order = np.flatnonzero((a != b) & (b != c) & (c != a))
    order = order[np.argsort(feature[order], kind="stable")]
    return corners, welded[order], feature[order]


def cut_tiles(
    corners: NDArray[np.int64], triangles: NDArray[np.int64], feature: NDArray[np.int64], *, scale: float
) -> dict[str, NDArray[Any]]:
    """Cut at medians until a tile has 16-bit indices and a handy extent; features stay whole.

    Parameters
    ----------
    corners, triangles, feature : ndarray
        From :func:`weld`.
    scale : float
        Size of a step [m].

    Returns
    -------
    dict
        ``tiles`` f4 (nt, 10), ``positions`` i2 (nv, 4), ``indices`` u2, ``feature`` int64 (n,) in order of the tiles.

    Raises
    ------
    LayerError
        If one feature alone has more corners than a tile can index.
    """
    rows = np.unique(corners[:, 3])
    v0 = np.searchsorted(corners[:, 3], rows)
    nv = np.append(v0[1:], len(corners)) - v0
    t0, t1 = np.searchsorted(feature, rows), np.searchsorted(feature, rows, side="right")
    centre = np.add.reduceat(corners[:, :2], v0, axis=0) / nv[:, None] if len(rows) else np.zeros((0, 2))
    if len(nv) and nv.max() > MOST_VERTICES:
        raise LayerError(
            f"has {nv.max()} corners, {MOST_VERTICES} can be drawn",
            where=f"buildings row {rows[np.argmax(nv)]}",
            remedy="Leave it out of the layer, or give a simpler geometry.",
        )
    new = np.empty(len(corners), dtype=np.int64)
    tiles, positions, indices, order = [], [], [], []
    counts = np.zeros(3, dtype=np.int64)  # vertices, indices, buildings so far
    todo = [np.arange(len(rows))] if len(rows) else []
    while todo:
        own = todo.pop()
        extent = np.ptp(centre[own], axis=0)
        if len(own) > 1 and (nv[own].sum() > MOST_VERTICES or extent.max() > MOST_EXTENT or len(own) > MOST_VERTICES):
            ranked = own[np.argsort(centre[own, int(np.argmax(extent))], kind="stable")]
            todo += [ranked[len(ranked) // 2 :], ranked[: len(ranked) // 2]]
            continue
        own = own[np.argsort(rows[own])]
        vertex = _ranges(v0[own], nv[own])
        points = corners[vertex]
        middle = (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) // 2
        number = np.repeat(np.arange(len(own)), nv[own])
        new[vertex] = np.arange(len(vertex))
        index = new[triangles[_ranges(t0[own], t1[own] - t0[own])]].ravel()
        tile = np.column_stack([points[:, :2] - middle, points[:, 2], number])
        tiles.append(
            [
                *(middle * scale), counts[0], len(vertex), counts[1], len(index), counts[2], len(own),
                points[:, 2].min() * scale, points[:, 2].max() * scale,
            ]
        )  # fmt: skip
        positions.append(tile)
        indices.append(index)
        order.append(rows[own])
        counts += (len(vertex), len(index), len(own))
    return {
        "tiles": np.array(tiles, dtype=np.float32).reshape(-1, 10),
        "positions": np.concatenate(positions).astype(np.int16) if tiles else np.zeros((0, 4), dtype=np.int16),
        "indices": np.concatenate(indices).astype(np.uint16) if tiles else np.zeros(0, dtype=np.uint16),
        "feature": np.concatenate(order) if tiles else np.zeros(0, dtype=np.int64),
    }


def _ranges(first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenate ``arange(first[i], first[i] + count[i])``."""
    offset = np.repeat(first - (np.cumsum(count) - count), count)
    return offset + np.arange(int(count.sum()), dtype=np.int64)
