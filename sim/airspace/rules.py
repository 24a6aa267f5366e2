"""The country's rules as data, and the volumes that they and the city's layers make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from layers.airspace_schedule import ALWAYS, DailyPeriod, Moment, Period, schedule_from_json
from sim.airspace.surfaces import runway_surfaces, runways_of
from sim.airspace.zone import AirRule, Reference, Restriction
from twin.errors import LayerError, ScenarioError
from twin.layer import VectorLayer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from shapely import Geometry

    from layers.airspace_schedule import Schedule
    from sim.airspace.compiler import AirspaceOptions
    from twin.city import CityModel

__all__ = ["RuleTable", "collect_rules", "read_rules"]

_PARTS = ("height_limit", "did", "airport", "no_fly", "emergency", "night", "near_object", "obstacle")
_JAPAN = timezone(timedelta(hours=9))
_PURPOSES = {"AUTHORIZATION": "authorisation", "NOTIFICATION": "notification", "INFORMATION": "none"}


@dataclass(frozen=True, slots=True, eq=False)
class RuleTable:
    """A country's rules.

    Parameters
    ----------
    where : str
        File that they come from.
    as_of : str
        Date at which they were looked up.
    parts : mapping of str to mapping
        As in ``rules_jp.yaml``.
    """

    where: str
    as_of: str
    parts: Mapping[str, Any]

    @property
    def near_distance(self) -> float:
        """Distance from objects below which a flight needs an approval [m]."""
        return float(self.parts["near_object"]["distance"])

    @property
    def exempt_distance(self) -> float:
        """Distance from objects within which the height limit does not hold [m]."""
        return float(self.parts["height_limit"].get("except_near_object", 0.0))

    def rule(
        self,
        kind: str,
        footprint: Geometry,
        *,
        identifier: str = "",
        form: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> AirRule:
        """A rule with names, permission, authority and source from the table."""
        given = self.parts[kind] if form is None else form
        authority = given["authority"]
        source = given.get("source", self.parts.get(kind, {}).get("source", ""))
        return AirRule(
            identifier=identifier or kind,
            kind=kind,
            restriction=Restriction[str(given["restriction"])],
            footprint=footprint,
            **{
                "name": {"ja": given["ja"], "en": given["en"]},
                "permission": given["permission"],
                "authority": authority["ja"] if isinstance(authority, dict) else str(authority),
                "source": f"{source} ({self.as_of})",
                **more,
            },
        )


def read_rules(path: Path | None = None) -> RuleTable:
    """Rules from a YAML table; None: Japan's.

    Raises
    ------
    LayerError
        If it cannot be read or lacks a part.
    """
    where = "rules_jp.yaml" if path is None else str(path)
    try:
        text = (files("sim.airspace") / "rules_jp.yaml" if path is None else path).read_text(encoding="utf-8")
        form = yaml.safe_load(text)
    except OSError as error:
        raise LayerError(f"cannot be read ({error.strerror})", where=where, remedy="Check `rules`.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LayerError(f"is not YAML ({error})", where=where, remedy="Start from a copy of rules_jp.yaml.") from error
    missing = [part for part in _PARTS if not isinstance(form, dict) or not isinstance(form.get(part), dict)]
    if missing:
        raise LayerError(f"has no part {missing[0]!r}", where=where, remedy="Start from a copy of rules_jp.yaml.")
    table = RuleTable(where, str(form.get("as_of", "")), form)
    _check(table)
    return table


def _check(table: RuleTable) -> None:
    """Whatever a copy of the table may have broken is found here, not in the middle of a run."""
    forms = {name: table.parts[name] for name in _PARTS if name != "no_fly"}
    forms |= {f"no_fly.{colour}": table.parts["no_fly"].get(colour, {}) for colour in ("red", "yellow")}
    for name, form in forms.items():
        for key in ("ja", "en", "restriction", "permission", "authority"):
            if key not in form:
                raise LayerError(f"has no {key!r}", where=f"{table.where}: {name}", remedy="Add it.")
        if form["restriction"] not in Restriction.__members__:
            raise LayerError(
                f"{form['restriction']!r} is no restriction",
                where=f"{table.where}: {name}.restriction",
                remedy=f"Known: {', '.join(Restriction.__members__)}.",
            )
    for name, value in (
        ("height_limit.lower", table.parts["height_limit"].get("lower")),
        ("near_object.distance", table.parts["near_object"].get("distance")),
    ):
        if not isinstance(value, int | float) or not value >= 0:
            raise LayerError(f"is {value!r}", where=f"{table.where}: {name}", remedy="Give metres.")
    if table.exempt_distance > table.near_distance:
        raise LayerError(
            f"is {table.exempt_distance:g} m, near_object.distance {table.near_distance:g} m",
            where=f"{table.where}: height_limit.except_near_object",
            remedy="Objects are looked for up to near_object.distance: give no more.",
        )
    _radii(table)


def collect_rules(
    city: CityModel, table: RuleTable, options: AirspaceOptions, area: Geometry, start: datetime | None
) -> tuple[list[AirRule], list[str]]:
    """Every rule whose volume may touch the area.

    Parameters
    ----------
    city : CityModel
    table : RuleTable
    options : AirspaceOptions
    area : Geometry
        Rectangle that is compiled [m].
    start : datetime or None

    Returns
    -------
    list of AirRule, list of str
        The rules, and notes on what is not known.

    Raises
    ------
    LayerError
        If a layer or the table says something impossible.
    ScenarioError
        If an emergency area is empty.
    """
    notes: list[str] = []
    limit = table.parts["height_limit"]
    rules = [table.rule("height_limit", area, lower=float(limit["lower"]))]
    for layer in _present(city, options.zones):
        rules += _zone_rules(layer, options.geoid_height)
    for layer in _present(city, (options.did,)):
        rules += [
            table.rule("did", shape, identifier=f"did-{row}")
            for row, shape in enumerate(layer.table.geometry)
            if shape.area > 0
        ]
    for layer in _present(city, (options.aerodromes,)):
        rules += _airport_rules(layer, table)
    for layer in _present(city, (options.no_fly,)):
        rules += _no_fly_rules(layer, table)
    rules += _emergency_rules(options, table)
    if start is None:
        notes.append("the scenario has no start: night is not told from day")
    else:
        night = (Period(daily=(DailyPeriod((), Moment(event="SS"), Moment(event="SR")),)),)
        rules.append(table.rule("night", area, schedule=night))
    return [rule for rule in rules if rule.footprint.intersects(area)], notes


def _present(city: CityModel, layer_ids: tuple[str, ...]) -> Iterator[VectorLayer]:
    for layer_id in layer_ids:
        if layer_id in city:
            yield city.require(layer_id, VectorLayer)


def _zone_rules(layer: VectorLayer, geoid_height: float | None) -> Iterator[AirRule]:
    where = f"layer {layer.id}"
    if "lower_reference" not in layer.table.columns:
        raise LayerError("holds no zones", where=where, remedy="Read it with the reader ed269 or ed318.")
    for row in layer.table.itertuples():
        at = f"{where}: zone {row.identifier}"
        lower, lower_reference = _above(row.lower, row.lower_reference, geoid_height, f"{at}: lower limit")
        upper, upper_reference = _above(row.upper, row.upper_reference, geoid_height, f"{at}: upper limit")
        restriction = Restriction[row.restriction]
        permission = next((_PURPOSES[p] for p in row.purpose.split(",") if p in _PURPOSES), "authorisation")
        if restriction is Restriction.CONDITIONAL:
            permission = "notification" if permission == "notification" else "condition"
        elif restriction is Restriction.NO_RESTRICTION:
            permission = "none"
        elif restriction is Restriction.PROHIBITED and permission != "authorisation":
            permission = "prohibited"
        message = {"ja": row.message_ja or row.conditions, "en": row.message_en or row.conditions}
        yield AirRule(
            identifier=row.identifier,
            kind="geozone",
            restriction=restriction,
            name={"ja": row.name_ja, "en": row.name_en},
            footprint=row.geometry,
            lower=lower,
            upper=upper,
            lower_reference=lower_reference,
            upper_reference=upper_reference,
            permission=permission,
            authority=row.authority,
            source=row.source,
            message={k: v for k, v in message.items() if v},
            schedule=schedule_from_json(row.schedule, at),
            circle=None if np.isnan(row.radius) else (row.center_x, row.center_y, row.radius, 0.0),
        )


def _above(limit: float, reference: str, geoid_height: float | None, where: str) -> tuple[float, Reference]:
    if reference != "WGS84":
        return float(limit), Reference[reference]
    if geoid_height is None:
        raise LayerError(
            f"{limit:g} m is above the ellipsoid (WGS84)",
            where=where,
            remedy="Give geoid_height, the height of T.P. above the ellipsoid here (Osaka: about 37.5 m).",
        )
    return float(limit) - geoid_height, Reference.AMSL


def _airport_rules(layer: VectorLayer, table: RuleTable) -> Iterator[AirRule]:
    where = f"layer {layer.id}"
    form = table.parts["airport"]
    for runway in runways_of(layer.table, where):
        for number, surface in enumerate(runway_surfaces(runway, form["surfaces"], table.where)):
            names = form["surface_names"][surface.kind]
            is_column = runway.is_busy and surface.kind in ("approach", "transitional")
            yield table.rule(
                "airport",
                surface.footprint,
                identifier=f"{runway.aerodrome}-{surface.kind}-{number}",
                name={
                    "ja": f"{runway.aerodrome} {names['ja']}{'の上下' if is_column else 'の上空'}",
                    "en": f"{runway.aerodrome}, {'above and below' if is_column else 'above'} the {names['en']}",
                },
                lower_reference=Reference.AGL if is_column else Reference.AMSL,
                slope=None if is_column else surface.slope,
                circle=surface.circle,
            )


def _radii(table: RuleTable) -> list[tuple[date, float, str]]:
    """(from, metres, source) of the yellow zone, those in force, in order of date."""
    found = []
    for number, entry in enumerate(table.parts["no_fly"]["yellow"].get("radius", [])):
        begin, metres = entry.get("from"), entry.get("metres")
        where = f"{table.where}: no_fly.yellow.radius[{number}]"
        if not isinstance(metres, int | float) or not metres > 0:
            raise LayerError(f"metres is {metres!r}", where=where, remedy="Give a positive radius.")
        if begin is not None and not isinstance(begin, date):
            raise LayerError(f"from is {begin!r}", where=where, remedy="Give a date, e.g. 2016-04-07, or null.")
        if begin is not None:
            found.append((begin, float(metres), str(entry.get("source", ""))))
    return sorted(found)


def _no_fly_rules(layer: VectorLayer, table: RuleTable) -> Iterator[AirRule]:
    form, radii = table.parts["no_fly"], _radii(table)
    missing = [c for c in ("site_id", "name_ja", "valid_from", "valid_to") if c not in layer.table.columns]
    if missing:
        raise LayerError(
            f"has no column {missing[0]!r}", where=f"layer {layer.id}", remedy="Read it with the reader no_fly_sites."
        )
    for row in layer.table.itertuples():
        first = _midnight(date.fromisoformat(row.valid_from)) if row.valid_from else None
        last = _midnight(date.fromisoformat(row.valid_to) + timedelta(days=1)) if row.valid_to else None
        more = {"authority": row.authority} if row.authority else {}

        def named(colour: str, row: Any = row) -> dict[str, str]:
            part = form[colour]
            return {"ja": f"{row.name_ja} {part['ja']}", "en": f"{row.name_en or row.name_ja}: {part['en']}"}

        if row.geometry.area > 0:
            yield table.rule(
                "no_fly_red",
                row.geometry,
                identifier=f"{row.site_id}-red",
                form={"source": form["source"], **form["red"]},
                name=named("red"),
                schedule=_between(first, last),
                **more,
            )
        for number, (begin, metres, source) in enumerate(radii):
            until = _midnight(radii[number + 1][0]) if number + 1 < len(radii) else None
            begins = max(filter(None, (first, _midnight(begin))))
            ends = min(filter(None, (last, until)), default=None)
            if ends is not None and ends <= begins:
                continue
            # the zone is counted from the edge of the grounds; a finer arc than GEOS's usual eight corners a quarter
            around = row.geometry.buffer(metres / np.cos(np.pi / 128), quad_segs=32)
            yield table.rule(
                "no_fly_yellow",
                around.difference(row.geometry) if row.geometry.area > 0 else around,
                identifier=f"{row.site_id}-yellow-{metres:g}",
                form={**form["yellow"], "source": f"{form['source']}: {source}"},
                name=named("yellow"),
                schedule=_between(begins, ends),
                **more,
            )


def _emergency_rules(options: AirspaceOptions, table: RuleTable) -> Iterator[AirRule]:
    for number, area in enumerate(options.emergency):
        if not area.polygon.area > 0 or not area.until_s > area.from_s:
            raise ScenarioError(
                f"emergency area {number} is empty (from {area.from_s} s until {area.until_s} s)",
                where="airspace.emergency",
                remedy="Give a polygon with an area, and an end after its start.",
            )
        yield table.rule(
            "emergency",
            area.polygon,
            identifier=f"emergency-{number}",
            window=(area.from_s, area.until_s),
            **({"name": area.name} if area.name else {}),
        )


def _between(first: datetime | None, last: datetime | None) -> Schedule:
    return (Period(first, last),) if first or last else ALWAYS


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=_JAPAN)
