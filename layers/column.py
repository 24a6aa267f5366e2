"""Columns of a source's table by the twin's names: what the user names, else what sources usually call them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = ["columns_said", "match_columns", "texts_of"]


def match_columns(
    table: pd.DataFrame, given: Mapping[str, str], aliases: Mapping[str, Sequence[str]], where: str
) -> dict[str, str]:
    """The table's column for each of the twin's that it has.

    Parameters
    ----------
    table : DataFrame
    given : mapping of str to str
        What the user names; goes before the aliases.
    aliases : mapping of str to sequence of str
        Every name of the twin, and what sources call it, the likeliest first; width and case do not count.
    where : str

    Raises
    ------
    LayerError
        If `given` has a name that the twin does not know, or a column that the table does not have.
    """
    for name, column in given.items():
        if name not in aliases:
            raise LayerError(
                f"option 'columns' names {name!r}", where=where, remedy=f"The twin's columns are {', '.join(aliases)}."
            )
        if column not in table.columns:
            raise LayerError(f"has no column {column!r}", where=where, remedy=columns_said(table))
    plain = {unicodedata.normalize("NFKC", str(c)).strip().lower(): str(c) for c in table.columns}
    found = {}
    for name, usual in aliases.items():
        known = [plain[alias.lower()] for alias in usual if alias.lower() in plain]
        if known:
            found[name] = known[0]
    return {**found, **given}


def columns_said(table: pd.DataFrame) -> str:
    """The table's columns, as the remedy of an error says them."""
    return f"It has: {', '.join(str(c) for c in table.columns if c != 'geometry')}."


def texts_of(table: pd.DataFrame, column: str | None) -> pd.Series[str]:
    """A column as texts without blanks at their ends; "" where nothing is known."""
    import pandas as pd

    if column is None:
        return pd.Series("", index=table.index, dtype="str")
    return table[column].map(lambda v: "" if pd.isna(v) else str(v).strip()).astype("str")
