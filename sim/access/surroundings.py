"""What surrounds the network: its heights, and what other stages say of water and crowds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim import coupling
from sim.access.timetable import Conditions, opening_hours
from twin.errors import ScenarioError
from twin.layer import NetworkLayer, RasterLayer, VectorLayer
from twin.network import LinkKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.access.scenario import AccessSection
    from sim.stage import StageInput
    from twin.city import CityModel
    from twin.store import Run

__all__ = ["gather_conditions", "is_night", "lay_network"]

NIGHT = (18, 6)
"""Hours at which the night begins and ends."""


def lay_network(city: CityModel, section: AccessSection) -> NetworkLayer:
    """The pedestrian network; with gradients from the terrain where the city has one and the network has none.

    Raises
    ------
    ScenarioError
        If it has no links.
    LayerError
        If there is no such layer, or it is no network.
    """
    layer = city.require(section.network, NetworkLayer)
    if not layer.network.n_links:
        raise ScenarioError(
            f"layer {section.network!r} has no links here", where="access.network", remedy="Move or enlarge the area."
        )
    climb = layer.network.attributes.get("climb")
    if section.terrain in city and (climb is None or not climb.known.any()):
        from layers.slope import with_slope

        return with_slope(layer, city.require(section.terrain, RasterLayer))
    return layer


def is_night(stage: StageInput, section: AccessSection) -> bool:
    """Whether people walk at night speed."""
    if section.night is not None:
        return section.night
    start = stage.scenario.start
    return start is not None and not NIGHT[1] <= start.hour < NIGHT[0]


def gather_conditions(stage: StageInput, section: AccessSection, layer: NetworkLayer) -> Conditions:
    """Water, crowds, hours and outages on the rows of ``layer.links``.

    Raises
    ------
    ScenarioError
        If a link that is out of service does not exist.
    """
    n = len(layer.links)
    water = coupling.no_water(n)
    if "flood" in stage.upstream:
        water = _with_underground(stage, section, layer, coupling.water_on_links(stage.upstream["flood"], layer))
    crowd = (np.zeros(1), np.zeros((1, n), dtype=np.float32))
    if "evacuation" in stage.upstream:
        crowd = coupling.crowd_on_links(stage.upstream["evacuation"], layer)
    start = stage.scenario.start
    return Conditions.from_series(
        (water.times, water.depth, water.speed),
        crowd,
        hours=opening_hours(layer.network, start) if start is not None else {},
        out=_rows(layer, section.elevators_out),
        power_failure_at=section.power_failure_at,
    )


def _rows(layer: NetworkLayer, ids: tuple[str, ...]) -> list[int]:
    """Rows of links and of those that are the same elevator."""
    known = {str(value): row for row, value in enumerate(layer.links["id"])}
    missing = [value for value in ids if value not in known]
    if missing:
        raise ScenarioError(
            f"the network has no link {', '.join(map(repr, missing))}",
            where="access.elevators_out",
            remedy=f"Give ids of links, such as {next(iter(known), '')!r}.",
        )
    rows = [known[value] for value in ids]
    if "elevator_group" not in layer.links.columns:
        return rows
    group = layer.links["elevator_group"].to_numpy(dtype=np.int64)
    same = np.flatnonzero(np.isin(group, group[rows]) & (group >= 0))
    return [int(row) for row in np.union1d(rows, same)]


def _with_underground(
    stage: StageInput, section: AccessSection, layer: NetworkLayer, water: coupling.Water
) -> coupling.Water:
    """Water of the street on links above ground, of the floor below it on those underground.

    A way down from the street (stairs, escalator, ramp) has the deeper of the two: the street's water runs down it.
    """
    city, run = stage.city, stage.upstream["flood"]
    attribute = layer.network.attributes.get("level")
    if attribute is None or city is None or section.underground not in city or section.entrances not in city:
        return water
    level = np.zeros(len(layer.links))
    level[layer.network.link_feature] = np.where(attribute.known, attribute.values, 0.0)
    below = np.flatnonzero(level < 0)
    if not len(below):
        return water
    floors = city.require(section.underground, VectorLayer)
    inside = coupling.underground_water(run, city.require(section.entrances, VectorLayer), floors)
    depth = water.depth.copy()
    depth[:, below] = inside.depth[:, _floor_of(layer, below, level[below], floors)]
    ways_down = below[_is_way_down(layer)[below]]
    depth[:, ways_down] = np.maximum(depth[:, ways_down], _street_depth(run, layer, ways_down))
    return coupling.Water(water.times, depth, water.speed)


def _floor_of(
    layer: NetworkLayer, rows: NDArray[np.int64], level: NDArray[np.float64], floors: VectorLayer
) -> NDArray[np.int64]:
    """Row of the floor that each link lies on: the nearest of those on its level, of all where none is."""
    number = floors.table["floor"].to_numpy(dtype=np.float64)
    middles = layer.links.geometry.iloc[rows].interpolate(0.5, normalized=True)
    away = np.array([floors.table.geometry.distance(point).to_numpy() for point in middles])
    is_level = np.abs(number[None, :] - np.floor(level)[:, None]) < 0.5
    away = np.where(is_level | ~is_level.any(axis=1, keepdims=True), away, np.inf)
    return np.asarray(away.argmin(axis=1))


def _is_way_down(layer: NetworkLayer) -> NDArray[np.bool_]:
    found = np.zeros(len(layer.links), dtype=np.bool_)
    if (kind := layer.network.attributes.get("kind")) is not None:
        codes = (LinkKind.STAIRS, LinkKind.ESCALATOR, LinkKind.RAMP)
        found[layer.network.link_feature] = kind.known & np.isin(kind.values, codes)
    return found


def _street_depth(run: Run, layer: NetworkLayer, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Depth of the street's water half-way along links; (T, n)."""
    middles = layer.links.geometry.iloc[rows].interpolate(0.5, normalized=True)
    return coupling.water_at(run, middles.x, middles.y).depth
