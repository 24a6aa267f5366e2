"""The permalink: what the address of the page says about what is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from viewer.strings import LANGUAGES

if TYPE_CHECKING:
    from viewer.strings import Lang

__all__ = ["COLOURS", "Link", "parse"]

COLOURS = ("usage", "height", "max_depth")


@dataclass(frozen=True, slots=True)
class Link:
    """State of the page; whatever the address does not say, or says wrongly, is None or empty.

    Parameters
    ----------
    lang : {"ja", "en"} or None
    run : str or None
        Key of the run.
    time : float or None
        [s]
    camera : dict or None
        ``position`` and ``target``, local metres.
    layers : mapping of str to dict
        ``visible`` and ``opacity`` by layer id.
    colour : str or None
        What the buildings are coloured by.
    selection : dict or None
        ``{"feature": row}``, ``{"x": ..., "y": ...}`` (local metres) or ``{"overlay": id, "number": row}``.
    """

    lang: Lang | None = None
    run: str | None = None
    time: float | None = None
    camera: dict[str, list[float]] | None = None
    layers: dict[str, dict[str, Any]] = field(default_factory=dict)
    colour: str | None = None
    selection: dict[str, Any] | None = None


def parse(search: str) -> Link:
    """State from the query of an address (``?lang=en&run=...``).

    ``layers=roads:1,points:0.4,shelters:0``: opacity, 0 hides. ``cam=x,y,z,x,y,z``: eye and centre.
    ``sel=b12`` building of row 12, ``sel=10.5,-3.2`` a place, ``sel=evacuation.shelters:3`` row 3 of what a run shows.
    """
    query = {name: values[-1] for name, values in parse_qs(search.removeprefix("?")).items()}
    eye = _numbers(query.get("cam", ""))
    lang = next((lang for lang in LANGUAGES if lang == query.get("lang")), None)
    seconds = _numbers(query.get("t", ""))
    return Link(
        lang=lang,
        run=query.get("run"),
        time=seconds[0] if len(seconds) == 1 else None,
        camera={"position": eye[:3], "target": eye[3:]} if len(eye) == 6 else None,
        layers=_layers(query.get("layers", "")),
        colour=query.get("color") if query.get("color") in COLOURS else None,
        selection=_selection(query.get("sel", "")),
    )


def _layers(text: str) -> dict[str, dict[str, Any]]:
    out = {}
    for part in text.split(","):
        layer_id, _, value = part.partition(":")
        opacity = _numbers(value)
        if layer_id and len(opacity) == 1:
            hidden = opacity[0] <= 0
            out[layer_id] = {"visible": not hidden, "opacity": 1.0 if hidden else min(opacity[0], 1.0)}
    return out


def _selection(text: str) -> dict[str, Any] | None:
    if text.startswith("b") and text[1:].isdigit():
        return {"feature": int(text[1:])}
    overlay, _, number = text.rpartition(":")
    if overlay and number.isascii() and number.isdigit():
        return {"overlay": overlay, "number": int(number)}
    place = _numbers(text)
    return {"x": place[0], "y": place[1]} if len(place) == 2 else None


def _numbers(text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")] if text else []
    except ValueError:
        return []
    return values if all(map(math.isfinite, values)) else []
