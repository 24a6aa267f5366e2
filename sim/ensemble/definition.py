"""An ensemble file: one scenario, what is uncertain in it, and what is asked of its members together."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from sim.document import read_document
from sim.ensemble.change import changed
from sim.ensemble.distribution import Distribution, cumulated
from sim.ensemble.sampling import correlate, correlation_factor, unit_points
from sim.findings import findings_of
from sim.inputs import InputFiles
from sim.scenario import read_scenario, scenario_content, validate_scenario
from sim.sweep import OWN_COLUMNS, Axis, Member, put_value, require_apart, value_at
from twin.errors import ScenarioError
from twin.scenario import NotNegative, Positive, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["MOST_MEMBERS", "Choice", "Correlation", "Ensemble", "People", "Uncertain", "draw_members", "read_ensemble"]

MOST_MEMBERS = 10_000
"""Members of an ensemble: each is a run in the store."""
EFFECTS = ("set", "factor", "shift", "stretch")
FIXED = ("area", "city", "name", "title", "schema")
"""Parts of the scenario that all members share: their maps are laid over one another."""


def _paths(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _named(value: Any) -> dict[str, Any]:
    """Values by name, as a sweep's axis takes them."""
    return dict(Axis.model_validate({"path": "x", "values": value}).values)


class Choice(Section):
    """A few possibilities, of any kind.

    Parameters
    ----------
    values : mapping of str to any
        By name; a plain list is named by itself. With several paths each value is a list with one entry a path.
    weights : tuple of float
        In the order of the values; all alike by default.
    """

    values: Annotated[dict[str, Any], BeforeValidator(_named)]
    weights: tuple[NotNegative, ...] = ()

    @model_validator(mode="after")
    def _weights_fit(self) -> Choice:
        cumulated(self.weights, len(self.values))
        return self


class Uncertain(Section):
    """One uncertain quantity.

    Parameters
    ----------
    path : str or tuple of str
        Where in the scenario; several change together, by the same number.
    set_ : Distribution or None
        The number itself (``set:`` in the file).
    factor : Distribution or None
        Multiplies a number or every value of a series.
    shift : Distribution or None
        Is added to a number or to every value of a series.
    stretch : Distribution or None
        Multiplies the rise of a series above its lowest value: a higher flood wave from the same level.
    choose : Choice or None
        One of several values: places, breaches, whole entries.
    """

    path: Annotated[tuple[str, ...], BeforeValidator(_paths), Field(min_length=1)]
    set_: Annotated[Distribution | None, Field(alias="set")] = None
    factor: Distribution | None = None
    shift: Distribution | None = None
    stretch: Distribution | None = None
    choose: Choice | None = None

    @model_validator(mode="after")
    def _is_clear(self) -> Uncertain:
        if len(set(self.path)) != len(self.path):
            raise ValueError("a path stands there twice; give each once")
        given = [name for name in (*EFFECTS, "choose") if getattr(self, self._field(name)) is not None]
        if len(given) != 1:
            raise ValueError(
                f"{' and '.join(given) or 'no effect'} given; give exactly one of {', '.join(EFFECTS)}, choose"
            )
        if fixed := [path for path in self.path if path.partition(".")[0] in FIXED]:
            raise ValueError(f"{fixed[0]} is the same in all members; vary something else")
        if self.choose is not None and len(self.path) > 1:
            for name, value in self.choose.values.items():
                if not (isinstance(value, list) and len(value) == len(self.path)):
                    raise ValueError(f"value {name!r} is no list of {len(self.path)} entries, one a path")
        return self

    @staticmethod
    def _field(effect: str) -> str:
        return "set_" if effect == "set" else effect

    @property
    def effect(self) -> str:
        """What the sampled number does: one of the effects, or ``choose``."""
        return next(name for name in (*EFFECTS, "choose") if getattr(self, self._field(name)) is not None)

    def names(self, share: NDArray[np.float64]) -> list[str]:
        """What is drawn at these shares of the probability, as text: a number, or the name of a choice."""
        if self.choose is not None:
            names = list(self.choose.values)
            ends = cumulated(self.choose.weights, len(names))
            return [names[k] for k in np.searchsorted(ends, share, side="right")]
        distribution: Distribution = getattr(self, self._field(self.effect))
        return [f"{value:.9g}" for value in distribution.quantile(share)]


class Correlation(Section):
    """Two uncertain quantities that go together.

    Parameters
    ----------
    between : (str, str)
        Labels.
    rank : float
        Spearman's rank correlation, between -1 and 1 (for choices: in the order of their values).
    """

    between: tuple[str, str]
    rank: Annotated[float, Field(gt=-1, lt=1)]


class People(Section):
    """Who is counted.

    Parameters
    ----------
    layer : str
        Polygons of the city's population; left out where the city has none of the default's name.
    column : str
        Persons in each polygon; they are spread over its land evenly.
    """

    layer: str = "population"
    column: str = "night"


class Ensemble(Section):
    """A scenario with uncertain quantities.

    Parameters
    ----------
    schema_ : int
        Version of this format: 1 (``schema:`` in the file).
    name : str
    title : mapping
        Shown to people, by language; the scenario's by default.
    scenario : Path
        Relative to the ensemble file; it has a flood.
    members : int
        How many; the first ones stay when there are more.
    seed : int
    sampling : {"sobol", "latin", "plain"}
        See :mod:`sim.ensemble.sampling`.
    uncertain : mapping of str to Uncertain
        By label, the column of the table.
    correlation : tuple of Correlation
        Between quantities; by a Gaussian copula.
    thresholds : tuple of float
        Depths [m], whole centimetres, whose probability is mapped.
    percentiles : tuple of int
        Of maximum depth and arrival, 1 to 99.
    streets : str or None
        Layer of the street network; left out where the city has none of the default's name.
    people : People or None
    """

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)] = 1
    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$", max_length=90)]
    title: dict[str, str] = Field(default_factory=dict)
    scenario: Path
    members: Annotated[int, Field(ge=2, le=MOST_MEMBERS)]
    seed: Annotated[int, Field(ge=0)] = 0
    sampling: Literal["sobol", "latin", "plain"] = "sobol"
    uncertain: Annotated[
        dict[Annotated[str, Field(pattern=r"^\w[\w -]*$", max_length=60)], Uncertain], Field(min_length=1)
    ]
    correlation: tuple[Correlation, ...] = ()
    thresholds: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.05, 0.3, 0.5, 1.0, 3.0)
    percentiles: Annotated[tuple[Annotated[int, Field(ge=1, le=99)], ...], Field(min_length=1)] = (5, 25, 50, 75, 95)
    streets: str | None = "streets"
    people: People | None = People()

    @model_validator(mode="after")
    def _is_clear(self) -> Ensemble:
        if clash := [label for label in self.uncertain if label in OWN_COLUMNS]:
            raise ValueError(f"the table has a column {clash[0]} of its own; choose another label")
        require_apart({label: one.path for label, one in self.uncertain.items()})
        for name in ("thresholds", "percentiles"):
            values = getattr(self, name)
            if list(values) != sorted(set(values)):
                raise ValueError(f"{name} {list(values)} do not ascend; give each once, in order")
        if odd := [depth for depth in self.thresholds if abs(depth * 100 - round(depth * 100)) > 1e-6]:
            raise ValueError(f"threshold {odd[0]:g} m is no whole centimetre; round it")
        seen: set[frozenset[str]] = set()
        for one in self.correlation:
            if unknown := [label for label in one.between if label not in self.uncertain]:
                raise ValueError(f"correlation names {unknown[0]!r}; there is: {', '.join(self.uncertain)}")
            pair = frozenset(one.between)
            if len(pair) < 2 or pair in seen:
                raise ValueError(f"correlation between {one.between[0]} and {one.between[1]} is given twice or of one")
            seen.add(pair)
        self._factor()
        return self

    def _factor(self) -> NDArray[np.float64]:
        labels = list(self.uncertain)
        pairs = [(labels.index(one.between[0]), labels.index(one.between[1]), one.rank) for one in self.correlation]
        return correlation_factor(len(labels), pairs)

    def draw(self) -> list[dict[str, str]]:
        """What every member has, label -> number or name of the choice, in order."""
        points = unit_points(self.sampling, self.members, len(self.uncertain), self.seed)
        if self.correlation:
            points = correlate(points, self._factor())
        columns = [one.names(points[:, k]) for k, one in enumerate(self.uncertain.values())]
        return [dict(zip(self.uncertain, row, strict=True)) for row in zip(*columns, strict=True)]


def read_ensemble(path: Path) -> Ensemble:
    """Read and check an ensemble file.

    Raises
    ------
    ScenarioError
        If the file is missing, is no YAML mapping, or says something impossible.
    """
    content = read_document(path, "ensemble")
    if not {"scenario", "uncertain"} <= set(content):
        raise ScenarioError("is no ensemble", where=str(path), remedy="Name a scenario, members and what is uncertain.")
    try:
        return Ensemble.model_validate(content)
    except ValidationError as error:
        raise ScenarioError(
            findings_of(error, content), where=str(path), remedy="docs/ensemble.md says what may stand there."
        ) from error


def draw_members(ensemble: Ensemble, folder: Path) -> tuple[Member, ...]:
    """Every member's scenario, checked before anything runs.

    Parameters
    ----------
    ensemble : Ensemble
    folder : Path
        Folder of the ensemble file.

    Raises
    ------
    ScenarioError
        If the scenario has no flood, a path is not in it, or what was drawn makes a scenario that cannot be; the
        member is named.
    """
    base = read_scenario(folder / ensemble.scenario)
    content = scenario_content(base)
    if "flood" not in content:
        raise ScenarioError(
            "has no flood", where=str(folder / ensemble.scenario), remedy="An ensemble maps the flood of its members."
        )
    files = InputFiles((folder / ensemble.scenario).absolute().parent)
    out = []
    for number, drawn in enumerate(ensemble.draw()):
        what = ", ".join(f"{label} {name}" for label, name in drawn.items())
        where = f"{ensemble.name}: member {number} ({what})"
        scenario = copy.deepcopy(content)
        for label, name in drawn.items():
            _vary(scenario, content, ensemble.uncertain[label], name, where, files)
        scenario["name"] = f"{base.name[:90]}.{number:03d}"
        scenario["title"] = {lang: f"{text} #{number}" for lang, text in content.get("title", {}).items()}
        out.append(Member(number, drawn, validate_scenario(scenario, where=where)))
    return tuple(out)


def _vary(
    scenario: dict[str, Any], base: Mapping[str, Any], one: Uncertain, name: str, where: str, files: InputFiles
) -> None:
    if one.choose is not None:
        value = copy.deepcopy(one.choose.values[name])
        for path, part in zip(one.path, value if len(one.path) > 1 else [value], strict=True):
            put_value(scenario, path, part, where)
        return
    for path in one.path:
        before = None if one.effect == "set" else value_at(base, path, where)
        put_value(scenario, path, changed(before, one.effect, json.loads(name), path, where, files), where)
