"""A published case: its files, our scenario of it, what it is measured by, what is to be reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from sim.validation.field_measure import Extent, Plane, Profile, Radial, Rest, Runup
from sim.validation.series_measure import Arrivals, Force, GaugeSeries, Inflow, Levels
from sim.validation.source import AnySource
from twin.errors import ScenarioError
from twin.scenario import Finite, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CASES", "Bar", "Case", "Peer", "read_case_file", "read_cases"]

CASES = Path(__file__).resolve().parent / "cases"
"""Folder of the case files that come with the simulators."""

AnyMeasure = Annotated[
    GaugeSeries | Profile | Plane | Radial | Rest | Runup | Extent | Force | Levels | Arrivals | Inflow,
    Field(discriminator="kind"),
]
"""A measure, told apart by its ``kind``."""


class Bar(Section):
    """What a figure must keep to.

    Parameters
    ----------
    at_most, at_least : float or None
        One of them.
    """

    at_most: Finite | None = None
    at_least: Finite | None = None

    @model_validator(mode="after")
    def _one(self) -> Bar:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give exactly one of at_most, at_least")
        return self

    def is_met(self, value: float) -> bool:
        """Whether `value` keeps to it; NaN does not."""
        return value <= self.at_most if self.at_most is not None else value >= (self.at_least or 0.0)

    def __str__(self) -> str:
        return f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"


class Peer(Section):
    """What somebody else reaches.

    Parameters
    ----------
    name : str
    figure : str
        ``<measure>.<figure>``.
    value : float
    source : str
        Where it was read.
    """

    name: str
    figure: str
    value: Finite
    source: str


class Case(Section):
    """A published case.

    Parameters
    ----------
    name, title, source : str
    folder : str
        Its files, relative to the folder of all cases.
    cost : {"quick", "slow"}
        Quick ones are part of the test-suite.
    is_kept_back : bool
        Its observations are not there: outputs only.
    notes : tuple of str
        What was chosen, what a scenario cannot say.
    inputs : mapping of str to source
        What is made of the case's files: a name with a suffix is a file beside the scenario, one without is a value
        that the scenario takes up as ``"@name"``.
    scenario : mapping
        As in a scenario file.
    measures : mapping of str to measure
    bars : mapping of ``<measure>.<figure>`` to Bar
    peers : tuple of Peer
    """

    name: Annotated[str, Field(pattern=r"^\w[\w-]*$")]
    title: str
    source: str
    folder: str
    cost: Literal["quick", "slow"] = "quick"
    is_kept_back: bool = False
    notes: tuple[str, ...] = ()
    inputs: dict[str, AnySource] = Field(default_factory=dict)
    scenario: dict[str, Any]
    measures: dict[str, AnyMeasure] = Field(default_factory=dict)
    bars: dict[str, Bar] = Field(default_factory=dict)
    peers: tuple[Peer, ...] = ()

    @property
    def scheme(self) -> str:
        """Scheme of the flood simulator."""
        return str(self.scenario.get("flood", {}).get("scheme", "local_inertial"))


def read_cases(folder: Path = CASES) -> dict[str, Case]:
    """All cases by name, in the order of their files.

    Raises
    ------
    ScenarioError
        If a case file says something impossible.
    """
    return {case.name: case for path in sorted(folder.glob("*.yaml")) for case in read_case_file(path)}


def read_case_file(path: Path) -> list[Case]:
    """The case of a file, or its variants.

    A file may have ``variants:``, a mapping of name to what differs: each is laid over the rest, mapping by mapping
    (null takes an entry away), and is called ``<file>-<variant>``. ``{variant}`` in a text of the rest is its name.

    Raises
    ------
    ScenarioError
        If it is no YAML or says something impossible.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ScenarioError(f"cannot be read ({error})", where=str(path), remedy="Mend the case file.") from error
    if not isinstance(content, dict):
        raise ScenarioError("holds no mapping", where=str(path), remedy="Start with title: ...")
    variants = content.pop("variants", None) or {"": {}}
    out = []
    for name, changes in variants.items():
        whole = _laid_over(_named(content, name), changes) | {"name": f"{path.stem}-{name}" if name else path.stem}
        try:
            out.append(Case.model_validate(whole))
        except ValidationError as error:
            found = error.errors(include_url=False)[0]
            raise ScenarioError(
                f"{'.'.join(map(str, found['loc']))}: {found['msg']}",
                where=f"{path}: {whole['name']}",
                remedy="Mend the case file.",
            ) from error
    return out


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = _laid_over(out[key], value)
        else:
            out[key] = value
    return out


def _named(part: Any, variant: str) -> Any:
    if isinstance(part, dict):
        return {key: _named(value, variant) for key, value in part.items()}
    if isinstance(part, list):
        return [_named(value, variant) for value in part]
    return part.replace("{variant}", variant) if isinstance(part, str) else part
