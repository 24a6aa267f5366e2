"""Water depths as one byte, such that the class shown is always the class of the depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["DepthCode"]

DEEPEST = 40.0
"""Depth of the last code [m]; deeper water has the same class."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthCode:
    """Byte codes of depths; every class edge is a code's edge.

    Parameters
    ----------
    edges : ndarray of float32 (256,)
        ``code(h)`` is k where edges[k] <= h < edges[k + 1]; edges[0] = -inf, edges[1] = the dry limit.
    shown : ndarray of float32 (256,)
        Depth that a code stands for [m]; 0 for code 0.
    """

    edges: NDArray[np.float32]
    shown: NDArray[np.float32]

    @classmethod
    def of_classes(cls, uppers: Sequence[float | None], dry: float) -> DepthCode:
        """Codes for classes with these upper edges (None = open), codes spread evenly in the root of the depth.

        Parameters
        ----------
        uppers : sequence of float or None
            Ascending upper edges of the classes [m].
        dry : float
            Depth below which a cell is dry [m].
        """
        bounds = np.array([dry, *(DEEPEST if upper is None else upper for upper in uppers)], dtype=np.float64)
        bounds = np.maximum.accumulate(bounds)
        if bounds[-1] <= bounds[-2]:
            bounds[-1] = 2 * bounds[-2]
        share = np.diff(np.sqrt(bounds))
        counts = np.maximum(2, np.floor(share / share.sum() * (255 - 2 * len(share))).astype(np.int64) + 2)
        counts[-1] += 255 - counts.sum()
        lower = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(bounds[:-1], bounds[1:], counts, strict=True)]
        edges = np.concatenate([[-np.inf], *lower]).astype(np.float32)
        upper = np.append(edges[2:], np.float32(bounds[-1]))
        shown = np.concatenate([[0.0], 0.5 * (edges[1:] + upper)]).astype(np.float32)
        return cls(edges, shown)

    def encode(self, depth: NDArray[Any]) -> NDArray[np.uint8]:
        """Codes of depths [m]; NaN is dry."""
        values = np.nan_to_num(np.asarray(depth, dtype=np.float32), nan=0.0)
        return np.asarray(np.searchsorted(self.edges, values, side="right") - 1, dtype=np.uint8)
