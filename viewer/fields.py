"""The main figures of a scenario: read from it, put back into it, named in both languages."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import yaml

from sim.scenario import scenario_model
from twin.errors import ScenarioError
from viewer.series import peak_of, scaled, stretched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from twin.scenario import ScenarioBase
    from viewer.strings import Lang

__all__ = ["Kind", "ScenarioField", "fields_of", "shown_value", "with_values"]

Kind = Literal[
    "number", "choice", "choices", "switch", "text", "texts", "times", "place", "middle", "peak", "rain", "keep"
]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioField:
    """One figure of one scenario.

    Parameters
    ----------
    path : tuple of str or int
        Where it stands.
    kind : Kind
    names : mapping of str to str
        What it is, by language.
    entry : str
        Name of the list entry that it belongs to; "" for none.
    factor : float
        Stored value of one shown unit.
    step : float
    low, high : float or None
        Bounds of the shown value.
    is_open : bool
        Whether `low` itself is not allowed.
    choices : mapping of str to mapping
        Stored value -> name by language.
    """

    path: Path
    kind: Kind
    names: Mapping[str, str]
    entry: str
    factor: float
    step: float
    low: float | None
    high: float | None
    is_open: bool
    choices: Mapping[str, Mapping[str, str]]

    @property
    def stage(self) -> str:
        """Section that it belongs to."""
        return str(self.path[0])

    @property
    def id(self) -> str:
        """Its path as text, and its kind where a path has two (``flood.breaches.0``)."""
        return ".".join(map(str, self.path))

    def label(self, lang: Lang) -> str:
        """What it is, with the name of its entry."""
        return f"{self.entry}{'：' if lang == 'ja' else ': '}{self.names[lang]}" if self.entry else self.names[lang]

    def get(self, content: Mapping[str, Any]) -> Any:
        """The shown value: a number, text, a list of text or a switch; None where the scenario says nothing."""
        found = _look(content, self.path)
        if found is None:
            return None
        match self.kind:
            case "number":
                return float(found) / self.factor if isinstance(found, int | float) else None
            case "keep":
                return True
            case "peak":
                return peak_of([edge["value"] for edge in found if edge["kind"] == "stage"])
            case "rain":
                return peak_of([found.get("intensity") if isinstance(found, dict) else found])
            case "times":
                return ", ".join(f"{float(time) / self.factor:g}" for time in _list(found))
            case "place":
                if isinstance(found, str):
                    return found
                places = found if any(not isinstance(part, int | float) for part in found) else [found]
                return "; ".join(_place_text(place) for place in places)
            case "middle":
                return _place_text(_middle(found))
            case "choices" | "texts":
                return [str(value) for value in _list(found)]
            case "choice":
                return found if isinstance(found, str) else None
            case _:
                return found

    def put(self, content: dict[str, Any], value: Any) -> None:
        """Put a shown value into the scenario.

        Raises
        ------
        ScenarioError
            If it cannot be read as what it must be.
        """
        before = _look(content, self.path)
        match self.kind:
            case "number":
                stored: Any = self._number(value) * self.factor
            case "peak":
                peak = self._number(value)
                old = self.get(content)
                stored = [
                    edge | {"value": stretched(edge["value"], old, peak)} if edge["kind"] == "stage" else edge
                    for edge in before
                ]
            case "rain":
                series = before["intensity"] if isinstance(before, dict) else before
                changed = scaled(series, self.get(content), self._number(value))
                stored = before | {"intensity": changed} if isinstance(before, dict) else changed
            case "times":
                stored = [self._number(part) * self.factor for part in self._parts(value)]
            case "place":
                stored = self._place(value)
            case "middle":
                stored = _moved(before, self._point(value))
            case "choices" | "texts":
                stored = [str(part) for part in (value if isinstance(value, list) else self._parts(value))]
            case _:
                stored = value
        _look(content, self.path[:-1])[self.path[-1]] = stored

    def _number(self, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise self._wrong(value, "Give a number.") from error
        if not number < float("inf") or not number > -float("inf"):
            raise self._wrong(value, "Give a number.")
        if self.low is not None and (number < self.low or (self.is_open and number == self.low)):
            raise self._wrong(value, f"Give a number {'above' if self.is_open else 'from'} {self.low:g}.")
        if self.high is not None and number > self.high:
            raise self._wrong(value, f"Give a number up to {self.high:g}.")
        return number

    def _parts(self, value: Any) -> list[str]:
        parts = [part.strip() for part in str(value or "").replace("、", ",").split(",")]
        if not all(parts):
            raise self._wrong(value, "Give values with commas between them.")
        return parts

    def _point(self, value: Any) -> list[float]:
        parts = self._parts(value)
        if len(parts) != 2:
            raise self._wrong(value, "Give x, y in metres, or choose the place on the map.")
        try:
            return [float(part) for part in parts]
        except ValueError as error:
            raise self._wrong(value, "Give x, y in metres, or choose the place on the map.") from error

    def _place(self, value: Any) -> Any:
        texts = [part.strip() for part in str(value or "").split(";")]
        if not all(texts):
            raise self._wrong(value, "Give x, y in metres, or choose the place on the map.")
        codes = {name: code for code, names in self.choices.items() for name in names.values()}
        places = [codes.get(text, text) if "," not in text else self._point(text) for text in texts]
        return places[0] if len(places) == 1 else places

    def _wrong(self, value: Any, remedy: str) -> ScenarioError:
        shown = "nothing" if value in (None, "") else repr(value)
        return ScenarioError(f"{shown} is given", where=self.id, remedy=remedy)


def fields_of(content: Mapping[str, Any]) -> Iterator[ScenarioField]:
    """The figures that a scenario has, in order; `content` has its defaults filled in."""
    found = [
        (place, _field(entry, path, name))
        for number, entry in enumerate(_entries())
        for path, name in _expand(content, tuple(entry["path"].split(".")))
        for place in (_place(number, entry["path"], path),)
    ]
    for _, field in sorted(found, key=lambda one: one[0]):
        if field.get(content) is not None:
            yield field


def with_values(content: Mapping[str, Any], values: Mapping[str, Any], stages: Mapping[str, bool]) -> dict[str, Any]:
    """A scenario with other figures.

    Parameters
    ----------
    content : mapping
        Defaults filled in; not changed.
    values : mapping of str to any
        Shown value by field id.
    stages : mapping of str to bool
        Which stages are computed; one that is not is also taken from what the others come after.

    Raises
    ------
    ScenarioError
        If a value cannot be read as what it must be.
    """
    out = copy.deepcopy(dict(content))
    gone: list[Path] = []
    for field in fields_of(content):
        if field.id not in values or not stages.get(field.stage, True):
            continue
        value = values[field.id]
        if field.kind == "keep":
            gone += [] if value else [field.path]
        elif value != field.get(content):
            field.put(out, value)
    for path in reversed(gone):  # the last first: the positions of the others stay
        del _look(out, path[:-1])[path[-1]]
    off = {name for name, is_on in stages.items() if not is_on}
    for name in off:
        out.pop(name, None)
    for section in out.values():
        if isinstance(section, dict) and isinstance(section.get("after"), list):
            section["after"] = [name for name in section["after"] if name not in off]
    return out


def shown_value(lang: Lang, field: ScenarioField, value: Any) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return {True: {"ja": "はい", "en": "yes"}, False: {"ja": "いいえ", "en": "no"}}[value][lang]
    if isinstance(value, float | int):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(field.choices.get(part, {}).get(lang, part) for part in value)
    return field.choices.get(str(value), {}).get(lang, str(value))


def _field(entry: Mapping[str, Any], path: Path, name: str) -> ScenarioField:
    factor = float(entry.get("factor", 1.0))
    stated = _stated(path)
    low, above = entry.get("low"), entry.get("above")
    if low is None and above is None and "minimum" in stated:
        low = float(stated["minimum"]) / factor
    high = float(stated["maximum"]) / factor if "maximum" in stated else None
    choices = entry.get("choices") or entry.get("words") or {value: _same(value) for value in stated.get("enum", ())}
    return ScenarioField(
        path, entry["kind"], entry["label"], name, factor, float(entry.get("step", 1.0)),
        float(above) if above is not None else low, high, above is not None, choices,
    )  # fmt: skip


def _same(value: object) -> dict[str, str]:
    return {"ja": str(value), "en": str(value)}


def _stated(path: Path) -> dict[str, Any]:
    """What the scenario's schema says about a place: ``minimum``, ``maximum``, ``enum``."""
    schema = _schema(scenario_model())
    found: list[dict[str, Any]] = [schema]
    for step in path:
        below = []
        for one in _plain(found, schema):
            if isinstance(step, int):
                below += [one["items"]] if isinstance(one.get("items"), dict) else []
            elif step in one.get("properties", {}):
                below.append(one["properties"][step])
        found = below
    out: dict[str, Any] = {}
    for one in _plain(found, schema):
        out |= {key: one[key] for key in ("minimum", "maximum", "enum") if key in one}
    return out


def _plain(found: list[dict[str, Any]], schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Schemas with references and alternatives followed."""
    for one in found:
        if "$ref" in one:
            yield from _plain([schema["$defs"][one["$ref"].rpartition("/")[2]]], schema)
        elif "anyOf" in one or "oneOf" in one:
            yield from _plain([*one.get("anyOf", ()), *one.get("oneOf", ())], schema)
        else:
            yield one


def _expand(content: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """A path for every entry where a ``*`` stands, and the entry's name."""
    if "*" not in path:
        yield path, ""
        return
    at = path.index("*")
    entries = _look(content, path[:at])
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = str(entry.get("name") or number + 1) if isinstance(entry, dict) else str(number + 1)
        yield (*path[:at], number, *path[at + 1 :]), name


def _look(content: Any, path: Path) -> Any:
    """What stands at a path, None where the way ends."""
    for step in path:
        is_entry = isinstance(step, int) and isinstance(content, list) and step < len(content)
        if not is_entry and not (isinstance(content, dict) and step in content):
            return None
        content = content[step]
    return content


def _place(number: int, pattern: str, path: Path) -> tuple[int, int, int]:
    """Order of a field: what belongs to one entry of a list stays together, where its first field stands."""
    if "*" not in pattern:
        return number, 0, number
    root = pattern.partition("*")[0]
    first = next(k for k, entry in enumerate(_entries()) if entry["path"].startswith(root))
    return first, next(step for step in path if isinstance(step, int)), number


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _place_text(place: Any) -> str:
    if isinstance(place, list | tuple) and len(place) == 2 and all(isinstance(part, int | float) for part in place):
        return f"{place[0]:.1f}, {place[1]:.1f}"
    return place if isinstance(place, str) else ""


def _middle(line: list[list[float]]) -> list[float]:
    return [sum(point[axis] for point in line) / len(line) for axis in (0, 1)]


def _moved(line: list[list[float]], to: list[float]) -> list[list[float]]:
    middle = _middle(line)
    return [[x - middle[0] + to[0], y - middle[1] + to[1]] for x, y in line]


@cache
def _schema(model: type[ScenarioBase]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


@cache
def _entries() -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = yaml.safe_load(files("viewer").joinpath("fields.yaml").read_text(encoding="utf-8"))
    return content
