"""Arrays that stream together start at different places of their pages."""

from __future__ import annotations

import numpy as np
import pytest

from sim.flood.memory import spread_array, spread_width


@pytest.mark.parametrize("columns", [1, 63, 1024, 1025, 4096])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slots_and_rows_keep_a_cache_line_apart(columns: int, dtype: type[np.generic]) -> None:
    values = np.arange(3.0 * columns).reshape(3, columns)
    arrays = [spread_array(values, dtype, slot) for slot in range(8)]
    places = sorted(array.__array_interface__["data"][0] % 4096 for array in arrays)
    assert min(np.diff(places)) >= 64
    assert all(array.flags.c_contiguous and np.array_equal(array, values) for array in arrays)
    width = spread_width(columns, dtype)
    rows = sorted(row * width * np.dtype(dtype).itemsize % 4096 for row in range(14))
    assert width >= columns
    assert min(np.diff(rows)) >= 64
