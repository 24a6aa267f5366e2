"""Boxes: west, south, east, north."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from twin.frame import Frame

__all__ = ["Bounds", "bounds_in"]

Bounds = tuple[float, float, float, float]
"""west, south, east, north [m in the city's frame, where nothing else is said]."""


def bounds_in(bounds: Bounds, source: Frame, target: Frame) -> Bounds:
    """Box in `target` around a box in `source`: its edges are followed, since they bulge between the corners.

    Raises
    ------
    FrameError
        If the box lies where one of the systems is not defined.
    """
    if source.horizontal == target.horizontal:
        return bounds
    west, south, east, north = bounds
    s, zero = np.linspace(0, 1, 21), np.zeros(21)
    xs = west + (east - west) * np.concatenate([s, s, zero, zero + 1])
    ys = south + (north - south) * np.concatenate([zero, zero + 1, s, s])
    x, y, _ = target.from_(source, xs, ys)
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())
