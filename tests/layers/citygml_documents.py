"""Small CityGML documents of our own for the tests, and an independent reader (lxml) to compare with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree
from pyproj import Transformer

CITY = "http://www.opengis.net/citygml/2.0"
NAMESPACES = {
    "core": CITY,
    "bldg": "http://www.opengis.net/citygml/building/2.0",
    "tran": "http://www.opengis.net/citygml/transportation/2.0",
    "gen": "http://www.opengis.net/citygml/generics/2.0",
    "app": "http://www.opengis.net/citygml/appearance/2.0",
    "gml": "http://www.opengis.net/gml",
    "xlink": "http://www.w3.org/1999/xlink",
    "uro": "https://www.geospatial.jp/iur/uro/3.1",
}
SRS = "http://www.opengis.net/def/crs/EPSG/0/6697"


def document(*members: str, namespaces: dict[str, str] | None = None, srs: str | None = SRS, head: str = "") -> bytes:
    """A CityModel of the given features."""
    bound = NAMESPACES | (namespaces or {})
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in bound.items())
    envelope = (
        f'<gml:boundedBy><gml:Envelope srsName="{srs}" srsDimension="3"><gml:lowerCorner>34 135 0</gml:lowerCorner>'
        "<gml:upperCorner>35 136 9</gml:upperCorner></gml:Envelope></gml:boundedBy>"
        if srs
        else ""
    )
    body = "\n".join(f"<core:cityObjectMember>\n{m}\n</core:cityObjectMember>" for m in members)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<core:CityModel {declared}>\n{envelope}{head}\n{body}\n'
        "</core:CityModel>\n"
    ).encode()


def building(content: str = "", name: str = "bldg_1") -> str:
    """A building."""
    return f'<bldg:Building gml:id="{name}">\n{content}\n</bldg:Building>'


def ring(points: list[tuple[float, float, float]], *, close: bool = True) -> str:
    """A LinearRing of (lat, lon, height)."""
    points = [*points, points[0]] if close else points
    return f"<gml:LinearRing><gml:posList>{' '.join(repr(v) for p in points for v in p)}</gml:posList></gml:LinearRing>"


def square(
    lat: float = 34.6, lon: float = 135.4, z: float = 0.0, size: float = 1e-4
) -> list[tuple[float, float, float]]:
    """Four corners."""
    return [(lat, lon, z), (lat, lon + size, z), (lat + size, lon + size, z), (lat + size, lon, z)]


def polygon(exterior: str, *interiors: str, name: str = "") -> str:
    """A Polygon of rings."""
    holes = "".join(f"<gml:interior>{r}</gml:interior>" for r in interiors)
    identity = f' gml:id="{name}"' if name else ""
    return f"<gml:Polygon{identity}><gml:exterior>{exterior}</gml:exterior>{holes}</gml:Polygon>"


def surfaces(element: str, *polygons: str) -> str:
    """A property with a MultiSurface; a text that begins with # is a reference."""
    members = "".join(
        f'<gml:surfaceMember xlink:href="{p}"/>' if p.startswith("#") else f"<gml:surfaceMember>{p}</gml:surfaceMember>"
        for p in polygons
    )
    return f"<{element}><gml:MultiSurface>{members}</gml:MultiSurface></{element}>"


def solid(element: str, *polygons: str) -> str:
    """A property with a Solid; a text that begins with # is a reference."""
    inner = surfaces("gml:exterior", *polygons).replace("MultiSurface", "CompositeSurface")
    return f"<{element}><gml:Solid>{inner}</gml:Solid></{element}>"


def footprint(lat: float = 34.6, lon: float = 135.4) -> str:
    """An LOD0 footprint."""
    return surfaces("bldg:lod0FootPrint", polygon(ring(square(lat, lon))))


def block(low: float, high: float, lat: float = 34.6, lon: float = 135.4) -> str:
    """An LOD1 solid: floor and lid are enough here."""
    return solid("bldg:lod1Solid", polygon(ring(square(lat, lon, low)[::-1])), polygon(ring(square(lat, lon, high))))


def code_list(**labels: str) -> bytes:
    """A code list; a name ``c1`` stands for code 1."""
    entries = "".join(
        f"<gml:dictionaryEntry><gml:Definition><gml:description>{label}</gml:description>"
        f"<gml:name>{code.removeprefix('c')}</gml:name></gml:Definition></gml:dictionaryEntry>"
        for code, label in labels.items()
    )
    return f'\ufeff<gml:Dictionary xmlns:gml="http://www.opengis.net/gml"><gml:name>x</gml:name>{entries}</gml:Dictionary>'.encode()


def coded(element: str, code: str, name: str) -> str:
    """An element whose code stands in a code list."""
    return f'<{element} codeSpace="../../codelists/{name}.xml">{code}</{element}>'


def write_data_set(folder: Path, name: str, data: bytes, lists: dict[str, bytes]) -> str:
    """A data set of one document, ``udx/<name>``, and code lists; its place."""
    files = {f"udx/{name}": data} | {f"codelists/{each}.xml": content for each, content in lists.items()}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return str(folder)


# ---------------------------------------------------------------------------------------------- independent reader


@dataclass
class Feature:
    """What the independent reader finds of a building or a road."""

    name: str
    polygons: list[tuple[int, list[list[tuple[float, ...]]]]] = field(default_factory=list)
    """(level of detail, rings without closing point)."""
    texts: dict[str, str] = field(default_factory=dict)
    risks: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(element without Building in front, description, depth)."""
    n_generic: int = 0


_LEFT_OUT = {
    *("BuildingInstallation", "IntBuildingInstallation", "BuildingFurniture", "Room", "BuildingRoom"),
    *("BuildingConstructiveElement", "BuildingUnit", "Storey"),
}


def _local(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _rings(element: etree._Element) -> list[list[tuple[float, ...]]]:
    rings = []
    for linear in element.iter("{*}LinearRing"):
        numbers = [float(v) for part in linear.iter("{*}posList", "{*}pos") for v in "".join(part.itertext()).split()]
        points = [tuple(numbers[k : k + 3]) for k in range(0, len(numbers), 3)]
        rings.append(points[:-1] if points[0] == points[-1] else points)
    return rings


def read_with_lxml(data: bytes, feature: str = "Building") -> list[Feature]:
    """Features of a document, read the plain way."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True))
    by_id = {
        p.get(f"{{{ns}}}id"): p
        for ns in ("http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2")
        for p in root.iter(f"{{{ns}}}Polygon")
    }
    found = []
    for element in root.iter(f"{{*}}{feature}"):
        if "opengis.net/citygml" not in element.tag:
            continue
        one = Feature(next((v for k, v in element.attrib.items() if k.endswith("}id")), ""))
        seen: set[tuple[int, etree._Element]] = set()
        wanted: list[tuple[int, etree._Element]] = []

        def walk(node: etree._Element, lod: int | None, seen=seen, wanted=wanted) -> None:
            name = _local(node)
            if name in _LEFT_OUT:
                return
            if name.startswith("lod") and name[3:4].isdigit() and not name.startswith("lodType"):
                lod = int(name[3])
            if lod is not None:
                if name == "Polygon":
                    wanted.append((lod, node))
                    return
                target = by_id.get((node.get("{http://www.w3.org/1999/xlink}href") or "#").removeprefix("#"))
                if target is not None:
                    wanted.append((lod, target))
            for child in node:
                walk(child, lod)

        walk(element, None)
        for lod, node in wanted:
            if (lod, node) not in seen:
                seen.add((lod, node))
                one.polygons.append((lod, _rings(node)))
        for child in element:
            if len(child) == 0 and child.text:
                one.texts.setdefault(_local(child), child.text.strip(" \t\r\n"))
        for path in ("buildingID", "surveyYear", "detailedUsage"):
            text = element.findtext(f".//{{*}}{path}")
            if text:
                one.texts[path] = text.strip()
        height = element.findtext(".//{*}Height/{*}value")  # CityGML 3.0
        if height:
            one.texts["measuredHeight"] = height
        for record in element.iter():
            name = _local(record).removeprefix("Building")
            if name.endswith("RiskAttribute") and name[0].isupper() and not name.startswith("Disaster"):
                one.risks[name, record.findtext("{*}description") or "", record.findtext("{*}depth") or ""] += 1
            if name in (
                "stringAttribute",
                "intAttribute",
                "doubleAttribute",
                "measureAttribute",
                "dateAttribute",
                "StringAttribute",
                "KeyValuePairAttribute",
            ):
                one.n_generic += 1
        found.append(one)
    return found


def to_plane(lat: list[float], lon: list[float], target: str = "EPSG:6674") -> tuple[list[float], list[float]]:
    """East, north of points."""
    east, north = Transformer.from_crs("EPSG:6668", target, always_xy=True).transform(lon, lat)
    return list(east), list(north)
