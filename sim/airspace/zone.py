"""What applies in a piece of air: rules with their volume, hours, source and authority."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from layers.airspace_schedule import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely import Geometry

    from layers.airspace_schedule import Schedule
    from sim.airspace.surfaces import Slope
    from twin.frame import Frame

__all__ = ["KINDS", "AirRule", "Finding", "Reference", "Restriction", "rules_table"]


class Restriction(IntEnum):
    """Class of a rule, the severer the higher; the code that the restriction voxels hold."""

    NO_RESTRICTION = 0
    USPACE = 1
    CONDITIONAL = 2
    REQ_AUTHORISATION = 3
    PROHIBITED = 4


class Reference(IntEnum):
    """What a height limit is measured from."""

    AGL = 0
    """Above the ground or the water below."""
    AMSL = 1
    """Above mean sea level, taken as T.P."""


KINDS = (
    "geozone",
    "height_limit",
    "did",
    "airport",
    "no_fly_red",
    "no_fly_yellow",
    "emergency",
    "night",
    "near_object",
    "obstacle",
)
"""Where a rule comes from: an ED-269 or ED-318 file, or the country's own rules (``rules_jp.yaml``)."""


@dataclass(frozen=True, slots=True, eq=False)
class AirRule:
    """One rule and the air that it holds in.

    Parameters
    ----------
    identifier : str
        The zone's identifier in its file, or the rule's name in the table of rules.
    kind : str
        One of :data:`KINDS`.
    restriction : Restriction
    name : mapping of str to str
        By language (``ja``, ``en``).
    footprint : Geometry
        Polygon or multipolygon [m in the city's frame].
    lower, upper : float
        Limits [m] above `lower_reference` and `upper_reference`; `upper` may be inf. Both belong to the volume.
    lower_reference, upper_reference : Reference
    permission : str
        What a flight needs: ``none``, ``condition``, ``notification``, ``approval`` (承認), ``permission`` (許可),
        ``consent`` (of the facility), ``authorisation``; ``prohibited`` where nothing helps but an exemption.
    authority : str
        Who grants it.
    source : str
        Law or document, with its "as of" date where the table states one.
    message : mapping of str to str
        What the authority tells the pilot, by language.
    schedule : Schedule
        When it applies; empty: always.
    window : tuple of float or None
        (from, until) [s since the scenario's start] of a rule that the scenario itself sets up; besides `schedule`.
    circle : tuple of float or None
        (x, y, radius, hole) [m] where the outline is a circle, or a ring about a hole: queries use it, `footprint`
        covers it.
    slope : Slope or None
        Lower limit that varies with the place (airport surfaces) [m T.P.]; goes before `lower`.
    is_granted : bool
        Whether the scenario's operator holds what it needs: it is then told, and restricts nothing in the voxels.
    """

    identifier: str
    kind: str
    restriction: Restriction
    name: Mapping[str, str]
    footprint: Geometry
    lower: float = 0.0
    upper: float = np.inf
    lower_reference: Reference = Reference.AGL
    upper_reference: Reference = Reference.AGL
    permission: str = "authorisation"
    authority: str = ""
    source: str = ""
    message: Mapping[str, str] = field(default_factory=dict)
    schedule: Schedule = ALWAYS
    window: tuple[float, float] | None = None
    circle: tuple[float, float, float, float] | None = None
    slope: Slope | None = None
    is_granted: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that applies at a queried place and time.

    Parameters
    ----------
    number : int
        Row of the rule in :attr:`CompiledAirspace.rules`.
    identifier, kind, restriction, permission, authority, source : as :class:`AirRule`
    name, message : mapping of str to str
        By language.
    is_granted : bool
    """

    number: int
    identifier: str
    kind: str
    restriction: Restriction
    permission: str
    authority: str
    source: str
    name: Mapping[str, str]
    message: Mapping[str, str]
    is_granted: bool


def rules_table(rules: Sequence[AirRule], windows: Sequence[NDArray[np.float64]], frame: Frame) -> gpd.GeoDataFrame:
    """Rules as the stored table ``zones``.

    Parameters
    ----------
    rules : sequence of AirRule
    windows : sequence of ndarray (k, 2)
        When each rule is active in the scenario [s since its start].
    frame : Frame
        Of the footprints.

    Returns
    -------
    GeoDataFrame
        zone, identifier, kind, restriction, permission, lower_m, upper_m (inf: unbounded), reference, upper_reference,
        from_s and until_s (first start and last end within the scenario; both inf where it never applies), windows
        (JSON list of [from, until]), is_granted, source, authority, name_ja, name_en, message_ja, message_en, geometry.
    """
    import json

    import geopandas as gpd

    def text(form: Mapping[str, str], language: str) -> str:
        return form.get(language) or next(iter(form.values()), "")

    rows = [
        {
            "zone": number,
            "identifier": rule.identifier,
            "kind": rule.kind,
            "restriction": rule.restriction.name,
            "permission": rule.permission,
            "lower_m": rule.lower if rule.slope is None else rule.slope.lowest(rule.footprint),
            "upper_m": rule.upper,
            "reference": rule.lower_reference.name,
            "upper_reference": rule.upper_reference.name,
            "from_s": float(window[0, 0]) if len(window) else np.inf,
            "until_s": float(window[-1, 1]) if len(window) else np.inf,
            "windows": json.dumps(window.tolist()),
            "is_granted": rule.is_granted,
            "source": rule.source,
            "authority": rule.authority,
            "name_ja": text(rule.name, "ja"),
            "name_en": text(rule.name, "en"),
            "message_ja": text(rule.message, "ja"),
            "message_en": text(rule.message, "en"),
        }
        for number, (rule, window) in enumerate(zip(rules, windows, strict=True))
    ]
    columns = list(rows[0]) if rows else ["zone", "identifier", "kind", "restriction", "from_s", "until_s"]
    shapes = [rule.footprint for rule in rules]
    import pandas as pd

    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry=shapes, crs=frame.wkt())
