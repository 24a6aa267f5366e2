"""Zones of unmanned aviation (ED-269, ED-318) as a layer: one row a volume, in the city's frame."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.airspace_document import Circle, in_language
from layers.airspace_ed269 import LANGUAGE, from_ed269, to_ed269
from layers.airspace_ed318 import from_ed318, to_ed318
from layers.airspace_schedule import schedule_json
from layers.airspace_value import Where
from layers.bounds import bounds_in
from layers.source import opened, read_text
from layers.whole_file import whole_file
from twin.errors import LayerError
from twin.frame import Frame
from twin.layer import Access, Provenance, VectorLayer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapely import Geometry

    from layers.airspace_document import GeoZone, Volume, ZoneDocument
    from layers.bounds import Bounds

__all__ = ["ZONE_COLUMNS", "read_ed269", "read_ed318", "read_zone_document", "write_zone_document"]

ZONE_COLUMNS = (
    "zone",
    "part",
    "identifier",
    "country",
    "variant",
    "restriction",
    "reasons",
    "conditions",
    "uspace_class",
    "lower",
    "upper",
    "lower_reference",
    "upper_reference",
    "center_x",
    "center_y",
    "radius",
    "schedule",
    "name_ja",
    "name_en",
    "message_ja",
    "message_en",
    "authority",
    "purpose",
    "authorities",
    "source",
)
"""Columns of the layer, before the geometry.

zone: number of the zone in the file; part: of its volume. restriction: one of
:data:`layers.airspace_document.RESTRICTIONS`; reasons joined by commas. lower, upper [m], inf: unbounded; references
AGL, AMSL or WGS84. A circle has its center and its radius [m in the frame: the ground's radius times the projection's
scale there], NaN for a polygon. schedule: text of :func:`layers.airspace_schedule.schedule_json`, "" always.
authority: names of all who are to be asked; authorities: all that the file says of them (JSON). source: the title.
"""

_DEGREES = Frame("EPSG:6668", None)
_CORNERS = 72
_EDGE = 0.01
"""Longest piece of an edge [deg]: an edge is straight in degrees, not in the plane; a piece of 1 km bends by 1 cm."""


def read_ed269(
    uri: str,
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    language: str = LANGUAGE,
) -> VectorLayer:
    """Zones of an ED-269 file, either wrapper; those that touch the area, whole.

    Parameters
    ----------
    uri : str
    layer_id, frame, area, licence, access, date
        As every reader takes them (:mod:`layers.registry`).
    language : str
        Language of its texts, which the format does not say: ``ja-JP``, ``en-GB``.

    Raises
    ------
    LayerError
        If the file or a zone is bad; names the zone's identifier and the field.
    """
    where = f"layer {layer_id}: {uri}"
    document = from_ed269(_json(uri, where), where, language)
    return _layer(document, uri, layer_id, frame, area, licence, access, date, where)


def read_ed318(
    uri: str,
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
) -> VectorLayer:
    """Zones of an ED-318 file; those that touch the area, whole.

    Parameters
    ----------
    uri : str
    layer_id, frame, area, licence, access, date
        As every reader takes them (:mod:`layers.registry`).

    Raises
    ------
    LayerError
        If the file or a zone is bad; names the zone's identifier and the field.
    """
    where = f"layer {layer_id}: {uri}"
    document = from_ed318(_json(uri, where), where)
    return _layer(document, uri, layer_id, frame, area, licence, access, date, where)


def read_zone_document(uri: str | Path, language: str = LANGUAGE) -> ZoneDocument:
    """Zones of a file in either format, for conversion.

    Raises
    ------
    LayerError
        As the readers.
    """
    form = _json(str(uri), str(uri))
    is_geojson = isinstance(form, dict) and form.get("type") == "FeatureCollection"
    return from_ed318(form, str(uri)) if is_geojson else from_ed269(form, str(uri), language)


def write_zone_document(document: ZoneDocument, path: Path, format_: str, language: str = "en") -> None:
    """Write zones as ``ed269`` or ``ed318``, whole or not at all.

    Raises
    ------
    LayerError
        If the format is unknown, cannot say what a zone says, or the file cannot be written.
    """
    if format_ not in ("ed269", "ed318"):
        raise LayerError(f"there is no format {format_!r}", where=str(path), remedy="Formats: ed269, ed318.")
    form = to_ed318(document) if format_ == "ed318" else to_ed269(document, str(path), language)
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        json.dump(form, out, ensure_ascii=False, indent=1, allow_nan=False)


def _json(uri: str, where: str) -> Any:
    try:
        return json.loads(read_text(uri, where))
    except ValueError as error:
        raise LayerError(f"is no JSON ({error})", where=where, remedy="Fetch the file again.") from error
    except RecursionError as error:
        raise LayerError("is nested too deeply", where=where, remedy="It is no zone file.") from error


def _layer(
    document: ZoneDocument,
    uri: str,
    layer_id: str,
    frame: Frame,
    area: Bounds | None,
    licence: str,
    access: Access,
    date: str,
    where: str,
) -> VectorLayer:
    import geopandas as gpd
    import pandas as pd
    import shapely

    notes: list[str] = []
    box = None if area is None else bounds_in(area, frame, _DEGREES)
    rows, shapes = [], []
    for number, zone in enumerate(document.zones):
        for part, volume in enumerate(zone.volumes):
            if box is not None and not _may_touch(volume, box):
                continue
            at = Where(where, zone.identifier, f"volume {part}")
            shape, circle = _in_plane(volume, frame, at, notes)
            if area is not None and not shape.intersects(shapely.box(*area)):
                continue
            rows.append(_row(zone, number, part, volume, circle, document.title or Path(uri).name))
            shapes.append(shape)
    twice = {(z.identifier, z.country) for z in document.zones}
    if len(twice) < len(document.zones):
        notes.append(f"{len(document.zones) - len(twice)} zones have the identifier of another one")
    if area is not None and not rows:
        notes.append(f"none of its {len(document.zones)} zones touches the area")
    with opened(uri, where) as source:
        sha256 = source.sha256
    table = pd.DataFrame(rows, columns=list(ZONE_COLUMNS))
    text_columns = [c for c in ZONE_COLUMNS if c not in _NUMBERS]
    table = table.astype({**dict.fromkeys(text_columns, "str"), **_NUMBERS})
    return VectorLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date or document.created[:10], sha256, access, tuple(notes)),
        table=gpd.GeoDataFrame(table, geometry=shapes, crs=frame.wkt()),
    )


_NUMBERS = {
    "zone": "int64",
    "part": "int64",
    **dict.fromkeys(("lower", "upper", "center_x", "center_y", "radius"), "float64"),
}


def _row(
    zone: GeoZone, number: int, part: int, volume: Volume, circle: tuple[float, float, float], source: str
) -> dict[str, object]:
    lower, upper = volume.limits
    conditions = zone.conditions if isinstance(zone.conditions, str) else "; ".join(zone.conditions)
    return {
        "zone": number,
        "part": part,
        "identifier": zone.identifier,
        "country": zone.country,
        "variant": zone.variant,
        "restriction": zone.restriction,
        "reasons": ",".join(zone.reasons),
        "conditions": conditions,
        "uspace_class": zone.uspace_class,
        "lower": lower,
        "upper": upper,
        "lower_reference": volume.lower_reference,
        "upper_reference": volume.upper_reference,
        "center_x": circle[0],
        "center_y": circle[1],
        "radius": circle[2],
        "schedule": schedule_json(zone.schedule),
        "name_ja": in_language(zone.name, "ja"),
        "name_en": in_language(zone.name, "en"),
        "message_ja": in_language(zone.message, "ja"),
        "message_en": in_language(zone.message, "en"),
        "authority": ", ".join(dict.fromkeys(_names(zone))),
        "purpose": ",".join(dict.fromkeys(a.purpose for a in zone.authorities if a.purpose)),
        "authorities": json.dumps([asdict(a) for a in zone.authorities], ensure_ascii=False),
        "source": source,
    }


def _names(zone: GeoZone) -> Iterable[str]:
    return (name for a in zone.authorities if (name := in_language(a.name, "ja")))


def _may_touch(volume: Volume, box: Bounds) -> bool:
    """Whether the boxes meet, in degrees: a zone of another country need not be moved into the city's frame."""
    if isinstance(volume.shape, Circle):
        high = volume.shape.radius / 110_000
        wide = high / max(0.01, math.cos(math.radians(min(89.0, abs(volume.shape.lat) + high))))
        lon, lat = (
            [volume.shape.lon - wide, volume.shape.lon + wide],
            [volume.shape.lat - high, volume.shape.lat + high],
        )
    else:
        lon, lat = (list(c) for c in zip(*volume.shape.rings[0], strict=True))
    return min(lon) <= box[2] and max(lon) >= box[0] and min(lat) <= box[3] and max(lat) >= box[1]


def _in_plane(volume: Volume, frame: Frame, at: Where, notes: list[str]) -> tuple[Geometry, tuple[float, float, float]]:
    """Outline in the city's frame, and the circle it stands for (NaN for a polygon)."""
    import shapely
    from pyproj import Proj

    if isinstance(volume.shape, Circle):
        x, y, _ = frame.from_(_DEGREES, [volume.shape.lon], [volume.shape.lat])
        scale = float(Proj(frame.crs()).get_factors(volume.shape.lon, volume.shape.lat).meridional_scale)
        circle = float(x[0]), float(y[0]), volume.shape.radius * scale
        return _covering(*circle), circle
    outline = shapely.Polygon(volume.shape.rings[0], volume.shape.rings[1:])
    if not outline.is_valid:
        notes.append(f"zone {at.zone}: its outline crosses itself and was mended")
        outline = shapely.make_valid(outline)
    lonlat = shapely.get_coordinates(dense := shapely.segmentize(outline, _EDGE))
    x, y, _ = frame.from_(_DEGREES, lonlat[:, 0], lonlat[:, 1])
    moved = shapely.make_valid(shapely.set_coordinates(dense, np.column_stack([x, y])))
    flat = shapely.union_all([p for p in shapely.get_parts(moved) if p.area > 0])
    if flat.is_empty:
        raise at.error("its outline has no area", "Mend the coordinates.")
    return flat, (math.nan, math.nan, math.nan)


def _covering(x: float, y: float, radius: float) -> Geometry:
    """A polygon about the circle, for display, and never too small: the projection's scale varies within it."""
    import shapely

    angle = 2 * np.pi * np.arange(_CORNERS) / _CORNERS
    reach = radius / np.cos(np.pi / _CORNERS) * 1.0001
    return shapely.Polygon(np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)]))
