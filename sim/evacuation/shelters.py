"""Shelters: from a layer or from the scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.evacuation.scenario import EvacuationSection
from twin.errors import LayerError, ScenarioError
from twin.layer import RasterLayer, VectorLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.stage import StageInput
    from twin.city import CityModel

__all__ = ["ShelterPlan", "ground_height", "place_shelters"]

STOREY = 3.3
"""Height of a storey of a public building [m] (assumption), for the floor that a shelter begins at."""


@dataclass(frozen=True, slots=True, eq=False)
class ShelterPlan:
    """Shelters, one entry each.

    Parameters
    ----------
    x, y : ndarray (n,)
        [m in the area's frame]
    ground : ndarray (n,)
        [m T.P.]
    floor : ndarray (n,)
        Height of the floor that is used above the ground [m].
    capacity : ndarray of int64 (n,)
    ids, names, kinds : tuple of str
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    ground: NDArray[np.float64]
    floor: NDArray[np.float64]
    capacity: NDArray[np.int64]
    ids: tuple[str, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of shelters."""
        return len(self.x)


def ground_height(city: CityModel, terrain: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ground [m T.P.] at points; 0 where there is no terrain."""
    out = np.zeros(len(x))
    if terrain not in city:
        return out
    layer = city.require(terrain, RasterLayer)
    inside = layer.grid.contains(x, y)
    row, col = layer.grid.row_col(x[inside], y[inside])
    out[inside] = np.nan_to_num(layer.values[row, col])
    return out


def place_shelters(stage: StageInput, section: EvacuationSection, city: CityModel) -> ShelterPlan:
    """The shelters inside the area that are fit.

    Raises
    ------
    ScenarioError
        If an own shelter lies outside the area, or the area has none.
    LayerError
        If the layer has no names or capacities, lacks the column that `fit` names, or holds text for numbers.
    """
    if isinstance(section.shelters, str):
        return _from_layer(stage, section, city, section.shelters)
    given = section.shelters
    x, y = np.array([s.at[0] for s in given]), np.array([s.at[1] for s in given])
    outside = ~np.asarray(stage.grid.contains(x, y), dtype=np.bool_)
    if outside.any():
        number = int(np.argmax(outside))
        raise ScenarioError(
            f"{given[number].at} lies outside the area {stage.grid.bounds} (west, south, east, north, in m)",
            where=f"evacuation.shelters.{number}",
            remedy="Move the shelter into area.bbox.",
        )
    names = tuple(s.name for s in given)
    return ShelterPlan(
        x, y, ground_height(city, section.terrain, x, y), np.array([s.floor_height for s in given]),
        np.array([s.capacity for s in given], dtype=np.int64), names, _unique(list(names)), ("",) * len(given),
    )  # fmt: skip


def _from_layer(stage: StageInput, section: EvacuationSection, city: CityModel, name: str) -> ShelterPlan:
    layer = city.require(name, VectorLayer)
    table = layer.table
    where = f"layer {name}"
    for column in ("name", "capacity"):
        if column not in table.columns:
            raise LayerError(
                f"has no column {column!r}", where=where, remedy=f"It has: {', '.join(map(str, table.columns))}."
            )
    points = table.geometry.representative_point()
    x, y = points.x.to_numpy(), points.y.to_numpy()
    keep = np.asarray(stage.grid.contains(x, y), dtype=np.bool_)
    if section.fit is not None and section.fit in table.columns:
        keep &= np.nan_to_num(layer.numbers(section.fit)) != 0
    elif section.fit not in (None, EvacuationSection.model_fields["fit"].default):
        raise LayerError(
            f"has no column {section.fit!r}", where=where, remedy=f"It has: {', '.join(map(str, table.columns))}."
        )
    capacity = layer.numbers("capacity")
    bad = keep & ~(np.isfinite(capacity) & (capacity >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise LayerError(
            f"capacity of {table['name'].iloc[row]!r} is {capacity[row]}",
            where=f"{where}: row {row}",
            remedy="Give the number of persons, 0 or more.",
        )
    if not keep.any():
        raise ScenarioError(
            f"none of the {len(table)} shelters lies in the area and is fit ({section.fit})",
            where="evacuation.shelters",
            remedy="Choose an area with shelters, another `fit`, or list shelters in the scenario.",
        )
    rows = table[keep]
    x, y = x[keep], y[keep]
    known = layer.numbers("ground_height")[keep] if "ground_height" in rows else np.full(len(rows), np.nan)
    ground = np.where(np.isfinite(known), known, ground_height(city, section.terrain, x, y))
    lowest = np.nan_to_num(layer.numbers("floor_from")[keep]) if "floor_from" in rows else np.zeros(len(rows))
    ids = rows["shelter_id"] if "shelter_id" in rows else rows["name"]
    kinds = rows["kind"] if "kind" in rows else rows["name"].map(lambda _: "")
    return ShelterPlan(
        x, y, ground, STOREY * np.maximum(0.0, lowest - 1), capacity[keep].astype(np.int64),
        tuple(ids.astype(str)), _unique(list(rows["name"].astype(str))), tuple(kinds.astype(str)),
    )  # fmt: skip


def _unique(names: list[str]) -> tuple[str, ...]:
    """Names told apart by a number where they repeat: each is a column of the gauges."""
    seen: dict[str, int] = {}
    out = []
    for given in names:
        name = given.replace(",", "、")  # a comma would split the column of a CSV
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(out)
