"""Each kernel against plain numpy, and the machine code it becomes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

import sim.flood.kernels as k
from sim.flood.kernels import FLAGS

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


def _rows(dtype: type[np.floating], count: int, n: int = 203) -> list[Any]:
    rng = np.random.default_rng(3)
    return [rng.random(n).astype(dtype) for _ in range(count)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_cube_root_is_as_exact_as_its_type(dtype: Any) -> None:
    x = np.logspace(-5, 2.5, 4001).astype(dtype)

    @njit
    def roots(x: Any) -> Any:
        out = np.empty_like(x)
        for j in range(x.size):
            out[j] = k.inverse_cube_root(x[j])
        return out

    assert np.abs(roots(x) / np.cbrt(x.astype(np.float64)) ** -1.0 - 1).max() < 8 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
def test_momentum_solves_the_implicit_friction_law(dtype: Any) -> None:
    """Momentum in the form q + k |Q| q = p, which the kernel never computes."""
    z0, z1, h0, h1, inertia, q = _rows(dtype, 6)
    zero, n2, out = np.zeros_like(q), np.full_like(q, 0.0009), np.empty_like(q)
    slope, gdt, dry = dtype(1.5), dtype(7.0), dtype(0.05)
    e0, e1 = z0 + h0, z1 + h1
    k.momentum_row(z0, z1, e0, e1, inertia, zero, n2, q, slope, gdt, dry, dtype(1e6), dtype(1), out)
    depth = np.maximum(e0, e1) - np.maximum(z0, z1)
    wet = depth > dry
    driven = inertia - slope * depth * (e1 - e0)
    left = out + gdt * 0.0009 * np.abs(out) * out / np.cbrt(depth.clip(dry)) ** 7
    assert 0.1 < wet.mean() < 0.99
    assert np.abs(left - driven)[wet].max() < TOLERANCE[dtype]
    assert np.all(out[~wet] == 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_friction_does_not_see_the_direction_of_a_steady_flow(dtype: Any) -> None:
    """A flow across the grid's diagonal keeps both components in balance with the friction of the whole."""
    h = np.full(64, 0.8, dtype=dtype)
    zero, n2, out = np.zeros_like(h), np.full_like(h, 0.0016), np.empty_like(h)
    gdt, total = dtype(9.81 * 2.0), 1.3
    component = dtype(total / np.sqrt(2))
    friction = float(gdt) * 0.0016 * total / 0.8 ** (7 / 3)
    inertia = np.full_like(h, component * (1 + friction))
    across = np.full_like(h, component)
    k.momentum_row(zero, zero, h, h, inertia, across, n2, across, dtype(1), gdt, dtype(1e-4), dtype(1e6), dtype(1), out)
    np.testing.assert_allclose(out, component, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_flow_passes_the_limit_of_the_froude_number(dtype: Any) -> None:
    z0, z1, h0, h1, inertia, q = _rows(dtype, 6)
    zero, n2, out = np.zeros_like(q), np.zeros_like(q), np.empty_like(q)
    e0, e1 = z0 + h0, z1 + h1
    critical = dtype(1.5 * np.sqrt(9.81))
    k.momentum_row(z0, z1, e0, e1, 50 * inertia, zero, n2, q, dtype(9), dtype(7), dtype(1e-4), critical, dtype(1), out)
    depth = (np.maximum(e0, e1) - np.maximum(z0, z1)).astype(np.float64)
    wet = depth > 1e-3
    froude = np.abs(out[wet]) / depth[wet] / np.sqrt(9.81 * depth[wet])
    assert froude.max() == pytest.approx(1.5, rel=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_row_kernels_agree_with_numpy(dtype: Any) -> None:
    a, b, c, d, e = _rows(dtype, 5, 101)
    out = np.empty(100, dtype=dtype)
    k.across_row(a, b, dtype(0.25), out)
    np.testing.assert_allclose(out, (a[:-1] + a[1:] + b[:-1] + b[1:]) / 4, rtol=1e-6)
    out = np.empty_like(a)
    k.inertia_row(a, b, c, dtype(0.8), dtype(0.1), out)
    np.testing.assert_allclose(out, 0.8 * a + 0.1 * (b + c), rtol=1e-6)
    k.mean_row(a, b, dtype(0.5), out)
    np.testing.assert_allclose(out, (a + b) / 2, rtol=1e-6)
    k.gain_row(a, b, c, d, dtype(0.3), dtype(0.01), out)
    np.testing.assert_allclose(out, 0.01 + 0.3 * (a - b + c - d), atol=1e-6)
    west, east, north, south = a - dtype(0.5), b - dtype(0.5), c - dtype(0.5), d - dtype(0.5)
    k.share_row(e, west, east, north, south, dtype(2.0), dtype(1), dtype(1e-30), dtype(1), out)
    leaving = 2.0 * (np.clip(-west, 0, None) + np.clip(east, 0, None) + np.clip(-north, 0, None) + south.clip(0))
    np.testing.assert_allclose(out, np.where(leaving > e, e / np.maximum(leaving, 1e-30), 1.0), rtol=1e-5)
    q = west.copy()
    k.scale_row(b, c, q)
    np.testing.assert_allclose(q, np.where(west > 0, west * b, west * c), rtol=1e-6)
    h_max, top = b.copy(), c.copy()
    k.top_row(a, h_max, top)
    np.testing.assert_array_equal(h_max, np.maximum(a, b))
    np.testing.assert_array_equal(top, np.maximum(a, c))
    gain = a.copy()
    k.rain_row(b, dtype(0.5), gain)
    np.testing.assert_allclose(gain, a + 0.5 * b, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_speeds_count_only_where_there_is_water(dtype: Any) -> None:
    h, west, east, north, south = _rows(dtype, 5, 90)
    h[::3], h[1::3] = 0.001, 2.5
    speed, discharge, force = np.zeros((3, 90), dtype=np.float32)
    k.track_row(h, west, east, north, south, dtype(0.01), dtype(3), dtype(0.5), dtype(1), speed, discharge, force)
    q = np.where(h < 0.01, 0, np.hypot((west + east) / 2, (north + south) / 2))
    np.testing.assert_allclose(discharge, q, rtol=1e-5)
    thick = h > 2
    np.testing.assert_allclose(speed[thick], (q / h)[thick], rtol=1e-5)
    np.testing.assert_allclose(force, q * speed, rtol=1e-5)
    film = (h < 0.1) & (q > 0.1)
    assert film.any()
    # u / sqrt(g d) of the depth d = q / u that the water is given
    np.testing.assert_allclose((speed**1.5 / np.sqrt(q, where=q > 0, out=np.ones_like(q)))[film], 3.0, rtol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-9, 1e-4), min_size=20, max_size=200), st.floats(0.01, 10.0))
def test_single_precision_depth_forgets_no_increment(gains: list[float], start: float) -> None:
    h, rest = np.full(8, start, dtype=np.float32), np.zeros(8, dtype=np.float32)
    first = float(h[0])
    total = 0.0
    for gain in gains:
        step = np.full(8, gain, dtype=np.float32)
        k.depth_row(step, h, rest)
        total += float(step[0])
    assert float(h[0]) + float(rest[0]) == pytest.approx(first + total, abs=6e-8 * total)


def test_a_sink_takes_what_is_there_and_counts_it() -> None:
    h = np.array([0.5, 1e-3, 2e-7, 0.0], dtype=np.float32)
    before = h.astype(np.float64)
    rest, taken = np.zeros(4, dtype=np.float32), np.zeros(4)
    k.sink_row(np.float32(0.01), np.float32(1 - 1e-6), np.float32(1), h, rest, taken)
    np.testing.assert_allclose(h.astype(np.float64) + rest + taken, before, rtol=0, atol=1e-14)
    assert taken[0] == pytest.approx(0.01)
    assert h.min() >= 0
    assert h[1] < 1e-8


@pytest.mark.parametrize("name", ["momentum_row", "share_row", "scale_row", "gain_row", "depth_row", "across_row"])
def test_row_kernels_become_packed_instructions(name: str) -> None:
    """A silent fall to scalar code costs five times the speed; a fresh compilation shows what LLVM made."""
    arrays = {
        "momentum_row": "zzzzzzzzsssssz", "share_row": "zzzzzssssz", "scale_row": "zzz", "gain_row": "zzzzssz",
        "depth_row": "zzz", "across_row": "zzsz",
    }[name]  # fmt: skip
    n = 65 if name == "across_row" else 64
    args = [np.ones(n, dtype=np.float32) if kind == "z" else np.float32(1) for kind in arrays]
    if name == "across_row":
        args[-1] = np.ones(64, dtype=np.float32)
    flags = False if name == "depth_row" else FLAGS
    fresh = njit(error_model="numpy", fastmath=flags)(getattr(k, name).py_func)
    fresh(*args)
    code = next(iter(fresh.inspect_asm().values()))
    # x86: vmulps on ymm/zmm; arm: fmul v0.4s
    packed = re.findall(r"v(?:mul|add|sub|fn?m(?:add|sub)\d+)ps\t.*[yz]mm|f(?:mul|add|sub|mla)\tv\d+\.4s", code)
    assert len(packed) >= 2
