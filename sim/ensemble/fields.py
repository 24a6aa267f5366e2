"""Names of an ensemble's maps, from its thresholds and percentiles."""

from __future__ import annotations

from twin.fields import register_field

__all__ = ["MEAN", "SPREAD", "arrival_name", "centimetres", "depth_name", "probability_name"]

_CELL = ("y", "x")
MEAN, SPREAD = "h_max_mean_cell", "h_max_sd_cell"

register_field(MEAN, _CELL, "m", "Mean of the members' largest water depths")
register_field(SPREAD, _CELL, "m", "Standard deviation of the members' largest water depths")


def centimetres(depth: float) -> str:
    """``050`` for 0.5 m."""
    return f"{round(depth * 100):03d}"


def probability_name(depth: float) -> str:
    """Registered name of the probability that the largest depth reaches `depth` [m]."""
    name = f"probability_{centimetres(depth)}_cell"
    register_field(name, _CELL, "1", f"Share of the members whose largest depth is at least {depth:.2f} m")
    return name


def depth_name(percent: int) -> str:
    """Registered name of a percentile of the largest depth."""
    name = f"h_max_p{percent:02d}_cell"
    register_field(name, _CELL, "m", f"Depth that the largest depth of at least {percent} % of the members keeps to")
    return name


def arrival_name(percent: int) -> str:
    """Registered name of a percentile of the arrival."""
    name = f"arrival_p{percent:02d}_cell"
    doc = f"Time by which the water (0.05 m) has come in {percent} % of the members, missing where it comes in fewer"
    register_field(name, _CELL, "s", doc)
    return name
