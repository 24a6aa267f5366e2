"""A look at the moment in which a run moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.errors import StoreError
from viewer.api.runs import settled


def test_a_look_that_meets_a_moving_run_is_repeated_once() -> None:
    answers = iter([StoreError("moved"), 7])

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, StoreError):
            raise answer
        return answer

    assert settled(ask) == 7


def test_what_is_not_there_twice_is_an_error() -> None:
    def ask() -> int:
        raise StoreError("there is no run 'x'")

    with pytest.raises(StoreError, match="no run"):
        settled(ask)


def test_a_file_that_moved_between_look_and_reading_is_looked_for_again(tmp_path: Path) -> None:
    """A finished run is renamed: its table was seen in the folder of one that is being computed."""
    late = tmp_path / "done"

    def ask() -> str:
        if late.is_file():
            return late.read_text(encoding="utf-8")
        late.write_text("there", encoding="utf-8")
        return (tmp_path / "moved").read_text(encoding="utf-8")

    assert settled(ask) == "there"
