"""Lines of a run as bytes: each knows its row, how far along a place lies, and when it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.pack.terrain import quantise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from layers.pack import Ground

__all__ = ["FOREVER", "path_arrays", "window_arrays"]

FOREVER = 3.0e38
"""Seconds that no clock reaches: single precision has no larger round number."""
ABOVE = 0.5
"""Height above the ground of a line that has none of its own [m]."""
LONGEST = 15.0
"""Longest piece of a line without heights [m]: it follows the ground."""

Arrays = dict[str, "NDArray[Any]"]


def path_arrays(
    shapes: Sequence[Any] | NDArray[np.object_],
    origin: tuple[float, float],
    ground: Ground | None,
    rows: NDArray[np.int64] | None = None,
) -> Arrays:
    """Lines in space; what has no height lies on the ground.

    Parameters
    ----------
    shapes : sequence of shapely geometry
        Lines and multi-lines in the city's frame, with or without z [m T.P.].
    origin : tuple of float
        Plane-rectangular place of the scene's (0, 0).
    ground : Ground or None
        None: at height 0.
    rows : ndarray (n,), optional
        Number of the thing each shape belongs to; default: its own.

    Returns
    -------
    dict
        ``positions`` f4 (nv, 3), ``segments`` u4 (ns, 2), ``item`` u4 (nv,) row, ``along`` f4 (nv,) metres from the
        start of the line.
    """
    owner_of = np.arange(len(shapes)) if rows is None else rows
    parts, owner = shapely.get_parts(np.asarray(shapes, dtype=object), return_index=True)
    is_line = np.isin(shapely.get_type_id(parts), (shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING))
    parts, owner = parts[is_line], owner_of[owner[is_line]]
    flat = ~shapely.has_z(parts)
    parts = np.where(flat, shapely.segmentize(parts, LONGEST), parts)
    points, line = shapely.get_coordinates(parts, include_z=True, return_index=True)
    below = np.zeros(len(points)) if ground is None else np.nan_to_num(ground.at(points[:, :2]), nan=0.0)
    z = np.where(np.isfinite(points[:, 2]), points[:, 2], below) + ABOVE
    joined = line[1:] == line[:-1]
    first = np.flatnonzero(joined)
    length = np.where(joined, np.hypot(*np.diff(points[:, :2], axis=0).T), 0.0)
    total = np.concatenate([[0.0], np.cumsum(length)])
    starts = np.flatnonzero(np.concatenate([[True], ~joined])) if len(points) else np.zeros(0, dtype=np.int64)
    along = total - np.repeat(total[starts], np.diff([*starts, len(points)]))
    return {
        "positions": quantise(np.column_stack([points[:, :2] - origin, z])),
        "segments": np.stack([first, first + 1], axis=1).astype(np.uint32),
        "item": owner[line].astype(np.uint32),
        "along": along.astype(np.float32),
    }


def window_arrays(start: Any, end: Any) -> Arrays:
    """When each thing is shown [s], ``from`` and ``until`` f4 (n,); an unknown or open end is never."""
    since = np.nan_to_num(np.asarray(start, dtype=np.float64), nan=-FOREVER, neginf=-FOREVER, posinf=FOREVER)
    until = np.nan_to_num(np.asarray(end, dtype=np.float64), nan=FOREVER, posinf=FOREVER, neginf=-FOREVER)
    return {"from": since.astype(np.float32), "until": until.astype(np.float32)}
