"""The digital terrain model (1 m): ground, river and sea bed, levees, road ramps, underpass, railway embankment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops
from scipy import ndimage

from sample_data import ward
from sample_data.curve import stations
from sample_data.plan import LEVEE_WIDTH, Plan, Road
from twin.grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

__all__ = ["CREST", "Profile", "Terrain", "make_terrain", "road_profile"]

CREST = 4.5
"""Height of the levee crest, T.P. [m]."""
RIVER_BED, WATER_EDGE = -3.0, 0.2
DECK, DECK_RISE = 5.3, 1.1
"""Road height at the bridge ends, T.P., and the rise to mid-span [m]."""
RAMP_SLOPE = 0.05
UNDERPASS_BED = -3.0
VIADUCT_HEIGHT, EMBANKMENT_HEIGHT = 9.6, 2.4


@dataclass(frozen=True, slots=True)
class Profile:
    """Height along a line: vertices (station [m], height T.P. [m]); NaN outside the first and the last one."""

    station: NDArray[np.float64]
    height: NDArray[np.float64]

    def at(self, s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights at stations `s`, NaN where the profile says nothing."""
        return np.interp(s, self.station, self.height, left=np.nan, right=np.nan)


@dataclass(frozen=True, slots=True)
class Terrain:
    """Terrain without buildings and bridge decks; `profiles` has the road heights where they leave the ground."""

    grid: Grid
    z: NDArray[np.float32]
    profiles: dict[str, Profile]

    def at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height of the cell below each point, T.P. [m]; points outside take the nearest cell."""
        row, col = self.grid.row_col(x, y)
        ny, nx = self.grid.shape
        return np.asarray(self.z[np.clip(row, 0, ny - 1), np.clip(col, 0, nx - 1)], dtype=np.float64)


def mask_of(shape: BaseGeometry, grid: Grid) -> NDArray[np.bool_]:
    """Cells whose centre lies in `shape`."""
    from affine import Affine
    from rasterio.features import rasterize

    parts = [p for p in shapely.get_parts(shape) if not p.is_empty]
    if not parts:
        return np.zeros(grid.shape, dtype=np.bool_)
    hit = rasterize(parts, out_shape=grid.shape, transform=Affine(*grid.affine), dtype="uint8")
    return np.asarray(hit, dtype=np.bool_)


def _noise(shape: tuple[int, int], wavelength: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth random field, standard deviation about 1, with the given wavelength [cells]."""
    coarse = rng.normal(size=(int(shape[0] / wavelength) + 4, int(shape[1] / wavelength) + 4))
    rows = np.arange(shape[0]) / wavelength + 1.0
    cols = np.arange(shape[1]) / wavelength + 1.0
    # separable cubic interpolation: rows first, then columns
    part = ndimage.map_coordinates(
        coarse, np.meshgrid(rows, np.arange(coarse.shape[1]), indexing="ij"), order=3, mode="nearest"
    )
    fine = ndimage.map_coordinates(part, np.meshgrid(np.arange(shape[0]), cols, indexing="ij"), order=1, mode="nearest")
    return np.asarray(fine, dtype=np.float64)


def _ground(grid: Grid, rng: np.random.Generator) -> NDArray[np.float64]:
    """Height of the land from the drawn anchors (normalised Gaussian weights) with gentle irregularities."""
    step = 10
    x, y = grid.x_cell[::step], grid.y_cell[::step]
    xx, yy = np.meshgrid(x, y)
    total, weight = np.zeros_like(xx), np.full_like(xx, 1e-12)
    for ax, ay, height in ward.LAND_HEIGHT_ANCHORS:
        px, py = ward.place(((ax, ay),))[0]
        w = np.exp(-((xx - px) ** 2 + (yy - py) ** 2) / (2 * 82.0**2)) + 1e-7
        total += w * height
        weight += w
    coarse = total / weight
    fine = np.asarray(ndimage.zoom(coarse, step, order=1), dtype=np.float64)[: grid.shape[0], : grid.shape[1]]
    fine = ndimage.uniform_filter(fine, 2 * step + 1, mode="nearest")
    return np.asarray(
        fine + 0.10 * _noise(grid.shape, 90.0, rng) + 0.04 * _noise(grid.shape, 17.0, rng), dtype=np.float64
    )


def road_profile(road: Road, plan: Plan, ground: NDArray[np.float64], grid: Grid) -> Profile | None:
    """Heights of a road where it climbs to a bridge or dips below the railway; None for a road on the ground."""

    def ground_at(s: float) -> float:
        point = road.line.interpolate(s)
        row, col = grid.row_col(point.x, point.y)
        return float(ground[np.clip(row, 0, grid.shape[0] - 1), np.clip(col, 0, grid.shape[1] - 1)])

    if road.bridge:
        over = road.line.intersection(plan.river.buffer(LEVEE_WIDTH * 0.45))
        a, b = sorted(road.line.project(shapely.Point(c)) for c in (over.coords[0], over.coords[-1]))
        reach_a = max(30.0, (DECK - ground_at(a - 60.0)) / RAMP_SLOPE)
        reach_b = max(30.0, (DECK - ground_at(b + 60.0)) / RAMP_SLOPE)
        s = np.array([a - reach_a, a, (a + b) / 2, b, b + reach_b])
        z = np.array([ground_at(s[0]), DECK, DECK + DECK_RISE, DECK, ground_at(s[4])])
    elif road.is_underpass:
        middle = road.line.project(shapely.intersection(road.line, plan.railway).centroid)
        flat = 14.0
        reach = (ground_at(middle) - UNDERPASS_BED) / RAMP_SLOPE
        s = np.array([middle - flat - reach, middle - flat, middle, middle + flat, middle + flat + reach])
        z = np.array([ground_at(s[0]), UNDERPASS_BED, UNDERPASS_BED - 0.05, UNDERPASS_BED, ground_at(s[4])])
    else:
        return None
    smooth = curve_profile(s, z)
    return Profile(smooth[:, 0], smooth[:, 1])


def curve_profile(s: NDArray[np.float64], z: NDArray[np.float64], rounding: float = 24.0) -> NDArray[np.float64]:
    """Polyline (s, z) with its corners rounded over about `rounding` metres, as (n, 2) every 2 m; ends kept."""
    at = np.linspace(s[0], s[-1], max(3, round((s[-1] - s[0]) / 2.0)))
    line = np.interp(at, s, z)
    size = round(rounding / (at[1] - at[0]))
    padded = np.concatenate([np.full(size, z[0]), line, np.full(size, z[-1])])
    soft = np.convolve(padded, np.ones(size) / size, mode="same")[size:-size]
    return np.column_stack([at, soft])


def rail_profile(plan: Plan) -> Profile:
    """Height of the rails: near grade in the south, rising to a viaduct before the station."""
    y = np.array([-100.0, 80.0, 290.0, 470.0])
    heights = np.array([EMBANKMENT_HEIGHT, EMBANKMENT_HEIGHT + 0.3, 4.6, VIADUCT_HEIGHT])
    line = np.asarray(plan.railway.coords)
    s = [plan.railway.project(shapely.Point(line[np.argmin(np.abs(line[:, 1] - v - ward.ORIGIN[1]))])) for v in y]
    end = plan.railway.length
    return Profile(np.array([*s, end]), np.array([*heights, VIADUCT_HEIGHT]))


def _set_along(
    z: NDArray[np.float64], grid: Grid, line: shapely.LineString, area: BaseGeometry, profile: Profile
) -> None:
    rows, cols = np.nonzero(mask_of(area, grid))
    height = profile.at(stations(line, grid.x_cell[cols], grid.y_cell[rows]))
    known = np.isfinite(height)
    z[rows[known], cols[known]] = height[known]


def make_terrain(plan: Plan, seed: int) -> Terrain:
    """Terrain of the ward at 1 m.

    Parameters
    ----------
    plan : Plan
        The ward in plan.
    seed : int
        Decides the irregularities of the ground.

    Returns
    -------
    Terrain
        float32 heights T.P. rounded to a centimetre.
    """
    rng = np.random.default_rng([seed, 2])
    grid = Grid.from_bounds(ward.AREA, 1.0)
    ground = _ground(grid, rng)
    z = ground.copy()
    surface = mask_of(shapely.union_all([road.surface for road in plan.roads]), grid)
    z -= 0.14 * ndimage.gaussian_filter(surface.astype(np.float64), 0.8)

    river, sea = mask_of(plan.river, grid), mask_of(plan.sea, grid)
    outside = ndimage.distance_transform_edt(~river)
    inside = ndimage.distance_transform_edt(river | sea)
    levee = np.interp(outside, [0.0, 4.5, 8.0, 14.0, LEVEE_WIDTH], [WATER_EDGE, CREST, CREST, CREST - 2.8, -9.0])
    # the levee ends at the quays: it sinks to the height of the reclaimed land over the last 40 m
    near_sea = np.clip(ndimage.distance_transform_edt(~sea) / 40.0, 0.0, 1.0)
    levee = np.where(outside <= LEVEE_WIDTH, levee, -9.0)
    levee = np.minimum(levee, 3.0 + (CREST - 3.0) * near_sea)
    z = np.where(river, z, np.maximum(z, levee))
    bed = np.maximum(RIVER_BED, WATER_EDGE - 0.55 * inside) + 0.12 * _noise(grid.shape, 24.0, rng)
    z = np.where(river, bed, z)
    offshore = ndimage.distance_transform_edt(sea)
    sea_bed = -4.2 - np.minimum(3.6, offshore * 0.018) + 0.15 * _noise(grid.shape, 40.0, rng)
    z = np.where(sea, sea_bed, z)
    for mole in plan.breakwaters:
        z[mask_of(mole, grid)] = 3.2

    rails = rail_profile(plan)
    viaduct_from = float(np.interp(EMBANKMENT_HEIGHT + 2.0, rails.height[:4], rails.station[:4]))
    on_ground = shapely.ops.substring(plan.railway, 0.0, viaduct_from)
    foot = on_ground.buffer(6.5, cap_style="flat").difference(plan.river)
    rows, cols = np.nonzero(mask_of(foot, grid))
    z[rows, cols] = rails.at(stations(plan.railway, grid.x_cell[cols], grid.y_cell[rows]))

    profiles = {"railway": rails}
    for road in plan.main_roads:
        profile = road_profile(road, plan, ground, grid)
        if profile is None:
            continue
        profiles[road.name] = profile
        span = shapely.ops.substring(road.line, profile.station[0], profile.station[-1])
        strip = span.buffer(road.width / 2, cap_style="flat")
        if road.bridge:
            strip = strip.difference(shapely.union(plan.river.buffer(4.0), plan.sea))
        _set_along(z, grid, road.line, strip, profile)
    return Terrain(grid, np.round(z, 2).astype(np.float32), profiles)
