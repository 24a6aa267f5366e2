"""Inundation zones as a PLATEAU-like CityGML document (udx/fld): what :mod:`layers.inundation` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape

import numpy as np

from twin.frame import GEOGRAPHIC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.frame import Frame

__all__ = ["Zone", "save_inundation"]

_SCALES = {"planned": "1", "maximum": "2"}
_DIGITS = 9
"""Of a degree: 0.1 mm."""


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A WaterBody: everything of one rank.

    Parameters
    ----------
    name, description : str
        Of the zone, and the river's.
    rank : int
        Common rank of river floods (RiverFloodingRiskAttribute_rank).
    scale : {"planned", "maximum"}
    shape : Polygon or MultiPolygon
        [m in the frame].
    """

    name: str
    description: str
    rank: int
    scale: str
    shape: object


def save_inundation(
    zones: Sequence[Zone],
    path: Path,
    *,
    frame: Frame,
    surface: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    created: str,
) -> None:
    """Write zones as CityGML 2.0 with i-UR 3.1, EPSG:6697, LOD1 surfaces of triangles at the water's surface.

    Ranks and scale are written as the codes of PLATEAU's code lists, which belong beside udx/; the river's name as it
    is. The triangles of a zone span between the vertices of its outline.

    Parameters
    ----------
    zones : sequence of Zone
    path : Path
    frame : Frame
        Of the shapes.
    surface : callable
        Height of the water [m T.P.] at points (x, y).
    created : str
        Date (2026-01-31).
    """
    bodies, low, high = [], np.full(3, np.inf), np.full(3, -np.inf)
    for zone in zones:
        points = _triangles(zone.shape, frame, surface)
        if not len(points):
            continue
        flat = points.reshape(-1, 3)
        low, high = np.minimum(low, flat.min(axis=0)), np.maximum(high, flat.max(axis=0))
        bodies.append(_body(zone, points, created))
    envelope = "\n".join(
        f"<gml:{name}>{corner[0]:.{_DIGITS}f} {corner[1]:.{_DIGITS}f} {corner[2]:.3f}</gml:{name}>"
        for name, corner in (("lowerCorner", low), ("upperCorner", high))
        if bodies
    )
    bounds = (
        '<gml:boundedBy>\n<gml:Envelope srsName="http://www.opengis.net/def/crs/EPSG/0/6697" srsDimension="3">\n'
        f"{envelope}\n</gml:Envelope>\n</gml:boundedBy>\n"
    )
    path.write_text(f"{_HEAD}{bounds if bodies else ''}{''.join(bodies)}</core:CityModel>\n", encoding="utf-8")


_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml" \
xmlns:uro="https://www.geospatial.jp/iur/uro/3.1" xmlns:wtr="http://www.opengis.net/citygml/waterbody/2.0">
"""


def _body(zone: Zone, points: NDArray[np.float64], created: str) -> str:
    number = uuid5(NAMESPACE_URL, f"{zone.name}/{zone.rank}/{zone.scale}/{points.shape}/{points.sum():.6f}")
    lists = "../../../../codelists"
    risk = f"{lists}/RiverFloodingRiskAttribute"
    surfaces = "\n".join(
        "<gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>"
        + " ".join(f"{a:.{_DIGITS}f} {o:.{_DIGITS}f} {z:.3f}" for a, o, z in (*triangle, triangle[0]))
        + "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
        for triangle in points.tolist()
    )
    return f"""<core:cityObjectMember>
<wtr:WaterBody gml:id="fld_{number}">
<gml:name>{escape(zone.name)}</gml:name>
<core:creationDate>{created}</core:creationDate>
<wtr:class codeSpace="{lists}/WaterBody_class.xml">1140</wtr:class>
<wtr:function codeSpace="{lists}/WaterBody_function.xml">1</wtr:function>
<wtr:lod1MultiSurface>
<gml:MultiSurface srsName="http://www.opengis.net/def/crs/EPSG/0/6697" srsDimension="3">
{surfaces}
</gml:MultiSurface>
</wtr:lod1MultiSurface>
<uro:floodingRiskAttribute>
<uro:RiverFloodingRiskAttribute>
<uro:description>{escape(zone.description)}</uro:description>
<uro:rank codeSpace="{risk}_rank.xml">{zone.rank}</uro:rank>
<uro:scale codeSpace="{risk}_scale.xml">{_SCALES[zone.scale]}</uro:scale>
</uro:RiverFloodingRiskAttribute>
</uro:floodingRiskAttribute>
</wtr:WaterBody>
</core:cityObjectMember>
"""


def _triangles(
    shape: object,
    frame: Frame,
    surface: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """(n, 3, 3) latitude, longitude [deg], height [m T.P.]; counter-clockwise from above."""
    import shapely
    from mapbox_earcut import triangulate_float64

    found = []
    for part in shapely.get_parts(shape):
        rings = [part.exterior, *part.interiors]
        coordinates = [shapely.get_coordinates(ring)[:-1] for ring in rings]
        corners = np.concatenate(coordinates)
        ends = np.cumsum([len(ring) for ring in coordinates]).astype(np.uint32)
        ears = triangulate_float64(np.ascontiguousarray(corners - corners[0]), ends).reshape(-1, 3).astype(np.int64)
        triangles = corners[ears]
        one, two = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
        turn = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
        triangles[turn < 0] = triangles[turn < 0][:, ::-1]
        found.append(triangles[turn != 0])
    plan = np.concatenate(found) if found else np.zeros((0, 3, 2))
    if not len(plan):
        return np.zeros((0, 3, 3))
    x, y = plan.reshape(-1, 2).T
    height = surface(x, y)
    longitude, latitude, _ = GEOGRAPHIC.from_(frame, x, y)
    return np.stack([latitude, longitude, height], axis=1).reshape(-1, 3, 3)
