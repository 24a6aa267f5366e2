"""Arithmetic of the flood kernels that numba writes into them.

These are rules of the compiler (`overload`), not kernels: what they stand for is fixed, so kernels of several modules
may use them although numba's cache does not see a change here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core.cpu import CPUTargetOptions
from numba.core.options import TargetOptions
from numba.extending import overload

__all__ = ["FLAGS", "GLUE", "KERNEL", "ROWS", "WEIR", "at", "inverse_cube_root", "weir_limit"]

KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
"""How every kernel is compiled. Without ``_nrt`` (they allocate nothing) each slice of a row and each array handed on
costs an atomic reference count: half of the time of a step on rows of 512 cells."""

GLUE: dict[str, Any] = {**KERNEL, "forceinline": True}
"""What is to become part of its caller."""

# numba knows this option of a function but offers no name for it
CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")

ROWS: dict[str, Any] = {**KERNEL, "noalias": True}
"""How a loop over rows is compiled: no row that it writes is another one. Else each loop begins with a comparison of
every row that is written with every one that is read, and loops of many rows are not packed at all."""

WEIR = 1.7048
"""Broad-crested weir, (2/3)^(3/2) sqrt(g) [m1/2 s-1] from critical depth on the crest."""

# fused multiply-add is welcome; nothing that reorders sums, for the compensated depth needs them as they are written
FLAGS = {"contract", "nsz", "arcp"}


def inverse_cube_root(x):
    """x^(-1/3) for x > 0: a seed from the exponent bits, then fourth-order Householder and Newton steps."""
    return x ** (-1.0 / 3.0)


@overload(inverse_cube_root, inline="always")
def _inverse_cube_root(x):
    if x == types.float32:

        def single(x):
            s = np.float32(x)
            bits = np.int32(np.int32(0x54A21D2A) - np.int32(np.float32(s.view(np.int32)) * np.float32(1 / 3)))
            r = bits.view(np.float32)
            y = np.float32(1) - x * r * r * r
            r = r + r * y * (np.float32(1 / 3) + y * (np.float32(2 / 9) + y * np.float32(14 / 81)))
            y = np.float32(1) - x * r * r * r
            return r + r * y * np.float32(1 / 3)

        return single

    def double(x):
        s = np.float32(x)
        bits = np.int32(np.int32(0x54A21D2A) - np.int32(np.float32(s.view(np.int32)) * np.float32(1 / 3)))
        r = np.float64(bits.view(np.float32))
        y = 1.0 - x * r * r * r
        r = r + r * y * (1 / 3 + y * (2 / 9 + y * (14 / 81)))
        y = 1.0 - x * r * r * r
        return r + r * y * (1 / 3 + y * (2 / 9 + y * (14 / 81)))

    return double


def at(values, j):
    """`values` itself, or its entry `j` where it is a row."""
    return values if np.ndim(values) == 0 else values[j]


@overload(at, inline="always")
def _at(values, j):  # noqa: ARG001  # an overload has the arguments of what it stands for
    if isinstance(values, types.Array):
        return lambda values, j: values[j]
    return lambda values, j: values  # noqa: ARG005  # as above


def weir_limit(upstream, downstream, height):
    """Most that a wall lets through [m2 s-1]: broad-crested weir, drowned after Villemonte (1947).

    Over a wall lower than a third of the head the flow is not critical on the crest: it is a sill, and the limit rises
    as the head over three heights, so that a wall that sinks into the ground ends without a jump.

    upstream : head over the crest, above 0 [m]; downstream : negative where free [m]; height : of the crest over the
    higher ground, above 0 [m]
    """
    free = WEIR * upstream**1.5 * max(upstream / (3.0 * height), 1.0)
    drowned = max(downstream, 0.0) / upstream
    return free * max(1.0 - drowned**1.5, 0.0) ** 0.385


@overload(weir_limit)
def _weir_limit(upstream, downstream, height):  # noqa: ARG001  # as above
    return weir_limit
