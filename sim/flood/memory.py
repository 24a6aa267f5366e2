"""Arrays that a row kernel can stream together.

A processor compares the lowest twelve bits of addresses to see whether a load follows a store to the same place; rows
that start at the same place in their pages, as large arrays of 1024 columns do, make it wait again and again: a factor
of 30 on a kernel that updates three of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["spread_array", "spread_width"]

PAGE, LINE = 4096, 64
STRIDE = 5 * LINE
"""Distance between the places in their pages of two neighbouring slots; odd in lines, so that slots meet late."""


def spread_array(values: NDArray[Any], dtype: type[np.generic], slot: int) -> NDArray[Any]:
    """A copy of `values` that starts at place `slot` of its page; C-contiguous, aligned to a cache line.

    Whole vectors may be read a little beyond its end: a line follows.
    """
    size = values.size * np.dtype(dtype).itemsize
    raw = np.empty(size + PAGE + LINE, dtype=np.uint8)
    first = (slot * STRIDE - raw.__array_interface__["data"][0]) % PAGE
    out = raw[first : first + size].view(dtype).reshape(values.shape)
    out[...] = values
    return out


def spread_width(columns: int, dtype: type[np.generic]) -> int:
    """Row length, at least `columns`, with which consecutive rows start at different places of their pages."""
    item = np.dtype(dtype).itemsize
    return (columns * item + (STRIDE - columns * item) % PAGE) // item
