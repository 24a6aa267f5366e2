"""What members say together at places: shares, percentiles, mean and spread along the first axis.

A percentile p is the smallest value that at least p per cent of the members keep to (the inverse of the empirical
distribution, definition 1 of Hyndman & Fan 1996): a value that a member has, also where some never get wet.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["convergence", "exceedance", "mean_and_spread", "percentiles", "rank_of_percentile", "share_over"]


def share_over(values: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Share of the members (first axis) whose value is at least `threshold`."""
    share: NDArray[np.float32] = (values >= np.float32(threshold)).mean(axis=0, dtype=np.float64).astype(np.float32)
    return share


def rank_of_percentile(percent: int, members: int) -> int:
    """Position of a percentile in the members' ascending values."""
    return max(math.ceil(percent * members / 100) - 1, 0)


def percentiles(values: NDArray[np.float32], wanted: Sequence[int]) -> NDArray[np.float32]:
    """Percentiles along the first axis, (len(wanted), ...); infinite values, which never come, are given as NaN.

    `values` is sorted in place.
    """
    values.sort(axis=0)
    found = values[[rank_of_percentile(percent, len(values)) for percent in wanted]]
    found[np.isinf(found)] = np.nan
    return found


def mean_and_spread(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation (n - 1) along the first axis; zero spread of a single member."""
    mean = values.mean(axis=0, dtype=np.float64)
    square = np.zeros_like(mean)
    for one in values:
        square += (one - mean) ** 2
    return mean.astype(np.float32), np.sqrt(square / max(len(values) - 1, 1)).astype(np.float32)


def exceedance(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Descending values, and the share of the members that reach each.

    Examples
    --------
    >>> value, share = exceedance(np.array([3.0, 7.0, 3.0, 0.0]))
    >>> value.tolist(), share.tolist()
    ([7.0, 3.0, 3.0, 0.0], [0.25, 0.75, 0.75, 1.0])
    """
    ascending = np.sort(values)
    share = 1.0 - np.searchsorted(ascending, ascending, side="left") / len(values)
    return ascending[::-1], share[::-1]


def convergence(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of the first n members, and its standard error s / sqrt(n), for n = 1, 2, ...; NaN for one member.

    The standard error is that of independent members; with Sobol' points or a Latin hypercube the mean is usually
    closer than it says (McKay, Beckman & Conover 1979).
    """
    n = np.arange(1, len(values) + 1)
    shifted = values - values.mean()  # the squares of large areas would cancel
    mean = np.cumsum(shifted) / n
    variance = np.maximum(np.cumsum(shifted**2) / n - mean**2, 0.0)
    error = np.full(len(values), np.nan)
    error[1:] = np.sqrt(variance[1:] / (n[1:] - 1))
    return mean + values.mean(), error
