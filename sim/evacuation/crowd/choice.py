"""Which exit somebody walks to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.evacuation.crowd.navigation.kernels import UNREACHED

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["choose_nearest", "choose_quickest"]

GAIN = 0.2
"""Share of his time that somebody must gain before he changes his mind; keeps people from going to and fro."""


def choose_nearest(times: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Exit with the shortest travel time, -1 where there is no way.

    Parameters
    ----------
    times : (exits, n)
        Travel time [s].
    allowed : (exits, n)
        Whether a person may take the exit.
    """
    masked = np.where(allowed, times, UNREACHED)
    best = masked.argmin(axis=0)
    return np.where(masked[best, np.arange(times.shape[1])] < UNREACHED, best, -1).astype(np.int16)


def choose_quickest(
    times: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    speed: NDArray[np.float32],
    current: NDArray[np.int16],
    capacity: NDArray[np.float64],
    decides: NDArray[np.bool_],
) -> NDArray[np.int16]:
    """Exit through which one is out first, the queue before it taken into account.

    Somebody is out when he has walked there and when all have gone who are nearer to that exit and want to it.

    Parameters
    ----------
    times : (exits, n)
        Travel time for 1 m/s [s].
    allowed : (exits, n)
        Whether a person may take the exit.
    speed : (n,)
        Own speed [m/s].
    current : (n,)
        Exit now, -1 for none.
    capacity : (exits,)
        [persons/s].
    decides : (n,)
        Who thinks it over now; others keep their exit.
    """
    expected = np.full(times.shape, np.inf)
    for exit_, time in enumerate(times):
        ahead = np.searchsorted(np.sort(time[current == exit_]), time)
        out = np.maximum(time / np.maximum(speed, 0.1), ahead / capacity[exit_])
        expected[exit_] = np.where(allowed[exit_] & (time < UNREACHED), out, np.inf)
    everybody = np.arange(times.shape[1])
    best = expected.argmin(axis=0)
    now = np.where(current >= 0, expected[current, everybody], np.inf)
    gains = expected[best, everybody] < (1.0 - GAIN) * now
    changed = np.where(gains & (decides | ~np.isfinite(now)), best, current)
    return np.where(np.isfinite(expected[changed, everybody]), changed, -1).astype(np.int16)
