"""A sweep file: one scenario, and what is varied in it."""

from __future__ import annotations

import copy
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from sim.document import read_document
from sim.findings import findings_of
from sim.scenario import read_scenario, scenario_content, validate_scenario
from twin.errors import ScenarioError
from twin.scenario import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from twin.scenario import ScenarioBase

__all__ = [
    "OWN_COLUMNS",
    "Axis",
    "Case",
    "Member",
    "Sweep",
    "members",
    "put_value",
    "read_sweep",
    "require_apart",
    "value_at",
]

OWN_COLUMNS = ("member", "status", "reason", "wall_s")
"""Columns of the table that no label may take."""
MOST_MEMBERS = 100_000
"""Members of a sweep: each is a plan to make and a row of the table."""


def _paths(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _values(value: Any) -> Any:
    """Values by name: those that are given without names are named by what they are."""
    if isinstance(value, dict):
        if not value:
            raise ValueError("there are no values; give at least one")
        return value
    if not isinstance(value, list | tuple):
        raise ValueError("give a list of values, or values by name")
    if not value:
        raise ValueError("the list is empty; give at least one value")
    named = {_name(entry): entry for entry in value}
    if len(named) != len(value):
        raise ValueError("a value stands there twice; give each once")
    return named


def _name(value: Any) -> str:
    # YAML makes dates of what looks like one: their text names them
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class Axis(Section):
    """One thing that is varied.

    Parameters
    ----------
    path : str or tuple of str
        Where in the scenario: keys and list positions with dots between (``flood.breaches.0.width``). With several,
        each value is a list with one entry a path.
    values : mapping of str to any
        Values by name; a plain list of values is named by itself. ``null`` takes the entry away.
    """

    path: Annotated[tuple[str, ...], BeforeValidator(_paths), Field(min_length=1)]
    values: Annotated[dict[str, Any], BeforeValidator(_values)]

    @model_validator(mode="after")
    def _one_entry_a_path(self) -> Axis:
        if len(set(self.path)) != len(self.path):
            raise ValueError("a path stands there twice; give each once")
        for name, value in self.values.items():
            if len(self.path) > 1 and not (isinstance(value, list) and len(value) == len(self.path)):
                raise ValueError(f"value {name!r} is no list of {len(self.path)} entries, one a path")
        return self

    def changes(self, name: str) -> dict[str, Any]:
        """Path -> value of the value of that name."""
        value = self.values[name]
        return dict(zip(self.path, value if len(self.path) > 1 else [value], strict=True))


class Case(Section):
    """A member that is said in full.

    Parameters
    ----------
    name : str
    set_ : mapping of str to any
        Path -> value (``set:`` in the file); nothing is the scenario as it stands.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    set_: Annotated[dict[str, Any], Field(alias="set")] = Field(default_factory=dict)


class Sweep(Section):
    """A scenario and its variants: the product of all axes, or a list of cases.

    Parameters
    ----------
    schema_ : int
        Version of this format: 1 (``schema:`` in the file).
    name : str
    scenario : Path
        Relative to the sweep file.
    vary : mapping of str to Axis
        By label, the column of the table; the last one changes fastest.
    cases : tuple of Case
        In place of `vary`.
    """

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)] = 1
    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$", max_length=100)]
    scenario: Path
    vary: dict[Annotated[str, Field(pattern=r"^\w[\w -]*$", max_length=60)], Axis] = Field(default_factory=dict)
    cases: tuple[Case, ...] = ()

    @model_validator(mode="after")
    def _is_clear(self) -> Sweep:
        if bool(self.vary) == bool(self.cases):
            raise ValueError(f"{'both' if self.vary else 'neither'} vary and cases; give exactly one of them")
        if clash := [label for label in self.vary if label in OWN_COLUMNS]:
            raise ValueError(f"the table has a column {clash[0]} of its own; choose another label")
        require_apart({label: axis.path for label, axis in self.vary.items()})
        names = [case.name for case in self.cases]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two cases are called {', '.join(twice)}; name each differently")
        count = len(self)
        if count > MOST_MEMBERS:
            raise ValueError(f"{count:,} members are too many; give at most {MOST_MEMBERS:,}")
        return self

    def __len__(self) -> int:
        """Number of members."""
        total = 1
        for axis in self.vary.values():
            total *= len(axis.values)
        return total if self.vary else len(self.cases)

    def variants(self) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
        """(label -> name of the value, path -> value) of every member, in order."""
        if self.cases:
            for case in self.cases:
                yield {"case": case.name}, dict(case.set_)
            return
        for names in itertools.product(*(axis.values for axis in self.vary.values())):
            labels = dict(zip(self.vary, names, strict=True))
            changes: dict[str, Any] = {}
            for label, name in labels.items():
                changes |= self.vary[label].changes(name)
            yield labels, changes


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One scenario of a sweep.

    Parameters
    ----------
    number : int
        Place in the sweep, from 0.
    labels : mapping of str to str
        What was chosen, by label.
    scenario : ScenarioBase
        Checked.
    """

    number: int
    labels: Mapping[str, str]
    scenario: ScenarioBase


def read_sweep(path: Path) -> Sweep:
    """Read and check a sweep file.

    Raises
    ------
    ScenarioError
        If the file is missing, is no YAML mapping, or says something impossible.
    """
    content = read_document(path, "sweep")
    if "scenario" not in content:
        raise ScenarioError("is no sweep", where=str(path), remedy="Name a scenario, and what varies: vary or cases.")
    try:
        return Sweep.model_validate(content)
    except ValidationError as error:
        raise ScenarioError(
            findings_of(error, content), where=str(path), remedy="docs/batch.md says what may stand there."
        ) from error


def members(sweep: Sweep, folder: Path) -> tuple[Member, ...]:
    """Every scenario of a sweep, checked before anything runs.

    Parameters
    ----------
    sweep : Sweep
    folder : Path
        Folder of the sweep file.

    Raises
    ------
    ScenarioError
        If a path is not in the scenario, or a value makes a scenario that cannot be; the member is named.
    """
    base = read_scenario(folder / sweep.scenario)
    content = scenario_content(base)
    out = []
    for number, (labels, changes) in enumerate(sweep.variants()):
        where = f"{sweep.name}: {', '.join(f'{label} {name}' for label, name in labels.items())}"
        changed = copy.deepcopy(content)
        for path, value in changes.items():
            put_value(changed, path, copy.deepcopy(value), where)
        out.append(Member(number, labels, validate_scenario(changed, where=where)))
    return tuple(out)


def require_apart(paths: Mapping[str, tuple[str, ...]]) -> None:
    """Check that no two labels change the same place.

    Parameters
    ----------
    paths : mapping of str to tuple of str
        Label -> paths.

    Raises
    ------
    ValueError
        Naming the labels and the path.
    """
    taken: dict[str, str] = {}
    for label, own in paths.items():
        for path in own:
            for other, owner in taken.items():
                if f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}."):
                    raise ValueError(f"{owner} and {label} both change {path}; let one of them do it")
            taken[path] = label


def value_at(content: Mapping[str, Any], path: str, where: str) -> Any:
    """What a scenario's content holds at a path.

    Raises
    ------
    ScenarioError
        If the path leads nowhere.
    """
    place: Any = content
    way = path.split(".")
    for depth, step in enumerate(way):
        place = place[_step(place, step, path, way[:depth], where)]
    return place


def put_value(content: dict[str, Any], path: str, value: Any, where: str) -> None:
    """Put a value at a path whose way exists; a new last key is checked with the whole scenario.

    Raises
    ------
    ScenarioError
        If the path leads nowhere.
    """
    *way, last = path.split(".")
    place: Any = content
    for depth, step in enumerate(way):
        place = place[_step(place, step, path, way[:depth], where)]
    if isinstance(place, dict):
        place[last] = value
    else:
        place[_step(place, last, path, way, where)] = value


def _step(place: Any, step: str, path: str, behind: list[str], where: str) -> Any:
    """Key or position of a step.

    Raises
    ------
    ScenarioError
        If it is not there.
    """
    if isinstance(place, dict) and step in place:
        return step
    if isinstance(place, list) and step.isdecimal() and int(step) < len(place):
        return int(step)
    here = ".".join(behind) or "the scenario"
    if isinstance(place, dict):
        there = f"{here} has: {', '.join(map(str, place))}"
    elif isinstance(place, list):
        there = f"{here} has {len(place)} entries, from 0"
    else:
        there = f"{here} is the single value {place!r}"
    raise ScenarioError(f"path {path!r} leads nowhere at {step!r}", where=where, remedy=f"{there}.")
