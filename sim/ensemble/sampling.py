"""Points of the unit cube whose first ones stay when more are asked for.

Member k of an ensemble depends on the seed and on k, never on how many members there are: an ensemble grows and keeps
what it has. Each of the three ways is such a sequence:

``sobol``
    Scrambled Sobol' points in order (Owen 1998; ``scipy.stats.qmc.Sobol``), best at powers of two.
``latin``
    A Latin hypercube that grows by doubling (nested as in Qian 2009, Biometrika 96, 957-970): at 1, 2, 4, 8, ... points
    every one of as many equal slices of every quantity holds exactly one. The 2n points are the n that are there and n
    new ones in the slices, now half as wide, that are still free. (``scipy.stats.qmc.LatinHypercube`` deals all points
    anew for another number, so it cannot grow.)
``plain``
    Independent random numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["correlate", "correlation_factor", "unit_points"]

EDGE = 2.0**-33
"""Points keep this distance from 0 and 1: an unbounded distribution has no quantile there."""


def unit_points(sampling: str, count: int, quantities: int, seed: int) -> NDArray[np.float64]:
    """`count` points of the unit cube, (count, quantities), inside (0, 1).

    Parameters
    ----------
    sampling : {"sobol", "latin", "plain"}
    count, quantities, seed : int
    """
    if sampling == "sobol":
        points = _sobol(count, quantities, seed)
    else:
        make = _latin if sampling == "latin" else _plain
        columns = [make(count, np.random.default_rng([seed, number])) for number in range(quantities)]
        points = np.column_stack(columns)
    return np.clip(points, EDGE, 1.0 - EDGE)


def correlation_factor(quantities: int, pairs: Sequence[tuple[int, int, float]]) -> NDArray[np.float64]:
    """Lower triangle that gives standard normal numbers these rank correlations.

    Parameters
    ----------
    quantities : int
    pairs : sequence of (int, int, float)
        Two quantities and Spearman's rank correlation between them; others are not correlated.

    Raises
    ------
    ValueError
        If no numbers can be correlated so.

    Notes
    -----
    Pearson's correlation of two normal numbers is 2 sin(pi r / 6), r their rank correlation (Pearson 1907).
    """
    matrix = np.eye(quantities)
    for a, b, rank in pairs:
        matrix[a, b] = matrix[b, a] = 2.0 * np.sin(np.pi * rank / 6.0)
    try:
        return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise ValueError("no numbers are correlated so with one another; lower the correlations") from error


def correlate(points: NDArray[np.float64], factor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points whose quantities go together, each still even in (0, 1): a Gaussian copula, point by point.

    A quantity that follows another one loses its slices of the Latin hypercube, not its distribution.
    """
    from scipy.special import ndtr, ndtri

    joined: NDArray[np.float64] = np.clip(ndtr(ndtri(points) @ factor.T), EDGE, 1.0 - EDGE)
    return joined


def _sobol(count: int, quantities: int, seed: int) -> NDArray[np.float64]:
    from scipy.stats import qmc

    sequence = qmc.Sobol(quantities, scramble=True, rng=np.random.default_rng(seed))
    points: NDArray[np.float64] = sequence.random_base2((count - 1).bit_length())
    return points[:count]


def _latin(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    points = rng.random(1)
    while len(points) < count:
        n = len(points)
        free = np.setdiff1d(np.arange(2 * n), np.floor(points * 2 * n))
        slices = rng.permutation(free).astype(np.float64)
        # a sum may round up into the next slice
        place = np.minimum(slices + rng.random(n), np.nextafter(slices + 1, 0))
        points = np.concatenate([points, place / (2 * n)])
    return points[:count]


def _plain(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.random(count)
