"""What a check of a file found, in words for whoever wrote the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["findings_of"]

SHAPES = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "datetime_from_date_parsing": "a date and time",
    "datetime_type": "a date and time",
    "dict_type": "keys with values",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "keys with values",
    "model_type": "keys with values",
    "path_type": "the path of a file",
    "string_type": "a text",
    "tuple_type": "a list",
}
"""What is expected where a value is of another kind altogether, by pydantic's name for it."""


@dataclass(slots=True)
class _Place:
    """A place in the file: what is wrong with itself, with its parts, and with it by each form that it may take."""

    own: list[Any] = field(default_factory=list)
    parts: dict[str | int, _Place] = field(default_factory=dict)
    forms: dict[str | int, _Place] = field(default_factory=dict)

    @property
    def is_of_another_kind(self) -> bool:
        """Whether the value is nothing of the kind, so that the author did not mean this form."""
        if self.parts:
            return False
        if self.forms:
            return all(form.is_of_another_kind for form in self.forms.values())
        return all(detail["type"] in SHAPES or detail["type"] == "literal_error" for detail in self.own)


def findings_of(error: ValidationError, content: Any) -> str:
    """Everything that a check found, in one line: field, what is wrong, and the value that was given.

    Where a value may take several forms (a number, a series, a file) only the form is spoken of that its author meant;
    where it is none of them they are named.

    Parameters
    ----------
    error : ValidationError
    content : object
        What was checked: it tells the fields of a finding's place from the names of forms.
    """
    root = _Place()
    for detail in error.errors(include_url=False):
        if detail["type"] == "default_factory_not_called":  # a default that waits for what is wrong elsewhere
            continue
        place, value = root, content
        for number, step in enumerate(detail["loc"]):
            is_missing = detail["type"] == "missing" and number == len(detail["loc"]) - 1
            is_field = isinstance(value, dict) and step in value
            is_item = isinstance(value, list | tuple) and isinstance(step, int) and 0 <= step < len(value)
            if is_field or is_item:
                value = value[step]
            place = (place.parts if is_field or is_item or is_missing else place.forms).setdefault(step, _Place())
        place.own.append(detail)
    return "; ".join(_said(root, ""))


def _said(place: _Place, where: str) -> list[str]:
    # items that are wrong do not count: too few is then no finding of its own
    said = [_finding(detail, where) for detail in place.own if not (place.parts and detail["type"] == "too_short")]
    for step, part in place.parts.items():
        said += _said(part, f"{where}.{step}".removeprefix("."))
    if place.forms:
        meant = [form for form in place.forms.values() if not form.is_of_another_kind]
        by_form = sorted((_said(form, where) for form in meant), key=len)
        said += by_form[0] if by_form else [_none_of(place, where)]
    return said


def _none_of(place: _Place, where: str) -> str:
    details = list(_leaves(place))
    wanted = list(dict.fromkeys(_wanted(detail) for detail in details))
    either = " or ".join([", ".join(wanted[:-1]), wanted[-1]] if len(wanted) > 1 else wanted)
    return f"{where}: should be {either} (given: {_short(details[0]['input'])})"


def _leaves(place: _Place) -> list[Any]:
    return [*place.own, *(detail for form in place.forms.values() for detail in _leaves(form))]


def _wanted(detail: Any) -> str:
    return str(detail["ctx"]["expected"]) if detail["type"] == "literal_error" else SHAPES[detail["type"]]


def _finding(detail: Any, where: str) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        said = "this key is unknown"
    elif kind == "missing":
        said = "is missing"
    elif kind == "value_error":  # our own words, which name the value where it matters
        said = str(detail["ctx"]["error"])
    else:
        said = f"{_expected(detail)} (given: {_short(detail['input'])})"
    return f"{where}: {said}".removeprefix(": ")


def _expected(detail: Any) -> str:
    kind, more = detail["type"], detail.get("ctx", {})
    if kind in SHAPES or kind == "literal_error":
        return f"should be {_wanted(detail)}"
    match kind:
        case "too_short":
            return f"should have at least {_items(more['min_length'])}, has {more['actual_length']}"
        case "too_long":
            return f"should have at most {_items(more['max_length'])}, has {more['actual_length']}"
        case "string_pattern_mismatch":
            return f"does not have the form {more['pattern']}"
        case "timezone_aware":
            return "lacks its offset from UTC, e.g. +09:00"
        case "union_tag_not_found":
            return f"{str(more['discriminator']).strip(chr(39))} is missing"
        case "union_tag_invalid":
            return f"{str(more['discriminator']).strip(chr(39))} should be one of {more['expected_tags']}"
        case _:
            return str(detail["msg"]).removeprefix("Input ").removeprefix("Value ")


def _items(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


def _short(value: Any) -> str:
    given = repr(value)
    return given if len(given) < 80 else f"{given[:77]}..."
