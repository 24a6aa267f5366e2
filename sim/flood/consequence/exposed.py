"""Who and what stands in the area of a flood: buildings with their floors, and the people of population squares."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.findings import findings_of
from sim.flood.consequence.section import Evaluation
from twin.errors import LayerError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sim.flood.scenario import FloodSection
    from sim.stage import StageInput
    from twin.city import CityModel
    from twin.grid import Grid
    from twin.layer import MeshLayer, VectorLayer

__all__ = ["Exposed", "Squares", "list_exposed", "read_occupancy"]

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(_Strict):
    """Persons per square metre of gross floor."""

    night: NotNegative
    day: NotNegative


class Occupancy(_Strict):
    """Contents of ``exposure.yaml``."""

    default: Rate
    smallest: NotNegative
    gross: Annotated[float, Field(gt=0, le=1)]
    storey: Positive
    usage: dict[str, Rate]

    def rates(self, usage: NDArray[np.object_], hour: str) -> NDArray[np.float64]:
        """Persons per square metre by building usage (n,); hour ``night`` or ``day``."""
        known = {code: float(getattr(rate, hour)) for code, rate in self.usage.items()}
        default = float(getattr(self.default, hour))
        return np.array([known.get(str(code), default) for code in usage], dtype=np.float64)


def read_occupancy(path: Path | None = None) -> Occupancy:
    """The table that comes with the twin (``exposure.yaml``), or another of the same form.

    Raises
    ------
    LayerError
        If the file is not of that form.
    """
    where = "sim/flood/consequence/exposure.yaml" if path is None else str(path)
    source = files("sim.flood.consequence").joinpath("exposure.yaml") if path is None else path
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
        return Occupancy.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        said = findings_of(error, content) if isinstance(error, ValidationError) else " ".join(str(error).split())
        raise LayerError(
            f"is no table of occupancy ({said[:300]})",
            where=where,
            remedy="Start from a copy of sim/flood/consequence/exposure.yaml.",
        ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Squares of a population grid.

    Parameters
    ----------
    shape : ndarray of polygons (n,)
        [m in the area's frame].
    persons, households : ndarray (n,)
        Whole squares; households NaN where unknown.
    hour : {"night", "day"}
        Which rates spread the persons over buildings.
    """

    shape: NDArray[np.object_]
    persons: NDArray[np.float64]
    households: NDArray[np.float64]
    hour: str


@dataclass(frozen=True, slots=True, eq=False)
class Exposed:
    """Buildings (rows of the city's) and squares.

    Parameters
    ----------
    outline : ndarray of polygons (n,)
        Footprints [m in the area's frame], None where there is none.
    floor : ndarray (n,)
        Gross floor area [m2].
    storeys : ndarray (n,)
        Above ground, at least 1.
    usage : ndarray of str (n,)
        PLATEAU code, "" unknown.
    squares : Squares or None
        None where the city has no population.
    evaluation : Evaluation
    occupancy : Occupancy
    """

    outline: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object))
    floor: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    storeys: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    usage: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object))
    squares: Squares | None = None
    evaluation: Evaluation = field(default_factory=Evaluation)
    occupancy: Occupancy = field(default_factory=read_occupancy)

    def persons_by_building(self, grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Persons and households of each building (n,), and the persons of each square who lie evenly in it (m,).

        A square that the area cuts keeps the share of its people that its area inside has. Households NaN: unknown.
        """
        import shapely

        n = len(self.outline)
        persons, households = np.zeros(n), np.zeros(n)
        if self.squares is None:
            return persons, np.full(n, np.nan), np.zeros(0)
        squares = self.squares
        total = shapely.area(squares.shape)
        inside = shapely.area(shapely.intersection(squares.shape, shapely.box(*grid.bounds)))
        share = np.divide(inside, total, out=np.zeros_like(total), where=total > 0)
        even = squares.persons * share
        if not n or self.evaluation.spread == "area":
            return persons, np.full(n, np.nan), even
        points = shapely.point_on_surface(self.outline)
        x, y = shapely.get_x(points), shapely.get_y(points)
        held = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        held = held[grid.contains(x[held], y[held]) & (self.floor[held] >= self.occupancy.smallest)]
        weight = self.floor * self.occupancy.rates(self.usage, squares.hour)
        square, place = shapely.STRtree(points[held]).query(squares.shape, predicate="covers")
        # a point on the line between two squares belongs to the first
        _, first = np.unique(place, return_index=True)
        square, building = square[first], held[place[first]]
        for weights in (weight[building], self.floor[building]):
            sums = np.bincount(square, weights, len(even))
            has = (sums > 0) & (even > 0)
            here = has[square]
            part = weights[here] / sums[square[here]]
            persons[building[here]] += part * even[square[here]]
            households[building[here]] += part * (squares.households * share)[square[here]]
            # where the table of uses expects nobody, any floor will do
            even = np.where(has, 0.0, even)
        return persons, households, even


def list_exposed(stage: StageInput, section: FloodSection) -> Exposed:
    """Collect what the city knows.

    Raises
    ------
    LayerError
        If the population layer lacks its column or holds a number that cannot be.
    ScenarioError
        If the section names a population layer that is not there.
    """
    from twin.footprint import footprints
    from twin.layer import MeshLayer, VectorLayer

    evaluation = section.evaluation
    path = None if evaluation.exposure is None else stage.files.path(evaluation.exposure)
    occupancy = read_occupancy(path)
    city = stage.city
    if city is None:
        return Exposed(evaluation=evaluation, occupancy=occupancy)
    _require_named(city, evaluation)
    squares = None
    if evaluation.population is not None and evaluation.population in city:
        start = stage.scenario.start
        is_day = start is not None and 6 <= start.hour < 18
        squares = _squares(city.require(evaluation.population, VectorLayer), evaluation, "day" if is_day else "night")
    if "buildings" not in city:
        return Exposed(squares=squares, evaluation=evaluation, occupancy=occupancy)
    layer = city.require("buildings", MeshLayer)
    outline, storeys, floor, usage = _floors(layer, footprints(layer), occupancy)
    return Exposed(outline, floor, storeys, usage, squares, evaluation, occupancy)


def _require_named(city: CityModel, evaluation: Evaluation) -> None:
    """A layer that keeps its usual name may be missing; another name is a wish."""
    from twin.errors import ScenarioError

    name = evaluation.population
    if name is not None and name != Evaluation.model_fields["population"].default and name not in city:
        raise ScenarioError(
            f"the city has no layer {name!r}",
            where="flood.evaluation.population",
            remedy=f"It has: {', '.join(sorted(city)) or 'none'}.",
        )


def _floors(
    layer: MeshLayer, outline: NDArray[np.object_], occupancy: Occupancy
) -> tuple[NDArray[np.object_], NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    import shapely

    table, n = layer.table, len(layer.table)

    def column(name: str) -> NDArray[np.float64]:
        if name not in table:
            return np.full(n, np.nan)
        return np.asarray(table[name].to_numpy(np.float64, na_value=np.nan), dtype=np.float64)

    storeys, height = column("storeys_above"), np.nan_to_num(column("height"))
    storeys = np.where(storeys > 0, storeys, np.maximum(1.0, np.round(height / occupancy.storey)))
    floor = np.nan_to_num(shapely.area(outline)) * storeys * occupancy.gross
    usage = table["usage_code"].astype(str).to_numpy(dtype=object) if "usage_code" in table else np.full(n, "", object)
    return outline, storeys, floor, usage


def _squares(layer: VectorLayer, evaluation: Evaluation, hour: str) -> Squares:
    column = hour if evaluation.column == "auto" else evaluation.column
    persons = _counts(layer, column)
    has_households = "households" in layer.table.columns
    households = _counts(layer, "households") if has_households else np.full(len(persons), np.nan)
    rates = column if column in ("night", "day") else hour
    return Squares(layer.table.geometry.to_numpy(), persons, households, rates)


def _counts(layer: VectorLayer, name: str) -> NDArray[np.float64]:
    values = layer.numbers(name)
    values = np.where(np.isnan(values), 0.0, values)  # nobody is known of
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise LayerError(
            f"column {name!r} holds {values[row]}",
            where=f"layer {layer.id}: row {row}",
            remedy="Give a number of 0 or more.",
        )
    return values
