"""Take a city in: read its files once, check them, and write the catalogue that names them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from layers.catalog import Catalog, Entry, write_catalog
from layers.citygml_source import CitySource
from layers.load import load_city
from layers.source import is_url
from twin.errors import LayerError
from twin.frame import TP, Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.city import CityModel
    from twin.layer import MeshLayer

__all__ = ["ingest_city"]

MARGIN = 100.0
"""Room around the buildings that the city's area has [m]."""


def ingest_city(
    source: str,
    out: Path,
    *,
    meshes: Sequence[str] = (),
    name: str = "",
    crs: str = "EPSG:6674",
    dem: str = "",
    dem_datum: str = TP,
    sea_bed: float | None = None,
    more: Sequence[str] = (),
    licence: str = "",
    overwrite: bool = False,
) -> CityModel:
    """Read a PLATEAU city model and what comes with it, and write a catalogue.

    Parameters
    ----------
    source : str
        Zip, folder with ``udx/``, or one CityGML file; where it holds roads, they and the street network are taken;
        zones are drawn from the inundation records that the buildings carry.
    out : Path
        Catalogue to write.
    meshes : sequence of str
        JIS mesh codes to take; all by default.
    name : str
        Name of the place; the source's name by default.
    crs : str
        Plane-rectangular system of the twin.
    dem, dem_datum : str
        Terrain file and its height datum; without one the terrain is made from the buildings' bases.
    sea_bed : float, optional
        Level [m T.P.] of the ground beyond the reach of the bases; unknown by default.
    more : sequence of str
        Further layers, ``id=reader:path``.
    licence : str
    overwrite : bool
        Whether a catalogue that is there is replaced.

    Returns
    -------
    CityModel
        The city as it will be loaded from the catalogue.

    Raises
    ------
    LayerError
        If anything cannot be read; no catalogue is written then.
    """
    from layers.buildings import read_buildings

    if out.exists() and not overwrite:
        raise LayerError("is there already", where=str(out), remedy="Choose another --out, or say --overwrite.")
    frame = Frame(crs)
    frame.require_metres("--crs")
    options: dict[str, object] = {"meshes": list(meshes)} if meshes else {}
    buildings = read_buildings(source, frame=frame, meshes=tuple(meshes) or None)
    uri = _beside(source, out)
    has_roads = _has_roads(source, meshes)
    entries: dict[str, Entry] = {
        "buildings": _entry("plateau_buildings", uri, licence, options),
        **({"roads": _entry("plateau_roads", uri, licence, options)} if has_roads else {}),
        "terrain": (
            Entry(reader="elevation", uri=_beside(dem, out), vertical=dem_datum)
            if dem
            else Entry(
                reader="building_bases",
                licence=licence,
                options={
                    "buildings": "buildings",
                    "cell_size": 5.0,
                    **({} if sea_bed is None else {"outside": sea_bed}),
                },
            )
        ),
        **(
            {"streets": Entry(reader="road_network", licence=licence, options={"roads": "roads", "terrain": "terrain"})}
            if has_roads
            else {}
        ),
        **_recorded_hazards(buildings, licence),
    }
    for text in more:
        layer_id, entry = _parse(text, out)
        entries[layer_id] = entry
    place = name or Path(source).stem
    catalog = Catalog(name={"ja": place, "en": place}, frame=crs, area=_area(buildings), layers=entries).at(str(out))
    city = load_city(catalog)
    write_catalog(catalog, out)
    return city


def _entry(reader: str, uri: str, licence: str, options: dict[str, object]) -> Entry:
    return Entry.model_validate(
        {"reader": reader, "uri": uri, "licence": licence, "source": "MLIT Project PLATEAU", "options": options}
    )


def _has_roads(source: str, meshes: Sequence[str]) -> bool:
    """Whether the data set holds road documents of the wanted meshes."""
    with CitySource(source) as files:
        names = [member.rpartition("/")[2] for member in files.members]
    return any("_tran_" in name and (not meshes or name.startswith(tuple(meshes))) for name in names)


def _recorded_hazards(buildings: MeshLayer, licence: str) -> dict[str, Entry]:
    """A layer of zones for each hazard that the buildings' official records tell of."""
    risk = buildings.records["risk"]
    kinds = sorted({str(kind) for kind in risk.loc[risk["depth"].notna(), "hazard"]})
    return {
        f"hazard_{kind}": Entry(
            reader="building_hazard", licence=licence, options={"buildings": "buildings", "hazard": kind}
        )
        for kind in kinds
    }


def _parse(text: str, out: Path) -> tuple[str, Entry]:
    layer_id, equals, rest = text.partition("=")
    reader, colon, path = rest.partition(":")
    if not (equals and colon and layer_id and reader and path):
        raise LayerError(
            f"{text!r} names no layer", where="--add", remedy="Write id=reader:path, e.g. hazard_flood=hazard:A31a.gpkg"
        )
    return layer_id, Entry(reader=reader, uri=_beside(path, out))


def _beside(uri: str, out: Path) -> str:
    """`uri` as the catalogue will find it: relative to itself where both lie on this machine."""
    return uri if is_url(uri) else os.path.relpath(Path(uri).absolute(), out.absolute().parent)


def _area(buildings: MeshLayer) -> tuple[float, float, float, float]:
    low = buildings.mesh.vertices[:, :2].min(axis=0)
    high = buildings.mesh.vertices[:, :2].max(axis=0)
    west, south = np.floor((low - MARGIN) / 10) * 10
    east, north = np.ceil((high + MARGIN) / 10) * 10
    return float(west), float(south), float(east), float(north)
