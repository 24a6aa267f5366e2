"""JIS X 0410 grid squares: the codes that name files and population cells."""

from __future__ import annotations

import math

__all__ = ["mesh3", "mesh3_bounds", "quarter_mesh", "quarter_mesh_bounds"]

_LAT, _LON = 30.0 / 3600.0, 45.0 / 3600.0
"""Height and width [deg] of a third-level square (about 1 km)."""


def mesh3(lon: float, lat: float) -> str:
    """Eight-digit code of the third-level square that holds a point.

    Examples
    --------
    >>> mesh3(135.4225, 34.6981)
    '52350333'
    """
    rows, cols = math.floor(lat / _LAT + 1e-9), math.floor((lon - 100.0) / _LON + 1e-9)
    return f"{rows // 80:02d}{cols // 80:02d}{rows // 10 % 8}{cols // 10 % 8}{rows % 10}{cols % 10}"


def mesh3_bounds(code: str) -> tuple[float, float, float, float]:
    """(west, south, east, north) [deg] of a third-level square."""
    rows = int(code[0:2]) * 80 + int(code[4]) * 10 + int(code[6])
    cols = int(code[2:4]) * 80 + int(code[5]) * 10 + int(code[7])
    west, south = 100.0 + cols * _LON, rows * _LAT
    return west, south, west + _LON, south + _LAT


def quarter_mesh(lon: float, lat: float) -> str:
    """Ten-digit code of the quarter square (4分の1地域メッシュ, about 250 m) that holds a point.

    Examples
    --------
    >>> quarter_mesh(135.4225, 34.6981)
    '5235033332'
    """
    code = mesh3(lon, lat)
    west, south, _, _ = mesh3_bounds(code)
    col, row = int((lon - west) / (_LON / 4)), int((lat - south) / (_LAT / 4))
    first = 1 + (col >= 2) + 2 * (row >= 2)
    second = 1 + (col % 2) + 2 * (row % 2)
    return f"{code}{first}{second}"


def quarter_mesh_bounds(code: str) -> tuple[float, float, float, float]:
    """(west, south, east, north) [deg] of a quarter square."""
    west, south, _, _ = mesh3_bounds(code[:8])
    first, second = int(code[8]) - 1, int(code[9]) - 1
    col, row = 2 * (first % 2) + second % 2, 2 * (first // 2) + second // 2
    west, south = west + col * _LON / 4, south + row * _LAT / 4
    return west, south, west + _LON / 4, south + _LAT / 4
