"""Each kernel against plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

import sim.flood.kernels as k
from sim.flood.arithmetic import WEIR, inverse_cube_root

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
            out[j] = inverse_cube_root(x[j])
        return out

    assert np.abs(roots(x) / np.cbrt(x.astype(np.float64)) ** -1.0 - 1).max() < 8 * np.finfo(dtype).eps


@njit
def _momentum(depth: Any, rise: Any, sill: Any, inertia: Any, across: Any, q: Any, numbers: Any) -> Any:
    n2, slope, gdt, dry, critical, over_sill, one = numbers
    out = np.empty_like(depth)
    for j in range(depth.size):
        out[j] = k.momentum(
            depth[j], rise[j], sill[j], inertia[j], across[j], n2, q[j], slope, gdt, dry, critical, over_sill, one
        )
    return out


@pytest.mark.parametrize("dtype", DTYPES)
def test_momentum_solves_the_implicit_friction_law(dtype: Any) -> None:
    """Momentum in the form q + k |Q| q = p, which the kernel never computes."""
    depth, rise, inertia, q = _rows(dtype, 4)
    depth, rise = depth - dtype(0.1), rise - dtype(0.5)
    numbers = tuple(dtype(value) for value in (0.0009, 1.5, 7.0, 0.05, 1e6, 0, 1))
    still = np.zeros_like(q)
    out = _momentum(depth, rise, still, inertia, still, q, numbers)
    wet = depth > 0.05
    driven = inertia - 1.5 * depth * rise
    left = out + 7.0 * 0.0009 * np.abs(out) * out / np.cbrt(depth.clip(0.05)) ** 7
    assert 0.1 < wet.mean() < 0.99
    assert np.abs(left - driven)[wet].max() < TOLERANCE[dtype]
    assert np.all(out[~wet] == 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_friction_does_not_see_the_direction_of_a_steady_flow(dtype: Any) -> None:
    """A flow across the grid's diagonal keeps both components in balance with the friction of the whole."""
    depth = np.full(64, 0.8, dtype=dtype)
    gdt, total = 9.81 * 2.0, 1.3
    component = dtype(total / np.sqrt(2))
    friction = gdt * 0.0016 * total / 0.8 ** (7 / 3)
    inertia, across = np.full_like(depth, component * (1 + friction)), np.full_like(depth, component)
    numbers = tuple(dtype(value) for value in (0.0016, 1, gdt, 1e-4, 1e6, 0, 1))
    level = np.zeros_like(depth)
    out = _momentum(depth, level, level, inertia, across, across, numbers)
    np.testing.assert_allclose(out, component, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_flow_passes_the_limit_of_the_froude_number(dtype: Any) -> None:
    depth, rise, inertia, q = _rows(dtype, 4)
    numbers = tuple(dtype(value) for value in (0.0, 9, 7, 1e-4, 1.5 * np.sqrt(9.81), 0, 1))
    still = np.zeros_like(q)
    out = _momentum(depth, rise, still, 50 * inertia, still, q, numbers)
    wet = depth > 1e-3
    froude = np.abs(out[wet]) / depth[wet] / np.sqrt(9.81 * depth[wet])
    assert froude.max() == pytest.approx(1.5, rel=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_over_a_sill_no_more_passes_than_over_a_weir(dtype: Any) -> None:
    """From the Froude number 1 on level ground to the weir's law where the bed rises by a third of the head."""
    head = np.full(5, 0.6, dtype=dtype)
    sill = np.array([0.0, 0.1, 0.2, 0.5, 9.0], dtype=dtype)
    critical = np.sqrt(9.81)
    numbers = tuple(dtype(value) for value in (0.0, 9, 7, 1e-4, critical, critical - WEIR, 1))
    still = np.zeros_like(head)
    out = _momentum(head, still, sill, np.full_like(head, 50.0), still, still, numbers)
    expected = np.array([critical, 0.5 * (critical + WEIR), WEIR, WEIR, WEIR]) * 0.6**1.5
    np.testing.assert_allclose(out, expected, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("is_open", [True, False])
def test_rows_of_faces_gather_what_stands_around_them(is_open: bool, dtype: Any) -> None:
    """Both directions of the same world, the second one turned, against the scalar law on plain numpy's neighbours."""
    rng = np.random.default_rng(5)
    nx, row = 70, 2
    z, h, n2 = (rng.random((5, nx)).astype(dtype) for _ in range(3))
    rest = np.zeros_like(z)
    qx, qy = rng.normal(size=(5, nx + 1)).astype(dtype), rng.normal(size=(6, nx)).astype(dtype)
    opening = np.ones(1, dtype=dtype) if is_open else rng.uniform(0.2, 1.0, (5, nx + 1)).astype(dtype)
    number = np.zeros(17, dtype=dtype)
    number[[0, 1, 2, 3, 4, 5, 10, 14, 15, 16]] = 1.5, 7.0, 0.8, 0.1, 0.05, 0.25, 1.0, 0.5, 1.2, 0.5
    ring, e = np.zeros((4, nx + 1), dtype=dtype), z + h
    ring[0, :nx] = e[row]
    first, last = np.uint64(1), nx - 1
    k.predict_row_x(z, qx, qy, n2, opening, ring, number, np.uint64(row), first, last, np.uint64(0), np.uint64(1))
    west, east = np.s_[row, : nx - 1], np.s_[row, 1:nx]
    side = (row, np.arange(0, nx - 1)), (row, np.arange(2, nx + 1))
    narrow = [np.ones(nx - 1)] * 2 if is_open else [np.minimum(1, opening[s] / opening[east]) for s in side]
    inertia = qx[east] + 0.1 * sum(w * (qx[s] - qx[east]) for w, s in zip(narrow, side, strict=True))
    across = (qy[row, :-1] + qy[row, 1:] + qy[row + 1, :-1] + qy[row + 1, 1:]) / 4
    top = np.maximum(z[west], z[east])
    depth, sill = np.maximum(e[west], e[east]) - top, top - np.where(e[west] > e[east], z[west], z[east])
    friction = (n2[west] + n2[east]) / 2
    expected = [
        k.momentum.py_func(*values, 1.5, 7.0, 0.05, 1.2, 0.5, 1.0)
        for values in zip(
            *(v.astype(float) for v in (depth, e[east] - e[west], sill, inertia, across, friction, qx[east])),
            strict=True,
        )
    ]
    np.testing.assert_allclose(ring[1, 1:nx], expected, rtol=1e-4 if dtype is np.float32 else 1e-9, atol=1e-5)
    turned = [np.ascontiguousarray(values.T) for values in (z, h, rest, qy, qx, n2, opening)]
    ring = np.zeros((4, 6), dtype=dtype)
    got = []
    for c in range(1, nx):
        ring[0, :5] = e[:, c - 1]
        k.predict_row_y(*turned, ring, number, np.uint64(c), np.uint64(0), 5, np.uint64(0), np.uint64(2), np.uint64(1))
        np.testing.assert_array_equal(ring[2, :5], e[:, c])
        got.append(ring[1, row])
    np.testing.assert_allclose(got, expected, rtol=1e-4 if dtype is np.float32 else 1e-9, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_row_kernels_agree_with_numpy(dtype: Any) -> None:
    a, b, c, d, e = _rows(dtype, 5, 101)
    n, zero, one = 100, np.uint64(0), np.uint64(1)
    number = np.zeros(16, dtype=dtype)
    number[[8, 9, 10]] = 1, 1e-30, 1
    ring = np.stack([a, c, d, b, e]) - dtype(0.5)
    x, north, south = ring[:3].astype(np.float64)
    k.share_row(e[None], ring, number, dtype(2.0), zero, zero, n, zero, one, np.uint64(2), np.uint64(3))
    leaving = (-x[:-1]).clip(0) + x[1:].clip(0) + (-north[:-1]).clip(0) + south[:-1].clip(0)
    shares = np.minimum(1.0, e[:-1] / np.maximum(2.0 * leaving, 1e-30))
    np.testing.assert_allclose(ring[3, :n], shares, rtol=1e-5)
    out = np.zeros((2, 101), dtype=dtype)
    k.scale_row(ring, np.uint64(3), zero, np.uint64(3), one, n - 1, zero, out, one)
    scaled = np.where(x[1:n] > 0, x[1:n] * shares[:-1], x[1:n] * shares[1:])
    np.testing.assert_allclose(out[1, 1:n], scaled, rtol=1e-5)
    np.testing.assert_array_equal(ring[0, 1:n], out[1, 1:n])
    h, h_max, rest = a[None].copy(), b[None].copy(), np.zeros_like(a)[None]
    ring = np.stack([a, b, c, d, e])
    rows = (np.uint64(row) for row in range(3))
    k.fill_up_row(
        ring, *rows, zero, n, dtype(0.3), dtype(0.01), h, rest, zero, h_max, zero, np.uint64(4)
    )  # fmt: skip
    new = (a + 0.01 + 0.3 * (a - np.roll(a, -1) + b - c))[:n]
    np.testing.assert_allclose((h + rest)[0, :n], new, atol=1e-6)
    np.testing.assert_array_equal(h_max[0, :n], np.maximum(h[0, :n], b[:n]))
    np.testing.assert_array_equal(ring[4, :n], np.maximum(h[0, :n], e[:n]))
    h_max, top = b.copy(), c.copy()
    k.top_row(a, h_max, top)
    np.testing.assert_array_equal(h_max, np.maximum(a, b))
    np.testing.assert_array_equal(top, np.maximum(a, c))
    fallen = np.empty_like(b)
    k.rain_row(b, dtype(0.5), fallen)
    np.testing.assert_allclose(fallen, 0.5 * b, rtol=1e-6)


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
    h, rest = np.full((1, 8), start, dtype=np.float32), np.zeros((1, 8), dtype=np.float32)
    ring, zero, top = np.zeros((2, 9), dtype=np.float32), np.uint64(0), np.uint64(1)
    first = float(h[0, 0])
    total = 0.0
    for gain in gains:
        rain = np.float32(gain)
        k.fill_up_row(ring, zero, zero, zero, zero, 8, np.float32(1), rain, h, rest, zero, h.copy(), zero, top)
        total += float(rain)
    assert float(h[0, 0]) + float(rest[0, 0]) == pytest.approx(first + total, abs=6e-8 * total)


def test_a_sink_takes_what_is_there_and_counts_it() -> None:
    h = np.array([0.5, 1e-3, 2e-7, 0.0], dtype=np.float32)
    before = h.astype(np.float64)
    rest, taken = np.zeros(4, dtype=np.float32), np.zeros(4)
    k.sink_row(np.float32(0.01), np.float32(1 - 1e-6), np.float32(1), h, rest, taken)
    np.testing.assert_allclose(h.astype(np.float64) + rest + taken, before, rtol=0, atol=1e-14)
    assert taken[0] == pytest.approx(0.01)
    assert h.min() >= 0
    assert h[1] < 1e-8
