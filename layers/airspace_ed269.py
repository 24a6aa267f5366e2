"""ED-269 zone files: both wrappers, read into the model of zones and written from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from layers.airspace_document import (
    FEET,
    Authority,
    Circle,
    GeoZone,
    Polygon,
    Text,
    Volume,
    ZoneDocument,
    in_language,
    limit,
    plain_number,
    polygon,
    position,
    reference,
    region,
    restriction,
    unit,
)
from layers.airspace_schedule import ALWAYS, DailyPeriod, Period, dates, dates_form, days_of_week, time_of_day
from layers.airspace_value import Where, listed, mapping, number, text, texts

if TYPE_CHECKING:
    from layers.airspace_schedule import Schedule

__all__ = ["LANGUAGE", "from_ed269", "to_ed269"]

LANGUAGE = "en-GB"
"""Language of an ED-269 file's texts, which the format does not say."""

_WRAPPERS = ("UASZoneList", "features")
_ZONE_KEYS = frozenset({
    "identifier", "country", "name", "type", "restriction", "restrictionConditions", "region", "reason",
    "otherReasonInfo", "regulationExemption", "uSpaceClass", "message", "applicability", "zoneAuthority", "geometry",
    "dataSource", "extendedProperties",
})  # fmt: skip
_FILE_KEYS = frozenset({"title", "description", "formatVersion", "createdAt", "metadata", *_WRAPPERS})


def from_ed269(form: Any, where: str, language: str = LANGUAGE) -> ZoneDocument:
    """Zones of a parsed ED-269 file.

    Parameters
    ----------
    form : object
        What the JSON holds: ``{title, description, features}`` or ``{formatVersion, createdAt, UASZoneList}``.
    where : str
        Begins error messages and names the file.
    language : str
        Language of its texts.

    Raises
    ------
    LayerError
        Naming zone and field.
    """
    at = Where(where)
    document = mapping(form, at)
    wrapper = next((key for key in _WRAPPERS if isinstance(document.get(key), list)), None)
    if wrapper is None:
        raise at.error("holds no list of zones", "ED-269 has them in `features` or `UASZoneList`.")
    zones = [mapping(z, at.of(f"{wrapper}[{k}]")) for k, z in enumerate(document[wrapper])]
    if any("properties" in zone for zone in zones):
        raise at.error("holds GeoJSON features", "Read it with the reader `ed318`.")
    given = [zone.get("applicability") for zone in zones]
    periods = [p for item in given if isinstance(item, list) for p in item if isinstance(p, dict)]
    return ZoneDocument(
        tuple(_zone(zone, at, f"{wrapper}[{k}]", language) for k, zone in enumerate(zones)),
        title=text(document.get("title"), at.of("title")),
        description=text(document.get("description"), at.of("description")),
        created=text(document.get("createdAt"), at.of("createdAt")),
        version=text(document.get("formatVersion"), at.of("formatVersion")),
        wrapper=wrapper,
        daily_key="dailyPeriod" if any("dailyPeriod" in p for p in periods) else "schedule",
        metadata=mapping(document.get("metadata"), at.of("metadata")),
        extra={k: v for k, v in document.items() if k not in _FILE_KEYS},
    )


def _zone(zone: dict[str, Any], file: Where, place: str, language: str) -> GeoZone:
    identifier = text(zone.get("identifier"), file.of(place).of("identifier"))
    if not identifier:
        raise file.of(place).error("has no identifier", "Give every zone its identifier.")
    at = Where(file.file, identifier)
    geometry = listed(zone.get("geometry"), at.of("geometry"))
    if not geometry:
        raise at.of("geometry").error("is missing", "Give the zone a volume.")
    given = zone.get("restrictionConditions")
    here = at.of("restrictionConditions")

    def said(key: str) -> tuple[Text, ...]:
        found = text(zone.get(key), at.of(key))
        return (Text(found, language),) if found else ()

    return GeoZone(
        identifier=identifier,
        country=text(zone.get("country"), at.of("country")),
        name=said("name"),
        restriction=restriction(zone.get("restriction"), at.of("restriction")),
        volumes=tuple(_volume(mapping(g, at), at.of(f"geometry[{k}]")) for k, g in enumerate(geometry)),
        variant=text(zone.get("type"), at.of("type")) or "COMMON",
        conditions=texts(given, here) if isinstance(given, list) else text(given, here),
        region=region(zone.get("region"), at.of("region")),
        reasons=texts(zone.get("reason"), at.of("reason")),
        other_reason=said("otherReasonInfo"),
        exemption=text(zone.get("regulationExemption"), at.of("regulationExemption")),
        uspace_class=text(zone.get("uSpaceClass"), at.of("uSpaceClass")),
        message=said("message"),
        schedule=_schedule(zone.get("applicability"), at.of("applicability")),
        authorities=tuple(
            _authority(mapping(a, at), at.of(f"zoneAuthority[{k}]"), language)
            for k, a in enumerate(listed(zone.get("zoneAuthority"), at.of("zoneAuthority")))
        ),
        data_source=mapping(zone.get("dataSource"), at.of("dataSource")),
        extended=mapping(zone.get("extendedProperties"), at.of("extendedProperties")),
        extra={k: v for k, v in zone.items() if k not in _ZONE_KEYS},
    )


def _volume(form: dict[str, Any], at: Where) -> Volume:
    lower = number(form.get("lowerLimit"), at.of("lowerLimit"))
    upper = limit(form.get("upperLimit"), at.of("upperLimit"))
    shape = mapping(form.get("horizontalProjection"), at.of("horizontalProjection"))
    here = at.of("horizontalProjection")
    kind = text(shape.get("type"), here.of("type"))
    uom = unit(form.get("uomDimensions"), at.of("uomDimensions"), needed=kind == "Circle" or bool(lower) or bool(upper))
    outline: Circle | Polygon
    if kind == "Circle":
        radius = number(shape.get("radius"), here.of("radius"))
        if radius is None or radius <= 0:
            raise here.of("radius").error(f"is {shape.get('radius')!r}", "Give a positive radius.")
        outline = Circle(*position(shape.get("center"), here.of("center")), radius * (FEET if uom == "ft" else 1))
    elif kind == "Polygon":
        outline = polygon(shape.get("coordinates"), here.of("coordinates"))
    else:
        raise here.of("type").error(f"{kind!r} is no shape of ED-269", "Give Circle or Polygon.")
    low_ref = reference(form.get("lowerVerticalReference"), at.of("lowerVerticalReference"), lower)
    high_ref = reference(form.get("upperVerticalReference"), at.of("upperVerticalReference"), upper)
    volume = Volume(outline, lower or 0.0, math.inf if upper is None else upper, low_ref, high_ref, uom)
    if low_ref == high_ref and volume.lower >= volume.upper:
        raise at.of("upperLimit").error(
            f"{volume.upper:g} is not above lowerLimit {volume.lower:g}", "Mend the limits."
        )
    return volume


def _schedule(value: Any, at: Where) -> Schedule:
    periods = []
    for k, item in enumerate(listed(value, at)):
        here = at.of(f"[{k}]")
        form = mapping(item, here)
        start, end = dates(form, here)
        daily = _daily(form.get("schedule", form.get("dailyPeriod")), here)
        permanent = text(form.get("permanent"), here.of("permanent")).upper()
        if permanent == "YES" and (start or end):
            raise here.of("permanent").error("is YES, and dates are given", "Say NO, or leave the dates out.")
        if permanent == "NO" and not (start or end or daily):
            raise here.of("permanent").error("is NO, and neither dates nor hours are given", "Say YES, or give them.")
        periods.append(Period(start, end, daily))
    return ALWAYS if periods == [Period()] else tuple(periods)


def _daily(value: Any, at: Where) -> tuple[DailyPeriod, ...]:
    found = []
    for k, item in enumerate(listed(value, at)):
        here = at.of(f"daily[{k}]")
        form = mapping(item, here)
        hours = DailyPeriod(
            days_of_week(form.get("day"), here.of("day")),
            time_of_day(form.get("startTime"), here.of("startTime")),
            time_of_day(form.get("endTime"), here.of("endTime")),
        )
        # no days and no times: the file only fills a slot
        if hours != DailyPeriod() or "ANY" in texts(form.get("day"), here):
            found.append(hours)
    return () if found == [DailyPeriod()] else tuple(found)


def _authority(form: dict[str, Any], at: Where, language: str) -> Authority:
    def said(key: str) -> tuple[Text, ...]:
        found = text(form.get(key), at.of(key))
        return (Text(found, language),) if found else ()

    return Authority(
        said("name"),
        said("service"),
        said("contactName"),
        *(text(form.get(key), at.of(key)) for key in ("email", "siteURL", "phone", "purpose", "intervalBefore")),
    )


def to_ed269(document: ZoneDocument, where: str = "ED-269", language: str = "en") -> dict[str, Any]:
    """The file's JSON, keys without a value left out.

    Parameters
    ----------
    document : ZoneDocument
    where : str
        Begins error messages.
    language : str
        Of the texts, where there are several: the format holds one.

    Raises
    ------
    LayerError
        If a zone says what ED-269 cannot: U-space, heights above the ellipsoid, hours by the sun.
    """
    zones = [_zone_form(zone, document, Where(where, zone.identifier), language) for zone in document.zones]
    head = {
        "formatVersion": document.version,
        "createdAt": document.created,
        "title": document.title,
        "description": document.description,
        "metadata": document.metadata,
    }
    return {**{k: v for k, v in head.items() if v}, **document.extra, document.wrapper: zones}


def _zone_form(zone: GeoZone, document: ZoneDocument, at: Where, language: str) -> dict[str, Any]:
    if zone.restriction == "USPACE":
        raise at.of("restriction").error("ED-269 has no USPACE", "Write the file as ED-318.")
    form: dict[str, Any] = {
        "identifier": zone.identifier,
        "country": zone.country,
        "name": in_language(zone.name, language),
        "type": zone.variant,
        "restriction": zone.restriction,
        "restrictionConditions": list(zone.conditions) if isinstance(zone.conditions, tuple) else zone.conditions,
        "region": zone.region,
        "reason": list(zone.reasons),
        "otherReasonInfo": in_language(zone.other_reason, language),
        "regulationExemption": zone.exemption,
        "uSpaceClass": zone.uspace_class,
        "message": in_language(zone.message, language),
        "applicability": _periods_form(zone.schedule, document.daily_key, at.of("applicability")),
        "zoneAuthority": [_authority_form(a, language) for a in zone.authorities],
        "geometry": [_volume_form(v, at.of(f"geometry[{k}]")) for k, v in enumerate(zone.volumes)],
        "dataSource": zone.data_source,
        "extendedProperties": zone.extended,
    }
    return {**{k: v for k, v in form.items() if v not in (None, "", [], {})}, **zone.extra}


def _periods_form(schedule: Schedule, daily_key: str, at: Where) -> list[dict[str, Any]]:
    out = []
    for period in schedule or (Period(),):
        stated = dates_form(period)
        form: dict[str, Any] = {"permanent": "NO" if stated else "YES", **stated}
        if period.daily:
            form[daily_key] = [_daily_form(d, at) for d in period.daily]
        out.append(form)
    return out


def _daily_form(daily: DailyPeriod, at: Where) -> dict[str, Any]:
    form: dict[str, Any] = {"day": list(daily.days) or ["ANY"]}
    for key, moment in (("startTime", daily.start), ("endTime", daily.end)):
        if moment is not None and moment.event:
            raise at.of(key).error(f"ED-269 has no hours by the sun ({moment.event})", "Write the file as ED-318.")
        if moment is not None:
            form[key] = moment.text()
    return form


def _authority_form(authority: Authority, language: str) -> dict[str, Any]:
    form = {
        "name": in_language(authority.name, language),
        "service": in_language(authority.service, language),
        "contactName": in_language(authority.contact, language),
        "email": authority.email,
        "siteURL": authority.site,
        "phone": authority.phone,
        "purpose": authority.purpose,
        "intervalBefore": authority.interval,
    }
    return {k: v for k, v in form.items() if v}


def _volume_form(volume: Volume, at: Where) -> dict[str, Any]:
    if "WGS84" in (volume.lower_reference, volume.upper_reference):
        raise at.error("ED-269 has no heights above the ellipsoid (WGS84)", "Write the file as ED-318.")
    shape: dict[str, Any]
    if isinstance(volume.shape, Circle):
        radius = plain_number(volume.shape.radius / (FEET if volume.unit == "ft" else 1.0))
        shape = {"type": "Circle", "center": [volume.shape.lon, volume.shape.lat], "radius": radius}
    else:
        shape = {"type": "Polygon", "coordinates": [[list(p) for p in ring] for ring in volume.shape.rings]}
    return {
        "uomDimensions": volume.unit.upper(),
        "lowerLimit": plain_number(volume.lower),
        "lowerVerticalReference": volume.lower_reference,
        "upperLimit": None if math.isinf(volume.upper) else plain_number(volume.upper),
        "upperVerticalReference": volume.upper_reference,
        "horizontalProjection": shape,
    }
