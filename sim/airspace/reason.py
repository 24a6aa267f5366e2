"""Why a flight is not flown, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.airspace.zone import Restriction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.airspace.airway import Airways
    from sim.airspace.program import Flight
    from sim.airspace.site import Site

__all__ = ["REASONS", "explain"]

REASONS = {
    "": ("", ""),
    "no_site": ("浸水しない離着陸場がない", "no landing site stays dry"),
    "closed_site": ("離着陸場の上空が閉じている", "no open air above the landing site"),
    "closed_target": ("目的地の上空が閉じている", "no open air above the destination"),
    "no_path": ("障害物と飛行禁止空域を避ける経路がない", "no path around obstacles and closed air"),
    "zone": ("飛行する時間帯に空域が閉じる", "air on the way closes while it would be flown"),
    "wet": ("離着陸場が飛行中に浸水する", "the landing site is flooded before the landing"),
    "energy": ("電池が予備を含めて足りない", "the battery is not enough with its reserve"),
    "late": ("対象時間内に飛行が終わらない", "the flight would not end within the scenario"),
    "conflict": ("他の飛行と間隔を保てる時刻がない", "no time at which it keeps apart from other flights"),
}
"""In Japanese and English."""


def explain(flight: Flight, sites: Sequence[Site], airways: Airways) -> tuple[str, str]:
    """The reason in Japanese and English, with the zones that close the air or the flight that stands in the way."""
    ja, en = REASONS[flight.reason]
    if flight.reason == "conflict" and flight.blocked_by is not None:
        return f"{ja}（便{flight.blocked_by.flight}）", f"{en} (flight {flight.blocked_by.flight})"
    if flight.reason == "closed_site":
        site = sites[flight.errand.base]
        places = [(site.x, site.y)]
    elif flight.reason == "closed_target":
        places = [(waypoint.x, waypoint.y) for waypoint in flight.errand.task.waypoints]
    else:
        return ja, en
    names = _zones_over(places, flight.errand.earliest, airways)
    if not names:
        return ja, en
    return f"{ja}（{'、'.join(name[0] for name in names)}）", f"{en} ({', '.join(name[1] for name in names)})"


def _zones_over(places: Sequence[tuple[float, float]], time: float, airways: Airways) -> list[tuple[str, str]]:
    """Names of the rules that close the air over places at the bottom of the band."""
    air, section = airways.air, airways.section
    x, y = np.array(places).T
    row, col = air.voxels.grid.row_col(x, y)
    z = air.ground[row, col] + section.levels.bottom + air.voxels.level_height / 2
    answers = air.query_many(x, y, z, min(time, section.duration))
    closed_from = Restriction[section.planning.closed_from]
    rules = [air.rules[number] for number in np.unique(answers.number)]
    return [
        (rule.name.get("ja", rule.identifier), rule.name.get("en", rule.identifier))
        for rule in rules
        if rule.restriction >= closed_from and not rule.is_granted and rule.kind != "obstacle"
    ]
