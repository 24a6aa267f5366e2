"""The scenario form: its stages, their main figures, and the scenario that they make."""

from __future__ import annotations

import math
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import html

from sim.scenario import read_scenario, scenario_content, sections, validate_scenario
from twin.errors import ScenarioError
from viewer.dash.words import stage_name
from viewer.fields import fields_of, with_values
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from twin.city import CityModel
    from viewer.fields import ScenarioField
    from viewer.strings import Lang

__all__ = ["FREE", "asked", "content_of", "form_parts", "free_scenario"]

FREE = "free"
"""Name of the scenario that the form makes by itself: rain on the whole city."""
MOST_CELLS = 250_000
"""Cells of the free scenario: an hour of rain takes minutes on two cores."""
NUMBERS = ("number", "peak", "rain")
FORCING = ("flood.boundaries", "flood.rain", "flood.breaches")


def content_of(path: Path) -> dict[str, Any]:
    """A scenario file as plain data: durations in seconds, defaults filled in.

    Raises
    ------
    ScenarioError
        If the file is bad.
    """
    return scenario_content(read_scenario(path))


def free_scenario(city: CityModel, catalog: Path) -> dict[str, Any]:
    """Rain on the whole city, in cells that keep the grid below :data:`MOST_CELLS`."""
    west, south, east, north = city.area
    size = max(2.0, math.ceil(math.sqrt((east - west) * (north - south) / MOST_CELLS)))
    content = {
        "schema": 1,
        "name": FREE,
        "title": {"ja": "全域の降雨", "en": "Rain on the whole city"},
        "city": str(catalog),
        "area": {"bbox": [west, south, east, north], "crs": city.frame.horizontal, "cell_size": size},
        "flood": {"duration": 3600.0, "output_every": 300.0, "rain": 60.0},
    }
    checked = validate_scenario(content, where=FREE)
    return scenario_content(checked)


def form_parts(lang: Lang, content: Mapping[str, Any], values: Mapping[str, Any], on: Mapping[str, bool]) -> list[Any]:
    """The inputs of a scenario, stage by stage.

    Parameters
    ----------
    lang : {"ja", "en"}
    content : mapping
        From :func:`content_of`.
    values : mapping of str to any
        What a reader has typed already, by field id; the scenario's own values for the rest.
    on : mapping of str to bool
        Which stages are switched on; all by default.
    """
    stages = stages_of(content)
    fields = list(fields_of(content))
    parts: list[Any] = []
    for stage in stages:
        mine = [field for field in fields if field.stage == stage]
        inputs = _entries(lang, content, mine, values)
        if stage == "flood" and not any(field.id.startswith(FORCING) for field in mine):
            inputs.append(html.P(say(lang, "form.as_file"), className="note as-file"))
        head = dmc.Switch(
            id={"type": "stage-on", "stage": stage}, checked=on.get(stage, True), label=stage_name(lang, stage),
            size="sm", className="stage-switch",
            # a scenario of one stage has nothing to switch off
            style={} if len(stages) > 1 else {"display": "none"},
        )  # fmt: skip
        parts.append(html.Div([head, html.Div(inputs, className="stage-fields")], className="stage-block"))
    return parts


def stages_of(content: Mapping[str, Any]) -> list[str]:
    """Sections of simulators that a scenario has."""
    return [name for name, _ in sections(validate_scenario(content, where=str(content.get("name", "scenario"))))]


def asked(lang: Lang, content: Mapping[str, Any], values: Mapping[str, Any], on: Mapping[str, bool]) -> dict[str, Any]:
    """The scenario that the form asks for.

    Raises
    ------
    ScenarioError
        If a value is missing or cannot be, named as the form names it, or no stage is left.
    """
    fields = {field.id: field for field in fields_of(content)}
    for name, field in fields.items():
        is_empty = name in values and values[name] in ("", None) and on.get(field.stage, True)
        if is_empty and field.kind in NUMBERS:
            raise ScenarioError(say(lang, "form.invalid_number"), where=_called(lang, field))
    try:
        wanted = with_values(content, values, on)
        validate_scenario(wanted, where=str(content["name"]))
    except ScenarioError as error:
        where = _called(lang, fields[error.where]) if error.where in fields else error.where
        named = [_called(lang, field) for field in fields.values() if _is_named(field, error.what)]
        what = f"{error.what} ({'; '.join(named)})" if named else error.what
        raise ScenarioError(what, where=where, remedy=error.remedy) from error
    return wanted


def _is_named(field: ScenarioField, what: str) -> bool:
    """Whether a finding is about a field: by its path, or by its section and its own name."""
    own = str(field.path[-1])
    return field.id in what or (what.startswith(field.stage) and re.search(rf"\b{own}\b", what) is not None)


def _called(lang: Lang, field: ScenarioField) -> str:
    return f"{stage_name(lang, field.stage)} – {field.label(lang)}"


def _entries(
    lang: Lang, content: Mapping[str, Any], fields: Sequence[ScenarioField], values: Mapping[str, Any]
) -> list[Any]:
    """Inputs in pairs; those of a list entry under its name."""
    parts: list[Any] = []
    for entry, group in groupby(fields, key=_entry):
        mine = list(group)
        shown = {field.id: values.get(field.id, field.get(content)) for field in mine}
        switches = [_input(lang, field, shown[field.id]) for field in mine if field.kind == "keep"]
        others = [_input(lang, field, shown[field.id]) for field in mine if field.kind != "keep"]
        body = html.Div(others, className="pair")
        parts.append(html.Div([*switches, body], className="entry") if entry else body)
    return parts


def _entry(field: ScenarioField) -> str:
    """Path of the list entry that a field belongs to, "" for none."""
    numbers = [k for k, step in enumerate(field.path) if isinstance(step, int)]
    return ".".join(map(str, field.path[: numbers[0] + 1])) if numbers else ""


def _input(lang: Lang, field: ScenarioField, value: Any) -> Any:
    place = {"type": "field", "path": field.id}
    label = field.names[lang]
    match field.kind:
        case "number" | "peak" | "rain":
            return dmc.NumberInput(
                id=place, label=label, value=_round(value), min=field.low, max=field.high, step=field.step,
                decimalScale=3, size="sm", clampBehavior="none",
            )  # fmt: skip
        case "keep":
            return dmc.Checkbox(
                id={**place, "type": "field-on"}, label=field.label(lang), checked=bool(value), size="sm",
                className="keep",
            )  # fmt: skip
        case "switch":
            return dmc.Checkbox(id={**place, "type": "field-on"}, label=label, checked=bool(value), size="sm")
        case "choice" | "choices":
            given = value if isinstance(value, list) else [value]
            options = [{"value": code, "label": names[lang]} for code, names in field.choices.items()]
            options += [{"value": code, "label": code} for code in given if code not in field.choices]
            kind = dmc.MultiSelect if field.kind == "choices" else dmc.Select
            more = {} if field.kind == "choices" else {"allowDeselect": False, "searchable": False}
            return html.Div(kind(id=place, label=label, value=value, data=options, size="sm", **more), className="wide")
        case "place" | "middle":
            pick = dmc.ActionIcon(
                html.Span(className="icon icon-pin"), id={"type": "pick", "path": field.id}, variant="subtle",
                size="sm", n_clicks=0, **{"aria-label": say(lang, "form.pick", name=field.label(lang))},
            )  # fmt: skip
            shown = field.choices.get(str(value), {}).get(lang, value)
            text = dmc.TextInput(
                id=place, label=label, value=shown, size="sm", rightSection=pick, rightSectionPointerEvents="all"
            )
            return html.Div(text, className="wide")
        case _:
            text = ", ".join(value) if isinstance(value, list) else value
            return html.Div(dmc.TextInput(id=place, label=label, value=text, size="sm"), className="wide")


def _round(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
