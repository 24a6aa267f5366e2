"""A town of a few streets in files of our own: catalogue, CityGML, terrain, shelters, scenarios."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import yaml
from affine import Affine
from pyproj import Transformer

from tests.layers.citygml_documents import building, document, polygon, ring, solid

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

AREA = (-52000.0, -145900.0, -51600.0, -145600.0)
"""west, south, east, north [m, EPSG:6674]."""
COLUMNS, ROWS = 9, 7
USAGES = ("411", "412", "402", "401", "421", "441")
NAMED = 10
"""Row of the building that has a name and hazard records."""

_TO_DEGREES = Transformer.from_crs("EPSG:6674", "EPSG:6668", always_xy=True)


def ground(x: NDArray[np.float64] | float, y: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Height [m T.P.]: a beach that rises to the east, with a hollow in the middle."""
    along = (np.asarray(x) - AREA[0]) / (AREA[2] - AREA[0])
    across = (np.asarray(y) - AREA[1]) / (AREA[3] - AREA[1]) - 0.5
    return -1.0 + 4.0 * along - 1.5 * np.exp(-(((along - 0.6) / 0.12) ** 2) - (across / 0.25) ** 2)


def corner(number: int) -> tuple[float, float]:
    """South-west corner of building `number` [m]."""
    row, column = divmod(number, COLUMNS)
    return AREA[0] + 60 + 36 * column, AREA[1] + 20 + 38 * row


def size(number: int) -> tuple[float, float, float]:
    """Width, depth and height of building `number` [m]."""
    return 14.0 + number % 3 * 4, 12.0 + number % 4 * 3, 6.0 + 3.0 * (number * 7 % 11)


def write_town(folder: Path) -> Path:
    """Write everything into `folder`; returns the catalogue."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "town.gml").write_bytes(document(*(_building(k) for k in range(COLUMNS * ROWS))))
    west, south, east, north = AREA
    step = 2.0
    x = west + (np.arange(int((east - west) / step)) + 0.5) * step
    y = north - (np.arange(int((north - south) / step)) + 0.5) * step
    z = ground(*np.meshgrid(x, y)).astype(np.float32)
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", dtype="float32", count=1, height=len(y), width=len(x),
        crs="EPSG:6674", transform=Affine(step, 0, west, 0, -step, north),
    ) as out:  # fmt: skip
        out.write(z, 1)
    for name in ("shelters", "residents"):
        (folder / f"{name}.geojson").write_text(json.dumps(_points(name)), encoding="utf-8")
    terms = {"licence": "CC0-1.0", "date": "2026-01-01"}
    catalog = {
        "schema": 1,
        "name": {"ja": "試験町", "en": "Test town"},
        "frame": "EPSG:6674",
        "area": list(AREA),
        "layers": {
            "buildings": {"reader": "plateau_buildings", "uri": "town.gml", **terms},
            "terrain": {"reader": "elevation", "uri": "dem.tif", "vertical": "EPSG:6695", **terms},
            "shelters": {"reader": "vector", "uri": "shelters.geojson", **terms},
            "residents": {"reader": "vector", "uri": "residents.geojson", "access": "personal", **terms},
        },
    }
    path = folder / "catalog.yaml"
    path.write_text(yaml.safe_dump(catalog, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (folder / "scenarios").mkdir(exist_ok=True)
    (folder / "scenarios" / "surge.yaml").write_text(yaml.safe_dump(surge(), allow_unicode=True), encoding="utf-8")
    return path


def surge(**flood: Any) -> dict[str, Any]:
    """A storm surge of an hour from the western edge."""
    return {
        "schema": 1,
        "name": "surge",
        "title": {"ja": "試験の高潮", "en": "Test surge"},
        "city": "../catalog.yaml",
        "area": {"bbox": list(AREA), "crs": "EPSG:6674", "cell_size": 10.0},
        "flood": {
            "duration": 3600,
            "output_every": 300,
            "initial": {"sea_level": 0.0},
            "boundaries": [{"edge": "west", "kind": "stage", "value": [[0, 0.0], [1800, 2.5], [3600, 1.0]]}],
            **flood,
        },
    }


def _building(number: int) -> str:
    x, y = corner(number)
    width, depth, height = size(number)
    low = float(ground(x + width / 2, y + depth / 2))
    plan = [(x, y), (x + width, y), (x + width, y + depth), (x, y + depth)]
    lon, lat = _TO_DEGREES.transform(*zip(*plan, strict=True))
    floor = [(a, o, low) for a, o in zip(lat, lon, strict=True)]
    roof = [(a, o, low + height) for a, o in zip(lat, lon, strict=True)]
    walls = [[floor[i], floor[(i + 1) % 4], roof[(i + 1) % 4], roof[i]] for i in range(4)]
    faces = [polygon(ring(face)) for face in (floor[::-1], roof, *walls)]
    name = "<gml:name>試験町役場</gml:name>" if number == NAMED else ""
    attributes = (
        f"{name}<bldg:usage>{USAGES[number % len(USAGES)]}</bldg:usage>"
        "<bldg:yearOfConstruction>1987</bldg:yearOfConstruction>"
        f'<bldg:measuredHeight uom="m">{height}</bldg:measuredHeight>'
        f"<bldg:storeysAboveGround>{round(height / 3)}</bldg:storeysAboveGround>"
    )
    risk = (
        "<uro:bldgDisasterRiskAttribute><uro:RiverFloodingRiskAttribute><uro:description>試験川</uro:description>"
        '<uro:rank>2</uro:rank><uro:depth uom="m">1.25</uro:depth></uro:RiverFloodingRiskAttribute>'
        "</uro:bldgDisasterRiskAttribute>"
    )
    return building(attributes + solid("bldg:lod1Solid", *faces) + (risk if number == NAMED else ""), f"b{number}")


def _points(name: str) -> dict[str, Any]:
    places = [(AREA[0] + 200, AREA[1] + 150), (AREA[0] + 350, AREA[1] + 250)]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": f"{name}-{k}"},
                "geometry": {"type": "Point", "coordinates": list(_TO_DEGREES.transform(*place))},
            }
            for k, place in enumerate(places)
        ],
    }
