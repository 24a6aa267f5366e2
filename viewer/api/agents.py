"""People in time as bytes: positions in steps, and only what changed since the output before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from viewer.api.group import Member

__all__ = ["HIDDEN", "STATE", "agent_frames", "chunk_size"]

STATE = "state_agent"
FIELDS = ("x_agent", "y_agent", "z_agent")
HIDDEN = 255
"""State of somebody whose place is not known (NaN) at that output."""
MOST_SAMPLES = 2_000_000
"""Positions in one pack: 14 MB before compression."""
CODES = 65_535
MARGIN = 0.02
"""Share of the area's size that positions may lie beyond its edges."""
FINEST = 0.1
"""Step of positions in the plan [m]; coarser where the area is wider than 65,535 steps."""
Z_STEP, Z_LOW = 0.05, -200.0
"""Step and lower end of heights [m T.P.]: up to +3,076 m."""


def chunk_size(n: int) -> int:
    """Outputs that go into one pack for `n` people."""
    return max(1, MOST_SAMPLES // max(n, 1))


def agent_frames(
    member: Member, first: int, origin: tuple[float, float]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Meta and arrays of the outputs from `first` on, as many as one pack takes.

    Parameters
    ----------
    member : Member
        The evacuation's run.
    first : int
        Number of the first output.
    origin : tuple of float
        Plane-rectangular place of the scene's (0, 0).

    Returns
    -------
    meta : dict
        ``first``, ``count``, ``n``; ``offset`` and ``step`` (x, y, z) [m]: local place = offset + step * code.
    arrays : dict
        ``x``, ``y``, ``z`` u2 (count, n): the code at the first output, then the difference to the output before,
        modulo 65536. ``state`` u1 (count, n); :data:`HIDDEN` where nothing is drawn.
    """
    fields, grid = member.run.fields(), member.run.grid
    n = int(fields[STATE].sizes["agent"])
    count = min(max(int(fields.sizes["time"]) - first, 0), chunk_size(n))
    part = fields[[*FIELDS, STATE]].isel(time=slice(first, first + count))
    west, south, east, north = grid.bounds
    size = (east - west, north - south)
    step = [max(FINEST, (1 + 2 * MARGIN) * length / CODES) for length in size] + [Z_STEP]
    low = [-MARGIN * size[0], -MARGIN * size[1], Z_LOW]
    state = part[STATE].to_numpy().astype(np.uint8)
    arrays: dict[str, NDArray[Any]] = {}
    for k, (name, field) in enumerate(zip("xyz", FIELDS, strict=True)):
        values = part[field].to_numpy()
        known = np.isfinite(values)
        state = np.where(known, state, HIDDEN).astype(np.uint8)
        codes = np.clip(np.round((np.where(known, values, 0.0) - low[k]) / step[k]), 0, CODES).astype(np.uint16)
        codes[1:] -= codes[:-1].copy()
        arrays[name] = codes
    local = [west - origin[0] + low[0], south - origin[1] + low[1], low[2]]
    meta = {"first": first, "count": count, "n": n, "offset": local, "step": step}
    return meta, {**arrays, "state": state}
