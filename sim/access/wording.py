"""What routes say to people, in Japanese and English (``wording.yaml``)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

if TYPE_CHECKING:
    from sim.access.appraisal import Appraisal
    from sim.access.profile import Profile

__all__ = [
    "LANGUAGES",
    "barrier_limit",
    "barrier_range",
    "barrier_text",
    "compass",
    "floor_name",
    "join",
    "length_text",
    "range_value",
    "say",
]

LANGUAGES = ("ja", "en")
TABLE = Path(__file__).with_name("wording.yaml")


@cache
def _table() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return content


def say(group: str, key: str, language: str, **filled: object) -> str:
    """A sentence of the table with its gaps filled."""
    return str(_table()[group][key][language]).format(**filled)


def join(parts: list[str], language: str) -> str:
    """Parts as an enumeration."""
    return str(_table()["join"][language]).join(parts)


def compass(east: float, north: float, language: str) -> str:
    """Point of the compass of a direction."""
    names = _table()["compass"][language]
    return str(names[round(np.arctan2(east, north) / (np.pi / 4)) % 8])


def length_text(metres: float) -> str:
    """A length as people say it."""
    if metres >= 1000:
        return f"{metres / 1000:.1f} km"
    return f"{round(metres / 10) * 10} m" if metres >= 95 else f"{max(1, round(metres))} m"


def floor_name(floor: float) -> str:
    """Name of a floor: 0 is the first in Japan, -1 is B1, a half is a mezzanine."""
    if floor != int(floor):
        return f"M{int(np.ceil(floor)) + 1}F" if floor > 0 else f"BM{int(np.ceil(-floor))}F"
    return f"{int(floor) + 1}F" if floor >= 0 else f"B{int(-floor)}F"


def barrier_range(appraisal: Appraisal, barrier: str, arc: int, *, wet: float = np.nan) -> tuple[float, float]:
    """Least and most that may be in the way, NaN where it has no size.

    Parameters
    ----------
    appraisal : Appraisal
    barrier : str
    arc : int
    wet : float
        Depth of the water [m].
    """
    if barrier == "water":
        return wet, wet
    measure = appraisal.measures.get(barrier)
    return (np.nan, np.nan) if measure is None else (float(measure.least[arc]), float(measure.most[arc]))


def range_value(least: float, most: float) -> float:
    """One number for a range: its upper end, or the lower one where it has none."""
    return most if np.isfinite(most) else least


def barrier_limit(profile: Profile, barrier: str, *, is_hard: bool) -> float:
    """The limit that was exceeded, NaN where it has no size."""
    if barrier == "water":
        return profile.water.depth
    limit = getattr(profile.limits, barrier, None)
    if limit is None:
        return float("nan")
    size = limit.hard if is_hard else limit.soft
    return float("nan") if size is None else float(size)


def barrier_text(barrier: str, size: tuple[float, float], limit: float, language: str) -> str:
    """A barrier in words; `size` is the range that it may have."""
    least, most = size
    if not np.isfinite(most) and np.isfinite(least):
        amount = say("amounts", "over", language, amount=_amount(barrier, least))
    elif least == most or not np.isfinite(least):
        amount = _amount(barrier, most)
    elif least == 0:
        amount = say("amounts", "under", language, amount=_amount(barrier, most))
    else:
        amount = say("amounts", "between", language, least=_amount(barrier, least), most=_amount(barrier, most))
    return say("barriers", barrier, language, value=amount, limit=_amount(barrier, limit))


def _amount(barrier: str, value: float) -> str:
    if not np.isfinite(value):
        return "–"
    if barrier in ("slope_up", "slope_down", "crossfall"):
        return f"{value * 100:.3g} %"
    if barrier in ("step", "water"):
        return f"{value * 100:.3g} cm"
    if barrier == "goal":
        return f"{round(value) // 3600}:{round(value) // 60 % 60:02d}"
    return length_text(value) if barrier == "gap" else f"{value:.3g} m"
