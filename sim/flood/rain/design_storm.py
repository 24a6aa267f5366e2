"""Hyetographs from intensity formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.rain.section import DesignRain

__all__ = ["constants", "hyetograph", "mean_intensity"]

MOST_STEPS = 100_000


def constants(design: DesignRain) -> tuple[float, float, float]:
    """a, b, n of i = a / (t^n + b), i [mm/h], t [min].

    Raises
    ------
    ValueError
        If no such curve goes through the points.
    """
    n = {"talbot": 1.0, "kuno_ishiguro": 0.5}.get(design.formula, design.n)
    if design.points is None:
        assert design.a is not None
        assert n is not None
        return design.a, design.b or 0.0, n
    (t0, i0), (t1, i1) = design.points
    if t0 == t1 or (i0 - i1) * (t1 - t0) <= 0:
        raise ValueError(f"points {design.points}: intensity must fall as time grows")
    if design.formula == "sherman":
        n = float(np.log(i0 / i1) / np.log(t1 / t0))
        return i0 * t0**n, 0.0, n
    assert n is not None
    # i0 (t0^n + b) = i1 (t1^n + b)
    b = (i1 * t1**n - i0 * t0**n) / (i0 - i1)
    return i0 * (t0**n + b), b, n


def mean_intensity(design: DesignRain, minutes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean intensity [mm/h] of the heaviest `minutes` of the rain."""
    a, b, n = constants(design)
    return np.asarray(a / (minutes**n + b), dtype=np.float64)


def hyetograph(design: DesignRain) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times [s] at which a step begins and its intensity [mm/h]; the last entry ends the rain.

    Alternating blocks (Chow, Maidment & Mays 1988, section 14.4): what each further step adds to the depth of the
    heaviest k steps, laid around the peak, so that the heaviest k steps together have the formula's intensity.

    Raises
    ------
    ValueError
        If the length is no multiple of the step, or the formula gives no falling intensity and growing depth there.
    """
    count = round(design.length / design.step)
    if count < 1 or abs(count * design.step - design.length) > 1e-6 * design.step or count > MOST_STEPS:
        raise ValueError(f"length {design.length} s is no multiple (1 to {MOST_STEPS}) of step {design.step} s")
    minutes = np.arange(1, count + 1, dtype=np.float64) * (design.step / 60.0)
    a, b, n = constants(design)
    if (minutes[0] ** n + b) <= 0 or a <= 0:
        raise ValueError(f"a = {a:g}, b = {b:g}, n = {n:g} give no positive intensity at {minutes[0]:g} min")
    depth = mean_intensity(design, minutes) * minutes / 60.0
    added = np.diff(depth, prepend=0.0)
    if (added < 0).any() or (np.diff(added) > 1e-9 * added[0]).any():
        raise ValueError(
            f"a = {a:g}, b = {b:g}, n = {n:g}: the depth of the rain must grow, and ever slower, with time"
        )
    peak = min(int(design.peak_at * count), count - 1)
    blocks = np.empty(count)
    blocks[peak] = added[0]
    before, after = peak - 1, peak + 1
    for number, part in enumerate(added[1:]):
        # after and before the peak in turn, as long as there is room
        if before < 0 or (after < count and number % 2 == 0):
            blocks[after] = part
            after += 1
        else:
            blocks[before] = part
            before -= 1
    times = design.start + np.arange(count + 1, dtype=np.float64) * design.step
    intensity = np.append(blocks * 3600.0 / design.step, 0.0)
    if design.start > 0:
        return np.append(0.0, times), np.append(0.0, intensity)
    return times, intensity
