"""Tables of published cases: comma or blank separated text with whatever header their authors gave them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from twin.errors import LayerError
from twin.scenario import Section

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Table", "column_of"]


class Table(Section):
    """Where a table lies and how it is laid out.

    Parameters
    ----------
    file : str
        Relative to the case's folder; ``{gauge}`` stands for the name of a gauge.
    skip : int
        Lines before the header (before the first row, where `columns` are given).
    separator : {"comma", "blank"}
    columns : tuple of str or None
        Names of the columns where the file has no header line of its own.
    """

    file: str
    skip: int = 0
    separator: Literal["comma", "blank"] = "comma"
    columns: tuple[str, ...] | None = None

    def read(self, folder: Path, gauge: str = "") -> pd.DataFrame:
        """All rows as they stand in the file.

        Raises
        ------
        LayerError
            If the file is missing or no such table.
        """
        import pandas as pd

        path = folder / self.file.format(gauge=gauge)
        try:
            table = pd.read_csv(
                path,
                sep="," if self.separator == "comma" else r"\s+",
                skiprows=self.skip,
                names=self.columns,
                header=None if self.columns else 0,
                comment="#",
                skipinitialspace=True,
                index_col=False,
                encoding="latin-1",  # headers hold degree signs and the like; the numbers are ASCII
            )
        except (OSError, ValueError) as error:  # pandas' ParserError is a ValueError
            raise LayerError(
                f"cannot be read ({error})", where=str(path), remedy="Fetch the case again, or mend its layout."
            ) from error
        table.columns = [str(name).strip() for name in table.columns]
        return table


def column_of(table: pd.DataFrame, name: str, where: str) -> NDArray[np.float64]:
    """A column as numbers, NaN for what is none.

    Raises
    ------
    LayerError
        If the table has none of that name.
    """
    if name not in table:
        raise LayerError(
            f"there is no column {name!r}", where=where, remedy=f"It has: {', '.join(map(str, table.columns))}."
        )
    import pandas as pd

    return np.asarray(pd.to_numeric(table[name], errors="coerce"), dtype=np.float64)
