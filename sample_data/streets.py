"""Local streets of a district: a turned grid, or lanes that grew by repeated division."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.affinity import rotate

if TYPE_CHECKING:
    from numpy.random import Generator
    from shapely import LineString, Polygon
    from shapely.geometry.base import BaseGeometry

__all__ = ["Street", "grid_streets", "grown_lanes", "polygons_of"]

Street = tuple["LineString", float]
"""Centre line and width [m]."""


def polygons_of(shape: BaseGeometry, smallest: float = 0.0) -> list[Polygon]:
    """Polygons of any geometry with more than `smallest` m2."""
    return [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area > smallest]


def _lines_of(shape: BaseGeometry, shortest: float) -> list[LineString]:
    return [p for p in shapely.get_parts(shape) if p.geom_type == "LineString" and p.length > shortest]


def grid_streets(
    region: Polygon, angle: float, spacing: tuple[float, float], width: float, rng: Generator
) -> list[Street]:
    """Streets of a turned grid; spacings vary by 12 %, one piece in seven is missing so that T-junctions occur.

    Parameters
    ----------
    region : Polygon
        Where streets are wanted.
    angle : float
        Direction of the long streets [deg].
    spacing : tuple of float
        Distance between long streets and between cross streets [m].
    width : float
        Width of a street [m]; every third one is half as wide again.
    rng : Generator
        Source of the variations.
    """
    pivot = region.centroid
    level = rotate(region, -angle, origin=pivot)
    west, south, east, north = level.bounds

    def cuts(low: float, high: float, step: float) -> list[float]:
        at = [low + step * rng.uniform(0.3, 0.8)]
        while at[-1] < high:
            at.append(at[-1] + step * rng.uniform(0.88, 1.12))
        return at[:-1]

    rows, columns = cuts(south, north, spacing[0]), cuts(west, east, spacing[1])
    streets: list[Street] = []
    for k, y in enumerate(rows):
        breadth = width * (1.5 if k % 3 == 1 else 1.0)
        streets.append((shapely.LineString([(west - 5, y), (east + 5, y)]), breadth))
    for k, x in enumerate(columns):
        breadth = width * (1.5 if k % 3 == 1 else 1.0)
        for low, high in zip([south - 5, *rows], [*rows, north + 5], strict=True):
            if rng.random() > 1 / 7:
                streets.append((shapely.LineString([(x, low), (x, high)]), breadth))
    out: list[Street] = []
    for line, breadth in streets:
        turned = rotate(line, angle, origin=pivot)
        out += [(piece, breadth) for piece in _lines_of(turned.intersection(region), 12.0)]
    return out


def _halve(shape: Polygon, rng: Generator, skew: float) -> LineString:
    """Line that divides `shape` across its longer side, off the middle and a little askew."""
    corners = np.asarray(shape.minimum_rotated_rectangle.exterior.coords)[:4]
    if np.hypot(*(corners[1] - corners[0])) < np.hypot(*(corners[2] - corners[1])):
        corners = np.roll(corners, -1, axis=0)
    share = rng.uniform(0.38, 0.62)
    a = corners[0] + (corners[1] - corners[0]) * share
    b = corners[3] + (corners[2] - corners[3]) * share
    line = shapely.LineString([a - (b - a) * 0.5, b + (b - a) * 0.5])
    return rotate(line, rng.normal(0.0, skew), origin="centroid")


def grown_lanes(
    region: Polygon, block: float, widths: tuple[float, float], rng: Generator, *, skew: float = 5.0, warp: float = 0.0
) -> list[Street]:
    """Lanes of a quarter that grew by division: T-junctions, unequal blocks, the first cuts the widest.

    Parameters
    ----------
    region : Polygon
        Where lanes are wanted.
    block : float
        Area of a block at which division stops [m2].
    widths : tuple of float
        Width of the first and of the last lanes [m].
    rng : Generator
        Source of the variations.
    skew : float
        Standard deviation of a cut's direction [deg].
    warp : float
        Amplitude of a smooth displacement that bends the lanes [m].
    """
    phase = rng.uniform(0, 2 * np.pi, 4)
    todo: list[tuple[Polygon, int]] = [(region.buffer(2.0 * warp + 1.0), 0)]
    streets: list[Street] = []
    while todo:
        shape, depth = todo.pop()
        if shape.area < block * rng.uniform(0.8, 1.5):
            continue
        line = _halve(shape, rng, skew)
        inside = line.intersection(shape)
        width = max(widths[1], widths[0] * 0.8**depth)
        streets += [(piece, width) for piece in _lines_of(inside, 8.0)]
        cut = shapely.get_parts(shapely.node(shapely.union(line, shape.boundary)))
        todo += [
            (p, depth + 1)
            for p in polygons_of(shapely.polygonize(cut), 60.0)
            if shape.contains(p.representative_point())
        ]
    out: list[Street] = []
    for line, width in streets:
        xy = np.asarray(shapely.segmentize(line, 6.0).coords)
        bend = np.column_stack(
            [
                np.sin(xy[:, 1] / 31.0 + phase[0]) + 0.6 * np.sin(xy[:, 0] / 17.0 + phase[1]),
                np.sin(xy[:, 0] / 37.0 + phase[2]) + 0.6 * np.sin(xy[:, 1] / 19.0 + phase[3]),
            ]
        )
        bent = shapely.LineString(xy + warp * bend).simplify(0.2)
        out += [(piece, width) for piece in _lines_of(bent.intersection(region), 6.0)]
    return out
