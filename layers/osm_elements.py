"""Ways and nodes of OpenStreetMap as files have them: PBF, XML (also compressed) and the JSON of the Overpass API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

__all__ = ["Elements", "Way", "read_elements"]

Tags = dict[str, str]


@dataclass(frozen=True, slots=True)
class Way:
    """A way: number, numbers of its nodes in order, tags."""

    id: int
    nodes: tuple[int, ...]
    tags: Tags


@dataclass(frozen=True, slots=True)
class Elements:
    """Ways that were asked for, with the places of their nodes.

    Parameters
    ----------
    ways : list of Way
    place : mapping of int to (longitude, latitude)
        Nodes of the ways [deg, WGS 84]; a node at the edge of an extract may lack.
    node_tags : mapping of int to mapping
        Tags of the nodes that have some.
    """

    ways: list[Way] = field(default_factory=list)
    place: dict[int, tuple[float, float]] = field(default_factory=dict)
    node_tags: dict[int, Tags] = field(default_factory=dict)


def read_elements(path: Path, highways: Collection[str], where: str) -> Elements:
    """Ways whose ``highway`` is one of `highways`, and tagged nodes.

    Raises
    ------
    LayerError
        If the file is damaged or of another format.
    """
    if path.suffix.lower() == ".json":
        return _read_json(path, highways, where)
    import osmium

    found = Elements()
    try:
        # the locations are asked for first: a filter before it would hide the nodes
        for item in osmium.FileProcessor(str(path)).with_locations().with_filter(osmium.filter.EmptyTagFilter()):
            if isinstance(item, osmium.osm.Node):
                found.node_tags[item.id] = dict(item.tags)
            elif isinstance(item, osmium.osm.Way) and item.tags.get("highway") in highways:
                for node in item.nodes:
                    if node.location.valid():
                        found.place[node.ref] = (node.lon, node.lat)
                found.ways.append(Way(item.id, tuple(node.ref for node in item.nodes), dict(item.tags)))
    except (RuntimeError, ValueError) as error:
        raise LayerError(
            f"cannot be read as OpenStreetMap data ({error})",
            where=where,
            remedy="Give .osm.pbf, .osm, .osm.gz, .osm.bz2 or the .json of an Overpass query; fetch it again.",
        ) from error
    return found


def _read_json(path: Path, highways: Collection[str], where: str) -> Elements:
    """An Overpass answer: ``[out:json]``, with nodes (``>;``) or with places in the ways (``out geom;``)."""
    try:
        elements = json.loads(path.read_bytes())["elements"]
        found = Elements()
        for item in elements:
            _take(item, found, highways)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise LayerError(
            f"is no answer of the Overpass API ({type(error).__name__}: {error})",
            where=where,
            remedy="Save the answer to a query with [out:json] whole.",
        ) from error
    return found


def _take(item: Mapping[str, Any], found: Elements, highways: Collection[str]) -> None:
    tags = {str(key): str(value) for key, value in item.get("tags", {}).items()}
    number = int(item["id"])
    if item["type"] == "node":
        found.place[number] = (float(item["lon"]), float(item["lat"]))
        if tags:
            found.node_tags[number] = tags
    elif item["type"] == "way" and tags.get("highway") in highways:
        nodes = tuple(int(node) for node in item["nodes"])
        found.ways.append(Way(number, nodes, tags))
        for node, place in zip(nodes, item.get("geometry", ()), strict=False):
            if place is not None:
                found.place[node] = (float(place["lon"]), float(place["lat"]))
