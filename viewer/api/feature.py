"""What is known about one thing that a run shows: a shelter, a route, a barrier, a zone, a flight, a conflict.

``GET /api/runs/{key}/features/{overlay}/{number}`` (any run of the scenario) answers::

    {"overlay": "evacuation.shelters", "stage": "evacuation", "key": "<run>", "feature": 3,
     "kind": {"ja": "避難所", "en": "Shelter"},           # what sort of thing it is
     "title": {"ja": "…", "en": "…"},                     # its name
     "attributes": [{"key": "load", "label": {"ja": …, "en": …}, "value": 123, "unit": "", "text": {"ja": …, "en": …}}],
     "steps": [{"ja": "…", "en": "…"}]}                   # routes: instructions in order; else []

``attributes`` has the form of those of a building. `number` is the row of the table: what a click of the view reports.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from twin.errors import StoreError
from viewer.api.answer import json_value
from viewer.api.words import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from viewer.api.group import Member, RunGroup

__all__ = ["feature_document"]

FACTORS = {"centimetres": 100.0, "share": 100.0}
UNITS: dict[str, tuple[dict[str, str], int]] = {
    "metres": ({"ja": "m", "en": "m"}, 1),
    "depth": ({"ja": "m", "en": "m"}, 2),
    "centimetres": ({"ja": "cm", "en": "cm"}, 1),
    "kilograms": ({"ja": "kg", "en": "kg"}, 1),
    "energy": ({"ja": "Wh", "en": "Wh"}, 0),
    "share": ({"ja": "%", "en": "%"}, 0),
    "persons": ({"ja": "人", "en": "persons"}, 0),
    "number": ({"ja": "", "en": ""}, 2),
}
"""Unit and decimals of each way to write a number."""


def feature_document(group: RunGroup, overlay: str, number: int) -> dict[str, Any]:
    """Attributes of one thing.

    Parameters
    ----------
    group : RunGroup
    overlay : str
        Id of an overlay; the number of a reach map does not matter.
    number : int
        Row of its table.

    Raises
    ------
    StoreError
        If the runs of the scenario show no such thing.
    """
    base = overlay.partition("_")[0]
    entry = _entries().get(base)
    member = group.get(base.partition(".")[0])
    if entry is None or member is None or not member.has_table(entry["table"]):
        raise StoreError(f"shows no {overlay!r}", where=f"run {group.key}", remedy="See the run document for overlays.")
    table = member.run.table(entry["table"])
    if not 0 <= number < len(table):
        raise StoreError(
            f"there is no {number} in {overlay!r}", where=f"run {group.key}", remedy=f"Give 0 to {len(table) - 1}."
        )
    if base == "airspace.flights":
        table = _with_sites(member, table)
    record = {str(k): json_value(v) for k, v in table.drop(columns="geometry", errors="ignore").iloc[number].items()}
    title = {lang: str(record.get(column) or "") for lang, column in entry["title"].items()}
    attributes = [made for column in entry["columns"] if (made := _attribute(record, column)) is not None]
    return {
        "overlay": overlay,
        "stage": member.stage,
        "key": member.run.key,
        "feature": number,
        "kind": entry["kind"],
        "title": title,
        "attributes": attributes,
        "steps": _steps(member, record) if base == "access.routes" else [],
    }


def _attribute(record: Mapping[str, Any], column: Mapping[str, Any]) -> dict[str, Any] | None:
    if "ja" in column:
        text = {lang: str(record.get(column[lang]) or "") for lang in ("ja", "en")}
        value: Any = text["en"]
    else:
        value = record.get(column["key"])
        text = {} if value is None else _text(value, column.get("as", ""), column["key"])
    if value in (None, ""):
        return None
    unit = UNITS[column["as"]][0]["en"] if column.get("as") in UNITS else ""
    return {"key": column["key"], "label": column["label"], "value": value, "unit": unit, "text": text}


def _text(value: Any, how: str, key: str) -> dict[str, str]:
    if how == "time":
        return dict.fromkeys(("ja", "en"), _clock(float(value)))
    if how == "flag":
        return name_of("flag", bool(value))
    if how == "words":
        return name_of(key, value)
    if how in UNITS:
        unit, decimals = UNITS[how]
        number = f"{float(value) * FACTORS.get(how, 1.0):,.{decimals}f}"
        return {lang: f"{number} {word}".rstrip() for lang, word in unit.items()}
    return dict.fromkeys(("ja", "en"), str(value))


def _with_sites(member: Member, flights: pd.DataFrame) -> pd.DataFrame:
    """Flights with the names of their sites instead of the numbers."""
    if not member.has_table("sites"):
        return flights
    sites = member.run.table("sites")
    names = dict(zip(sites["site"], sites["name"].astype(str), strict=True))
    ends = {
        column: flights[column].map(lambda number: names.get(number, number)) for column in ("from_site", "to_site")
    }
    return flights.assign(**ends)


def _steps(member: Member, record: Mapping[str, Any]) -> list[dict[str, str]]:
    if not member.has_table("instructions"):
        return []
    table = member.run.table("instructions")
    mine = table[table["route"] == record["route"]].sort_values("number")
    return [{"ja": str(ja), "en": str(en)} for ja, en in zip(mine["text_ja"], mine["text_en"], strict=True)]


def _clock(seconds: float) -> str:
    whole = round(abs(seconds))
    sign = "−" if seconds < 0 else ""
    return f"{sign}{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


@cache
def _entries() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(files("viewer.api").joinpath("feature.yaml").read_text("utf-8"))
    return content
