"""Depth classes as the page shows them, and the byte codes that keep to them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from layers.pack import DepthCode
from sim.flood.ranks import rank_tables

__all__ = ["class_of", "depth_classes", "depth_code"]

DRY = 0.01
"""Depth below which a place is shown dry [m]."""


@cache
def depth_classes() -> list[dict[str, Any]]:
    """Ranks of the detailed legend, ascending: ``upper`` [m] (None: open), ``color``, ``name`` by language."""
    ranks = rank_tables()["detailed"].ranks
    uppers = [*(rank.lower for rank in ranks[1:]), None]
    return [
        {"upper": upper, "color": rank.color, "name": dict(rank.name)}
        for rank, upper in zip(ranks, uppers, strict=True)
    ]


@cache
def depth_code() -> DepthCode:
    """Byte codes whose edges hold every class edge."""
    return DepthCode.of_classes([entry["upper"] for entry in depth_classes()], DRY)


def class_of(depth: float) -> dict[str, Any] | None:
    """The class of a depth [m], None where it is dry or unknown; compared in single precision, as it is stored."""
    value = np.float32(depth)
    if not value >= np.float32(DRY):
        return None
    return next(c for c in depth_classes() if c["upper"] is None or value < np.float32(c["upper"]))
