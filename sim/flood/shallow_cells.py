"""What touches the shallow-water state outside of a sweep: sources, maxima, the fastest wave, fences."""

from __future__ import annotations

import math

from numba import njit, uint64

from sim.flood.arithmetic import KERNEL, ROWS
from sim.flood.kernels import GRAVITY, TILE_COLS, TILE_ROWS
from sim.flood.shallow_layout import FENCE_ROWS, LEAD, PAD, REACH

__all__ = ["add_sources", "fastest_wave", "put_fences_aside", "track_velocity"]


@njit(**KERNEL)
def put_fences_aside(bands, state, fences):
    """Keep the rows beyond each band as they are before the step."""
    ny = state.z.shape[0] - 2 * PAD
    for k in range(bands.size - 1):
        first, last = bands[k] * TILE_ROWS, min(bands[k + 1] * TILE_ROWS, ny)
        if first >= last:
            continue
        for r in range(FENCE_ROWS):
            i = first - REACH + r if r < REACH else last - REACH + r
            if -PAD <= i < ny + PAD:
                for j in range(state.h.shape[1]):
                    fences[k, r, 0, j] = state.h[i + PAD, j]
                    fences[k, r, 1, j] = state.rest[i + PAD, j]
                    fences[k, r, 2, j] = state.u[i + PAD, j]
                    fences[k, r, 3, j] = state.v[i + PAD, j]


@njit(**KERNEL)
def add_sources(row, col, gain, keep, state, tops, got):
    """Add (or take, as far as there is any) `gain` [m] at single cells, one after the other.

    Water that is added is at rest, water that is taken has the velocity of the cell.

    got : (n,)   out, depth that was really added, negative where taken [m]
    """
    zero = tops[0, 0] - tops[0, 0]
    for k in range(row.size):
        i, j = row[k] + PAD, col[k] + LEAD
        part = max(gain[k], -keep * state.h[i, j])
        y = part + state.rest[i, j]
        old = state.h[i, j]
        new = old + y
        back = new - old
        state.rest[i, j] = (old - (new - back)) + (y - back)
        state.h[i, j] = new
        if part > zero:
            state.u[i, j] *= old / new
            state.v[i, j] *= old / new
        state.h_max[i, j] = max(state.h_max[i, j], new)
        t, c = row[k] // TILE_ROWS, col[k] // TILE_COLS
        tops[t, c] = max(tops[t, c], new)
        got[k] = part


@njit(**ROWS)
def track_row(h, u, v, least, zero, n, speed_max, discharge_max, force_max):
    """Running maxima of speed, unit discharge and u^2 h; shallower water than `least` does not count."""
    for j in range(uint64(n)):
        speed = math.sqrt(u[j] * u[j] + v[j] * v[j])
        speed = speed if h[j] >= least else zero
        speed_max[j] = max(speed_max[j], speed)
        discharge_max[j] = max(discharge_max[j], speed * h[j])
        force_max[j] = max(force_max[j], speed * speed * h[j])


@njit(**KERNEL)
def track_velocity(state, active, least, speed_max, discharge_max, force_max):
    """Bring the maxima that depend on velocity up to date in the active tiles."""
    zero = least - least
    for i in range(speed_max.shape[0]):
        t = i // TILE_ROWS
        for g in range(active.runs[t]):
            a, b = active.first[t, g], active.last[t, g]
            p = a + LEAD
            track_row(
                state.h[i + PAD, p:], state.u[i + PAD, p:], state.v[i + PAD, p:], least, zero, b - a,
                speed_max[i, a:b], discharge_max[i, a:b], force_max[i, a:b],
            )  # fmt: skip


@njit(**KERNEL)
def fastest_wave(state, dry):
    """Fastest wave [m s-1], from scratch."""
    fastest = dry - dry
    for i in range(state.h.shape[0]):
        for j in range(state.h.shape[1]):
            if state.h[i, j] > dry:
                speed = max(abs(state.u[i, j]), abs(state.v[i, j])) + math.sqrt(GRAVITY * state.h[i, j])
                fastest = max(fastest, speed)
    return fastest
