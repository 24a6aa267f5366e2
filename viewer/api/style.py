"""How a layer is shown: its name, its classes and their colours."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Style", "rank_of", "style_of"]


@dataclass(frozen=True, slots=True)
class Style:
    """What ``style.yaml`` says about a layer.

    Parameters
    ----------
    name : mapping of str to str
        By language.
    is_visible : bool
        Whether it is shown at first.
    classes : tuple of mapping
        ``name`` by language, ``color``, perhaps ``opacity``.
    by : str
        Column that chooses the class, "" for one class.
    values : tuple of tuple of str
        Values of each class; an empty one takes the rest.
    """

    name: Mapping[str, str]
    is_visible: bool
    classes: tuple[Mapping[str, Any], ...]
    by: str
    values: tuple[tuple[str, ...], ...]

    def classify(self, table: pd.DataFrame) -> NDArray[np.uint8]:
        """Class of every row."""
        rest = next((k for k, values in enumerate(self.values) if not values), 0)
        out = np.full(len(table), rest, dtype=np.uint8)
        if self.by and self.by in table.columns:
            text = table[self.by].astype(str)
            for number, values in enumerate(self.values):
                out[text.isin(values).to_numpy()] = number
        return out


def style_of(layer_id: str) -> Style:
    """The style of a layer; an unknown one is shown in one colour under its id."""
    entry = _entries()[rank_of(layer_id)]
    name = entry.get("name") or {"ja": layer_id, "en": layer_id}
    given = entry.get("classes", [])
    return Style(
        name=name,
        is_visible=bool(entry["visible"]),
        classes=tuple({"name": name, **{k: v for k, v in c.items() if k != "values"}} for c in given),
        by=entry.get("by", ""),
        values=tuple(tuple(c.get("values", ())) for c in given),
    )


def rank_of(layer_id: str) -> int:
    """Place of a layer in the list: the order of ``style.yaml``."""
    return next(
        number for number, entry in enumerate(_entries()) if any(fnmatch(layer_id, pattern) for pattern in entry["ids"])
    )


@cache
def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(files("viewer.api").joinpath("style.yaml").read_text("utf-8"))
    return entries
