"""Numbers and times in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viewer.strings import say, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from viewer.strings import Lang

__all__ = ["clock", "duration", "metres", "stage_name", "title_of"]


def duration(lang: Lang, seconds: float) -> str:
    """A duration: ``2 h 05 min``, ``12 min``, ``40 s``."""
    whole = round(seconds)
    if whole < 60:
        return say(lang, "time.seconds", seconds=whole)
    minutes = round(seconds / 60)
    if minutes < 60:
        return say(lang, "time.minutes", minutes=minutes)
    return say(lang, "time.hours_minutes", hours=minutes // 60, minutes=minutes % 60)


def clock(seconds: float) -> str:
    """``2:05`` for 7,500 s."""
    minutes = int(seconds / 60 + 0.5)
    return f"{minutes // 60}:{minutes % 60:02d}"


def metres(value: float | None, digits: int = 2) -> str:
    """``1.23 m``, or a dash for nothing known."""
    return "–" if value is None else f"{value:.{digits}f} m"


def title_of(lang: Lang, title: Mapping[str, str], name: str) -> str:
    """A title in the language, else in another one, else the name."""
    return title.get(lang) or next(iter(title.values()), "") or name


def stage_name(lang: Lang, stage: str) -> str:
    """What a stage is called; one of another distribution by its own name."""
    return table(lang).get(f"stage.{stage}", stage)
