"""The kernels of the full scheme against plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sim.flood.shallow_kernels as k
from sim.flood.shallow_layout import PLANE, ROW
from sim.flood.shallow_model import BANK_BED

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}
N = 96


def _cells(dtype: Any, seed: int, least: float = 0.2) -> Any:
    """A buffer of cells: stage, depth, velocities; the bed is what is left."""
    rng = np.random.default_rng(seed)
    out = np.zeros(ROW, dtype=dtype)
    planes = out[: 5 * PLANE].reshape(5, PLANE)
    planes[1] = least + rng.random(PLANE)
    planes[0] = planes[1] + 0.3 * rng.random(PLANE)
    planes[2:4] = rng.normal(0.0, 1.0, (2, PLANE))
    return out


def _planes(row: Any, n: int = N) -> Any:
    return row[: 5 * PLANE].reshape(5, PLANE)[:, :n].astype(np.float64)


def _fluxes(west: Any, east: Any, dtype: Any, release: float = np.inf) -> Any:
    out, still = np.zeros(ROW, dtype=dtype), np.zeros(ROW, dtype=dtype)
    number = [dtype(v) for v in (9.81, 0.5, 0.25, 1e-4, 5e3, 1e-30)]
    free = np.full(N, release, dtype=dtype)
    k.face_row(west, still, east, still, free, free, *number, N, out)
    return _planes(out)


def _predicted(rows: Any, slopes: Any, dtype: Any, *, n2: float = 0.0, ratio: float = 0.05, dt: float = 0.2) -> Any:
    """Cells of the middle of three rows half a step on."""
    out, one = np.zeros(ROW, dtype=dtype), dtype(1)
    _, h, u, v = rows[1][: 4 * PLANE].astype(np.float64).reshape(4, PLANE)
    friction = (0.5 * 9.81 * dt * n2 * np.hypot(u, v) / np.cbrt(h) ** 4).astype(dtype)
    number = [dtype(v) for v in (ratio, 9.81, 0.5, 0.4, 1e-4)]
    k.predict_row(*rows, *slopes, friction, one, one, one, *number, N, out)
    return _planes(out)


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_states_give_the_flux_of_the_equations(dtype: Any) -> None:
    """Consistency: mass h u, momentum h u^2 (the pressure is kept apart), transverse h u v; nothing pushes."""
    cells = _cells(dtype, 1)
    mass, along, carried, west, east = _fluxes(cells, cells, dtype)
    _, h, u, v, _ = _planes(cells)
    np.testing.assert_allclose(mass, h * u, atol=TOLERANCE[dtype])
    np.testing.assert_allclose(along, h * u * v, atol=TOLERANCE[dtype])
    np.testing.assert_allclose(carried, h * u * u, atol=10 * TOLERANCE[dtype])
    assert np.abs(west).max() == np.abs(east).max() == 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mirrored_face_gives_the_mirrored_flux(dtype: Any) -> None:
    a, b = _cells(dtype, 2), _cells(dtype, 3)
    forward = _fluxes(a, b, dtype)
    for row in (a, b):
        row[2 * PLANE : 3 * PLANE] *= -1
    backward = _fluxes(b, a, dtype)
    np.testing.assert_allclose(backward[0], -forward[0], atol=TOLERANCE[dtype])
    np.testing.assert_allclose(backward[2], forward[2], atol=10 * TOLERANCE[dtype])
    np.testing.assert_allclose(backward[3], forward[4], atol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_still_water_of_one_stage_has_no_flux_over_any_step(dtype: Any) -> None:
    a, b = _cells(dtype, 4), _cells(dtype, 5)
    for row in (a, b):
        row[:PLANE] = 1.5
        row[2 * PLANE : 4 * PLANE] = 0
    # a bank that stands above the water
    b[:8], b[PLANE : PLANE + 8] = 2.0, 0.0
    assert np.abs(_fluxes(a, b, dtype)).max() == 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_passes_a_wall_and_it_stops_what_runs_at_it(dtype: Any) -> None:
    a, wall = _cells(dtype, 6), np.zeros(ROW, dtype=dtype)
    wall[:PLANE] = 1e4
    for west, east, sign in ((a, wall, 1), (wall, a, -1)):
        mass, along, carried, _, _ = _fluxes(west, east, dtype)
        assert np.abs(mass).max() == np.abs(along).max() == 0.0
        against = sign * _planes(a)[2] > 0
        assert np.all(carried[against] > 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_before_a_stair_of_a_bank_there_is_only_pressure(dtype: Any) -> None:
    """The pressure is kept apart: nothing is left of the fluxes."""
    a, bank = _cells(dtype, 6), np.zeros(ROW, dtype=dtype)
    bank[:PLANE] = BANK_BED
    for west, east in ((a, bank), (bank, a)):
        assert np.abs(_fluxes(west, east, dtype)).max() == 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_over_a_free_fall_a_film_leaves_as_fast_as_friction_lets_it(dtype: Any) -> None:
    """At two thirds of sqrt(g h) without friction (Ritter's dam break), of sqrt(release h) with it."""
    above, below = _cells(dtype, 8), _cells(dtype, 9)
    above[:PLANE] = 10.0 + above[PLANE : 2 * PLANE]
    for row in (above, below):
        row[2 * PLANE : 4 * PLANE] = 0
    h = _planes(above)[1]
    for release in (np.inf, 0.04):
        fastest = np.sqrt(np.minimum(9.81, release) * h)
        # where two waters meet nothing changes
        for west, east, mass in ((above, below, 2 / 3 * h * fastest), (below, above, -2 / 3 * h * fastest)):
            np.testing.assert_allclose(_fluxes(west, east, dtype, release)[0], mass, rtol=50 * TOLERANCE[dtype])
    np.testing.assert_array_equal(_fluxes(below, below, dtype, 0.04), _fluxes(below, below, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_linear_profile_is_reconstructed(dtype: Any) -> None:
    rows = [_cells(dtype, 0) for _ in range(3)]
    for number, row in enumerate(rows):
        for plane in range(4):
            row[plane * PLANE : (plane + 1) * PLANE] = 1.0 + 0.25 * (number - 1) * (plane + 1)
    number = [dtype(v) for v in (1e-3, 0.25)]
    out = np.zeros(ROW, dtype=dtype)
    k.slope_row(*rows, *number, N, out)
    for plane in range(3):
        np.testing.assert_allclose(_planes(out)[plane], 0.125 * (plane + 1), rtol=TOLERANCE[dtype])
    # the velocity across the sweep mixes: half of its slope is left
    np.testing.assert_allclose(_planes(out)[3], 0.125 * 4 / 2, rtol=TOLERANCE[dtype])
    # an extremum has no slope
    k.slope_row(rows[0], rows[1], rows[0], *number, N, out)
    assert np.abs(_planes(out)[:4]).max() == 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_still_water_of_one_stage_is_predicted_to_stay(dtype: Any) -> None:
    rows = [_cells(dtype, seed) for seed in (11, 12, 13)]
    for row in rows:
        row[:PLANE] = 1.5
        row[2 * PLANE : 4 * PLANE] = 0
    slopes = [np.zeros(ROW, dtype=dtype) for _ in rows]
    for seed, row in enumerate(slopes):
        row[PLANE : 2 * PLANE] = np.random.default_rng(seed).normal(0.0, 0.05, PLANE)
    np.testing.assert_array_equal(_predicted(rows, slopes, dtype)[:4], _planes(rows[1])[:4])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_flow_in_balance_with_friction_is_predicted_to_stay(dtype: Any) -> None:
    """Gravity along a slope of 1 % is friction, g S = g n^2 u^2 h^(-4/3); without it u grows by g S dt / 2."""
    fall, n, dt, dx = 0.01, 0.03, 0.2, 4.0
    h, u = 0.8, np.sqrt(fall) / n * 0.8 ** (2 / 3)
    rows, slopes = [], []
    for number in range(3):
        row, slope = np.zeros(ROW, dtype=dtype), np.zeros(ROW, dtype=dtype)
        row[:PLANE], row[PLANE : 2 * PLANE], row[2 * PLANE : 3 * PLANE] = 5.0 - fall * dx * number, h, u
        slope[:PLANE] = -0.5 * fall * dx
        rows.append(row)
        slopes.append(slope)
    rough = _predicted(rows, slopes, dtype, n2=n * n, ratio=dt / dx)
    np.testing.assert_allclose(rough[:3], np.array([rows[1][0], h, u])[:, None].repeat(N, 1), rtol=TOLERANCE[dtype])
    smooth = _predicted(rows, slopes, dtype, ratio=dt / dx)
    np.testing.assert_allclose(smooth[2], u + 0.5 * dt * 9.81 * fall, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_stored_velocities_solve_the_implicit_friction_law(dtype: Any) -> None:
    """U (1 + k |U|) = U0 for the new velocity, in the direction of the flow; what is dry stands still."""
    cells = _cells(dtype, 7)
    _, gained, u0, v0, gain = _planes(cells)
    h = (gained - gain).astype(dtype)
    h[::5], gained[::5] = 0.0, 0.0
    cells[4 * PLANE : 4 * PLANE + N : 5] = 0.0
    rest, u, v, h_max, fast = (np.zeros(N, dtype=dtype) for _ in range(5))
    n2 = np.full(N, 0.0009, dtype=dtype)
    top = np.zeros(N, dtype=dtype)
    numbers = [dtype(value) for value in (40.0, 9.81, 1e-4, 1)]
    k.store_row(n2, *numbers, N, cells, h, rest, u, v, h_max, top, fast)
    np.testing.assert_allclose(h.astype(np.float64) + rest, gained, atol=TOLERANCE[dtype])
    wet = gained > 0
    slower = 1 + 40.0 * 0.0009 * np.hypot(u[wet], v[wet]) / np.cbrt(h[wet]) ** 4
    np.testing.assert_allclose(u[wet] * slower, u0[wet], atol=10 * TOLERANCE[dtype])
    np.testing.assert_allclose(v[wet] * slower, v0[wet], atol=10 * TOLERANCE[dtype])
    assert not np.any([u[~wet], v[~wet], fast[~wet]])
    np.testing.assert_array_equal(h_max, h)
    np.testing.assert_array_equal(top, h)
    speed = np.maximum(abs(u), abs(v)) + np.sqrt(9.81 * h.astype(np.float64))
    np.testing.assert_allclose(fast[wet], speed[wet], rtol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_shares_and_gains_agree_with_numpy(dtype: Any) -> None:
    cells, flux = _cells(dtype, 8), _cells(dtype, 9)
    flux[:PLANE] -= 1.0
    share, east = np.zeros(ROW, dtype=dtype), flux[1:]
    number = [dtype(v) for v in (3.0, 1.0, 5e3)]
    k.share_row(cells, flux, east, *number, dtype(1e-30), dtype(1), N, share)
    h, f = _planes(cells)[1], _planes(flux, N + 1)[0]
    leaving = 3.0 * (np.maximum(f[1:], 0) - np.minimum(f[:-1], 0))
    shares = _planes(share)[0]
    np.testing.assert_allclose(shares, np.minimum(1.0, h / np.maximum(leaving, 1e-30)), rtol=1e-5)
    assert k.count_owing(cells, flux, east, *number, dtype(1), N) == (leaving > h).sum() > 0
    before = _planes(flux)
    k.scale_row(share, share[1:], N - 1, east)
    after = _planes(flux)
    donor = np.where(before[0, 1:] > 0, shares[:-1], shares[1:])
    np.testing.assert_allclose(after[0, 1:], before[0, 1:] * donor, rtol=1e-5)
    np.testing.assert_array_equal(after[3:], before[3:])


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_loaded_is_the_state_its_friction_and_release(dtype: Any) -> None:
    rng = np.random.default_rng(10)
    z, h, u, v = (rng.uniform(0.1, 1.0, N).astype(dtype) for _ in range(4))
    rest, n2, out, beside = (np.zeros(N, dtype), np.full(N, 0.0009, dtype), np.ones(ROW, dtype), np.zeros(ROW, dtype))
    dx = 8.0
    number = [dtype(v) for v in (40.0, 40.0 / dx, 0.5, 1e-4, 1e-30)]
    k.load_row(z, h, rest, u, v, n2, *number, N, out, beside)
    np.testing.assert_allclose(_planes(out), [z.astype(float) + h, h, u, v, 0 * h], rtol=TOLERANCE[dtype])
    expected = 0.5 * 40.0 * 0.0009 * np.hypot(u, v) / np.cbrt(h) ** 4
    friction, release = _planes(beside)[:2]
    np.testing.assert_allclose(friction, expected, rtol=TOLERANCE[dtype])
    # for each metre of fall
    manning = np.cbrt(h) ** 2 * np.sqrt(1.0 / (0.5 * dx)) / 0.03
    np.testing.assert_allclose(release, manning**2, rtol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_loops_in_one_give_what_each_gives(dtype: Any) -> None:
    """Along rows slopes come before the prediction and sources before the faces, across rows both come at once."""
    rows = [_cells(dtype, seed) for seed in (14, 15, 16, 17)]
    slopes = [np.zeros(ROW, dtype=dtype) for _ in range(3)]
    friction, one = np.full(N, 0.02, dtype=dtype), dtype(1)
    least, quarter = dtype(1e-3), dtype(0.25)
    number = [dtype(v) for v in (0.05, 9.81, 0.5, 0.4, 1e-4)]
    for number_of_row in (0, 1):
        k.slope_row(rows[0], rows[number_of_row], rows[3], least, quarter, N, slopes[number_of_row])
    together, apart = slopes[2].copy(), slopes[2].copy()
    predicted = [np.zeros(ROW, dtype=dtype) for _ in range(2)]
    k.slope_and_predict_row(
        *rows, slopes[0], slopes[1], together, friction, one, one, one, least, quarter, *number, N, predicted[0]
    )
    k.slope_row(*rows[1:], least, quarter, N, apart)
    k.predict_row(*rows[:3], slopes[0], slopes[1], apart, friction, one, one, one, *number, N, predicted[1])
    np.testing.assert_allclose(_planes(together), _planes(apart), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    np.testing.assert_allclose(_planes(predicted[0]), _planes(predicted[1]), atol=TOLERANCE[dtype])
    numbers = [dtype(v) for v in (9.81, 0.5, 0.25, 1e-4, 5e3, 1e-30)]
    fluxes = [np.zeros(ROW, dtype=dtype) for _ in range(2)]
    pushed = [slopes[1].copy() for _ in range(2)]
    free = [np.random.default_rng(seed).uniform(0.0, 4.0, N).astype(dtype) for seed in (18, 19)]
    k.source_and_face_row(rows[0], slopes[0], rows[1], pushed[0], *free, rows[2], least, *numbers, N, fluxes[0])
    k.source_row(*rows[:3], pushed[1], least, quarter, N)
    k.face_row(rows[0], slopes[0], rows[1], pushed[1], *free, *numbers, N, fluxes[1])
    np.testing.assert_allclose(_planes(pushed[0]), _planes(pushed[1]), atol=TOLERANCE[dtype])
    np.testing.assert_allclose(_planes(fluxes[0]), _planes(fluxes[1]), atol=10 * TOLERANCE[dtype])


def test_depths_of_inflow_and_outflow_keep_the_wave_that_arrives() -> None:
    for q, h, u in ((0.5, 1.0, -0.3), (2.0, 2.0, 0.4), (0.01, 0.5, -0.02)):
        depth = k.depth_of_inflow(q, h, u, 0.0, 0.0009, 1e-4)
        assert -q / depth + 2 * np.sqrt(9.81 * depth) == pytest.approx(u + 2 * np.sqrt(9.81 * h), rel=1e-9)
    # on dry ground the flow enters critical, on a steep slope at normal depth
    assert k.depth_of_inflow(0.5, 0.0, 0.0, 0.0, 0.0009, 1e-4) == pytest.approx((0.25 / 9.81) ** (1 / 3))
    normal = (0.5 * 0.03 / np.sqrt(0.03)) ** 0.6
    assert k.depth_of_inflow(0.5, 0.0, 0.0, 0.03, 0.0009, 1e-4) == pytest.approx(normal)
    wave, rate = 0.8 + 2 * np.sqrt(9.81), np.sqrt(0.001) / 0.03
    depth = k.depth_of_outflow(wave, rate, 1.0)
    assert rate * depth ** (2 / 3) + 2 * np.sqrt(9.81 * depth) == pytest.approx(wave, rel=1e-9)
