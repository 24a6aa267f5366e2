"""Missions become errands: which place each flight serves, from which site, and how the work is shared out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from sim.airspace.errand import Errand, Task, Waypoint
from sim.airspace.scenario import Delivery, Survey
from sim.airspace.sweep import share_out, sweeps_over
from sim.coupling import no_water, water_at
from twin.errors import ScenarioError
from twin.layer import VectorLayer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from shapely import Geometry

    from sim.airspace.airway import Airways
    from sim.airspace.energy import Aircraft
    from sim.airspace.scenario import AirspaceSection, Mission
    from sim.airspace.site import Site
    from twin.city import CityModel
    from twin.store import Run

__all__ = ["Plan", "Target", "draw_up"]


@dataclass(frozen=True, slots=True)
class Target:
    """A place that is delivered to.

    Parameters
    ----------
    name : str
    x, y, z : float
        Of the drop [m in the frame, m T.P.].
    """

    name: str
    x: float
    y: float
    z: float


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is to be flown.

    Parameters
    ----------
    errands : tuple of Errand
    targets : tuple of Target
        Places that errands refer to.
    areas : mapping of str to Geometry
        Area of each survey, by mission.
    """

    errands: tuple[Errand, ...]
    targets: tuple[Target, ...]
    areas: Mapping[str, Geometry]


def draw_up(
    section: AirspaceSection,
    city: CityModel,
    airways: Airways,
    sites: Sequence[Site],
    aircraft: Mapping[str, Aircraft],
    flood: Run | None,
) -> Plan:
    """All errands of a scenario, in the order of its missions.

    Raises
    ------
    ScenarioError
        If a mission names an aircraft, a site or a layer that is not there, overloads its aircraft, or asks for the
        flooded area of a scenario without a flood.
    LayerError
        If the layer of places is not one of points.
    """
    errands: list[Errand] = []
    targets: list[Target] = []
    areas: dict[str, Geometry] = {}
    for mission in section.missions:
        machine = _machine(mission, aircraft, section)
        if isinstance(mission, Survey):
            areas[mission.name] = _area(mission, city, airways, flood)
            errands += _survey(mission, machine, section, airways, sites, areas[mission.name], len(errands))
        else:
            places = _places(mission, city, airways, flood)
            errands += _deliver(mission, machine, section, sites, places, len(targets), len(errands))
            targets += places
    return Plan(tuple(errands), tuple(targets), areas)


def _machine(mission: Mission, aircraft: Mapping[str, Aircraft], section: AirspaceSection) -> Aircraft:
    where = f"airspace.missions.{mission.name}"
    if mission.aircraft not in aircraft:
        raise ScenarioError(
            f"there is no aircraft {mission.aircraft!r}", where=where, remedy=f"There are: {', '.join(aircraft)}."
        )
    machine = aircraft[mission.aircraft]
    if isinstance(mission, Delivery) and mission.payload > machine.payload:
        raise ScenarioError(
            f"{mission.payload} kg are more than {mission.aircraft!r} carries ({machine.payload} kg)",
            where=f"{where}.payload",
            remedy="Make more trips, or take a larger aircraft.",
        )
    if section.wind.speed > machine.largest_wind:
        raise ScenarioError(
            f"the wind of {section.wind.speed} m/s is more than {mission.aircraft!r} may fly in "
            f"({machine.largest_wind} m/s)",
            where="airspace.wind.speed",
            remedy="Wait for less wind, or take another aircraft.",
        )
    return machine


def _base(mission: Mission, sites: Sequence[Site], x: float, y: float, until: float) -> int:
    """The mission's own site, or the nearest one that stays dry; -1 if there is none."""
    if mission.base is not None:
        names = [site.id for site in sites]
        if mission.base not in names:
            raise ScenarioError(
                f"there is no landing site {mission.base!r} in the area",
                where=f"airspace.missions.{mission.name}.base",
                remedy=f"There are: {', '.join(names) or 'none'}.",
            )
        return names.index(mission.base)
    dry = [number for number, site in enumerate(sites) if site.is_dry(until)]
    return min(dry, key=lambda n: (math.hypot(sites[n].x - x, sites[n].y - y), n), default=-1)


def _area(mission: Survey, city: CityModel, airways: Airways, flood: Run | None) -> Geometry:
    if isinstance(mission.area, str):
        layer = city.require(mission.area, VectorLayer)
        shape = shapely.union_all(layer.table.geometry.to_numpy())
        return _in_parts(shapely.intersection(shape, shapely.box(*airways.air.voxels.grid.bounds)), mission, airways)
    if mission.area is not None:
        shape = shapely.Polygon(mission.area)
        if not shape.is_valid:
            raise ScenarioError(
                f"the polygon is not valid ({shapely.is_valid_reason(shape)})",
                where=f"airspace.missions.{mission.name}.area",
                remedy="Give a ring that does not cross itself.",
            )
        return shapely.intersection(shape, shapely.box(*airways.air.voxels.grid.bounds))
    grid = airways.air.voxels.grid
    x, y = (values.ravel() for values in np.meshgrid(grid.x_cell, grid.y_cell))
    deep = _depth(mission, flood, x, y) >= mission.depth
    half = grid.cell_size / 2
    cells = shapely.box(x[deep] - half, y[deep] - half, x[deep] + half, y[deep] + half)
    return _in_parts(shapely.coverage_union_all(cells), mission, airways)


def _in_parts(shape: Geometry, mission: Survey, airways: Airways) -> Geometry:
    """Without the gaps that houses leave (no place to fly around) and without small parts."""
    cell = airways.air.voxels.grid.cell_size
    closed = shape.buffer(1.5 * cell).buffer(-1.5 * cell)
    parts = [part for part in shapely.get_parts(closed) if part.area >= mission.smallest]
    return shapely.union_all(parts).simplify(cell / 2)


def _depth(mission: Survey | Delivery, flood: Run | None, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[
    np.float32
]:  # fmt: skip
    """Depth at places [m]: at the mission's time, or the largest."""
    if flood is None:
        raise ScenarioError(
            "asks for what is flooded, and no flood is computed before",
            where=f"airspace.missions.{mission.name}",
            remedy="Name the flood in airspace.after, or give the area or `which: all`.",
        )
    water = water_at(flood, x, y) if len(x) else no_water(0)
    deepest: NDArray[np.float32] = water.depth.max(axis=0) if mission.at is None else water.at(mission.at)[0]
    return deepest


def _survey(
    mission: Survey,
    machine: Aircraft,
    section: AirspaceSection,
    airways: Airways,
    sites: Sequence[Site],
    area: Geometry,
    first: int,
) -> list[Errand]:
    if area.is_empty:
        return []
    swath = 2 * mission.altitude * math.tan(math.radians(machine.view) / 2)
    lines = sweeps_over(area, airways, mission.altitude, swath * (1 - mission.overlap), mission.start, section.duration)
    middle = area.centroid
    base = _base(mission, sites, middle.x, middle.y, section.duration)
    home = (sites[base].x, sites[base].y, sites[base].z) if base >= 0 else (middle.x, middle.y, 0.0)
    usable = machine.battery * (1 - section.planning.reserve)
    errands: list[Errand] = []
    for number, sorties in enumerate(share_out(lines, mission.count, home, machine, section.wind.velocity, usable)):
        for turn, sortie in enumerate(sorties):
            points = []
            for a, b in sortie:
                points += [Waypoint(*a), Waypoint(*b, looks=True)]
            errands.append(
                Errand(
                    mission.name,
                    mission.kind,
                    machine,
                    mission.priority,
                    mission.start + number * mission.interval,
                    base,
                    -1,
                    Task(tuple(points), above_ground=True),
                    follows=first + len(errands) - 1 if turn else -1,
                    turnaround=mission.turnaround,
                )
            )
    return errands


def _places(mission: Delivery, city: CityModel, airways: Airways, flood: Run | None) -> list[Target]:
    grid = airways.air.voxels.grid
    where = f"airspace.missions.{mission.name}.to"
    if isinstance(mission.to, str):
        if mission.to not in city:
            raise ScenarioError(
                f"the city has no layer {mission.to!r}", where=where, remedy=f"It has: {', '.join(sorted(city))}."
            )
        table = city.require(mission.to, VectorLayer).table
        points = shapely.point_on_surface(table.geometry.to_numpy())
        x, y = shapely.get_x(points), shapely.get_y(points)
        names = table["name"].astype(str).to_numpy() if "name" in table.columns else table.index.astype(str).to_numpy()
        keep = grid.contains(x, y)
        if mission.only:
            unknown = sorted(set(mission.only) - set(names[keep]))
            if unknown:
                raise ScenarioError(
                    f"layer {mission.to!r} has no {', '.join(unknown)} in the area",
                    where=where.replace(".to", ".only"),
                    remedy="Give names as the layer has them.",
                )
            keep &= np.isin(names, mission.only)
        if mission.which != "all":
            is_wet = _depth(mission, flood, x, y) >= mission.depth
            keep &= is_wet if mission.which == "cut_off" else ~is_wet
        x, y, names = x[keep], y[keep], names[keep]
    else:
        x, y = np.array(mission.to, dtype=np.float64).T
        outside = np.flatnonzero(~grid.contains(x, y))
        if len(outside):
            raise ScenarioError(
                f"{mission.to[int(outside[0])]} lies outside the area {grid.bounds}",
                where=where,
                remedy="Move it into area.bbox.",
            )
        names = np.array([f"{mission.name} {number + 1}" for number in range(len(x))])
    row, col = grid.row_col(x, y)
    z = airways.air.top[row, col].astype(np.float64) + mission.drop_height
    return [Target(*place) for place in zip(names.tolist(), x.tolist(), y.tolist(), z.tolist(), strict=True)]


def _deliver(
    mission: Delivery,
    machine: Aircraft,
    section: AirspaceSection,
    sites: Sequence[Site],
    places: Sequence[Target],
    first_target: int,
    first: int,
) -> list[Errand]:
    """Trips in rounds over all places from one base, handed to the aircraft in turn."""
    errands: list[Errand] = []
    last: dict[int, int] = {}
    middle = np.mean([(place.x, place.y) for place in places], axis=0) if places else (0.0, 0.0)
    base = _base(mission, sites, float(middle[0]), float(middle[1]), section.duration)
    for trip in range(mission.trips):
        for number, place in enumerate(places):
            turn = trip * len(places) + number
            flyer = turn % mission.count
            drop = Waypoint(place.x, place.y, place.z, mission.drop_time, is_drop=True)
            errands.append(
                Errand(
                    mission.name,
                    mission.kind,
                    machine,
                    mission.priority,
                    mission.start + flyer * mission.interval,
                    base,
                    first_target + number,
                    Task((drop,), above_ground=False),
                    payload=mission.payload,
                    follows=last.get(flyer, -1),
                    turnaround=mission.turnaround,
                )
            )
            last[flyer] = first + len(errands) - 1
    return errands
