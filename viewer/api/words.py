"""Names of codes in both languages, and colours of series."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["name_of", "request_name", "series_color"]


def name_of(kind: str, code: object) -> dict[str, str]:
    """The name of a code by language; an unknown code is its own name."""
    found = _words().get(kind, {}).get(str(code))
    return dict(found) if found is not None else {"ja": str(code), "en": str(code)}


def request_name(request: object, profile: object) -> dict[str, str]:
    """The name of a routing request and who travels."""
    who = name_of("profile", profile)
    return {"ja": f"{request}（{who['ja']}）", "en": f"{request} ({who['en']})"}


def series_color(number: int) -> str:
    """Colour of the `number`-th series; they come again after the last."""
    colors: list[str] = _words()["colors"]
    return colors[number % len(colors)]


@cache
def _words() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(files("viewer.api").joinpath("words.yaml").read_text("utf-8"))
    return content
