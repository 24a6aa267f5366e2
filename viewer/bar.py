"""How far something is, on the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Bar", "clock"]


class Bar:
    """A progress bar on a terminal; elsewhere one line every ten per cent."""

    def __init__(self, title: str) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._title = title
        self._is_terminal = sys.stderr.isatty()
        self._said = -1
        if self._is_terminal:
            from rich.console import Console

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[detail]}"),
                console=Console(stderr=True),
            )
            self._task = self._progress.add_task(title, total=1.0, detail="")

    def __enter__(self) -> Callable[[float, str], None]:
        if self._is_terminal:
            self._progress.start()
        else:
            typer.echo(self._title, err=True)
        return self._tell

    def __exit__(self, *_: object) -> None:
        if self._is_terminal:
            self._progress.stop()

    def _tell(self, part: float, detail: str = "") -> None:
        if self._is_terminal:
            self._progress.update(self._task, completed=part, detail=detail)
        elif int(part * 10) != self._said:
            # it goes back where the next of several things begins
            self._said = int(part * 10)
            typer.echo(f"  {int(part * 100):3d}%  {detail}", err=True)


def clock(seconds: float) -> str:
    """``1:05:20`` for 3,920 s."""
    minutes, whole = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{whole:02d}"
