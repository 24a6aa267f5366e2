"""The scenario file: what all scenarios share, and one section a simulator."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError, create_model

from sim.registry import simulator, simulator_names
from twin.errors import ScenarioError
from twin.scenario import ScenarioBase, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "findings_of",
    "input_paths",
    "read_scenario",
    "scenario_content",
    "scenario_model",
    "scenario_schema",
    "sections",
    "validate_scenario",
]


@cache
def scenario_model() -> type[ScenarioBase]:
    """The scenario with every registered simulator's section, each optional."""
    parts: dict[str, Any] = {name: (simulator(name).section | None, None) for name in simulator_names()}
    return create_model("Scenario", __base__=ScenarioBase, __doc__=ScenarioBase.__doc__, **parts)


def scenario_schema() -> dict[str, Any]:
    """JSON Schema of the scenario file."""
    return scenario_model().model_json_schema(by_alias=True)


def read_scenario(path: Path) -> ScenarioBase:
    """Read and check a scenario file.

    Raises
    ------
    ScenarioError
        If the file is missing, is no YAML mapping, or says something impossible; every finding is named at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(
            f"cannot be read ({error})", where=str(path), remedy="Give the path of a scenario file (YAML, UTF-8)."
        ) from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScenarioError(f"is no YAML ({error})", where=str(path), remedy="Mend the line that is named.") from error
    if not isinstance(content, dict):
        raise ScenarioError("holds no mapping", where=str(path), remedy="Start with 'schema: 1' and 'name: ...'.")
    return validate_scenario(content, where=str(path))


def validate_scenario(content: Mapping[str, Any], where: str) -> ScenarioBase:
    """Check the content of a scenario.

    Parameters
    ----------
    content : mapping
        What the YAML file holds.
    where : str
        Named in the error.

    Raises
    ------
    ScenarioError
        Naming every field that is wrong, its value and what is expected.
    """
    try:
        scenario = scenario_model().model_validate(content)
    except ValidationError as error:
        raise ScenarioError(
            findings_of(error), where=where, remedy="`osaka-twin info --schema` prints what may stand there."
        ) from error
    if not dict(sections(scenario)):
        raise ScenarioError("asks for nothing", where=where, remedy=f"Add a section: {', '.join(simulator_names())}.")
    return scenario


def scenario_content(scenario: ScenarioBase) -> dict[str, Any]:
    """The scenario as plain data, defaults filled in; reading it gives the same scenario.

    What is null inside a section stays: a section may say null where its default is something else.
    """
    content: dict[str, Any] = scenario.model_dump(mode="json", by_alias=True)
    return {name: value for name, value in content.items() if value is not None}


def sections(scenario: ScenarioBase) -> Iterator[tuple[str, Section]]:
    """The sections that the scenario has, by simulator name."""
    for name in simulator_names():
        section = getattr(scenario, name, None)
        if section is not None:
            yield name, section


def input_paths(section: Section) -> tuple[Path, ...]:
    """Every file that a section names, in the order of its fields."""
    return tuple(_paths(section))


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _paths(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _paths(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _paths(item)


def findings_of(error: ValidationError) -> str:
    """Everything that a check found, in one line: field, what is wrong, and the value that was given."""
    return "; ".join(_finding(detail) for detail in error.errors(include_url=False))


def _finding(detail: Any) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{place}: this key is unknown"
    if detail["type"] == "missing":
        return f"{place}: is missing"
    if detail["type"] == "value_error":  # our own words, which name the value where it matters
        return f"{place}: {detail['ctx']['error']}".removeprefix(": ")
    given = repr(detail["input"])
    return f"{place}: {detail['msg']} (given: {given if len(given) < 80 else given[:77] + '...'})"
