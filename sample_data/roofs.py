"""Closed solids of the buildings: LOD1 blocks and LOD2 with gabled, hipped and flat roofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from sample_data.lots import frame_of, in_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import Polygon

    from sample_data.buildings import Building

__all__ = ["PENTHOUSE_HEIGHT", "Face", "lod1_faces", "lod2_faces", "penthouse", "roof_height"]

Role = Literal["ground", "wall", "roof"]
Rings = list["NDArray[np.float64]"]
Face = tuple[Role, Rings]
"""Role of the face and its rings (n, 3), exterior first, unclosed, counter-clockwise seen from outside."""

PENTHOUSE_HEIGHT = 3.2


def _rings(outline: Polygon) -> list[NDArray[np.float64]]:
    """Rings (n, 2) without the repeated vertex, exterior first; exterior counter-clockwise, holes clockwise."""
    out = []
    for k, ring in enumerate([outline.exterior, *outline.interiors]):
        xy = np.asarray(ring.coords)[:-1, :2]
        out.append(xy if ring.is_ccw == (k == 0) else xy[::-1])
    return out


def _level(rings: list[NDArray[np.float64]], z: float, *, up: bool) -> Rings:
    flat = [np.column_stack([xy, np.full(len(xy), z)]) for xy in rings]
    return flat if up else [ring[::-1] for ring in flat]


def _walls(rings: list[NDArray[np.float64]], low: float, high: float) -> list[Face]:
    faces: list[Face] = []
    for xy in rings:
        for a, b in zip(xy, np.roll(xy, -1, axis=0), strict=True):
            faces.append(("wall", [np.array([[*a, low], [*b, low], [*b, high], [*a, high]])]))
    return faces


def lod1_faces(building: Building) -> list[Face]:
    """Block from the base to the median roof height."""
    rings = _rings(building.outline)
    low = building.base
    high = round(low + building.lod1_height, 3)
    return [
        ("ground", _level(rings, low, up=False)),
        *_walls(rings, low, high),
        ("roof", _level(rings, high, up=True)),
    ]


def _long_side_first(outline: Polygon) -> NDArray[np.float64]:
    corners = _rings(outline)[0]
    if np.hypot(*(corners[1] - corners[0])) < np.hypot(*(corners[2] - corners[1])):
        corners = np.roll(corners, -1, axis=0)
    return corners


def _pitched(building: Building) -> list[Face]:
    """Gable or hip over a rectangle; the ridge runs along the longer side."""
    c = _long_side_first(building.outline)
    low, eaves = building.base, building.base + building.eaves
    top = eaves + building.ridge
    end_a, end_b = (c[3] + c[0]) / 2, (c[1] + c[2]) / 2
    if building.roof == "hip":
        along = (end_b - end_a) / np.hypot(*(end_b - end_a))
        inset = min(0.46 * np.hypot(*(end_b - end_a)), 0.5 * np.hypot(*(c[3] - c[0])))
        end_a, end_b = end_a + along * inset, end_b - along * inset
    e = [np.array([*p, eaves]) for p in c]
    g = [np.array([*p, low]) for p in c]
    ra, rb = np.array([*end_a, top]), np.array([*end_b, top])
    faces: list[Face] = [
        ("ground", [np.array(g[::-1])]),
        ("wall", [np.array([g[0], g[1], e[1], e[0]])]),
        ("wall", [np.array([g[2], g[3], e[3], e[2]])]),
        ("roof", [np.array([e[0], e[1], rb, ra])]),
        ("roof", [np.array([e[2], e[3], ra, rb])]),
    ]
    if building.roof == "hip":
        faces += [
            ("wall", [np.array([g[1], g[2], e[2], e[1]])]),
            ("wall", [np.array([g[3], g[0], e[0], e[3]])]),
            ("roof", [np.array([e[1], e[2], rb])]),
            ("roof", [np.array([e[3], e[0], ra])]),
        ]
    else:
        faces += [
            ("wall", [np.array([g[1], g[2], e[2], rb, e[1]])]),
            ("wall", [np.array([g[3], g[0], e[0], ra, e[3]])]),
        ]
    return faces


def penthouse(building: Building) -> Polygon | None:
    """Footprint of the stair and lift house on a flat roof; None where there is none."""
    if building.roof != "flat" or building.storeys < 5 or building.outline.interiors:
        return None
    centre, along, across, length, breadth = frame_of(building.outline)
    a, b = min(0.16 * length, 6.0), min(0.2 * breadth, 4.0)
    middle = np.asarray(building.outline.representative_point().coords)[0] * 0.6 + centre * 0.4
    house = in_frame(middle, along, across, [(-a, -b), (a, -b), (a, b), (-a, b)])
    return house if building.outline.buffer(-1.0).covers(house) else None


def _flat(building: Building) -> list[Face]:
    rings = _rings(building.outline)
    low, high = building.base, building.base + building.eaves
    house = penthouse(building)
    faces: list[Face] = [("ground", _level(rings, low, up=False)), *_walls(rings, low, high)]
    if house is None:
        return [*faces, ("roof", _level(rings, high, up=True))]
    box = _rings(house)
    top = high + PENTHOUSE_HEIGHT
    return [
        *faces,
        ("roof", _level([*rings, box[0][::-1]], high, up=True)),
        *_walls(box, high, top),
        ("roof", _level(box, top, up=True)),
    ]


def lod2_faces(building: Building) -> list[Face]:
    """Faces of the closed LOD2 solid."""
    return _flat(building) if building.roof == "flat" else _pitched(building)


def roof_height(building: Building, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of the LOD2 roof above points inside the outline, T.P. [m]."""
    eaves = building.base + building.eaves
    if building.roof == "flat":
        z = np.full(np.shape(x), eaves)
        house = penthouse(building)
        if house is not None:
            import shapely

            z[shapely.contains_xy(house, x, y)] += PENTHOUSE_HEIGHT
        return z
    c = _long_side_first(building.outline)
    along, across = c[1] - c[0], c[3] - c[0]
    length, breadth = float(np.hypot(*along)), float(np.hypot(*across))
    u = ((x - c[0, 0]) * along[0] + (y - c[0, 1]) * along[1]) / length
    v = ((x - c[0, 0]) * across[0] + (y - c[0, 1]) * across[1]) / breadth
    share = 1.0 - np.abs(2.0 * v / breadth - 1.0)
    if building.roof == "hip":
        inset = min(0.46 * length, 0.5 * breadth)
        share = np.minimum(share, np.minimum(u, length - u) / inset)
    return np.asarray(eaves + building.ridge * np.clip(share, 0.0, 1.0), dtype=np.float64)
