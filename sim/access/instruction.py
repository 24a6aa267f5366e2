"""A route as instructions: where to go, what to take, and what to mind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from layers.pedestrian import Audible
from sim.access.appraisal import BARRIERS
from sim.access.wording import (
    barrier_limit,
    barrier_range,
    barrier_text,
    compass,
    floor_name,
    join,
    length_text,
    say,
)
from twin.network import LinkKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.access.course import Course
    from sim.access.router import Route, Router

__all__ = ["Instruction", "instruct"]

STRAIGHT, SLIGHT, SHARP = 30.0, 60.0, 150.0
"""Angles [degrees] up to which one goes straight on, bears, turns; beyond the last one turns back."""
SHORT = 6.0
"""A leg shorter than this is no leg of its own [m]: corners of footways are drawn with several."""
KEYS = {
    LinkKind.CROSSING: "crossing",
    LinkKind.STAIRS: "stairs",
    LinkKind.ESCALATOR: "escalator",
    LinkKind.ELEVATOR: "elevator",
    LinkKind.RAMP: "ramp",
    LinkKind.MOVING_WALKWAY: "moving_walkway",
    LinkKind.BRIDGE: "bridge",
    LinkKind.UNDERGROUND: "underground",
    LinkKind.INDOOR: "indoor",
    LinkKind.RAIL_CROSSING: "rail_crossing",
}
"""Kinds of link that have an instruction of their own."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Parameters
    ----------
    text : mapping of str to str
        By language.
    length : float
        [m].
    point : tuple of float
        Where it begins, (x, y, z) [m].
    """

    text: dict[str, str]
    length: float
    point: tuple[float, float, float]


@dataclass(slots=True)
class _Leg:
    """Arcs that are one instruction."""

    kind: str
    name: str
    turn: float
    arcs: list[int]
    length: float
    first: NDArray[np.float64]
    last: NDArray[np.float64]


def instruct(router: Router, route: Route, course: Course, languages: tuple[str, ...], goal: str) -> list[Instruction]:
    """Instructions of a route.

    Parameters
    ----------
    router : Router
        Says what its profile minds.
    route : Route
    course : Course
    languages : tuple of str
    goal : str
        Name of the goal, or "".
    """
    legs = _legs(router, route, course)
    out = []
    for number, leg in enumerate(legs):
        text = {language: _sentence(router, course, leg, language, is_first=number == 0) for language in languages}
        out.append(Instruction(text, leg.length, tuple(leg.first[0])))
    if route.gap > 0:
        last = {language: say("steps", "stop", language) for language in languages}
    else:
        last = {
            language: say("steps", "arrive", language, name=_named(goal, language, " ", " – "))
            for language in languages
        }
    end = legs[-1].last[-1] if legs else np.nan_to_num(course.graph.node_xyz[_start_node(route, course)])
    out.append(Instruction(last, 0.0, tuple(end)))
    return out


def _start_node(route: Route, course: Course) -> int:
    return int(course.graph.tail[route.arcs[0]]) if len(route.arcs) else 0


def _named(name: str, language: str, before_ja: str, before_en: str) -> str:
    if not name:
        return ""
    return f"{before_ja}{name} " if language == "ja" else f"{before_en}{name}"


def _legs(router: Router, route: Route, course: Course) -> list[_Leg]:
    kind = router.graph.network.attributes.get("kind")
    legs: list[_Leg] = []
    for number in route.arcs:
        arc = int(number)
        points = course.points(arc)
        link = router.graph.link[arc]
        if len(points) < 2 or link < 0:
            continue
        code = LinkKind(int(kind.values[link])) if kind is not None and kind.known[link] else LinkKind.OTHER
        key, name, length = KEYS.get(code, ""), course.name(arc), float(router.graph.length[arc])
        turn = _turn(legs[-1].last, points) if legs else 0.0
        is_same = bool(legs) and legs[-1].kind == key
        goes_on = abs(turn) <= STRAIGHT and legs[-1].name == name if legs else False
        if is_same and (key or goes_on or length < SHORT):
            legs[-1].arcs.append(arc)
            legs[-1].length += length
            legs[-1].last = points
        else:
            legs.append(_Leg(key, name, turn, [arc], length, points, points))
    return _absorbed(legs)


def _absorbed(legs: list[_Leg]) -> list[_Leg]:
    """Legs without the short plain ones that only lead to another plain one: the corner is told once."""
    kept: list[_Leg] = []
    for leg in legs:
        before = kept[-1] if kept else None
        if before is not None and not before.kind and not leg.kind and before.length < SHORT:
            leg.arcs, leg.length = before.arcs + leg.arcs, before.length + leg.length
            kept.pop()
            leg.turn = _turn(kept[-1].last, leg.first) if kept else 0.0
        kept.append(leg)
    return kept


def _turn(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Angle between two lines that meet [degrees], to the right positive."""
    a, b = before[-1, :2] - before[-2, :2], after[1, :2] - after[0, :2]
    return float(-np.degrees(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b)))


def _sentence(router: Router, course: Course, leg: _Leg, language: str, *, is_first: bool) -> str:
    length = length_text(leg.length)
    if leg.kind:
        text = say("steps", _carried(course, leg), language, **_filled(course, leg, length))
        if not is_first and abs(leg.turn) > SLIGHT:
            side = "turned_right" if leg.turn > 0 else "turned_left"
            text = say("steps", side, language, text=text[0].lower() + text[1:])
    else:
        road = _road(leg.name, language)
        key = "begin" if is_first else _turn_key(leg.turn)
        east, north = leg.first[1, :2] - leg.first[0, :2]
        text = say("steps", key, language, road=road, length=length, compass=compass(east, north, language))
    notes = _notes(router, leg, language)
    if not notes:
        return text
    return f"{text}（{join(notes, language)}）" if language == "ja" else f"{text} ({join(notes, language)})"


def _road(name: str, language: str) -> str:
    if not name:
        return ""
    return f"{name}を " if language == "ja" else f" along {name}"


def _turn_key(turn: float) -> str:
    size = abs(turn)
    if size <= STRAIGHT:
        return "straight"
    if size > SHARP:
        return "back"
    side = "right" if turn > 0 else "left"
    return f"slight_{side}" if size <= SLIGHT else side


def _carried(course: Course, leg: _Leg) -> str:
    """Key of what somebody takes: between named floors where they are known and differ."""
    if leg.kind in ("elevator", "escalator", "stairs"):
        begin, end = course.floors(leg.arcs[0])[0], course.floors(leg.arcs[-1])[1]
        if np.isfinite(begin) and np.isfinite(end) and begin != end:
            return f"{leg.kind}_between"
    if leg.kind == "stairs":
        rise = leg.last[-1, 2] - leg.first[0, 2]
        return "stairs" if rise == 0 else "stairs_up" if rise > 0 else "stairs_down"
    return leg.kind


def _filled(course: Course, leg: _Leg, length: str) -> dict[str, str]:
    begin, end = course.floors(leg.arcs[0])[0], course.floors(leg.arcs[-1])[1]
    known = np.isfinite(begin) and np.isfinite(end)
    return {"length": length, "from": floor_name(begin) if known else "", "to": floor_name(end) if known else ""}


def _notes(router: Router, leg: _Leg, language: str) -> list[str]:
    attributes = router.graph.network.attributes
    links = router.graph.link[leg.arcs]

    def value(name: str, link: int) -> int | None:
        attribute = attributes.get(name)
        return int(attribute.values[link]) if attribute is not None and attribute.known[link] else None

    notes = []
    if leg.kind == "stairs":
        counts = [value("stairs", link) for link in links]
        if all(counts):
            notes.append(say("notes", "stairs_count", language, count=sum(filter(None, counts))))
        if all(value("handrail", link) for link in links):
            notes.append(say("notes", "handrail", language))
    if router.profile.guided and leg.kind != "elevator":
        paving = [value("tactile", link) for link in links]
        key = "paved" if all(p == 1 for p in paving) else "paving_unknown" if None in paving else "unpaved"
        notes.append(say("notes", key, language))
        if leg.kind == "crossing":
            sound = value("audible", links[0])
            keys: dict[int | None, str] = {
                None: "sound_unknown",
                Audible.NONE: "no_sound",
                Audible.PUSH_BUTTON: "sound_button",
            }
            notes.append(say("notes", keys.get(sound, "sound"), language))
    cautions = _cautions(router, leg, language)
    return notes + [say("notes", "caution", language, what=what) for what in cautions]


def _cautions(router: Router, leg: _Leg, language: str) -> list[str]:
    """What is in the way on a leg, each kind once."""
    found: dict[str, str] = {}
    for arc in leg.arcs:
        mask = int(router.appraisal.blocked[arc] | router.appraisal.exceeded[arc])
        for place, barrier in enumerate(BARRIERS):
            if not mask >> place & 1 or barrier == leg.kind or barrier in found:
                continue
            is_hard = bool(int(router.appraisal.blocked[arc]) >> place & 1)
            size = barrier_range(router.appraisal, barrier, arc)
            limit = barrier_limit(router.profile, barrier, is_hard=is_hard)
            found[barrier] = barrier_text(barrier, size, limit, language)
    return list(found.values())
