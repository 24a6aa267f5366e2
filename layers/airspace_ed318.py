"""ED-318 zone files (GeoJSON), read into the model of zones and written from it.

What ED-269 can say and ED-318 cannot travels in ``extendedProperties.ed269`` (a zone) and in the file's ``ed269``, so
that a file goes from one to the other and back without loss.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from layers.airspace_document import (
    UNBOUNDED,
    Authority,
    Circle,
    GeoZone,
    Text,
    Volume,
    ZoneDocument,
    limit,
    plain_number,
    polygon,
    position,
    reference,
    region,
    restriction,
    unit,
)
from layers.airspace_schedule import (
    ALWAYS,
    EVENTS,
    DailyPeriod,
    Moment,
    Period,
    dates,
    dates_form,
    days_of_week,
    time_of_day,
)
from layers.airspace_value import Where, listed, mapping, number, text, texts

if TYPE_CHECKING:
    from layers.airspace_document import Polygon
    from layers.airspace_schedule import Schedule

__all__ = ["from_ed318", "to_ed318"]

_ZONE_KEYS = frozenset({
    "identifier", "country", "name", "type", "variant", "restrictionConditions", "region", "reason", "otherReasonInfo",
    "regulationExemption", "uSpaceClass", "message", "limitedApplicability", "zoneAuthority", "dataSource",
    "extendedProperties",
})  # fmt: skip
_FILE_KEYS = frozenset({"type", "name", "title", "description", "metadata", "features", "ed269"})


def from_ed318(form: Any, where: str) -> ZoneDocument:
    """Zones of a parsed ED-318 file.

    Raises
    ------
    LayerError
        Naming zone and field.
    """
    at = Where(where)
    document = mapping(form, at)
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise at.error("is no GeoJSON FeatureCollection", "ED-318 is one; ED-269 has the reader `ed269`.")
    metadata = mapping(document.get("metadata"), at.of("metadata"))
    own = mapping(document.get("ed269"), at.of("ed269"))
    return ZoneDocument(
        tuple(_zone(mapping(f, at), at, f"features[{k}]") for k, f in enumerate(features)),
        title=text(document.get("name", document.get("title")), at.of("name")),
        description=text(document.get("description"), at.of("description")),
        created=text(metadata.get("issued"), at.of("metadata.issued")),
        version=text(own.get("formatVersion"), at.of("ed269.formatVersion")),
        wrapper=text(own.get("wrapper"), at.of("ed269.wrapper")) or "features",
        daily_key=text(own.get("daily"), at.of("ed269.daily")) or "schedule",
        metadata={k: v for k, v in metadata.items() if k != "issued"},
        extra={k: v for k, v in document.items() if k not in _FILE_KEYS},
    )


def _texts(value: Any, at: Where) -> tuple[Text, ...]:
    """[{text, lang}, ...]; a bare text has no language."""
    out = []
    for k, item in enumerate(listed(value, at)):
        here = at.of(f"[{k}]")
        form = item if isinstance(item, dict) else {"text": item}
        said = Text(text(form.get("text"), here), text(form.get("lang"), here))
        if said.text:
            out.append(said)
    return tuple(out)


def _zone(feature: dict[str, Any], file: Where, place: str) -> GeoZone:
    zone = mapping(feature.get("properties"), file.of(place).of("properties"))
    identifier = text(zone.get("identifier"), file.of(place).of("properties.identifier"))
    if not identifier:
        raise file.of(place).error("has no properties.identifier", "Give every zone its identifier.")
    at = Where(file.file, identifier)
    extended = dict(mapping(zone.get("extendedProperties"), at.of("extendedProperties")))
    own = mapping(extended.pop("ed269", None), at.of("extendedProperties.ed269"))
    here = at.of("restrictionConditions")
    given = own.get("restrictionConditions", zone.get("restrictionConditions"))
    return GeoZone(
        identifier=identifier,
        country=text(zone.get("country"), at.of("country")),
        name=_texts(zone.get("name"), at.of("name")),
        restriction=restriction(zone.get("type"), at.of("type")),
        volumes=_volumes(mapping(feature.get("geometry"), at.of("geometry")), at.of("geometry")),
        variant=text(zone.get("variant"), at.of("variant")) or "COMMON",
        conditions=texts(given, here) if isinstance(given, list) else text(given, here),
        region=region(zone.get("region"), at.of("region")),
        reasons=texts(zone.get("reason"), at.of("reason")),
        other_reason=_texts(zone.get("otherReasonInfo"), at.of("otherReasonInfo")),
        exemption=text(zone.get("regulationExemption"), at.of("regulationExemption")),
        uspace_class=text(own.get("uSpaceClass", zone.get("uSpaceClass")), at.of("uSpaceClass")),
        message=_texts(zone.get("message"), at.of("message")),
        schedule=_schedule(zone.get("limitedApplicability"), at.of("limitedApplicability")),
        authorities=tuple(
            _authority(mapping(a, at), at.of(f"zoneAuthority[{k}]"))
            for k, a in enumerate(listed(zone.get("zoneAuthority"), at.of("zoneAuthority")))
        ),
        data_source=mapping(zone.get("dataSource"), at.of("dataSource")),
        extended=extended,
        extra={**{k: v for k, v in zone.items() if k not in _ZONE_KEYS}, **mapping(own.get("extra"), at)},
    )


def _volumes(geometry: dict[str, Any], at: Where) -> tuple[Volume, ...]:
    kind = text(geometry.get("type"), at.of("type"))
    if kind == "GeometryCollection":
        parts = listed(geometry.get("geometries"), at.of("geometries"))
        if not parts:
            raise at.of("geometries").error("is empty", "Give the zone a volume.")
        return tuple(
            volume for k, part in enumerate(parts) for volume in _volumes(mapping(part, at), at.of(f"geometries[{k}]"))
        )
    here = at.of("coordinates")
    outlines: list[Circle | Polygon]
    if kind == "Polygon":
        outlines = [polygon(geometry.get("coordinates"), here)]
    elif kind == "MultiPolygon":
        outlines = [polygon(p, here.of(f"[{k}]")) for k, p in enumerate(listed(geometry.get("coordinates"), here))]
    elif kind == "Point":
        extent = mapping(geometry.get("extent"), at.of("extent"))
        radius = number(extent.get("radius"), at.of("extent.radius"))
        if text(extent.get("subType"), at.of("extent.subType")) != "Circle" or radius is None or radius <= 0:
            raise at.of("extent").error(
                f"{geometry.get('extent')!r} gives the point no circle", "Give subType Circle and a positive radius."
            )
        outlines = [Circle(*position(geometry.get("coordinates"), here), radius)]
    else:
        raise at.of("type").error(
            f"{kind!r} is no shape of ED-318", "Give Polygon, Point with an extent, or GeometryCollection."
        )
    layer = at.of("layer")
    form = mapping(geometry.get("layer"), layer)
    lower, upper = number(form.get("lower"), layer.of("lower")), limit(form.get("upper"), layer.of("upper"))
    low_ref = reference(form.get("lowerReference"), layer.of("lowerReference"), lower)
    high_ref = reference(form.get("upperReference"), layer.of("upperReference"), upper)
    uom = unit(form.get("uom"), layer.of("uom"), needed=bool(lower) or bool(upper))
    low, high = lower or 0.0, math.inf if upper is None else upper
    if low_ref == high_ref and low >= high:
        raise layer.of("upper").error(f"{high:g} is not above lower {low:g}", "Mend the limits.")
    return tuple(Volume(outline, low, high, low_ref, high_ref, uom) for outline in outlines)


def _schedule(value: Any, at: Where) -> Schedule:
    periods = []
    for k, item in enumerate(listed(value, at)):
        here = at.of(f"[{k}]")
        form = mapping(item, here)
        start, end = dates(form, here)
        daily = [
            _daily(mapping(d, here), here.of(f"schedule[{j}]"))
            for j, d in enumerate(listed(form.get("schedule"), here.of("schedule")))
        ]
        periods.append(Period(start, end, () if daily == [DailyPeriod()] else tuple(daily)))
    return ALWAYS if periods == [Period()] else tuple(periods)


def _daily(form: dict[str, Any], at: Where) -> DailyPeriod:
    start, end = (_moment(form, side, at) for side in ("start", "end"))
    return DailyPeriod(days_of_week(form.get("day"), at.of("day")), start, end)


def _moment(form: dict[str, Any], side: str, at: Where) -> Moment | None:
    event = text(form.get(f"{side}Event"), at.of(f"{side}Event")).upper()
    if event and event not in EVENTS:
        raise at.of(f"{side}Event").error(f"{event!r} is no daylight event", f"Known: {', '.join(EVENTS)}.")
    moment = time_of_day(form.get(f"{side}Time"), at.of(f"{side}Time"))
    if event and moment is not None:
        raise at.of(f"{side}Event").error(f"{event} and a time are given", "Give one of them.")
    return Moment(event=event) if event else moment


def _authority(form: dict[str, Any], at: Where) -> Authority:
    return Authority(
        _texts(form.get("name"), at.of("name")),
        _texts(form.get("service"), at.of("service")),
        _texts(form.get("contactName"), at.of("contactName")),
        *(text(form.get(key), at.of(key)) for key in ("email", "siteURL", "phone", "purpose", "intervalBefore")),
    )


def to_ed318(document: ZoneDocument) -> dict[str, Any]:
    """The file's JSON, keys without a value left out."""
    out: dict[str, Any] = {"type": "FeatureCollection"}
    if document.title:
        out["name"] = document.title
    if document.description:
        out["description"] = document.description
    metadata = {**({"issued": document.created} if document.created else {}), **document.metadata}
    if metadata:
        out["metadata"] = metadata
    own = {}
    if document.version:
        own["formatVersion"] = document.version
    if document.wrapper != "features":
        own["wrapper"] = document.wrapper
    if document.daily_key != "schedule":
        own["daily"] = document.daily_key
    if own:
        out["ed269"] = own
    return {**out, **document.extra, "features": [_feature(zone) for zone in document.zones]}


def _texts_form(texts_: tuple[Text, ...]) -> list[dict[str, str]]:
    return [{"text": t.text, "lang": t.lang} if t.lang else {"text": t.text} for t in texts_]


def _feature(zone: GeoZone) -> dict[str, Any]:
    geometries = [_geometry(v) for v in zone.volumes]
    own: dict[str, Any] = {}
    conditions = zone.conditions
    if isinstance(conditions, tuple):
        own["restrictionConditions"] = list(conditions)
        conditions = "; ".join(conditions)
    if zone.uspace_class:
        own["uSpaceClass"] = zone.uspace_class
    if zone.extra:
        own["extra"] = zone.extra
    form: dict[str, Any] = {
        "identifier": zone.identifier,
        "country": zone.country,
        "name": _texts_form(zone.name),
        "type": zone.restriction.replace("AUTHORISATION", "AUTHORIZATION"),
        "variant": zone.variant,
        "restrictionConditions": conditions,
        "region": zone.region,
        "reason": list(zone.reasons),
        "otherReasonInfo": _texts_form(zone.other_reason),
        "regulationExemption": zone.exemption,
        "message": _texts_form(zone.message),
        "limitedApplicability": [_period_form(p) for p in zone.schedule],
        "zoneAuthority": [_authority_form(a) for a in zone.authorities],
        "dataSource": zone.data_source,
        "extendedProperties": {**zone.extended, **({"ed269": own} if own else {})},
    }
    return {
        "type": "Feature",
        "geometry": geometries[0] if len(geometries) == 1 else {"type": "GeometryCollection", "geometries": geometries},
        "properties": {k: v for k, v in form.items() if v not in (None, "", [], {})},
    }


def _period_form(period: Period) -> dict[str, Any]:
    form: dict[str, Any] = dates_form(period)
    if period.daily:
        form["schedule"] = [_daily_form(d) for d in period.daily]
    return form


def _daily_form(daily: DailyPeriod) -> dict[str, Any]:
    form: dict[str, Any] = {"day": list(daily.days) or ["ANY"]}
    for side, moment in (("start", daily.start), ("end", daily.end)):
        if moment is not None:
            form[f"{side}Event" if moment.event else f"{side}Time"] = moment.text()
    return form


def _authority_form(authority: Authority) -> dict[str, Any]:
    form: dict[str, Any] = {
        "name": _texts_form(authority.name),
        "service": _texts_form(authority.service),
        "contactName": _texts_form(authority.contact),
        "siteURL": authority.site,
        "email": authority.email,
        "phone": authority.phone,
        "purpose": authority.purpose,
        "intervalBefore": authority.interval,
    }
    return {k: v for k, v in form.items() if v}


def _geometry(volume: Volume) -> dict[str, Any]:
    layer = {
        "upper": UNBOUNDED if math.isinf(volume.upper) else volume.upper,
        "upperReference": volume.upper_reference,
        "lower": volume.lower,
        "lowerReference": volume.lower_reference,
        "uom": volume.unit,
    }
    layer = {k: plain_number(v) if isinstance(v, float) else v for k, v in layer.items()}
    if isinstance(volume.shape, Circle):
        extent = {"subType": "Circle", "radius": plain_number(volume.shape.radius)}
        return {"type": "Point", "coordinates": [volume.shape.lon, volume.shape.lat], "extent": extent, "layer": layer}
    rings = [[list(p) for p in ring] for ring in volume.shape.rings]
    return {"type": "Polygon", "coordinates": rings, "layer": layer}
