"""The machine code of the row kernels in both precisions, compiled with the options that they carry."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest
from numba import njit

import sim.flood.kernels as k
import sim.flood.shallow_kernels as sk
from sim.flood.shallow_layout import ROW

INERTIAL = ["predict_row_x", "predict_row_y", "stage_row", "share_row", "scale_row", "fill_up_row"]
SHALLOW = [
    "load_row", "slope_row", "predict_row", "slope_and_predict_row", "source_row", "face_row", "source_and_face_row",
    "count_owing", "share_row", "scale_row", "update_row", "store_row",
]  # fmt: skip
NUMBERS = {
    "gdt", "dry", "critical", "one", "quarter", "half", "theta", "side", "s", "keep", "tiny", "rain", "least",
    "gravity", "solid", "ratio", "fall", "creep", "ahead", "free_before", "free", "free_after",
}  # fmt: skip
"""Names of scalars in the kernels of rows; `n` is a count, everything else a row."""
ARRAYS = {"ring", "n2", "z", "h", "rest", "qx", "qy", "q", "h_max"}
"""Names of arrays in the kernels that work in a ring; what is no number is a place in it."""
LISTS = {"number", "opening"}
"""Names of arrays in one dimension where the ring has two."""


def _code(kernel: Any, shape: tuple[int, ...], dtype: Any) -> str:
    """Assembly of a fresh compilation: what comes from the cache has none to show."""
    names = list(inspect.signature(kernel.py_func).parameters)
    arrays = ARRAYS if "ring" in names else set(names)
    values = [
        64 if name == "n" else dtype(1) if name in NUMBERS
        else np.ones(16, dtype=dtype) if name in LISTS else np.ones(shape, dtype=dtype) if name in arrays
        else np.uint64(0) for name in names
    ]  # fmt: skip
    options = {name: value for name, value in kernel.targetoptions.items() if name != "nopython"}
    fresh = njit(**options)(kernel.py_func)
    fresh.compile(tuple(fresh.typeof_pyval(value) for value in values))
    return str(next(iter(fresh.inspect_asm().values())))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("module", "name", "shape"),
    [(k, name, (4, 64)) for name in INERTIAL] + [(sk, name, (ROW,)) for name in SHALLOW],
    ids=lambda value: getattr(value, "__name__", str(value)).removeprefix("sim.flood."),
)
def test_rows_are_computed_in_packed_instructions(module: Any, name: str, shape: tuple[int, ...], dtype: Any) -> None:
    """A fall to scalar code costs five to ten times the speed and changes no result."""
    code = _code(getattr(module, name), shape, dtype)
    kind, lanes = {np.float32: ("ps", "4s"), np.float64: ("pd", "2d")}[dtype]
    # x86: vmulps on ymm/zmm, arm: fmul v0.4s
    packed = re.findall(
        rf"v(?:mul|add|sub|div|max|min|sqrt|fn?m(?:add|sub)\d+){kind}\t.*[yz]mm"
        rf"|f(?:mul|add|sub|div|max|min|sqrt|mla|mls)\tv\d+\.{lanes}",
        code,
    )
    assert packed
