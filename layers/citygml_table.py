"""Attributes of scanned CityGML documents as columns: texts, codes with their labels, numbers, generic attributes.

Texts stay bytes until the end: a column of texts is copied from the documents into Arrow buffers, and of a coded
column only the distinct codes are ever made into Python strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from layers import citygml_scan as cg
from layers.citygml_spans import gather_spans, group_pairs, place_texts
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from layers.citygml import Document
    from layers.codelist import CodeLists

__all__ = [
    "CodeBook",
    "TextColumn",
    "numbers",
    "place",
    "small_integers",
    "source_files",
    "tell",
    "to_hours",
    "to_metres",
    "years",
]

_SENTINELS: Final = (-9999.0, 9999.0)
"""PLATEAU's way to say "unknown" in a number (standard product specification of the 3D city model, i-UR)."""


def place(document: Document, first_column: int, n_columns: int, *, by_record: bool) -> NDArray[np.int64]:
    """Spans (n_columns, n_rows, 4) of the texts whose columns are `first_column` and those after it.

    A row is a feature (texts that stand directly in it, not in a part, a surface or a record) or a record.
    """
    texts = document.texts
    if by_record:
        rows, n_rows = texts[:, cg.T_RECORD], len(document.records)
    else:
        is_direct = ((texts[:, cg.T_FLAGS] & cg.INNER) == 0) & (texts[:, cg.T_RECORD] < 0)
        rows = np.where(is_direct, texts[:, cg.T_FEATURE], -1)
        n_rows = len(document.features)
    spans = np.full((n_columns, n_rows, 4), -1, np.int64)
    place_texts(texts, rows, first_column, spans)
    return spans


class TextColumn:
    """A column of texts, filled document by document."""

    def __init__(self) -> None:
        self._chunks: list[pa.Array] = []

    def add(self, text: NDArray[np.uint8], spans: NDArray[np.int64], where: str) -> None:
        """Append the texts of `spans` (n, 2 or more); "" for an empty one."""
        start, data = gather_spans(text, spans[:, 0], spans[:, 1])
        self.append(start, data, where)

    def append(self, start: NDArray[np.int64], data: NDArray[np.uint8], where: str) -> None:
        """Append texts that stand one after the other in `data`, row k from ``start[k]`` on."""
        chunk = pa.LargeStringArray.from_buffers(len(start) - 1, pa.py_buffer(start), pa.py_buffer(data))
        try:
            chunk.validate(full=True)
        except pa.ArrowInvalid as error:
            raise LayerError("an attribute is not UTF-8 text", where=where, remedy="Save the file as UTF-8.") from error
        self._chunks.append(chunk)

    def series(self) -> pd.Series[str]:
        """The column."""
        return pd.Series(pa.chunked_array(self._chunks, pa.large_string()), dtype="str")


class CodeBook:
    """Distinct codes of all documents, with labels.

    Parameters
    ----------
    lists : CodeLists
        Where labels come from.
    """

    def __init__(self, lists: CodeLists) -> None:
        self._lists = lists
        self._numbers: dict[tuple[str, str], int] = {}
        self._codes = [""]
        self._labels = [""]
        self._is_decoded = [True]
        self._uses = np.zeros(1, np.int64)

    def encode(self, document: Document, member: str, spans: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of the codes at `spans` (..., 4), 0 for an empty one.

        Raises
        ------
        LayerError
            If the code lists are strict and one is missing.
        """
        flat = spans.reshape(-1, 4)
        group, first = group_pairs(document.text, flat[:, 0], flat[:, 1], flat[:, 2], flat[:, 3])
        number_of = np.zeros(len(first) + 1, np.int64)
        for k, row in enumerate(first):
            begin, end, extra, extra_end = flat[row]
            code = document.plain(begin, end)
            path = self._lists.path(member, document.string(extra, extra_end)) if extra >= 0 else ""
            number_of[k] = self._number(path, code)
        numbers = number_of[group]  # an empty text has group -1: the last entry, 0
        uses = np.bincount(numbers, minlength=len(self._codes))
        uses[: len(self._uses)] += self._uses
        self._uses = uses
        return numbers.reshape(spans.shape[:-1])

    def _number(self, path: str, code: str) -> int:
        number = self._numbers.get((path, code))
        if number is None:
            label, is_decoded = self._lists.label(path, code)
            number = self._numbers[path, code] = len(self._codes)
            self._codes.append(code)
            self._labels.append(label)
            self._is_decoded.append(is_decoded)
        return number

    def label(self, number: int) -> str:
        """Label of a code by number."""
        return self._labels[number]

    def codes(self, numbers: NDArray[np.int64]) -> pd.Series[str]:
        """The codes as they stand in the file."""
        return self._take(self._codes, numbers)

    def labels(self, numbers: NDArray[np.int64]) -> pd.Series[str]:
        """Their labels."""
        return self._take(self._labels, numbers)

    def count_undecoded(self) -> None:
        """Tell the code lists how many values stay without a label."""
        for (path, _), number in self._numbers.items():
            if not self._is_decoded[number]:
                self._lists.count(path, int(self._uses[number]))

    @staticmethod
    def _take(words: Sequence[str], numbers: NDArray[np.int64]) -> pd.Series[str]:
        taken = pa.array(words, pa.large_string()).take(pa.array(numbers))
        return pd.Series(pa.chunked_array([taken]), dtype="str")


def numbers(document: Document, spans: NDArray[np.int64], name: str, notes: Counter[str]) -> NDArray[np.float64]:
    """Numbers at `spans`; NaN where nothing, a sentinel or no number stands."""
    values, is_bad = cg.read_numbers(document.text, spans[:, 0], spans[:, 1])
    if is_bad.any():
        notes[f"values of {name} that are no number, left unknown"] += int(is_bad.sum())
    values[np.isin(values, _SENTINELS)] = np.nan
    return np.asarray(values)


def years(document: Document, spans: NDArray[np.int64], name: str, notes: Counter[str]) -> NDArray[np.float64]:
    """Years at `spans`; NaN where nothing stands, for 0001 and for 9999."""
    values, is_bad = cg.read_years(document.text, spans[:, 0], spans[:, 1])
    if is_bad.any():
        notes[f"values of {name} that are no year, left unknown"] += int(is_bad.sum())
    values[(values <= 1) | (values == 9999)] = np.nan
    return np.asarray(values)


def small_integers(values: NDArray[np.float64], name: str, notes: Counter[str]) -> pd.arrays.IntegerArray:
    """Whole numbers as Int16; what does not fit becomes unknown and is counted."""
    known = np.isfinite(values)
    fits = known & (np.abs(np.where(known, values, 0)) <= 32767) & (np.where(known, values, 0) % 1 == 0)
    if (known & ~fits).any():
        notes[f"values of {name} that are no small whole number, left unknown"] += int(np.sum(known & ~fits))
    return pd.arrays.IntegerArray(np.where(fits, values, 0).astype(np.int16), ~fits)


def source_files(members: Sequence[str], n_features: Sequence[int]) -> pd.Categorical:
    """The file of each feature, of files and how many features each holds."""
    codes = np.repeat(np.arange(len(n_features)), n_features)
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(members), dtype="str"))


def tell(notes: Counter[str]) -> list[str]:
    """Counted notes as sentences."""
    return [f"{n} {what}" for what, n in sorted(notes.items()) if n]


_HOURS: Final = {"": 1.0, "hour": 1.0, "hours": 1.0, "h": 1.0, "hr": 1.0, "min": 1 / 60, "minute": 1 / 60, "day": 24.0}
_METRES: Final = {"": 1.0, "m": 1.0, "#m": 1.0, "metre": 1.0, "meter": 1.0, "urn:ogc:def:uom:UCUM::m": 1.0, "cm": 0.01}


def to_hours(document: Document, spans: NDArray[np.int64], values: NDArray[np.float64], notes: Counter[str]) -> None:
    """Convert durations in place by their uom; NaN for a unit that is not known."""
    _convert(document, spans, values, _HOURS, notes)


def to_metres(document: Document, spans: NDArray[np.int64], values: NDArray[np.float64], notes: Counter[str]) -> None:
    """Convert lengths in place by their uom; NaN for a unit that is not known."""
    _convert(document, spans, values, _METRES, notes)


def _convert(
    document: Document,
    spans: NDArray[np.int64],
    values: NDArray[np.float64],
    factors: dict[str, float],
    notes: Counter[str],
) -> None:
    none = np.full(len(spans), -1)
    group, first = group_pairs(document.text, spans[:, 2], spans[:, 3], none, none)
    for k, row in enumerate(first):
        unit = document.string(spans[row, 2], spans[row, 3])
        factor = factors.get(unit, factors.get(unit.lower(), np.nan))
        if factor != 1.0:
            values[group == k] *= factor
            if np.isnan(factor):
                notes[f"values in the unknown unit {unit!r}, left unknown"] += int(np.sum(group == k))
