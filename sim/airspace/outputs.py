"""What a finished airspace run leaves: tables of flights, volumes, zones, sites, conflicts and escapes, and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from sim.airspace.intent import find_volume_conflicts, intent_of
from sim.airspace.reason import explain
from sim.airspace.scenario import Survey
from sim.airspace.sweep import closed_area, footprint
from sim.airspace.trajectory import PHASES
from sim.airspace.zone import Restriction
from sim.stage import Products

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from sim.airspace.conflict import Conflicts
    from sim.airspace.intent import Volume
    from sim.airspace.model import AirspaceModel
    from sim.airspace.program import Flight

__all__ = ["summarise"]


def summarise(model: AirspaceModel) -> Products:
    """Tables and summary of a run; times are seconds since the scenario's start, heights T.P."""
    import pandas as pd

    separation = model.section.separation.rule()
    pads = model.section.planning.pad_time
    intents = [
        () if flight.flown is None else intent_of(flight.flown.trajectory.on_pads(pads, pads), separation)
        for flight in model.programme.flights
    ]
    flights = _flights(model)
    points = _points(model)
    contingency = _contingency(model)
    conflicts = pd.concat([_trajectory_conflicts(model), _volume_conflicts(model, intents)], ignore_index=True)
    conflicts["is_resolved"] = conflicts["is_resolved"].astype(bool)
    return Products(
        tables={
            "flights": flights,
            "flight_points": points,
            "volumes": _volumes(model, intents),
            "zones": model.airways.air.zones_table(),
            "sites": _sites(model),
            "conflicts": conflicts,
            "contingency": contingency,
        },
        summary={**_figures(model, flights, conflicts, contingency), **_survey_figures(model)},
    )


def _frame(model: AirspaceModel, rows: list[dict[str, Any]], columns: tuple[str, ...], shapes: list[Any]) -> (
    gpd.GeoDataFrame
):  # fmt: skip
    import geopandas as gpd
    import pandas as pd

    table = pd.DataFrame(rows, columns=list(columns))
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=model.grid.frame.wkt()))


def _flights(model: AirspaceModel) -> gpd.GeoDataFrame:
    columns = (
        "flight", "mission", "kind", "aircraft", "priority", "state", "start_s", "end_s", "held_s", "way", "length_m",
        "energy_wh", "reserve", "payload_kg", "from_site", "to_site", "target", "restriction", "escapes_everywhere",
        "reason_ja", "reason_en",
    )  # fmt: skip
    rows, shapes = [], []
    for number, flight in enumerate(model.programme.flights):
        errand, flown = flight.errand, flight.flown
        used = float(flown.energy.sum()) if flown else np.nan
        escape = model.escapes[number]
        reason_ja, reason_en = explain(flight, model.sites, model.airways)
        rows.append(
            {
                "flight": number,
                "mission": errand.mission,
                "kind": errand.kind,
                "aircraft": errand.aircraft.id,
                "priority": errand.priority,
                "state": "planned" if flown else "not_planned",
                "start_s": flown.trajectory.start if flown else np.nan,
                "end_s": flown.trajectory.end if flown else np.nan,
                "held_s": flight.held,
                "way": flight.way,
                "length_m": flown.trajectory.length if flown else np.nan,
                "energy_wh": used,
                "reserve": 1.0 - used / errand.aircraft.battery if flown else np.nan,
                "payload_kg": errand.payload,
                "from_site": errand.base,
                "to_site": errand.base,
                "target": model.plan.targets[errand.target].name if errand.target >= 0 else "",
                "restriction": model.airways.worst_restriction(flown.trajectory).name if flown else "",
                "escapes_everywhere": bool((escape.site >= 0).all()) if escape is not None else False,
                "reason_ja": reason_ja,
                "reason_en": reason_en,
            }
        )
        shapes.append(shapely.LineString(flown.trajectory.points[:, :3]) if flown else shapely.LineString())
    return _frame(model, rows, columns, shapes)


def _points(model: AirspaceModel) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for number, flight in enumerate(model.programme.flights):
        if flight.flown is None:
            continue
        x, y, z, t = flight.flown.trajectory.points.T
        phase = flight.flown.trajectory.phase
        names = np.array(PHASES)[np.r_[phase, phase[-1:]]]
        looks = np.r_[flight.flown.looks, False]
        parts.append(
            pd.DataFrame({"flight": number, "time_s": t, "x": x, "y": y, "z": z, "phase": names, "camera": looks})
        )
    columns = ["flight", "time_s", "x", "y", "z", "phase", "camera"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _volumes(model: AirspaceModel, intents: list[tuple[Volume, ...]]) -> gpd.GeoDataFrame:
    rows, shapes = [], []
    for flight, volumes in enumerate(intents):
        for number, volume in enumerate(volumes):
            rows.append(
                {
                    "flight": flight,
                    "number": number,
                    "lower_m": volume.lower,
                    "upper_m": volume.upper,
                    "start_s": volume.start,
                    "end_s": volume.end,
                }
            )
            shapes.append(volume.outline)
    return _frame(model, rows, ("flight", "number", "lower_m", "upper_m", "start_s", "end_s"), shapes)


def _sites(model: AirspaceModel) -> gpd.GeoDataFrame:
    rows = [
        {
            "site": number,
            "id": site.id,
            "name": site.name,
            "kind": site.kind,
            "height_m": site.z,
            "is_dry": site.is_dry(model.section.duration),
            "wet_from_s": site.wet_from,
        }
        for number, site in enumerate(model.sites)
    ]
    columns = ("site", "id", "name", "kind", "height_m", "is_dry", "wet_from_s")
    return _frame(model, rows, columns, [shapely.Point(site.x, site.y) for site in model.sites])


CONFLICT = ("flight_a", "flight_b", "kind", "time_s", "horizontal_m", "vertical_m", "x", "y", "z", "is_resolved")


def _conflict_rows(flights: tuple[Flight, ...], conflicts: Conflicts, *, is_resolved: bool) -> list[dict[str, Any]]:
    rows = []
    for row, (a, b) in enumerate(conflicts.pair):
        first = flights[a].wanted if is_resolved else flights[a].flown
        assert first is not None
        x, y, z = first.trajectory.at(conflicts.time[row])[0]
        values = (
            int(a), int(b), "trajectory", conflicts.time[row], conflicts.horizontal[row], conflicts.vertical[row], x, y,
            z, is_resolved,
        )  # fmt: skip
        rows.append(dict(zip(CONFLICT, values, strict=True)))
    return rows


def _trajectory_conflicts(model: AirspaceModel) -> pd.DataFrame:
    """Conflicts of the wanted flights, which planning resolved, and those that are left."""
    import pandas as pd

    flights = model.programme.flights
    rows = _conflict_rows(flights, model.programme.before, is_resolved=True)
    rows += _conflict_rows(flights, model.programme.after, is_resolved=False)
    return pd.DataFrame(rows, columns=list(CONFLICT))


def _volume_conflicts(model: AirspaceModel, intents: list[tuple[Volume, ...]]) -> pd.DataFrame:
    """Planned flights whose intents overlap although the flights keep apart: volumes claim more air than is flown."""
    import pandas as pd

    planned = [flight.flown for flight in model.programme.flights]
    rows = []
    for a, b in find_volume_conflicts(intents):
        one, other = planned[a], planned[b]
        assert one is not None
        assert other is not None
        p, q = one.trajectory, other.trajectory
        times = np.linspace(max(p.start, q.start), max(min(p.end, q.end), p.start, q.start), 1000)
        here, there = p.at(times), q.at(times)
        nearest = int(np.argmin(((here - there) ** 2).sum(axis=1)))
        apart = np.abs(here - there)[nearest]
        values = (
            int(a), int(b), "volume", times[nearest], float(np.hypot(apart[0], apart[1])), float(apart[2]),
            *here[nearest], False,
        )  # fmt: skip
        rows.append(dict(zip(CONFLICT, values, strict=True)))
    return pd.DataFrame(rows, columns=list(CONFLICT))


def _contingency(model: AirspaceModel) -> pd.DataFrame:
    import pandas as pd

    parts = [
        pd.DataFrame({"flight": number, "time_s": e.time, "site": e.site, "energy_wh": e.energy})
        for number, e in enumerate(model.escapes)
        if e is not None
    ]
    columns = ["flight", "time_s", "site", "energy_wh"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _figures(
    model: AirspaceModel, flights: gpd.GeoDataFrame, conflicts: pd.DataFrame, contingency: pd.DataFrame
) -> dict[str, float]:
    planned = flights["state"] == "planned"
    deliveries = planned & (flights["kind"] == "delivery")
    need = flights["restriction"].isin([r.name for r in Restriction if r >= Restriction.REQ_AUTHORISATION])
    figures = {
        "flights_count": float(len(flights)),
        "planned_count": float(planned.sum()),
        "not_planned_count": float((~planned).sum()),
        "conflicts_before_count": float(len(model.programme.before)),
        "conflicts_after_count": float(len(model.programme.after)),
        "volume_conflicts_count": float((conflicts["kind"] == "volume").sum()),
        "delivered_count": float(deliveries.sum()),
        "delivered_kg": float(flights["payload_kg"][deliveries].sum()),
        "flown_km": float(flights["length_m"][planned].sum() / 1e3),
        "energy_kwh": float(flights["energy_wh"][planned].sum() / 1e3),
        "needs_authorisation_count": float((planned & need).sum()),
        "points_without_escape_count": float((contingency["site"] < 0).sum()),
        "sites_count": float(len(model.sites)),
        "dry_sites_count": float(sum(site.is_dry(model.section.duration) for site in model.sites)),
    }
    if planned.any():  # of no flight there is no mean and no least
        figures["mean_held_s"] = float(flights["held_s"][planned].mean())
        figures["least_reserve_1"] = float(flights["reserve"][planned].min())
    return figures


def _survey_figures(model: AirspaceModel) -> dict[str, float]:
    """Area that was to be surveyed and what the cameras saw of it."""
    ground = model.airways.air.ground
    grid = model.airways.air.voxels.grid
    wanted = seen = shut = 0.0
    surveys = {mission.name: mission for mission in model.section.missions if isinstance(mission, Survey)}
    for mission, area in model.plan.areas.items():
        prints = []
        for flight in model.programme.flights:
            if flight.errand.mission == mission and flight.flown is not None:
                points = flight.flown.trajectory.points
                row, col = grid.row_col(points[:, 0], points[:, 1])
                below = ground[np.clip(row, 0, grid.shape[0] - 1), np.clip(col, 0, grid.shape[1] - 1)]
                prints.append(footprint(flight.flown, flight.errand.aircraft.view, below.astype(np.float64)))
        wanted += area.area
        survey = surveys[mission]
        shut += closed_area(area, model.airways, survey.altitude, survey.start, model.section.duration)
        seen += shapely.intersection(shapely.union_all(prints), area).area if prints else 0.0
    if not model.plan.areas:
        return {}
    return {
        "survey_area_ha": wanted / 1e4,
        "survey_area_below_closed_air_ha": shut / 1e4,
        "surveyed_area_ha": seen / 1e4,
        **({"surveyed_share": seen / wanted} if wanted else {}),  # there is no share of nothing
    }
