"""From one stage's stored result to the next stage's input: the only way in which simulators meet.

Pure functions of a finished run: they read its stored fields, never a model, and change nothing. What they give is
linear in time between the run's outputs and constant before the first and after the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from twin.errors import LayerError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from twin.grid import Grid
    from twin.layer import NetworkLayer, VectorLayer
    from twin.store import Run

__all__ = [
    "WET_AT_START",
    "Water",
    "cells_of_links",
    "crowd_on_links",
    "no_water",
    "shelters_close",
    "underground_water",
    "water_at",
    "water_on_links",
]

WET_AT_START = 0.05
"""A cell that holds this depth [m] when the run begins is sea or river: a way over it is a bridge, not flooded."""
DECK_HEIGHT = 4.5
"""Height of a deck above the ground for each level [m]: the clearance over a carriageway (道路構造令 第12条)."""
WEIR = 1.70
"""Discharge over a broad crest Q = 1.70 B H^1.5 [m1/2 s-1]: critical flow, (2/3)^1.5 g^0.5 (Chow 1959, ch. 14)."""
FILL_STEP = 10.0
"""Time step of the filling of underground floors [s]."""
SAME_PLACE = 1.0
"""Two shelters nearer to each other than this are one, and outlines whose corners are [m]."""
SAME_HEIGHT = 0.01
"""Two floors of one outline nearer to each other than this are one [m]."""
MOVING = 1
"""``state_agent`` of somebody who is on the way."""


@dataclass(frozen=True, slots=True, eq=False)
class Water:
    """Water at places over time.

    Parameters
    ----------
    times : ndarray (T,)
        Seconds since the scenario's start, ascending.
    depth : ndarray of float32 (T, n)
        Depth [m].
    speed : ndarray of float32 (T, n)
        Flow speed [m s-1].
    """

    times: NDArray[np.float64]
    depth: NDArray[np.float32]
    speed: NDArray[np.float32]

    def at(self, time: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Depth [m] and speed [m s-1] at `time` [s], each (n,)."""
        after = int(np.clip(np.searchsorted(self.times, time), 1, max(1, len(self.times) - 1)))
        if len(self.times) == 1:
            return self.depth[0].copy(), self.speed[0].copy()
        before = after - 1
        span = self.times[after] - self.times[before]
        part = np.float32(np.clip((time - self.times[before]) / span, 0.0, 1.0))
        return (
            self.depth[before] * (1 - part) + self.depth[after] * part,
            self.speed[before] * (1 - part) + self.speed[after] * part,
        )

    def first_time_over(self, depth: ArrayLike) -> NDArray[np.float64]:
        """First time [s] with at least `depth` [m] (one, or one a place), (n,); inf where it never comes."""
        limit = np.broadcast_to(np.asarray(depth, dtype=np.float64), self.depth.shape[1:])
        is_over = self.depth >= limit
        first = is_over.argmax(axis=0)
        out = np.where(is_over.any(axis=0), self.times[first], np.inf)
        place = np.flatnonzero((first > 0) & is_over.any(axis=0))
        before, after = first[place] - 1, first[place]
        low, high = self.depth[before, place].astype(np.float64), self.depth[after, place].astype(np.float64)
        share = (limit[place] - low) / (high - low)
        out[place] = self.times[before] + share * (self.times[after] - self.times[before])
        return out


def no_water(n: int) -> Water:
    """Dry for ever at `n` places: the water of a scenario without a flood."""
    return Water(np.zeros(1), np.zeros((1, n), np.float32), np.zeros((1, n), np.float32))


def water_at(run: Run, x: ArrayLike, y: ArrayLike) -> Water:
    """Water at points.

    A point in a building takes the nearest open cell on land. Where the run began with water (sea, river) and beyond
    its area nothing is known of the land: dry.

    Parameters
    ----------
    run : Run
        A finished flood.
    x, y : array_like (n,)
        Points [m in the run's frame].

    Raises
    ------
    StoreError
        If the run is no flood.
    """
    return _sample(run, np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))


def water_on_links(run: Run, layer: NetworkLayer) -> Water:
    """Water on each row of ``layer.links``: at every time the worst along its line.

    A deck (``level`` above 0) stands `DECK_HEIGHT` a level above the ground and sees that much less; an underground
    link (``level`` below 0) sees none of the street's water: :func:`underground_water` tells how its floor fills.

    Parameters
    ----------
    run : Run
        A finished flood in the layer's frame.
    layer : NetworkLayer

    Raises
    ------
    StoreError
        If the run is no flood.
    """
    x, y, start = _points_on_links(run.grid, layer)
    if not len(start):
        return no_water(0)
    water = _sample(run, x, y)
    depth = np.maximum.reduceat(water.depth, start, axis=1)
    speed = np.maximum.reduceat(water.speed, start, axis=1)
    level = _levels(layer)
    depth = np.maximum(depth - np.float32(DECK_HEIGHT) * np.maximum(level, 0), 0).astype(np.float32)
    depth[:, level < 0] = 0
    speed[depth <= 0] = 0
    return Water(water.times, depth, speed)


def underground_water(run: Run, entrances: VectorLayer, floors: VectorLayer) -> Water:
    """Mean depth on each underground floor.

    A floor that the flood itself filled (``flood.structures.underground``) has the level that it had there. Any other
    is filled here, and never emptied:

    Water at an entrance that stands higher than its step falls in like over a broad-crested weir of the entrance's
    width; floors that lie over each other fill from the lowest, each up to its own volume.

    Parameters
    ----------
    run : Run
        A finished flood.
    entrances : VectorLayer
        Points with ``floor``, ``step_height`` [m above the ground] and ``width`` [m].
    floors : VectorLayer
        Polygons with ``floor`` (-1 the first basement), ``area_m2`` and ``volume_m3``.

    Returns
    -------
    Water
        One place a row of ``floors.table``; no speed.

    Raises
    ------
    LayerError
        If a column is missing or not filled in.
    """
    door, hall = _columns(entrances, "floor", "step_height", "width"), _columns(floors, "floor", "area_m2", "volume_m3")
    points = entrances.table.geometry
    street = water_at(run, points.x, points.y)
    shaft = _shafts(floors)
    shaft_of_door = np.array([_shaft_below(point, floors, shaft) for point in points], dtype=np.int64)
    volume = np.zeros(shaft.max(initial=-1) + 1)
    times = street.times
    depth = np.zeros((len(times), len(shaft)), dtype=np.float32)
    for number in range(1, len(times)):
        steps = max(1, int(np.ceil((times[number] - times[number - 1]) / FILL_STEP)))
        dt = (times[number] - times[number - 1]) / steps
        for step in range(steps):
            head = np.maximum(street.at(times[number - 1] + (step + 0.5) * dt)[0] - door["step_height"], 0.0)
            np.add.at(volume, shaft_of_door, WEIR * door["width"] * head**1.5 * dt)
        depth[number] = _fill(volume, shaft, hall)
    for row, level in _levels_of_the_flood(run, floors):
        height = float(floors.table["floor_height"].iloc[row])
        depth[:, row] = np.clip(level - height, 0.0, hall["volume_m3"][row] / hall["area_m2"][row])
    return Water(times, depth, np.zeros_like(depth))


def crowd_on_links(run: Run, layer: NetworkLayer) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """People on the way, as density on each row of ``layer.links``.

    They are counted in the cells of the run's grid; a link has the mean density of the cells that it crosses.

    Parameters
    ----------
    run : Run
        A finished evacuation.
    layer : NetworkLayer

    Returns
    -------
    tuple of ndarray
        Times (T,) [s] and density (T, n_features) [persons m-2].

    Raises
    ------
    StoreError
        If the run is no evacuation.
    """
    fields = run.fields()
    _require(run, fields, "x_agent", "y_agent", "state_agent")
    grid = run.grid
    west, south, _, _ = grid.bounds
    x, y, start = _points_on_links(grid, layer)
    cell = _flat_cell(grid, x, y)
    times = fields["time"].to_numpy()
    density = np.zeros((len(times), len(start)), dtype=np.float32)
    for number in range(len(times)):
        is_moving = fields["state_agent"][number].to_numpy() == MOVING
        at = _flat_cell(
            grid,
            fields["x_agent"][number].to_numpy()[is_moving].astype(np.float64) + west,
            fields["y_agent"][number].to_numpy()[is_moving].astype(np.float64) + south,
        )
        count = np.bincount(at[at >= 0], minlength=grid.size) / grid.cell_area
        along = np.where(cell >= 0, count[cell], 0.0)
        if len(start):
            density[number] = np.add.reduceat(along, start) / np.diff(np.r_[start, len(along)])
    return times, density


def shelters_close(run: Run, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """When the shelters at some points were full, or water came in: whatever came first.

    Parameters
    ----------
    run : Run
        A finished evacuation.
    x, y : array_like (n,)
        Points [m in the run's frame].

    Returns
    -------
    ndarray (n,)
        [s]; inf where it never came, and where the evacuation knows no shelter.

    Raises
    ------
    StoreError
        If the run is no evacuation.
    """
    import shapely
    from scipy.spatial import KDTree

    table = run.table("shelters")
    ends = np.minimum(table["full_s"].to_numpy(np.float64), table["flooded_s"].to_numpy(np.float64))
    points = np.column_stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    if not len(table) or not len(points):
        return np.full(len(points), np.inf)
    tree = KDTree(shapely.get_coordinates(shapely.from_wkb(table["geometry"])))
    _, row = tree.query(points, distance_upper_bound=SAME_PLACE)
    return np.asarray(np.append(ends, np.inf)[row])


def cells_of_links(
    grid: Grid, layer: NetworkLayer, is_open: NDArray[np.bool_], is_building: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Cells along each row of ``layer.links``, for maps of a flood; places are found as in :func:`water_on_links`.

    Parameters
    ----------
    grid : Grid
    layer : NetworkLayer
        In the grid's frame.
    is_open : ndarray (ny, nx)
        Land that is no building; a place in a building takes the nearest of these.
    is_building : ndarray (ny, nx)

    Returns
    -------
    tuple of ndarray
        Flat cell of every place (-1 where nothing is known of the land), where each row's places begin (n,), and how
        far above the ground each row lies [m] (n,): infinite where it is underground.
    """
    x, y, start = _points_on_links(grid, layer)
    cell = _flat_cell(grid, x, y)
    in_building = (cell >= 0) & is_building.reshape(-1)[cell]
    if in_building.any() and is_open.any():
        row, col = ndimage.distance_transform_edt(~is_open, return_distances=False, return_indices=True)
        cell[in_building] = (row * grid.shape[1] + col).reshape(-1)[cell[in_building]]
    cell[(cell >= 0) & ~is_open.reshape(-1)[cell]] = -1
    level = _levels(layer)
    return cell, start, np.where(level < 0, np.inf, DECK_HEIGHT * np.maximum(level, 0))


def _sample(run: Run, x: NDArray[np.float64], y: NDArray[np.float64]) -> Water:
    fields = run.fields()
    _require(run, fields, "h_cell", "u_cell", "v_cell")
    grid = run.grid
    is_open = np.isfinite(run.map("h_max_cell"))  # a wall has no largest depth
    is_land = fields["h_cell"][0].to_numpy() < WET_AT_START
    cell = _flat_cell(grid, x, y)
    in_building = (cell >= 0) & ~is_open.reshape(-1)[cell]
    if in_building.any() and (is_open & is_land).any():
        row, col = ndimage.distance_transform_edt(~(is_open & is_land), return_distances=False, return_indices=True)
        cell[in_building] = (row * grid.shape[1] + col).reshape(-1)[cell[in_building]]
    is_known = (cell >= 0) & (is_open & is_land).reshape(-1)[cell]
    times = fields["time"].to_numpy()
    depth = np.zeros((len(times), len(cell)), dtype=np.float32)
    speed = np.zeros_like(depth)
    for number in range(len(times)):
        h, u, v = (fields[name][number].to_numpy().reshape(-1)[cell] for name in ("h_cell", "u_cell", "v_cell"))
        depth[number] = np.where(is_known, h, 0)
        speed[number] = np.where(is_known, np.hypot(u, v), 0)
    return Water(times, depth, speed)


def _require(run: Run, fields: xr.Dataset, *names: str) -> None:
    missing = [name for name in names if name not in fields]
    if missing:
        raise StoreError(
            f"holds no {', '.join(missing)}",
            where=f"run {run.key}",
            remedy="Name in `after` a stage that makes them.",
        )


def _flat_cell(grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Flat cell of each point, -1 outside the grid."""
    cell = np.full(len(x), -1, dtype=np.int64)
    inside = grid.contains(x, y)
    row, col = grid.row_col(x[inside], y[inside])
    cell[inside] = row * grid.shape[1] + col
    return cell


def _points_on_links(
    grid: Grid, layer: NetworkLayer
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Points at most a cell apart along every row of ``layer.links``, and where each row's points begin."""
    import shapely

    lines = shapely.segmentize(layer.links.geometry.to_numpy(), grid.cell_size)
    xy, row = shapely.get_coordinates(lines, return_index=True)
    start = np.searchsorted(row, np.arange(len(lines)))
    if np.any(np.diff(np.r_[start, len(row)]) == 0):
        empty = int(np.argmin(np.diff(np.r_[start, len(row)])))
        raise LayerError(
            f"link {layer.links['id'].iloc[empty]!r} has no geometry", where=f"layer {layer.id}", remedy="Remove it."
        )
    return xy[:, 0], xy[:, 1], start


def _levels(layer: NetworkLayer) -> NDArray[np.float64]:
    """Floor of each row of ``layer.links``; the ground where nothing is known."""
    level = np.zeros(len(layer.links))
    attribute = layer.network.attributes.get("level")
    if attribute is not None:
        level[layer.network.link_feature] = np.where(attribute.known, attribute.values, 0)
    return level


def _columns(layer: VectorLayer, *names: str) -> dict[str, NDArray[np.float64]]:
    missing = [name for name in names if name not in layer.table.columns]
    if missing:
        raise LayerError(
            f"has no column {', '.join(missing)}", where=f"layer {layer.id}", remedy=f"It needs: {', '.join(names)}."
        )
    numbers = {name: layer.numbers(name) for name in names}
    for name, values in numbers.items():
        if not np.all(np.isfinite(values)):
            row = int(np.argmin(np.isfinite(values)))
            raise LayerError(
                f"column {name!r} is not known", where=f"layer {layer.id}: row {row}", remedy="Fill it in."
            )
    return numbers


def _shafts(floors: VectorLayer) -> NDArray[np.int64]:
    """Number of the group of floors that lie over each other, a row of the table each."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(floors.table)
    a, b = floors.table.sindex.query(floors.table.geometry, predicate="intersects")
    overlaps = coo_matrix((np.ones(len(a)), (a, b)), shape=(n, n))
    shaft: NDArray[np.int64] = connected_components(overlaps, directed=False)[1].astype(np.int64)
    return shaft


def _shaft_below(point: object, floors: VectorLayer, shaft: NDArray[np.int64]) -> int:
    return int(shaft[int(floors.table.geometry.distance(point).to_numpy().argmin())])


def _levels_of_the_flood(run: Run, floors: VectorLayer) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Rows of `floors` that were malls of the flood, and their level [m T.P.] at its outputs.

    A floor is known by its outline and its height.
    """
    import shapely

    if not run.has_table("underground") or "floor_height" not in floors.table.columns:
        return
    table, gauges = run.table("underground"), run.gauges()
    outline = shapely.from_wkb(table["geometry"])
    for row, (shape, height) in enumerate(zip(floors.table.geometry, floors.numbers("floor_height"), strict=True)):
        is_same = shapely.equals_exact(outline, shape, SAME_PLACE) & (np.abs(table["height"] - height) < SAME_HEIGHT)
        for name in table["name"][is_same]:
            yield row, gauges[f"{name}_underground_stage_m"].to_numpy(np.float64)


def _fill(
    volume: NDArray[np.float64], shaft: NDArray[np.int64], hall: dict[str, NDArray[np.float64]]
) -> NDArray[np.float32]:
    """Depth on each floor when every group of floors holds its volume of water [m3]."""
    depth = np.zeros(len(shaft), dtype=np.float32)
    left = volume.copy()
    for row in np.argsort(hall["floor"], kind="stable"):
        held = min(left[shaft[row]], hall["volume_m3"][row])
        depth[row] = held / hall["area_m2"][row]
        left[shaft[row]] -= held
    return depth
