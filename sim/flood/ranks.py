"""Ranks and colours of flood maps, as data (``ranks.yaml`` beside this file)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import yaml

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Rank", "RankTable", "rank_tables"]


@dataclass(frozen=True, slots=True)
class Rank:
    """One class: from `lower` (included) to the next rank's."""

    lower: float
    color: str
    name: dict[str, str]


@dataclass(frozen=True, slots=True)
class RankTable:
    """Classes of one quantity in ascending order.

    Parameters
    ----------
    name : mapping of str to str
        By language.
    unit : str
    source : str
        The official document that sets them.
    ranks : tuple of Rank
    """

    name: dict[str, str]
    unit: str
    source: str
    ranks: tuple[Rank, ...]

    def classify(self, values: ArrayLike) -> NDArray[np.int8]:
        """Number of the rank, 1 = lowest; 0 where the value is 0, negative or missing.

        Examples
        --------
        >>> [int(r) for r in rank_tables()["standard"].classify([0.0, 0.2, 0.5, 25.0, float("nan")])]
        [0, 1, 2, 6, 0]
        """
        given = np.asarray(values, dtype=np.float64)
        rank = np.searchsorted([r.lower for r in self.ranks], given, side="right")
        return np.where(given > 0, rank, 0).astype(np.int8)


@cache
def rank_tables() -> dict[str, RankTable]:
    """``standard`` and ``detailed`` depth [m], ``duration`` [s]."""
    text = files("sim.flood").joinpath("ranks.yaml").read_text(encoding="utf-8")
    return {
        key: RankTable(
            {"ja": table["ja"], "en": table["en"]},
            table["unit"],
            table["source"],
            tuple(Rank(float(r["from"]), r["color"], {"ja": r["ja"], "en": r["en"]}) for r in table["ranks"]),
        )
        for key, table in yaml.safe_load(text).items()
    }
