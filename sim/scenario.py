"""The scenario file: what all scenarios share, and one section a simulator."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, create_model

from sim.document import read_document
from sim.findings import findings_of
from sim.registry import simulator, simulator_names
from twin.errors import ScenarioError
from twin.scenario import ScenarioBase, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
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
    return validate_scenario(read_document(path, "scenario"), where=str(path))


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
        remedy = f"{_meant(error)}`osaka-twin info --schema` prints what may stand there."
        raise ScenarioError(findings_of(error, content), where=where, remedy=remedy) from error
    if not dict(sections(scenario)):
        raise ScenarioError("asks for nothing", where=where, remedy=f"Add a section: {', '.join(simulator_names())}.")
    return scenario


def _meant(error: ValidationError) -> str:
    """Which known key each unknown one is nearest to, if any."""
    unknown = dict.fromkeys(
        str(detail["loc"][-1]) for detail in error.errors(include_url=False) if detail["type"] == "extra_forbidden"
    )
    if not unknown:
        return ""
    schema = scenario_schema()
    known = {name for part in (schema, *schema["$defs"].values()) for name in part.get("properties", {})}
    near = {key: get_close_matches(key, known, n=1, cutoff=0.75) for key in unknown}
    return "".join(f"Did you mean {found[0]!r} by {key!r}? " for key, found in near.items() if found)


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


def input_paths(section: Section, name: str) -> tuple[tuple[str, Path], ...]:
    """Every file that the section `name` names, in the order of its fields: its place in the scenario, its path."""
    return tuple(_paths(section, name))


def _paths(value: object, place: str) -> Iterator[tuple[str, Path]]:
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(value, Path):
        yield place, value
    elif isinstance(value, Section):
        parts = ((name, getattr(value, name)) for name in type(value).model_fields)
    elif isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, tuple | list):
        parts = enumerate(value)
    for name, part in parts:
        yield from _paths(part, f"{place}.{name}")
