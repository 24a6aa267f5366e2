"""City, rules and zones compiled into an airspace: voxels for the planner, exact volumes for queries.

What the planner uses::

    options = AirspaceOptions(level_height=5.0, top_agl=150.0, granted=("did",))
    air = compile_airspace(city, grid, start=scenario.start, horizon=3600.0, options=options)
    air.voxels                    # twin.Voxels; arrays are (nz, ny, nx), level 0 lowest, row 0 north
    air.ground, air.top           # (ny, nx) float32 [m T.P.], no NaN: ground, highest building or ground
    air.solid                     # (nz, ny, nx) bool: ground or a building touches the voxel
    air.clearance                 # (nz, ny, nx) float32 [m]: never more than the true distance to ground and buildings
    air.restriction_at(time)      # (nz, ny, nx) uint8: severest Restriction in force at `time` [s]
    air.slices                    # (T + 1,) times [s] between which restrictions do not change; air.slice_at(time)
    air.rules, air.windows        # every AirRule, and when it is active [s]
    air.query(lon, lat, h, time)  # list[Finding]: every rule that applies there, with source and authority
    air.query_many(x, y, z, t)    # Answers: the same for arrays, in the city's frame
    air.zones_table()             # the stored table `zones`
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from sim.airspace.query import build_index
from sim.airspace.restriction import highest_tops, painted, slices_of
from sim.airspace.rules import collect_rules, read_rules
from sim.airspace.schedule import active_windows
from sim.airspace.voxel_kernels import fill_clearance
from sim.airspace.zone import Finding, Reference, rules_table
from twin.errors import ScenarioError
from twin.footprint import footprints
from twin.frame import GEOGRAPHIC
from twin.layer import MeshLayer
from twin.memory import require_memory
from twin.voxels import Voxels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray
    from shapely import Geometry

    from sim.airspace.query import Answers, QueryIndex
    from sim.airspace.zone import AirRule
    from twin.city import CityModel
    from twin.grid import Grid

__all__ = ["MEMORY_REMEDY", "AirspaceOptions", "CompiledAirspace", "EmergencyArea", "compile_airspace"]


LEAST_BYTES_PER_CELL = 40
"""Rasters of a cell while terrain, buildings and rules are laid on the grid [bytes]: ten of four."""
MEMORY_REMEDY = "Choose a smaller area, a larger airspace.planning.cell_size or a larger airspace.levels.level_height."


@dataclass(frozen=True, slots=True, eq=False)
class EmergencyArea:
    """Emergency airspace (緊急用務空域) that is set up during the scenario.

    Parameters
    ----------
    polygon : Geometry
        [m in the city's frame].
    from_s, until_s : float
        When it is in force [s since the scenario's start].
    name : mapping of str to str
        By language.
    """

    polygon: Geometry
    from_s: float = 0.0
    until_s: float = np.inf
    name: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class AirspaceOptions:
    """How an airspace is compiled.

    Parameters
    ----------
    level_height : float
        Height of a voxel [m].
    top_agl : float
        The voxels reach this height above the highest ground [m].
    clearance_cap : float
        Distances to obstacles are computed up to this one [m].
    zones : tuple of str
        Layers of zones (readers ``ed269``, ``ed318``); those that the city has are taken.
    did, no_fly, aerodromes : str
        Layers of densely inhabited districts (polygons), of facilities of 小型無人機等飛行禁止法 (reader
        ``no_fly_sites``) and of runways (lines, :mod:`sim.airspace.surfaces`); each is taken if the city has it.
    rules : Path or None
        Table of the country's rules; None: ``rules_jp.yaml``.
    granted : tuple of str
        Identifiers or kinds of rules whose permission the operator holds: queries tell them, voxels leave them out.
    emergency : tuple of EmergencyArea
    unknown_height : float
        Height of a building that states none [m]; how many there are is told.
    geoid_height : float or None
        Height of T.P. above the ellipsoid at the city [m]: needed where a zone's limits are above the ellipsoid.
    """

    level_height: float = 5.0
    top_agl: float = 150.0
    clearance_cap: float = 50.0
    zones: tuple[str, ...] = ("airspace_zones",)
    did: str = "did"
    no_fly: str = "no_fly_sites"
    aerodromes: str = "aerodromes"
    rules: Path | None = None
    granted: tuple[str, ...] = ()
    emergency: tuple[EmergencyArea, ...] = ()
    unknown_height: float = 20.0
    geoid_height: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledAirspace:
    """An airspace ready for planning and queries.

    Parameters
    ----------
    voxels : Voxels
    ground, top : ndarray of float32 (ny, nx)
        Ground, and the highest of ground and the buildings that touch the cell [m T.P.].
    solid : ndarray of bool (nz, ny, nx)
        Voxels that ground or a building touches.
    clearance : ndarray of float32 (nz, ny, nx)
        Distance of a voxel's centre from the nearest solid voxel's box [m], 0 in solid ones, at most the cap. It is
        never more than the distance from the buildings and ground themselves.
    rules : tuple of AirRule
    windows : tuple of ndarray (k, 2)
        For each rule the times [s since the start] between which it is active, within the compiled horizon.
    slices : ndarray (T + 1,)
        Times [s] between which the set of active rules does not change.
    classes : ndarray of uint8 (K, nz, ny, nx)
        Restriction codes for each different set of active rules; conservative: a voxel that a volume touches has it.
    slice_class : ndarray of int (T,)
        Row of `classes` for each slice.
    start : datetime or None
        Date and time of the clock's zero.
    notes : tuple of str
        What had to be assumed.
    index : QueryIndex
        What exact queries run on.
    """

    voxels: Voxels
    ground: NDArray[np.float32]
    top: NDArray[np.float32]
    solid: NDArray[np.bool_]
    clearance: NDArray[np.float32]
    rules: tuple[AirRule, ...]
    windows: tuple[NDArray[np.float64], ...]
    slices: NDArray[np.float64]
    classes: NDArray[np.uint8]
    slice_class: NDArray[np.int64]
    start: datetime | None
    notes: tuple[str, ...]
    index: QueryIndex

    def slice_at(self, time: float) -> int:
        """Row of the slice that holds `time` [s]; times outside the horizon take the first or the last."""
        return int(np.clip(np.searchsorted(self.slices, time, side="right") - 1, 0, len(self.slice_class) - 1))

    def restriction_at(self, time: float) -> NDArray[np.uint8]:
        """Severest :class:`~sim.airspace.zone.Restriction` in each voxel at `time` [s], (nz, ny, nx)."""
        return np.asarray(self.classes[self.slice_class[self.slice_at(time)]])

    def query(self, lon: float, lat: float, height: float, time: float = 0.0, reference: str = "AGL") -> list[Finding]:
        """Every rule that applies at a place and time.

        Parameters
        ----------
        lon, lat : float
            JGD2011 [deg].
        height : float
            [m] above `reference`: AGL or AMSL.
        time : float
            [s since the scenario's start].

        Raises
        ------
        ScenarioError
            If the place lies outside the compiled area, the time outside its horizon, or the reference is unknown.
        """
        answers = self.query_lonlat(lon, lat, height, time, reference)
        return [self._finding(int(number)) for number in answers.number]

    def _finding(self, number: int) -> Finding:
        rule = self.rules[number]
        return Finding(
            number=number,
            identifier=rule.identifier,
            kind=rule.kind,
            restriction=rule.restriction,
            permission=rule.permission,
            authority=rule.authority,
            source=rule.source,
            name=rule.name,
            message=rule.message,
            is_granted=rule.is_granted,
        )

    def query_many(self, x: ArrayLike, y: ArrayLike, z: ArrayLike, time: ArrayLike = 0.0) -> Answers:
        """The same for arrays of places [m in the city's frame, heights T.P.] and times [s].

        Raises
        ------
        ScenarioError
            As :meth:`query`.
        """
        return self.index.answer(x, y, z, time, Reference.AMSL)

    def query_lonlat(
        self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike, time: ArrayLike = 0.0, reference: str = "AGL"
    ) -> Answers:
        """The same for arrays of places in JGD2011 [deg], heights [m] above `reference`: AGL or AMSL.

        Raises
        ------
        ScenarioError
            As :meth:`query`.
        """
        x, y, _ = self.voxels.grid.frame.from_(GEOGRAPHIC, lon, lat)
        return self.index.answer(x, y, height, time, _reference(reference))

    def zones_table(self) -> gpd.GeoDataFrame:
        """Rules as the stored table ``zones`` (:func:`sim.airspace.zone.rules_table`)."""
        return rules_table(self.rules, self.windows, self.voxels.grid.frame)


def compile_airspace(
    city: CityModel,
    grid: Grid,
    *,
    start: datetime | None,
    horizon: float,
    options: AirspaceOptions | None = None,
) -> CompiledAirspace:
    """Compile the city's terrain, buildings, zones and the country's rules.

    Parameters
    ----------
    city : CityModel
        Layers ``terrain`` and ``buildings``, and those that the options name.
    grid : Grid
        Horizontal cells of the voxels.
    start : datetime or None
        Date and time of the clock's zero, with an offset; needed as soon as a rule has dates or hours.
    horizon : float
        Length of the scenario [s].

    Raises
    ------
    LayerError
        If a layer is missing or says something impossible (names zone and field), or the memory does not suffice.
    ScenarioError
        If a rule has hours and `start` is None, or an option is out of range.
    """
    import shapely

    chosen = options or AirspaceOptions()
    _check(chosen, horizon)
    table = read_rules(chosen.rules)
    # at least: heights of cells on the way, then a solid flag, a distance and one set of rules a voxel
    levels = math.ceil(chosen.top_agl / chosen.level_height)
    require_memory(
        grid.size * (LEAST_BYTES_PER_CELL + 6 * levels),
        where=f"an airspace of at least {levels} x {grid.shape[0]} x {grid.shape[1]} voxels",
        remedy=MEMORY_REMEDY,
    )
    gridded = city.on(grid)
    ground, notes = _whole_ground(gridded.z_cell)
    shapes, tops, building_notes = _buildings(city, grid, ground, chosen.unknown_height)
    found, rule_notes = collect_rules(city, table, chosen, shapely.box(*grid.bounds), start)
    found += [table.rule(kind, shapely.box(*grid.bounds)) for kind in ("near_object", "obstacle")]
    rules = tuple(replace(r, is_granted=bool({r.identifier, r.kind} & set(chosen.granted))) for r in found)
    windows = _windows(rules, start, horizon, grid)

    voxels = _voxels(grid, ground, chosen)
    top = np.maximum(ground, highest_tops(shapes, tops, grid))
    ground_low, ground_high = minimum_filter(ground, 3), maximum_filter(ground, 3)
    is_in_force = np.array([np.any((w[:, 0] < horizon) & (w[:, 1] > 0)) for w in windows], dtype=bool)
    slices, active = slices_of(rules, windows, is_in_force, horizon)
    sets, slice_class = np.unique(active, axis=0, return_inverse=True)
    voxel_bytes = math.prod(voxels.shape) * (5 + len(sets))
    require_memory(
        voxel_bytes,
        where=f"an airspace of {voxels.shape[0]} x {grid.shape[0]} x {grid.shape[1]} voxels",
        remedy=MEMORY_REMEDY,
    )
    solid_levels = _levels(np.maximum(top, ground_high), voxels)
    solid = np.arange(voxels.n_levels)[:, None, None] < solid_levels
    clearance = np.empty(voxels.shape, np.float32)
    fill_clearance(solid_levels, grid.cell_size, voxels.level_height, chosen.clearance_cap, clearance)
    return CompiledAirspace(
        voxels=voxels,
        ground=ground,
        top=top,
        solid=solid,
        clearance=clearance,
        rules=rules,
        windows=tuple(np.minimum(w, horizon)[w[:, 0] < horizon] for w in windows),
        slices=slices,
        classes=painted(rules, sets, voxels, ground_low, ground_high),
        slice_class=slice_class.astype(np.int64).ravel(),
        start=start,
        notes=(*notes, *building_notes, *rule_notes),
        index=build_index(
            grid,
            ground,
            rules,
            windows,
            (shapes, tops),
            horizon,
            near=table.near_distance,
            exempt=table.exempt_distance,
        ),
    )


def _reference(name: str) -> Reference:
    if name not in Reference.__members__:
        raise ScenarioError(f"{name!r} is no reference of heights", where="airspace query", remedy="Give AGL or AMSL.")
    return Reference[name]


def _check(options: AirspaceOptions, horizon: float) -> None:
    values = {
        "level_height": options.level_height,
        "top_agl": options.top_agl,
        "clearance_cap": options.clearance_cap,
        "unknown_height": options.unknown_height,
        "horizon": horizon,
    }
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ScenarioError(f"is {value}", where=f"airspace: {name}", remedy="Give a positive number.")


def _whole_ground(z: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[str]]:
    """Ground without gaps: a cell without terrain takes the nearest one's height, which is told."""
    gap = ~np.isfinite(z)
    if not gap.any():
        return z, []
    nearest = distance_transform_edt(gap, return_distances=False, return_indices=True)
    filled = np.ascontiguousarray(z[tuple(nearest)], dtype=np.float32)
    return filled, [f"{int(gap.sum())} of {gap.size} cells have no terrain and take the nearest ground's height"]


def _buildings(
    city: CityModel, grid: Grid, ground: NDArray[np.float32], unknown_height: float
) -> tuple[NDArray[np.object_], NDArray[np.float64], list[str]]:
    """Outlines and tops [m T.P.] of the buildings near the area."""
    import shapely

    if "buildings" not in city:
        return np.empty(0, dtype=object), np.empty(0), ["the city has no buildings"]
    layer = city.require("buildings", MeshLayer)
    shapes = footprints(layer)
    west, south, east, north = grid.bounds
    margin = 100.0  # buildings that stand outside may still be near
    near = shapely.intersects(shapes, shapely.box(west - margin, south - margin, east + margin, north + margin))
    shapes = shapes[near]
    tops = layer.table["top"].to_numpy(dtype=np.float64)[near].copy()
    heights = layer.table["height"].to_numpy(dtype=np.float64)[near]
    unknown = ~np.isfinite(tops)
    if not unknown.any():
        return shapes, tops, []
    points = shapely.centroid(shapes[unknown])
    row, col = grid.row_col(shapely.get_x(points), shapely.get_y(points))
    stands = ground[np.clip(row, 0, grid.shape[0] - 1), np.clip(col, 0, grid.shape[1] - 1)]
    given = heights[unknown]
    tops[unknown] = stands + np.where(np.isfinite(given), given, unknown_height)
    guessed = int((~np.isfinite(given)).sum())
    note = f"{guessed} buildings have no height and are taken as {unknown_height:g} m high"
    return shapes, tops, [note] if guessed else []


def _voxels(grid: Grid, ground: NDArray[np.float32], options: AirspaceOptions) -> Voxels:
    step = options.level_height
    bottom = math.floor(float(ground.min()) / step) * step
    return Voxels(grid, bottom, step, max(1, math.ceil((float(ground.max()) + options.top_agl - bottom) / step)))


def _levels(height: NDArray[np.float32], voxels: Voxels) -> NDArray[np.int32]:
    """Levels from the bottom that lie, in part at least, below a height [m T.P.]."""
    levels = np.ceil((height.astype(np.float64) - voxels.bottom) / voxels.level_height)
    return np.clip(levels, 0, voxels.n_levels).astype(np.int32)


def _windows(
    rules: Sequence[AirRule], start: datetime | None, horizon: float, grid: Grid
) -> tuple[NDArray[np.float64], ...]:
    """When each rule is active, to a second beyond the horizon: its end can then be asked for, too."""
    until = horizon + 1.0
    out = []
    for rule in rules:
        if rule.schedule and start is None:
            raise ScenarioError(
                f"rule {rule.identifier} has dates or hours, and the scenario has no date",
                where="start",
                remedy="Give the scenario's start, e.g. 2026-07-24T10:00:00+09:00.",
            )
        if start is None:
            window = np.array([[0.0, until]])
        else:
            x, y = rule.footprint.centroid.coords[0]
            lon, lat, _ = GEOGRAPHIC.from_(grid.frame, x, y)
            window = active_windows(rule.schedule, start, until, lon=float(lon), lat=float(lat))
        if rule.window is not None:
            window = np.clip(window, *rule.window)
            window = window[window[:, 0] < window[:, 1]]
        out.append(window)
    return tuple(out)
