"""Distributions of uncertain numbers, each by its quantile function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from twin.scenario import Finite, NotNegative, Positive, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Discrete", "Distribution", "Lognormal", "Normal", "Triangular", "Uniform", "cumulated"]

LEAST_LEFT = 1e-6
"""Probability that bounds must leave: less is a mistake in the bounds, and the quantiles lose their digits."""


class _Bounded(Section):
    """A distribution that may be cut off on both sides; what is left is scaled to probability 1."""

    low: Finite | None = None
    high: Finite | None = None

    def _cumulative(self, value: float) -> float:
        raise NotImplementedError

    def _inverse(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    def _span(self) -> tuple[float, float]:
        return (
            0.0 if self.low is None else self._cumulative(self.low),
            1.0 if self.high is None else self._cumulative(self.high),
        )

    @model_validator(mode="after")
    def _leaves_something(self) -> _Bounded:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}; give low < high")
        below, above = self._span()
        if above - below < LEAST_LEFT:
            raise ValueError(f"low and high leave a probability of {above - below:.1g}; widen them")
        return self

    def quantile(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values below which `share` of the probability lies."""
        below, above = self._span()
        return np.clip(
            self._inverse(below + share * (above - below)),
            -np.inf if self.low is None else self.low,
            np.inf if self.high is None else self.high,
        )


class Normal(_Bounded):
    """Normal distribution.

    Parameters
    ----------
    mean : float
    sd : float
        Standard deviation, before it is cut off.
    low, high : float or None
        Cut off there.
    """

    kind: Literal["normal"]
    mean: Finite
    sd: Positive

    def _cumulative(self, value: float) -> float:
        from scipy.special import ndtr

        return float(ndtr((value - self.mean) / self.sd))

    def _inverse(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.special import ndtri

        return np.asarray(self.mean + self.sd * ndtri(share), dtype=np.float64)


class Lognormal(_Bounded):
    """Lognormal distribution: the logarithm is normal.

    Parameters
    ----------
    median : float
    sigma : float
        Standard deviation of the natural logarithm; 0.2 is about 20 % of the median.
    low, high : float or None
        Cut off there.
    """

    kind: Literal["lognormal"]
    median: Positive
    sigma: Positive

    def _cumulative(self, value: float) -> float:
        from scipy.special import ndtr

        return float(ndtr(np.log(value / self.median) / self.sigma)) if value > 0 else 0.0

    def _inverse(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.special import ndtri

        return np.asarray(self.median * np.exp(self.sigma * ndtri(share)), dtype=np.float64)


class Triangular(Section):
    """Triangular distribution.

    Parameters
    ----------
    low, mode, high : float
        low <= mode <= high.
    """

    kind: Literal["triangular"]
    low: Finite
    mode: Finite
    high: Finite

    @model_validator(mode="after")
    def _is_a_triangle(self) -> Triangular:
        if not (self.low <= self.mode <= self.high and self.low < self.high):
            raise ValueError(f"low {self.low:g}, mode {self.mode:g}, high {self.high:g} do not ascend")
        return self

    def quantile(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values below which `share` of the probability lies."""
        span, left, right = self.high - self.low, self.mode - self.low, self.high - self.mode
        rising = self.low + np.sqrt(share * span * left)
        falling = self.high - np.sqrt((1.0 - share) * span * right)
        return np.where(share * span <= left, rising, falling)


class Uniform(Section):
    """Every value between `low` and `high` alike.

    Parameters
    ----------
    low, high : float
    """

    kind: Literal["uniform"]
    low: Finite
    high: Finite

    @model_validator(mode="after")
    def _is_wide(self) -> Uniform:
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}; give low < high")
        return self

    def quantile(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values below which `share` of the probability lies."""
        return self.low + share * (self.high - self.low)


class Discrete(Section):
    """A few numbers.

    Parameters
    ----------
    values : tuple of float
    weights : tuple of float
        In the order of the values; all alike by default.
    """

    kind: Literal["discrete"]
    values: Annotated[tuple[Finite, ...], Field(min_length=1)]
    weights: tuple[NotNegative, ...] = ()

    @model_validator(mode="after")
    def _weights_fit(self) -> Discrete:
        cumulated(self.weights, len(self.values))
        return self

    def quantile(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value whose part of the weights `share` falls into."""
        number = np.searchsorted(cumulated(self.weights, len(self.values)), share, side="right")
        return np.asarray(self.values)[number]


Distribution: TypeAlias = Annotated[Normal | Lognormal | Triangular | Uniform | Discrete, Field(discriminator="kind")]
"""A distribution, told apart by its ``kind``."""


def cumulated(weights: tuple[float, ...], count: int) -> NDArray[np.float64]:
    """Upper ends of the shares of `count` entries but the last, (count - 1,).

    Raises
    ------
    ValueError
        If there are weights, but not one an entry, or all are zero.
    """
    given: Any = weights or (1.0,) * count
    if len(given) != count:
        raise ValueError(f"{len(given)} weights for {count} values; give one a value")
    total = float(sum(given))
    if total <= 0:
        raise ValueError("all weights are zero; give at least one above zero")
    return np.cumsum(np.asarray(given, dtype=np.float64))[:-1] / total
