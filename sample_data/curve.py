"""Smooth curves through drawn points, and positions along them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.interpolate import CubicSpline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import LineString, Polygon

__all__ = ["band", "curve", "rectangle", "stations"]


def _chord(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy[:, :2], axis=0).T))])


def curve(points: Sequence[Sequence[float]], step: float = 8.0) -> NDArray[np.float64]:
    """Points about every `step` metres of the natural cubic spline through `points` (n, k), parameter: chord length."""
    knots = np.asarray(points, dtype=np.float64)
    s = _chord(knots)
    at = np.linspace(0.0, s[-1], max(2, round(s[-1] / step) + 1))
    return np.asarray(CubicSpline(s, knots, axis=0, bc_type="natural")(at), dtype=np.float64)


def band(points: Sequence[Sequence[float]], step: float = 8.0) -> Polygon:
    """Area of a band of varying width along the smooth curve through (x, y, width)."""
    xyw = curve(points, step)
    tangent = np.gradient(xyw[:, :2], axis=0)
    tangent /= np.hypot(tangent[:, 0], tangent[:, 1])[:, None]
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    half = xyw[:, 2:3] / 2.0
    ring = np.vstack([xyw[:, :2] + normal * half, (xyw[:, :2] - normal * half)[::-1]])
    return shapely.Polygon(ring).buffer(0)


def rectangle(centre: tuple[float, float], size: tuple[float, float], angle: float) -> Polygon:
    """Rectangle of `size` (along, across) [m] turned by `angle` [deg] about its centre."""
    turn = np.radians(angle)
    u, v = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    a, b = size[0] / 2.0, size[1] / 2.0
    return shapely.Polygon(
        [np.asarray(centre) + du * a * u + dv * b * v for du, dv in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    )


def stations(line: LineString, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance along `line` [m] of the point of it that is nearest to each (x, y)."""
    return np.asarray(shapely.line_locate_point(line, shapely.points(x, y)), dtype=np.float64)
