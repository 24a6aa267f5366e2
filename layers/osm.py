"""Pedestrian networks from OpenStreetMap: extracts (PBF, XML) and answers of the Overpass API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from layers.osm_elements import read_elements
from layers.osm_pieces import STOREY, divide
from layers.osm_tags import RULE_TAGS, levels, read_osm_tables
from layers.pedestrian import ATTRIBUTES, Column, directed
from layers.pedestrian_shape import elevator_groups
from layers.slope import with_slope, without_terrain
from layers.source import opened
from twin.errors import LayerError
from twin.frame import Frame
from twin.layer import Access, NetworkLayer, Provenance, RasterLayer
from twin.network import LinkKind

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from layers.bounds import Bounds
    from layers.osm_elements import Elements
    from layers.osm_pieces import NodeKey, Piece
    from layers.osm_tags import OsmTables

__all__ = ["LICENCE", "read_osm_walk"]

LICENCE = "ODbL 1.0, © OpenStreetMap contributors"
"""Licence of all OpenStreetMap data (www.openstreetmap.org/copyright); named where the catalogue names none."""
_WGS84 = Frame("EPSG:4326", None)


def read_osm_walk(
    uri: str,
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    terrain: RasterLayer | None = None,
    tables: str | None = None,
) -> NetworkLayer:
    """Ways that people may walk as a network; those links that have a node in the area.

    Parameters
    ----------
    uri : str
        ``.osm.pbf``, ``.osm``, ``.osm.gz``, ``.osm.bz2``, or the ``.json`` of an Overpass query with nodes.
    layer_id, frame, area, licence, access, date
        As every reader takes them (:mod:`layers.registry`).
    terrain : RasterLayer, optional
        Gives heights, and slopes of the links on the ground (:func:`layers.slope.with_slope`).
    tables : str, optional
        File that replaces ``layers/tables/osm_walk.yaml``.

    Returns
    -------
    NetworkLayer
        As :mod:`layers.pedestrian` says. Ways are divided where they meet, at kerbs and at barriers; an elevator that
        is drawn as a node becomes a link between the floors that it joins.

    Raises
    ------
    LayerError
        If the file is bad or holds no way that people may walk.
    FrameError
        If the city's frame is not defined where the data lie.
    """
    import shapely

    where = f"layer {layer_id}: {uri}"
    rules = read_osm_tables(tables)
    notes: list[str] = []
    with opened(uri, where) as source:
        elements = read_elements(source.path, rules.highway.keys(), where)
        sha256 = source.sha256
    pieces = divide(elements, rules, notes)
    if not pieces:
        raise LayerError(
            f"holds no way that people may walk ({len(elements.ways)} ways with a known highway)",
            where=where,
            remedy="Give an extract with ways and their nodes (Overpass: `(way[highway](...);>;); out;`).",
        )
    pieces, place = _near(pieces, elements, frame, area)
    if not pieces:
        notes.append("no node of a way lies in the area")
    keys = list(dict.fromkeys(key for piece in pieces for key in (piece.start, piece.end)))
    row = {key: number for number, key in enumerate(keys)}
    start = np.array([row[piece.start] for piece in pieces], dtype=np.int64)
    end = np.array([row[piece.end] for piece in pieces], dtype=np.int64)
    lines = [shapely.LineString([place[node] for node in piece.nodes]) for piece in pieces]
    rise = np.array([piece.facts.get("rise", 0.0) for piece in pieces])
    columns = _columns(pieces)
    network = directed(
        np.array([(*place[key[0]], np.nan) for key in keys], dtype=np.float64).reshape(-1, 3),
        start=start,
        end=end,
        length=np.hypot(shapely.length(lines), STOREY * rise),
        forward=np.array([piece.forward for piece in pieces], dtype=np.bool_),
        backward=np.array([piece.backward for piece in pieces], dtype=np.bool_),
        columns=columns,
    )
    notes.insert(0, f"{len(pieces)} links and {len(keys)} nodes")
    layer = NetworkLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence or LICENCE, date, sha256, access, tuple(notes)),
        network=network,
        links=_links(pieces, lines, (start, end), rules, frame),
        nodes=_nodes(keys, pieces, elements),
    )
    return without_terrain(layer) if terrain is None else with_slope(layer, terrain)


def _near(
    pieces: list[Piece], elements: Elements, frame: Frame, area: Bounds | None
) -> tuple[list[Piece], dict[int, tuple[float, float]]]:
    """Pieces that begin or end in the area, and where all their nodes are [m]."""
    numbers = list({node for piece in pieces for node in piece.nodes})
    degrees = np.array([elements.place[number] for number in numbers])
    x, y, _ = frame.from_(_WGS84, degrees[:, 0], degrees[:, 1])
    place = dict(zip(numbers, zip(x.tolist(), y.tolist(), strict=True), strict=True))
    if area is None:
        return pieces, place
    west, south, east, north = area
    inside = {number for number, (px, py) in place.items() if west <= px <= east and south <= py <= north}
    return [piece for piece in pieces if piece.start[0] in inside or piece.end[0] in inside], place


def _columns(pieces: list[Piece]) -> dict[str, Column]:
    out = {}
    for name, spec in ATTRIBUTES.items():
        known = np.array([name in piece.facts for piece in pieces], dtype=np.bool_)
        if known.any():
            values = np.array([piece.facts.get(name, spec.unknown) for piece in pieces], dtype=np.float64)
            out[name] = Column(values, known, "tags of OpenStreetMap")
    return out


def _links(
    pieces: list[Piece],
    lines: list[object],
    ends: tuple[NDArray[np.int64], NDArray[np.int64]],
    rules: OsmTables,
    frame: Frame,
) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import shapely

    kind = np.array([piece.facts["kind"] for piece in pieces], dtype=np.int8)
    rise = np.array([piece.facts.get("rise", 0.0) for piece in pieces])
    own = {
        "id": pd.Series([piece.id for piece in pieces], dtype="str"),
        "start": ends[0],
        "end": ends[1],
        "kind": pd.Series([LinkKind(k).name for k in kind], dtype="str"),
        "name": pd.Series([piece.tags.get("name", "") for piece in pieces], dtype="str"),
        "length": np.hypot(shapely.length(lines), STOREY * rise),
        "elevator_group": elevator_groups(kind, *ends),
    }
    tags = [tag for tag in dict.fromkeys((*rules.keep, *RULE_TAGS)) if any(tag in piece.tags for piece in pieces)]
    source = {f"source_{tag}": pd.Series([p.tags.get(tag, "") for p in pieces], dtype="str") for tag in tags}
    return gpd.GeoDataFrame({**own, **source}, geometry=lines, crs=frame.wkt())


def _nodes(keys: list[NodeKey], pieces: list[Piece], elements: Elements) -> pd.DataFrame:
    """Nodes with the floor that all ways there have in common."""
    import pandas as pd

    floors: dict[NodeKey, set[float]] = {}
    for piece in pieces:
        stated = set(levels(piece.tags.get("level", "")))
        if stated and piece.facts["kind"] != LinkKind.ELEVATOR:
            for key in (piece.start, piece.end):
                floors[key] = floors[key] & stated if key in floors else stated
    floor = []
    for key in keys:
        own = set(levels(elements.node_tags.get(key[0], {}).get("level", "")))
        common = floors.get(key, set()) if key[1] == "" or key in floors else set()
        known = own if len(own) == 1 else common
        floor.append(next(iter(known)) if len(known) == 1 else np.nan)
    ids = [f"n{number}" + (f"@{place}" if place else "") for number, place in keys]
    return pd.DataFrame(
        {
            "id": pd.Series(ids, dtype="str"),
            "floor": np.array(floor, dtype=np.float64),
            "in_out": np.zeros(len(keys), dtype=np.int8),
            "elevation": np.full(len(keys), np.nan),
        }
    )
