"""Building blocks of a PLATEAU CityGML 2.0 file (i-UR 3.1): envelope, positions, polygons, ids, file names."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import numpy as np

from sample_data.jismesh import mesh3
from twin.frame import GEOGRAPHIC, OSAKA

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

__all__ = ["CREATED", "SRS", "Writer", "code", "file_name", "solid_by_reference"]

SRS = "http://www.opengis.net/def/crs/EPSG/0/6697"
CREATED = "2025-03-21"
"""Date of creation that every object carries."""

_NAMESPACES = {
    "app": "http://www.opengis.net/citygml/appearance/2.0",
    "bldg": "http://www.opengis.net/citygml/building/2.0",
    "brid": "http://www.opengis.net/citygml/bridge/2.0",
    "core": "http://www.opengis.net/citygml/2.0",
    "gen": "http://www.opengis.net/citygml/generics/2.0",
    "gml": "http://www.opengis.net/gml",
    "tran": "http://www.opengis.net/citygml/transportation/2.0",
    "uro": "https://www.geospatial.jp/iur/uro/3.1",
    "xAL": "urn:oasis:names:tc:ciq:xsdschema:xAL:2.0",
    "xlink": "http://www.w3.org/1999/xlink",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_SCHEMAS = (
    "https://www.geospatial.jp/iur/uro/3.1 ../../schemas/iur/uro/3.1/urbanObject.xsd "
    "http://www.opengis.net/citygml/2.0 http://schemas.opengis.net/citygml/2.0/cityGMLBase.xsd "
    "http://www.opengis.net/citygml/building/2.0 http://schemas.opengis.net/citygml/building/2.0/building.xsd "
    "http://www.opengis.net/citygml/bridge/2.0 http://schemas.opengis.net/citygml/bridge/2.0/bridge.xsd "
    "http://www.opengis.net/citygml/transportation/2.0 "
    "http://schemas.opengis.net/citygml/transportation/2.0/transportation.xsd "
    "http://www.opengis.net/citygml/generics/2.0 http://schemas.opengis.net/citygml/generics/2.0/generics.xsd "
    "http://www.opengis.net/gml http://schemas.opengis.net/gml/3.1.1/base/gml.xsd"
)


def file_name(x: float, y: float, feature: str) -> str:
    """Name of the file that holds a feature at (x, y) [m]: ``<mesh8>_<feature>_6697_op.gml``."""
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, x, y)
    return f"{mesh3(float(lon), float(lat))}_{feature}_6697_op.gml"


def code(tag: str, code_list: str, value: str) -> str:
    """Element with a value of a code list."""
    return f'<{tag} codeSpace="../../codelists/{code_list}.xml">{value}</{tag}>'


def solid_by_reference(ids: Iterable[str]) -> str:
    """``gml:Solid`` whose faces are polygons that come later in the file."""
    members = "".join(f'<gml:surfaceMember xlink:href="#{i}"/>\n' for i in ids)
    return (
        "<gml:Solid>\n<gml:exterior>\n<gml:CompositeSurface>\n"
        f"{members}</gml:CompositeSurface>\n</gml:exterior>\n</gml:Solid>\n"
    )


class Writer:
    """Collects the members of one file; transforms plane-rectangular metres to EPSG:6697 (lat, lon, T.P.).

    Positions are transformed all at once when the text is asked for: members hold place marks until then.

    Parameters
    ----------
    rng : Generator
        Source of the gml:ids, so that the same seed gives the same file.
    """

    def __init__(self, rng: Generator) -> None:
        self._rng = rng
        self._members: list[str] = []
        self._rings: list[NDArray[np.float64]] = []

    def new_id(self, prefix: str) -> str:
        """Fresh gml:id such as ``bldg_0d1c...``."""
        return f"{prefix}_{uuid.UUID(bytes=self._rng.bytes(16), version=4)}"

    def ring(self, xyz: NDArray[np.float64]) -> str:
        """``gml:LinearRing`` of an unclosed ring (n, 3) [m]."""
        self._rings.append(np.vstack([xyz, xyz[:1]]))
        return f"<gml:LinearRing>\n<gml:posList>\0{len(self._rings) - 1}\0</gml:posList>\n</gml:LinearRing>\n"

    def polygon(self, rings: Sequence[NDArray[np.float64]], gml_id: str = "") -> str:
        """``gml:Polygon`` from an exterior ring and holes (n, 3) [m]."""
        attribute = f' gml:id="{gml_id}"' if gml_id else ""
        holes = "".join(f"<gml:interior>\n{self.ring(r)}</gml:interior>\n" for r in rings[1:])
        return (
            f"<gml:Polygon{attribute}>\n<gml:exterior>\n{self.ring(rings[0])}</gml:exterior>\n{holes}</gml:Polygon>\n"
        )

    def members(self, polygons: Iterable[str]) -> str:
        """Each polygon in a ``gml:surfaceMember``."""
        return "".join(f"<gml:surfaceMember>\n{p}</gml:surfaceMember>\n" for p in polygons)

    def multi_surface(self, polygons: Iterable[str]) -> str:
        """``gml:MultiSurface``."""
        return f"<gml:MultiSurface>\n{self.members(polygons)}</gml:MultiSurface>\n"

    def solid(self, polygons: Iterable[str]) -> str:
        """``gml:Solid`` with its polygons inside."""
        return (
            "<gml:Solid>\n<gml:exterior>\n<gml:CompositeSurface>\n"
            f"{self.members(polygons)}"
            "</gml:CompositeSurface>\n</gml:exterior>\n</gml:Solid>\n"
        )

    def add(self, city_object: str) -> None:
        """Add one city object."""
        self._members.append(f"<core:cityObjectMember>\n{city_object}</core:cityObjectMember>\n")

    def text(self) -> str:
        """Whole file."""
        xyz = np.vstack(self._rings)
        lon, lat, _ = GEOGRAPHIC.from_(OSAKA, xyz[:, 0], xyz[:, 1])
        words = [
            f"{a:.11f} {o:.11f} {h:.3f}" for a, o, h in zip(lat.tolist(), lon.tolist(), xyz[:, 2].tolist(), strict=True)
        ]
        ends = np.cumsum([len(r) for r in self._rings])
        texts = [" ".join(words[end - len(r) : end]) for r, end in zip(self._rings, ends.tolist(), strict=True)]
        head = " ".join(f'xmlns:{k}="{v}"' for k, v in _NAMESPACES.items())
        pieces = "".join(self._members).split("\0")
        pieces[1::2] = [texts[int(k)] for k in pieces[1::2]]
        low, high = xyz[:, 2].min(), xyz[:, 2].max()
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<core:CityModel {head} xsi:schemaLocation="{_SCHEMAS}">\n'
            f'<gml:boundedBy>\n<gml:Envelope srsName="{SRS}" srsDimension="3">\n'
            f"<gml:lowerCorner>{lat.min():.11f} {lon.min():.11f} {low:.3f}</gml:lowerCorner>\n"
            f"<gml:upperCorner>{lat.max():.11f} {lon.max():.11f} {high:.3f}</gml:upperCorner>\n"
            f"</gml:Envelope>\n</gml:boundedBy>\n{''.join(pieces)}</core:CityModel>\n"
        )
