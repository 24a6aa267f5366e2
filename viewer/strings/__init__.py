"""Every sentence of the page, in two complete tables."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

__all__ = ["LANGUAGES", "Lang", "language_of", "say", "table"]

Lang = Literal["ja", "en"]
LANGUAGES: tuple[Lang, ...] = ("ja", "en")


@cache
def table(lang: Lang) -> dict[str, str]:
    """All sentences of a language by key (``run.start``)."""
    content = yaml.safe_load(files("viewer.strings").joinpath(f"{lang}.yaml").read_text(encoding="utf-8"))
    return {f"{group}.{key}": str(text) for group, entries in content.items() for key, text in entries.items()}


def say(lang: Lang, key: str, **values: object) -> str:
    """One sentence, with its places filled."""
    return table(lang)[key].format(**values)


def language_of(accept: str, default: Lang) -> Lang:
    """The language of ``Accept-Language`` that the page speaks and the reader prefers, else `default`."""
    wishes = []
    for position, part in enumerate(accept.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        wishes.append((-weight, position, tag.lower().partition("-")[0]))
    for weight, _, tag in sorted(wishes):
        for lang in LANGUAGES:
            if tag == lang and weight < 0:
                return lang
    return default
