"""What a routing run shows: routes by traveller, what stands in their way, how far one gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from layers.pack import point_arrays
from viewer.api.paths import FOREVER, path_arrays, window_arrays
from viewer.api.words import name_of, request_name, series_color

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from layers.pack import Ground
    from viewer.api.group import Member

__all__ = ["barrier_pack", "reach_classes", "reach_pack", "reaches", "route_classes", "route_pack"]

Pack = tuple[dict[str, Any], dict[str, "NDArray[Any]"]]
BANDS = (1, 2, 5, 10, 15, 20, 30, 60)
"""Widths of bands of travel time [min]; the first that needs at most as many bands as there are colours."""
APART = 40.0
"""Distance of two marks of the same kind of barrier on a route [m]: on a flooded street every link is one."""
ALTERNATIVE = 0.55
"""Width of the lines of slower routes, of the fastest one's."""


def route_classes(member: Member, style: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A class a traveller, and one more, dashed, for routes beyond that traveller's limits."""
    table = member.run.table("routes")
    found = []
    for number, profile in enumerate(_profiles(table)):
        name, color = name_of("profile", profile), series_color(number)
        feasible = table.loc[table["profile"] == profile, "is_feasible"].astype(bool)
        over = {lang: style["over"][lang].format(name=text) for lang, text in name.items()}
        found.append({"name": name, "color": color, "hidden": not feasible.any()})
        found.append({"name": over, "color": color, "dash": True, "hidden": bool(feasible.all())})
    return found


def route_pack(member: Member, origin: tuple[float, float], ground: Ground | None) -> Pack:
    """Routes: lines, ``vclass`` u1 (n,) by traveller and feasibility, ``weight`` f4 (n,) share of the full width.

    A route is shown from its departure to the next departure of the same request, the first one from the start on.
    """
    table = gpd.read_parquet(member.run.folder / "routes.parquet")
    profiles = {profile: number for number, profile in enumerate(_profiles(table))}
    kind = 2 * table["profile"].astype(str).map(profiles) + ~table["is_feasible"].astype(bool)
    since, until = _shown(member, table)
    return {}, {
        **path_arrays(table.geometry.to_numpy(), origin, ground),
        **window_arrays(since, until),
        "vclass": kind.to_numpy(dtype=np.uint8),
        "weight": np.where(table["rank"].to_numpy() == 0, 1.0, ALTERNATIVE).astype(np.float32),
    }


def barrier_pack(member: Member, origin: tuple[float, float], ground: Ground | None) -> Pack:
    """Barriers of the fastest routes, of one kind the worst within :data:`APART`; each is shown with its route.

    ``vclass`` is 0 for a hard limit, 1 for a soft one, 2 for what is not surveyed; ``rows`` of the meta are those of
    the table.
    """
    table = gpd.read_parquet(member.run.folder / "barriers.parquet")
    routes = member.run.table("routes")
    since, until = _shown(member, routes)
    fastest = {route: number for number, route in enumerate(routes["route"]) if routes["rank"].iloc[number] == 0}
    mine = table["route"].isin(list(fastest)).to_numpy()
    rows, table = np.flatnonzero(mine), table[mine]
    owner = np.array([fastest[route] for route in table["route"]], dtype=np.int64)
    keep = _worst_around(table)
    rows, table, owner = rows[keep], table[keep], owner[keep]
    is_soft = ~table["is_hard"].astype(bool).to_numpy() if "is_hard" in table else np.zeros(len(table), dtype=bool)
    kinds = np.where((table["kind"] == "unknown").to_numpy(), 2, is_soft).astype(np.uint8)
    points = table.geometry.representative_point()
    xy = np.column_stack([points.x, points.y])
    texts = zip(table["text_ja"].astype(str), table["text_en"].astype(str), strict=True)
    return {"labels": [{"ja": ja, "en": en} for ja, en in texts], "rows": rows.tolist()}, {
        **point_arrays(xy, np.full(len(xy), np.nan), kinds, origin, ground),
        **window_arrays(since[owner], until[owner]),
    }


def reaches(member: Member) -> list[tuple[str, str]]:
    """(request, profile) of every reach map, in order."""
    table = member.run.table("reach")
    return [(str(r), str(p)) for r, p in sorted(set(zip(table["request"], table["profile"], strict=True)))]


def reach_classes(member: Member, number: int, style: Mapping[str, Any]) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Name of a reach map and its bands of travel time."""
    request, profile = reaches(member)[number]
    name = request_name(request, profile)
    width, count = _bands(_reach_times(member, number), len(style["colors"]))
    classes = [
        {
            "name": {lang: text.format(upper=width * (k + 1)) for lang, text in style["band"].items()},
            "color": style["colors"][k],
        }
        for k in range(count)
    ]
    return {lang: style["name"][lang].format(name=name[lang]) for lang in name}, classes


def reach_pack(
    member: Member, number: int, style: Mapping[str, Any], origin: tuple[float, float], ground: Ground | None
) -> Pack:
    """Links that are reached: lines, ``vclass`` u1 (n,) the band of travel time."""
    table = gpd.read_parquet(member.run.folder / "reach.parquet")
    request, profile = reaches(member)[number]
    mine = (table["request"].astype(str) == request) & (table["profile"].astype(str) == profile)
    seconds = table.loc[mine, "time_s"].to_numpy(dtype=np.float64)
    width, count = _bands(seconds, len(style["colors"]))
    band = np.clip(seconds // (60 * width), 0, count - 1)
    arrays = path_arrays(table.geometry.to_numpy()[mine.to_numpy()], origin, ground)
    return {"rows": np.flatnonzero(mine).tolist()}, {**arrays, "vclass": band.astype(np.uint8)}


def _worst_around(table: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """The barriers that are marked: from the worst on, none near another of its route and kind."""
    points = table.geometry.representative_point()
    xy = np.column_stack([points.x, points.y])
    keep = np.zeros(len(table), dtype=bool)
    groups = table.groupby(["route", "kind"]).ngroup().to_numpy()
    for row in np.argsort(-np.nan_to_num(table["value"].to_numpy(dtype=np.float64), nan=0.0), kind="stable"):
        taken = keep & (groups == groups[row])
        keep[row] = not (np.hypot(*(xy[taken] - xy[row]).T) < APART).any()
    return keep


def _reach_times(member: Member, number: int) -> NDArray[np.float64]:
    table = member.run.table("reach")
    request, profile = reaches(member)[number]
    mine = (table["request"].astype(str) == request) & (table["profile"].astype(str) == profile)
    return table.loc[mine, "time_s"].to_numpy(dtype=np.float64)


def _bands(seconds: NDArray[np.float64], most: int) -> tuple[int, int]:
    """(width [min], number) of the bands; the last band takes what lies beyond."""
    longest = float(seconds.max(initial=0.0)) / 60
    width = next((width for width in BANDS if width * most >= longest), BANDS[-1])
    return width, max(1, min(most, int(np.ceil(longest / width))))


def _profiles(table: pd.DataFrame) -> list[str]:
    return sorted(set(table["profile"].astype(str)))


def _shown(member: Member, routes: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From when until when each route is shown."""
    tried = routes if not member.has_table("departures") else member.run.table("departures")
    since, until = np.empty(len(routes)), np.empty(len(routes))
    for number, (request, profile, departure) in enumerate(
        zip(routes["request"], routes["profile"], routes["departure_s"], strict=True)
    ):
        same = (tried["request"] == request) & (tried["profile"] == profile)
        times = np.unique(tried.loc[same, "departure_s"].to_numpy(dtype=np.float64))
        later = times[times > departure]
        since[number] = departure if (times < departure).any() else -FOREVER
        until[number] = later[0] if len(later) else FOREVER
    return since, until
