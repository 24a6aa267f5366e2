"""Cells of a survey's table as text, and what can be read from them: codes, numbers, hours, days."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Cells", "clean", "day_mask", "second_of_day"]


class Cells:
    """A table as stripped text: ``""`` is blank; a column that is not there is not in it.

    Parameters
    ----------
    table : DataFrame
        Columns of any kind; whole numbers lose the ``.0`` that a gap in their column has given them.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._columns: dict[str, NDArray[np.object_]] = {
            str(name): np.array([clean(value) for value in table[name]], dtype=object) for name in table.columns
        }
        self._count = len(table)

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> NDArray[np.object_]:
        return self._columns[name]

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self._columns)

    def get(self, name: str | None) -> NDArray[np.object_]:
        """Text of a column; blank where there is no such column."""
        return self._columns[name] if name in self._columns else np.full(self._count, "", dtype=object)

    def distinct(self, name: str) -> list[str]:
        """Different texts of a column, sorted; none where there is no such column."""
        return sorted(set(self._columns.get(name, ())))

    def taken(self, rows: NDArray[np.int64]) -> Cells:
        """Some rows, in the order given."""
        out = object.__new__(Cells)
        out._columns = {name: values[rows] for name, values in self._columns.items()}
        out._count = len(rows)
        return out

    def as_source(self) -> dict[str, pd.Series[str]]:
        """The columns as they are kept in a layer: ``source_<column>``."""
        import pandas as pd

        return {f"source_{name}": pd.Series(values, dtype="str") for name, values in self._columns.items()}

    def codes(
        self, name: str | None, meaning: Mapping[str, Any], *, dtype: str, blank: Any
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """What each code means, and whether it is in `meaning`; `blank` where it is not."""
        texts = self.get(name)
        known = np.array([text in meaning for text in texts], dtype=np.bool_)
        values = np.full(self._count, blank, dtype=dtype)
        values[known] = [meaning[text] for text in texts[known]]
        return values, known

    def numbers(self, name: str | None, unknown: Collection[str]) -> NDArray[np.float64]:
        """Numbers of a column, NaN where there is none or it stands for an unknown one."""
        return np.array([_number(text, unknown) for text in self.get(name)], dtype=np.float64)

    def unread(self, name: str, understood: Collection[str]) -> dict[str, int]:
        """Texts of a column that are neither blank nor understood, and how often."""
        texts = [text for text in self._columns.get(name, ()) if text and text not in understood]
        return {text: texts.count(text) for text in sorted(set(texts))}


def clean(value: object) -> str:
    """Text of a cell: stripped, full-width digits narrowed, ``3.0`` as ``3``, nothing for a missing value.

    Examples
    --------
    >>> [clean(v) for v in (" ", 3.0, "３", None, float("nan"), "0010 ", 2.5)]
    ['', '3', '3', '', '', '0010', '2.5']
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    text = unicodedata.normalize("NFKC", str(value)).strip()
    return "" if text in ("None", "nan", "NaN", "NaT", "<NA>") else text


def _number(text: str, unknown: Collection[str]) -> float:
    if not text or text in unknown:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return float("nan")


def second_of_day(text: str) -> float:
    """Second of the day in ``0530``, ``5:30``, ``05-30`` or ``530``; NaN where it is none.

    Examples
    --------
    >>> [second_of_day(t) for t in ("0530", "5:30", "05-30", "530", "24:00")]
    [19800.0, 19800.0, 19800.0, 19800.0, 86400.0]
    >>> second_of_day("25:00"), second_of_day("")
    (nan, nan)
    """
    found = re.fullmatch(r"(\d{1,2})[:\-時](\d{2})(?:[:\-分]\d{2})?分?|(\d{1,2})(\d{2})", text)
    if not found:
        return float("nan")
    hours, minutes = int(found[1] or found[3]), int(found[2] or found[4])
    seconds = 3600.0 * hours + 60.0 * minutes
    return seconds if minutes < 60 and seconds <= 86400 else float("nan")


def day_mask(text: str) -> int:
    """Bits of the days named by digits, 1 Monday (bit 0) to 7 Sunday (bit 6); -1 where it is something else.

    Examples
    --------
    >>> day_mask("67"), day_mask("1,3"), day_mask("8")
    (96, 5, -1)
    """
    digits = re.sub(r"[\s,・、;]", "", text)
    if not re.fullmatch(r"[1-7]+", digits):
        return -1
    return sum(1 << (int(day) - 1) for day in set(digits))
