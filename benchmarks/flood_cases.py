"""The cases of the flood benchmarks (specs of the flood engine)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Precision = Literal["single", "double"]
PRECISIONS: tuple[Precision, ...] = ("single", "double")


@dataclass(frozen=True)
class Case:
    """A benchmark case."""

    bed: NDArray[np.float64]
    depth: NDArray[np.float64]
    cell_size: float
    n: float
    duration: float
    rain: float | None = None


def dam_break(n: int = 512, duration: float = 60.0) -> Case:
    depth = np.full((n, n), 0.5)
    depth[:, : n // 2] = 2.0
    return Case(np.zeros((n, n)), depth, 5.0, 0.03, duration)


def mostly_dry(n: int = 512, duration: float = 20.0) -> Case:
    side = round(n * 0.05**0.5)
    depth = np.zeros((n, n))
    depth[:side, :side] = 2.0
    return Case(np.zeros((n, n)), depth, 5.0, 0.03, duration)


def rain_on_hills(n: int = 1024, duration: float = 900.0) -> Case:
    y, x = np.mgrid[:n, :n]
    noise = np.random.default_rng(0).normal(0.0, 0.02, (n, n))
    bed = 0.004 * x + 2.0 * np.sin(x / 40.0) * np.cos(y / 50.0) + noise
    return Case(bed, np.zeros((n, n)), 5.0, 0.035, duration, 60.0)
