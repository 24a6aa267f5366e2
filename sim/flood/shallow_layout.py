"""Where the shallow-water kernels keep what: arrays of the state, row buffers of a ring, room of the threads.

The state is padded by cells of wall; `v` points **southward** (along rows). A row buffer is one array whose planes lie
`PLANE` apart, a constant: so the compiler knows that they do not overlap and packs the loops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ALONG", "CELLS", "FENCE_ROWS", "FLUX", "LANES", "LEAD", "MARGIN", "MIDDLE", "P1", "P2", "P3", "P4", "P5", "P6",
    "PAD", "PLANE", "RATIO", "REACH", "ROOM_ROWS", "ROW", "SHARE", "SLOPES", "STRIP", "TOP", "Numbers", "Room",
    "State",
]  # fmt: skip

PAD = 8
"""Rows of wall north and south of the domain."""
LANES = 16
"""Values of a vector, and of a cache line in single precision: rows are computed from line to line."""
LEAD = 2 * LANES
"""Columns of wall west of the domain."""
MARGIN = 3 * LANES
"""Columns of wall east of the domain, at least."""
STRIP = 512
"""Columns that are swept together: their row buffers fit into the caches near the processor."""
REACH = 5
"""Cells on either side that a sweep sees: slopes, prediction, its slopes, faces and scaled donors, one each."""
PLANE = STRIP + LEAD + MARGIN + 7 * LANES
ROW = 7 * PLANE + 47 * LANES
FENCE_ROWS = 2 * REACH
ROOM_ROWS = 30

P1, P2, P3, P4, P5, P6 = (np.uint64(k * PLANE) for k in range(1, 7))
# places in a buffer of cells: stage 0, depth P1, normal P2 and transverse velocity P3, gain of depth P4, friction P5,
# release P6 (see `load_row`);
# in one of slopes: the same four, P4 above 0 where one surface reaches over the cell, later the slope that pushes, and
# that of the bed P5; in one half a step on: the same four, and P4 the share below the edges; in one of faces: mass 0,
# transverse P1, carried P2, pressure west P3 and east P4

CELLS, SLOPES, MIDDLE, FLUX, SHARE, ALONG, TOP, RATIO = 0, 8, 12, 16, 20, 22, 28, 29
"""First row buffers of a ring: cells (8), slopes (4), cells half a step on (4), faces (4), shares (2), and those of the
sweep along rows: slopes, cells half a step on, faces, share, input, result; column tops; dt/dx over the porosity."""


class Numbers(NamedTuple):
    """Scalars of a step, all of the kernels' type."""

    ratio: float
    """dt / dx [s m-1]."""
    gdt: float
    """g dt [m s-1]."""
    gravity: float
    dry: float
    """Depth up to which a cell gives nothing and stands still [m]."""
    creep: float
    """Speed below which water stands still [m s-1]: squares of smaller ones are denormal numbers, which are slow."""
    least: float
    """Depth above which a cell is reconstructed with slopes [m]."""
    rain: float
    """Depth of rain [m]."""
    sink: float
    """Depth that seeps away [m]."""
    keep: float
    """Share of its water that a cell may give."""
    cell_size: float
    quarter: float
    half: float
    ahead: float
    """Share of a step that the depth is predicted further on where all of it stands below the bed at an edge."""
    one: float
    tiny: float
    solid: float
    """Stage above which a cell is a wall [m above the local datum]."""


class State(NamedTuple):
    """What a step changes, and what it does not: (ny + 2 PAD, columns + LEAD + MARGIN or more) unless said."""

    z: NDArray[Any]
    """Bed [m above the local datum]; a wall cell stands at ``WALL_BED``."""
    h: NDArray[Any]
    """Depth [m]."""
    rest: NDArray[Any]
    """What rounding took off the depth [m]."""
    u: NDArray[Any]
    """Velocity eastward [m s-1]."""
    v: NDArray[Any]
    """Velocity southward [m s-1]."""
    n2: NDArray[Any]
    """Manning's n squared [s2 m-2/3], or one row where it is uniform."""
    h_max: NDArray[Any]
    """Running maximum of the depth [m]."""
    weight: NDArray[Any]
    """Share of the rain, or (1, 1) where it is 1 everywhere."""
    porosity: NDArray[Any]
    """Share of a cell that buildings leave free, or (1,) where it is 1 everywhere: another type, so that the kernels
    that know of it are others."""
    columns: int
    """Columns of the domain."""


class Room(NamedTuple):
    """Buffers of the threads; the first axis is the thread's."""

    rows: NDArray[Any]
    """(threads, ROOM_ROWS * ROW) rings of row buffers."""
    fences: NDArray[Any]
    """(threads, FENCE_ROWS, 4, padded columns) depth, rest, u, v of the rows beyond the band, before the step."""
    edges: NDArray[Any]
    """(threads, 2, ny, 4, LEAD) the same of the columns west of a strip, before the step."""
    runs: NDArray[Any]
    """(threads, 2, tile rows, 2, runs) active runs of columns in a strip, by tile row; and by pair of tile rows."""
    counts: NDArray[Any]
    """(threads, 2, tile rows) their number."""
    owing: NDArray[Any]
    """(threads, 2) cells that owe, by row."""
    fast: NDArray[Any]
    """(threads, STRIP) fastest wave by column [m s-1]."""
    fastest: NDArray[Any]
    """(threads,) fastest wave of the band [m s-1]."""
