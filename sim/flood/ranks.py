"""Ranks and colours of flood maps, as data (``ranks.yaml`` beside this file)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from twin.errors import LayerError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Rank", "RankTable", "rank_tables"]

NEEDED = {"standard", "detailed", "duration", "arrival"}


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
def rank_tables(path: Path | None = None) -> dict[str, RankTable]:
    """``standard`` and ``detailed`` depth [m], ``duration`` and ``arrival`` [s].

    Parameters
    ----------
    path : Path, optional
        File that replaces ``ranks.yaml``.

    Raises
    ------
    LayerError
        If it is not of that form.
    """
    where = "sim/flood/ranks.yaml" if path is None else str(path)
    source = files("sim.flood").joinpath("ranks.yaml") if path is None else path
    try:
        return {key: _table(form) for key, form in _mapping(yaml.safe_load(source.read_text(encoding="utf-8"))).items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise LayerError(
            f"is no table of ranks ({said[:300]})",
            where=where,
            remedy="Start from a copy of sim/flood/ranks.yaml.",
        ) from error


def _mapping(content: Any) -> dict[str, Any]:
    missing = sorted(NEEDED - set(content))
    if missing:
        raise ValueError(f"there is no table {', '.join(missing)}")
    return dict(content)


def _table(form: dict[str, Any]) -> RankTable:
    ranks = tuple(Rank(float(r["from"]), str(r["color"]), {"ja": r["ja"], "en": r["en"]}) for r in form["ranks"])
    lower = [rank.lower for rank in ranks]
    if not ranks or sorted(set(lower)) != lower:
        raise ValueError(f"the ranks {lower} do not increase")
    for rank in ranks:
        if not re.fullmatch(r"#[0-9A-Fa-f]{6}", rank.color):
            raise ValueError(f"{rank.color!r} is no colour such as #F7F5A9")
    return RankTable({"ja": form["ja"], "en": form["en"]}, form["unit"], form["source"], ranks)
