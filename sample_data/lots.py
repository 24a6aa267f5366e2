"""Building lots by repeated division of a block, and footprints inside lots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from sample_data.streets import polygons_of

if TYPE_CHECKING:
    from numpy.random import Generator
    from shapely import Polygon

__all__ = ["biggest", "divide", "footprint", "frame_of", "in_frame"]


def biggest(shape: shapely.Geometry) -> Polygon | None:
    """Largest polygon of a geometry, without holes; None where there is none."""
    parts = polygons_of(shape)
    return shapely.Polygon(max(parts, key=lambda p: float(p.area)).exterior) if parts else None


def frame_of(shape: Polygon) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """(centre, unit vector along, unit vector across, length, breadth) of the smallest turned box of `shape`."""
    corners = np.asarray(shape.minimum_rotated_rectangle.exterior.coords)[:4]
    a, b = corners[1] - corners[0], corners[3] - corners[0]
    if np.hypot(*a) < np.hypot(*b):
        a, b = b, -a
    length, breadth = float(np.hypot(*a)), float(np.hypot(*b))
    return corners.mean(axis=0), a / length, b / breadth, length, breadth


def in_frame(centre: np.ndarray, along: np.ndarray, across: np.ndarray, corners: list[tuple[float, float]]) -> Polygon:
    """Polygon from corners given along and across a turned frame [m]."""
    return shapely.Polygon([centre + u * along + v * across for u, v in corners])


def divide(block: Polygon, target: float, rng: Generator, narrowest: float = 5.0) -> list[Polygon]:
    """Divide a block into lots of about `target` m2 across its longer side; lots differ by a factor of two or so.

    Parameters
    ----------
    block : Polygon
        The block.
    target : float
        Usual area of a lot [m2].
    rng : Generator
        Source of the variations.
    narrowest : float
        A lot is not divided to less than this width [m].
    """
    todo, lots = [block], []
    while todo:
        shape = todo.pop()
        centre, along, across, length, breadth = frame_of(shape)
        if shape.area < target * rng.uniform(1.1, 2.1) or length < 2.0 * narrowest:
            lots.append(shape)
            continue
        at = (rng.uniform(0.42, 0.58) - 0.5) * length
        far = 2.0 * (length + breadth)
        half = in_frame(centre, along, across, [(at, -far), (far, -far), (far, far), (at, far)])
        pieces = polygons_of(shape.intersection(half), 5.0) + polygons_of(shape.difference(half), 5.0)
        if len(pieces) < 2:
            lots.append(shape)
        else:
            todo += pieces
    return lots


def _outline(form: str, a: float, b: float, rng: Generator) -> list[tuple[float, float]]:
    """Corners of a form of half length `a` and half breadth `b`."""
    match form:
        case "L":
            u, v = a * rng.uniform(-0.15, 0.35), b * rng.uniform(-0.1, 0.35)
            corners = [(-a, -b), (a, -b), (a, v), (u, v), (u, b), (-a, b)]
        case "U":
            u, v = a * rng.uniform(0.3, 0.5), b * rng.uniform(-0.1, 0.3)
            corners = [(-a, -b), (a, -b), (a, b), (u, b), (u, v), (-u, v), (-u, b), (-a, b)]
        case "chamfer":
            c = min(a, b) * rng.uniform(0.25, 0.5)
            corners = [(-a, -b), (a, -b), (a, b - c), (a - c, b), (-a, b)]
        case _:
            return [(-a, -b), (a, -b), (a, b), (-a, b)]
    su, sv = rng.choice([-1.0, 1.0]), rng.choice([-1.0, 1.0])
    corners = [(u * su, v * sv) for u, v in corners]
    return corners if su * sv > 0 else corners[::-1]


def footprint(
    lot: Polygon, setback: float, coverage: float, forms: dict[str, float], rng: Generator, narrowest: float = 4.0
) -> Polygon | None:
    """Footprint of a building inside its lot; None where none fits.

    Parameters
    ----------
    lot : Polygon
        The lot.
    setback : float
        Least distance from the lot's border [m].
    coverage : float
        Wanted share of the lot.
    forms : dict
        Probability of the forms ``"box"``, ``"L"``, ``"U"``, ``"chamfer"``.
    rng : Generator
        Source of the variations.
    narrowest : float
        Least breadth of the footprint [m].
    """
    smallest = 2.0 * narrowest**2
    room = biggest(lot.buffer(-setback, join_style="mitre"))
    if room is None or room.area < smallest:
        return None
    centre, along, across, length, breadth = frame_of(room)
    form = str(rng.choice(list(forms), p=np.array(list(forms.values())) / sum(forms.values())))
    scale = min(1.0, float(np.sqrt(coverage * lot.area / (length * breadth))))
    a, b = scale * length / 2, min(1.0, scale * rng.uniform(0.95, 1.1)) * breadth / 2
    centre = (
        centre + along * (length / 2 - a) * rng.uniform(-0.6, 0.6) + across * (breadth / 2 - b) * rng.uniform(-0.6, 0.6)
    )
    corners = _outline(form, a, b, rng)
    for shrink in (1.0, 0.94, 0.88, 0.82, 0.76):
        shape = in_frame(centre, along, across, [(u * shrink, v * shrink) for u, v in corners])
        if room.covers(shape):
            return shape if shape.area >= smallest and 2 * b * shrink >= narrowest else None
    shape = biggest(
        in_frame(centre, along, across, corners)
        .intersection(room)
        .buffer(-0.7, join_style="mitre")
        .buffer(0.7, join_style="mitre")
    )
    if shape is None:
        return None
    shape = shape.simplify(0.25)
    kept = shape.is_valid and shape.area >= smallest and room.buffer(setback * 0.4).covers(shape)
    _, _, _, length, breadth = frame_of(shape)
    return shape if kept and breadth >= narrowest and shape.area > 0.62 * length * breadth else None
