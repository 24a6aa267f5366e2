"""Zones of unmanned aviation as ED-269 and ED-318 both mean them: one model that either format reads into."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from layers.airspace_schedule import ALWAYS, Schedule
from layers.airspace_value import Where, listed, number, text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FEET",
    "REFERENCES",
    "RESTRICTIONS",
    "UNBOUNDED",
    "Authority",
    "Circle",
    "GeoZone",
    "Polygon",
    "Text",
    "Volume",
    "ZoneDocument",
    "in_language",
    "limit",
    "plain_number",
    "polygon",
    "position",
    "reference",
    "region",
    "restriction",
    "unit",
]

FEET = 0.3048
"""[m] (international foot, exact)."""
UNBOUNDED = 99999.0
"""Upper limit that means none (ED-318)."""
RESTRICTIONS = ("PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL", "NO_RESTRICTION", "USPACE")
"""Normalised: ED-318 writes REQ_AUTHORIZATION, and only it knows USPACE."""
REFERENCES = ("AGL", "AMSL", "WGS84")


@dataclass(frozen=True, slots=True)
class Text:
    """A text and its language (``ja-JP``; "" where the file does not say)."""

    text: str
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who is to be asked, or told.

    Parameters
    ----------
    name, service, contact : tuple of Text
    email, site, phone : str
    purpose : str
        AUTHORIZATION, NOTIFICATION, INFORMATION or "".
    interval : str
        How long before (ISO 8601 duration) or "".
    """

    name: tuple[Text, ...] = ()
    service: tuple[Text, ...] = ()
    contact: tuple[Text, ...] = ()
    email: str = ""
    site: str = ""
    phone: str = ""
    purpose: str = ""
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle on the ground: longitude, latitude [deg], radius [m]."""

    lon: float
    lat: float
    radius: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """Closed rings of (longitude, latitude) [deg]; the first is the exterior, the others are holes."""

    rings: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """One piece of air.

    Parameters
    ----------
    shape : Circle or Polygon
    lower, upper : float
        In `unit`; inf: unbounded.
    lower_reference, upper_reference : str
        One of :data:`REFERENCES`.
    unit : str
        ``m`` or ``ft``.
    """

    shape: Circle | Polygon
    lower: float = 0.0
    upper: float = math.inf
    lower_reference: str = "AGL"
    upper_reference: str = "AGL"
    unit: str = "m"

    @property
    def limits(self) -> tuple[float, float]:
        """Lower and upper limit [m]."""
        factor = FEET if self.unit == "ft" else 1.0
        return self.lower * factor, self.upper * factor


@dataclass(frozen=True, slots=True)
class GeoZone:
    """A zone.

    Parameters
    ----------
    identifier, country : str
    name : tuple of Text
    restriction : str
        One of :data:`RESTRICTIONS`.
    volumes : tuple of Volume
    variant : str
        COMMON or CUSTOMIZED.
    conditions : str or tuple of str
        A tuple where the file has a list.
    region : int or None
    reasons : tuple of str
    other_reason : tuple of Text
    exemption : str
        regulationExemption.
    uspace_class : str
    message : tuple of Text
    schedule : Schedule
    authorities : tuple of Authority
    data_source, extended : mapping
        ED-318's dataSource and extendedProperties.
    extra : mapping
        Keys that neither format knows.
    """

    identifier: str
    country: str
    name: tuple[Text, ...]
    restriction: str
    volumes: tuple[Volume, ...]
    variant: str = "COMMON"
    conditions: str | tuple[str, ...] = ""
    region: int | None = None
    reasons: tuple[str, ...] = ()
    other_reason: tuple[Text, ...] = ()
    exemption: str = ""
    uspace_class: str = ""
    message: tuple[Text, ...] = ()
    schedule: Schedule = ALWAYS
    authorities: tuple[Authority, ...] = ()
    data_source: dict[str, Any] = field(default_factory=dict)
    extended: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ZoneDocument:
    """A file of zones.

    Parameters
    ----------
    zones : tuple of GeoZone
    title, description : str
    created : str
        When it was issued, as the file says it.
    version : str
        ED-269's formatVersion.
    wrapper : str
        ED-269's list of zones: ``features`` or ``UASZoneList``.
    daily_key : str
        ED-269's list of daily hours: ``schedule`` or ``dailyPeriod``.
    metadata : mapping
        ED-318's metadata but ``issued``.
    extra : mapping
        Other keys of the file.
    """

    zones: tuple[GeoZone, ...]
    title: str = ""
    description: str = ""
    created: str = ""
    version: str = ""
    wrapper: str = "features"
    daily_key: str = "schedule"
    metadata: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def in_language(texts: Sequence[Text], language: str) -> str:
    """The text in a language (``ja`` finds ``ja-JP``), else the first, else "".

    Examples
    --------
    >>> in_language([Text("港", "ja-JP"), Text("Port", "en-GB")], "en")
    'Port'
    """
    found = [t.text for t in texts if t.lang.lower().partition("-")[0] == language]
    return found[0] if found else (texts[0].text if texts else "")


def restriction(value: Any, at: Where) -> str:
    """Normalised restriction.

    Raises
    ------
    LayerError
        If it is unknown: what is forbidden must not be guessed.
    """
    given = text(value, at).upper().replace("AUTHORIZATION", "AUTHORISATION")
    if given not in RESTRICTIONS:
        raise at.error(f"{text(value, at)!r} is no restriction", f"Known: {', '.join(RESTRICTIONS)}.")
    return given


def region(value: Any, at: Where) -> int | None:
    """The region's number, None where none is given.

    Raises
    ------
    LayerError
        If it is no whole number.
    """
    found = number(value, at)
    if found is not None and found != int(found):
        raise at.error(f"{value!r} is no whole number", "Give the region's number, or null.")
    return None if found is None else int(found)


def reference(value: Any, at: Where, limit_: float | None) -> str:
    """What a limit is measured from; where there is none to measure (ground, unbounded), nothing need be said.

    Raises
    ------
    LayerError
        If it is unknown, or missing for a limit that needs it.
    """
    given = text(value, at).upper()
    if not given and limit_ in (None, 0.0):
        return "AGL"
    if given not in REFERENCES:
        what = f"{text(value, at)!r} is no reference of heights" if given else "is missing"
        raise at.error(what, f"Give one of {', '.join(REFERENCES)}.")
    return given


def unit(value: Any, at: Where, *, needed: bool) -> str:
    """``m`` or ``ft``; `needed`: some length in the volume depends on it.

    Raises
    ------
    LayerError
        If it is unknown, or missing and needed.
    """
    given = text(value, at).lower()
    if given in ("m", "ft"):
        return given
    if not given and not needed:
        return "m"
    raise at.error(f"{given!r} is no unit" if given else "is missing", "Give M or FT.")


def limit(value: Any, at: Where) -> float | None:
    """A height limit; None where there is none (null, 99999).

    Raises
    ------
    LayerError
        If it is no number.
    """
    found = number(value, at)
    return None if found is None or found >= UNBOUNDED else found


def position(value: Any, at: Where) -> tuple[float, float]:
    """(longitude, latitude) [deg] from a GeoJSON position.

    Raises
    ------
    LayerError
        If it is none, or lies outside the earth (latitude first?).
    """
    if isinstance(value, list) and len(value) >= 2:
        lon, lat = number(value[0], at), number(value[1], at)
        if lon is not None and lat is not None and -180 <= lon <= 180 and -90 <= lat <= 90:
            return lon, lat
    raise at.error(f"{value!r} is no position", "Give [longitude, latitude] in degrees.")


def polygon(value: Any, at: Where) -> Polygon:
    """Polygon from GeoJSON coordinates; an open ring is closed.

    Raises
    ------
    LayerError
        If a ring has fewer than three corners.
    """
    rings = []
    for number_, ring in enumerate(listed(value, at)):
        here = at.of(f"[{number_}]")
        points = [position(p, here) for p in listed(ring, here)]
        if points and points[0] != points[-1]:
            points.append(points[0])
        if len(set(points)) < 3:
            raise here.error(f"a ring of {len(set(points))} corners has no area", "Give three corners at least.")
        rings.append(tuple(points))
    if not rings:
        raise at.error("there is no ring", "Give the polygon's coordinates.")
    return Polygon(tuple(rings))


def plain_number(value: float) -> float | int:
    """A number for JSON, whole where it is whole, to a billionth where a change of units blurred it."""
    rounded = round(value, 9)
    return int(rounded) if rounded == int(rounded) else rounded
