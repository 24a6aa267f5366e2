"""Values of zone files, checked where they are used: every complaint names file, zone and field."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from twin.errors import LayerError

__all__ = ["Where", "listed", "mapping", "number", "text", "texts"]


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a zone file.

    Parameters
    ----------
    file : str
        The layer and its file.
    zone : str
        Identifier of the zone, or "".
    field : str
        Path of keys, e.g. ``geometry[0].upperLimit``.
    """

    file: str
    zone: str = ""
    field: str = ""

    def of(self, field: str) -> Where:
        """A field inside this one."""
        joiner = "" if not self.field or field.startswith("[") else "."
        return replace(self, field=f"{self.field}{joiner}{field}")

    def error(self, what: str, remedy: str) -> LayerError:
        """An error at this place."""
        zone = f": zone {self.zone}" if self.zone else ""
        field = f": {self.field}" if self.field else ""
        return LayerError(what, where=f"{self.file}{zone}{field}", remedy=remedy)


def mapping(value: Any, at: Where) -> dict[str, Any]:
    """A JSON object; null gives an empty one.

    Raises
    ------
    LayerError
        If it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise at.error(f"holds {_kind(value)}, an object is needed", "Mend the file.")
    return value


def listed(value: Any, at: Where) -> list[Any]:
    """A JSON list; null gives an empty one, a single value a list of one.

    Raises
    ------
    LayerError
        Never for a list; a bare number is refused.
    """
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, str | dict):
        return [value]
    raise at.error(f"holds {_kind(value)}, a list is needed", "Mend the file.")


def text(value: Any, at: Where) -> str:
    """A text without surrounding blanks; null gives "", a number its digits.

    Raises
    ------
    LayerError
        If it is an object or a list.
    """
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        raise at.error(f"holds {_kind(value)}, a text is needed", "Mend the file.")
    return str(value).strip()


def texts(value: Any, at: Where) -> tuple[str, ...]:
    """Texts from a list or one text, empty ones left out."""
    return tuple(t for item in listed(value, at) if (t := text(item, at)))


def number(value: Any, at: Where) -> float | None:
    """A finite number, also when it is written as a text; None for null and "".

    Raises
    ------
    LayerError
        If it is no finite number.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, bool | dict | list):
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return found
    raise at.error(f"{value!r} is no number", "Give a number, or null.")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")
