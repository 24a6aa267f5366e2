"""What the routing leaves: tables of routes, barriers, instructions, departures, reach and repairs, and figures."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.access.appraisal import BARRIERS
from sim.access.course import Course
from sim.access.instruction import instruct
from sim.access.repair import barriers_in
from sim.access.timetable import CROWDED
from sim.access.wording import LANGUAGES, barrier_limit, barrier_range, barrier_text, join, range_value, say
from sim.stage import Products

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from sim.access.model import AccessModel, Answer
    from sim.access.router import Route, Router

__all__ = ["summarise"]

VALUES = ("time_s", "steep_m", "narrow_m", "unguided_m", "unknown_m", "worst_step_m", "wet_depth_m")
"""Columns of a route's criteria, in the order of ``Route.values``."""
COLUMNS = {
    "routes": (
        "route",
        "request",
        "profile",
        "departure_s",
        "arrival_s",
        "rank",
        "is_feasible",
        "is_complete",
        "is_last_safe",
        *VALUES,
        "length_m",
        "offset_m",
        "gap_m",
        "goal",
        "binding",
        "binding_en",
        "geometry",
    ),
    "barriers": (
        "route",
        "feature",
        "link",
        "kind",
        "value",
        "limit",
        "is_hard",
        "text_ja",
        "text_en",
        "geometry",
    ),
    "instructions": ("route", "number", "text_ja", "text_en", "length_m", "geometry"),
    "reach": ("request", "profile", "feature", "time_s", "geometry"),
    "departures": ("request", "profile", "departure_s", "is_reachable", "time_s", "arrival_s", "is_last_safe"),
    "repairs": ("rank", "feature", "link", "kind", "gained", "share", "text_ja", "text_en", "geometry"),
}
"""Columns of every table."""


def summarise(model: AccessModel) -> Products:
    """Tables and figures of a finished routing."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    course = Course(model.graph, model.layer)
    for answer in model.answers:
        _write_answer(tables, model, answer, course)
    for reached in model.reached:
        lines = model.layer.links.geometry.to_numpy()[reached.feature]
        tables["reach"] += [
            {
                "request": reached.request.name,
                "profile": reached.profile,
                "feature": int(feature),
                "time_s": float(time),
                "geometry": line,
            }
            for feature, time, line in zip(reached.feature, reached.time, lines, strict=True)
        ]
    _write_repairs(tables, model)
    wanted = [name for name in COLUMNS if name != "repairs" or model.repairs is not None]
    return Products(
        tables={name: _table(model, name, tables[name]) for name in wanted}, summary=_figures(model, tables)
    )


def _table(model: AccessModel, name: str, rows: list[dict[str, Any]]) -> pd.DataFrame | gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    columns = list(COLUMNS[name])
    if "geometry" not in columns:
        return pd.DataFrame(rows, columns=columns)
    geometry = gpd.GeoSeries([row.pop("geometry") for row in rows], crs=model.layer.links.crs)
    plain = pd.DataFrame(rows, columns=[column for column in columns if column != "geometry"])
    return gpd.GeoDataFrame(plain, geometry=geometry)


def _write_answer(tables: dict[str, list[dict[str, Any]]], model: AccessModel, answer: Answer, course: Course) -> None:
    question, router = answer.question, model.routers[answer.question.profile]
    best = answer.routes[0]
    binding = {language: _binding(answer, router, course, language) for language in LANGUAGES}
    for rank, route in enumerate(_chosen(answer.routes, model.section.alternatives)):
        number = len(tables["routes"])
        goal = question.goals.get(_end_node(route, router, question.source))
        tables["routes"].append(
            {
                "route": number,
                "request": question.request.name,
                "profile": question.profile,
                "departure_s": answer.departure,
                "arrival_s": route.arrival,
                "rank": rank,
                "is_feasible": route.is_feasible,
                "is_complete": route.gap == 0.0,
                "is_last_safe": answer.is_last_safe,
                **dict(zip(VALUES, route.values.tolist(), strict=True)),
                "length_m": float(model.graph.length[route.arcs].sum()),
                "offset_m": question.offset + (goal.offset if goal else 0.0),
                "gap_m": route.gap,
                "goal": goal.name if goal else "",
                "binding": binding["ja"],
                "binding_en": binding["en"],
                "geometry": course.line(route.arcs),
            }
        )
        _write_barriers(tables["barriers"], number, route, router, course)
        steps = instruct(router, route, course, LANGUAGES, goal.name if goal else "")
        tables["instructions"] += [
            {
                "route": number,
                "number": k,
                "text_ja": step.text["ja"],
                "text_en": step.text["en"],
                "length_m": step.length,
                "geometry": _point(step.point),
            }
            for k, step in enumerate(steps)
        ]
    tables["departures"].append(
        {
            "request": question.request.name,
            "profile": question.profile,
            "departure_s": answer.departure,
            "is_reachable": best.is_feasible,
            "time_s": float(best.values[0]) if best.is_feasible else np.nan,
            "arrival_s": best.arrival if best.is_feasible else np.nan,
            "is_last_safe": answer.is_last_safe,
        }
    )


def _point(xyz: tuple[float, ...]) -> Any:
    import shapely

    return shapely.Point(*xyz)


def _end_node(route: Route, router: Router, source: int) -> int:
    """Last place on a route; a set of goals is none."""
    if not len(route.arcs):
        return source
    graph, last = router.graph, int(route.arcs[-1])
    head = int(graph.head[last])
    return head if np.isfinite(graph.node_xyz[head, 0]) else int(graph.tail[last])


def _chosen(routes: list[Route], most: int) -> list[Route]:
    """The fastest, the best in every other respect, then the next fastest, in order of time."""
    values = np.array([route.values for route in routes])
    order = [0, *(int(np.lexsort((values[:, 0], values[:, k]))[0]) for k in range(1, values.shape[1]))]
    order += range(len(routes))
    kept = sorted(list(dict.fromkeys(order))[:most])
    return [routes[k] for k in kept]


def _write_barriers(rows: list[dict[str, Any]], number: int, route: Route, router: Router, course: Course) -> None:
    appraisal = router.appraisal
    seen: set[tuple[int, str]] = set()
    for arc_number, hard, wet in zip(route.arcs, route.barriers, route.wet, strict=True):
        arc, feature = int(arc_number), int(router.graph.feature[arc_number])
        if feature < 0:
            if hard and np.isfinite(router.graph.closes[arc]):
                rows.append(_point_barrier(number, "goal", float(router.graph.closes[arc]), router, route))
            continue
        for barrier in barriers_in(int(hard | appraisal.blocked[arc] | appraisal.exceeded[arc])):
            if (feature, barrier) in seen:
                continue
            seen.add((feature, barrier))
            is_hard = barrier in barriers_in(int(hard | appraisal.blocked[arc]))
            size = barrier_range(appraisal, barrier, arc, wet=float(wet))
            limit = barrier_limit(router.profile, barrier, is_hard=is_hard)
            text = {language: barrier_text(barrier, size, limit, language) for language in LANGUAGES}
            rows.append(_barrier_row(number, arc, course, barrier, range_value(*size), limit, text, is_hard=is_hard))
        unknown = barriers_in(int(appraisal.unknown[arc]))
        if unknown and (feature, "unknown") not in seen:
            seen.add((feature, "unknown"))
            text = {
                language: say("barriers", "unknown", language, what=_names(unknown, language)) for language in LANGUAGES
            }
            rows.append(_barrier_row(number, arc, course, "unknown", np.nan, np.nan, text, is_hard=False))
    if route.gap > 0:
        rows.append(_point_barrier(number, "gap", route.gap, router, route))


def _point_barrier(number: int, kind: str, value: float, router: Router, route: Route) -> dict[str, Any]:
    """What is in the way at the end of a route and on no link: a gap to the goal, or a goal that has closed."""
    text = {language: barrier_text(kind, (value, value), np.nan, language) for language in LANGUAGES}
    return {
        "route": number,
        "feature": -1,
        "link": "",
        "kind": kind,
        "value": value,
        "limit": np.nan,
        "is_hard": True,
        "text_ja": text["ja"],
        "text_en": text["en"],
        "geometry": _point(tuple(np.nan_to_num(router.graph.node_xyz[_end_node(route, router, 0)]))),
    }


def _barrier_row(
    number: int,
    arc: int,
    course: Course,
    barrier: str,
    value: float,
    limit: float,
    text: dict[str, str],
    *,
    is_hard: bool,
) -> dict[str, Any]:
    return {
        "route": number,
        "feature": int(course.graph.feature[arc]),
        "link": course.link_id(arc),
        "kind": barrier,
        "value": value,
        "limit": limit,
        "is_hard": is_hard,
        "text_ja": text["ja"],
        "text_en": text["en"],
        "geometry": course.middle(arc),
    }


def _names(barriers: tuple[str, ...], language: str) -> str:
    return join([say("criteria", barrier, language) for barrier in barriers], language)


def _binding(answer: Answer, router: Router, course: Course, language: str) -> str:
    """What stands between the traveller and a way, or a better one."""
    best = answer.routes[0]
    if answer.reliefs and best.gap == 0.0:
        relief = answer.reliefs[0]
        is_hard = relief.barrier in barriers_in(int(router.appraisal.blocked[relief.arc]))
        size = barrier_range(router.appraisal, relief.barrier, relief.arc, wet=relief.wet)
        limit = barrier_limit(router.profile, relief.barrier, is_hard=is_hard)
        what = barrier_text(relief.barrier, size, limit, language)
        name = course.name(relief.arc)
        where = say("places", "named" if name else "link", language, name=name or course.link_id(relief.arc))
        if not best.is_feasible:
            return say("binding", "opens", language, where=where, what=what)
        return say("binding", "saves", language, where=where, what=what, minutes=max(1, round(relief.saved / 60)))
    if best.gap > 0:
        return barrier_text("gap", (best.gap, best.gap), np.nan, language)
    if not best.is_feasible:
        mask = int(np.bitwise_or.reduce(best.barriers, initial=np.uint32(0)))
        return say("binding", "several", language, what=_names(barriers_in(mask), language))
    everywhere = reduce(
        set.intersection,
        (
            {name for arc in route.arcs for name in barriers_in(int(router.appraisal.exceeded[arc]))}
            for route in answer.routes
        ),
    )
    ordered = tuple(name for name in BARRIERS if name in everywhere)
    return say("binding", "everywhere", language, what=_names(ordered, language)) if ordered else ""


def _write_repairs(tables: dict[str, list[dict[str, Any]]], model: AccessModel) -> None:
    repairs = model.repairs
    if repairs is None or model.section.repairs is None:
        return
    router = model.routers[model.section.repairs.profile]
    links = model.layer.links
    arc_of = {int(feature): arc for arc, feature in enumerate(model.graph.feature) if router.appraisal.blocked[arc]}
    for rank, (feature, gained, mask) in enumerate(
        zip(repairs.feature.tolist(), repairs.gained.tolist(), repairs.barriers.tolist(), strict=True)
    ):
        kinds = barriers_in(mask)
        text = {}
        for language in LANGUAGES:
            parts = []
            for kind in kinds:
                size = barrier_range(router.appraisal, kind, arc_of[feature])
                limit = barrier_limit(router.profile, kind, is_hard=True)
                parts.append(barrier_text(kind, size, limit, language))
            text[language] = join(parts, language)
        tables["repairs"].append(
            {
                "rank": rank,
                "feature": feature,
                "link": str(links["id"].iloc[feature]),
                "kind": "+".join(kinds),
                "gained": gained,
                "share": gained / max(repairs.n_pairs, 1),
                "text_ja": text["ja"],
                "text_en": text["en"],
                "geometry": links.geometry.iloc[feature],
            }
        )


def _figures(model: AccessModel, tables: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    asked = [answer for answer in model.answers if not answer.is_last_safe]
    feasible = [answer for answer in asked if answer.routes[0].is_feasible]
    times = [answer.routes[0].values[0] for answer in feasible]
    unsurveyed = {name for router in model.routers.values() for name in router.appraisal.unsurveyed}
    depth = model.conditions.depth
    figures = {
        "journeys_count": float(len(asked)),
        "feasible_count": float(len(feasible)),
        "not_feasible_count": float(len(asked) - len(feasible)),
        "disconnected_count": float(sum(answer.routes[0].gap > 0 for answer in asked)),
        "last_safe_departures_count": float(len(model.answers) - len(asked)),
        "routes_count": float(len(tables["routes"])),
        "barriers_count": float(sum(row["kind"] != "unknown" for row in tables["barriers"])),
        "reached_links_count": float(len(tables["reach"])),
        "largest_offset_m": float(max(model.offsets, default=0.0)),
        "incomplete_searches_count": float(sum(router.truncated for router in model.routers.values())),
        "unsurveyed_criteria_count": float(len(unsurveyed)),
        "wet_links_count": float((depth > 0).any(axis=0).sum()),
        "crowded_links_count": float((model.conditions.density >= CROWDED).any(axis=0).sum()),
        "links_with_hours_count": float(len(model.conditions.hours)),
        "night_1": float(model.is_night),
    }
    if times:
        figures["mean_travel_s"] = float(np.mean(times))
    if model.repairs is not None:
        figures["repair_journeys_count"] = float(model.repairs.n_pairs)
        figures["repair_journeys_open_count"] = float(model.repairs.n_open)
        figures["repair_journeys_best_gain_count"] = float(model.repairs.gained.max(initial=0))
    return figures
