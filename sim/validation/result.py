"""How cases went, and the file that keeps it beside the page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from twin.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Result", "read_results", "write_results"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went.

    Parameters
    ----------
    case, scheme, key : str
        Name, the flood simulator's scheme, key of the run.
    figures : mapping of str to float
        ``<measure>.<figure>``.
    missed : mapping of str to str
        Figures that miss their bar, and the bar.
    reason : str
        Why there are no figures, empty where there are.
    cells, steps : int
    solve_s : float
        Wall time of the solver, compilation included where it was the first of its process.
    """

    case: str
    scheme: str
    key: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    missed: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    cells: int = 0
    steps: int = 0
    solve_s: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether it ran and kept to every bar."""
        return not self.reason and not self.missed


def read_results(path: Path) -> dict[str, Result]:
    """Results by case; none where the file is not there.

    Raises
    ------
    StoreError
        If it is no such file.
    """
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {row["case"]: Result(**row) for row in rows}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"holds no results ({error})", where=str(path), remedy="Delete it and run all cases again."
        ) from error


def write_results(path: Path, results: Iterable[Result]) -> None:
    """Write them, a row a case, figures to six digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(result) for result in results]
    for row in rows:
        row["figures"] = {name: float(f"{value:.6g}") for name, value in row["figures"].items()}
        row["solve_s"] = round(row["solve_s"], 2)
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
