"""Readers by name: which function turns a catalogue entry into a layer.

A reader is a function ``f(uri, *, layer_id, frame, area, licence, access, date, vertical, crs, <options>) -> Layer``
that may leave out any of the keywords before the options. `area` is (west, south, east, north) in `frame` or None;
the reader returns only what lies in it. Every other keyword is an option: the catalogue's ``options:`` may give it, its
annotation says of which kind it is.

A package adds readers through the entry-point group ``osaka_twin.readers`` (the name is the reader's name, the object
is the function or a :class:`Reader`).
"""

from __future__ import annotations

import collections.abc
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, get_type_hints

from twin.errors import FrameError, LayerError
from twin.layer import Layer

if TYPE_CHECKING:
    from layers.bounds import Bounds
    from layers.catalog import Catalog, Entry
    from twin.frame import Frame

__all__ = ["ENTRY_POINTS", "READERS", "Reader", "needed_layers", "read_entry", "reader_named", "reader_names"]

ENTRY_POINTS = "osaka_twin.readers"
"""Entry-point group of plug-in readers."""

_STANDARD = frozenset({"layer_id", "frame", "area", "licence", "access", "date", "vertical", "crs"})


@dataclass(frozen=True, slots=True)
class Reader:
    """How a reader is found and what its options mean.

    Parameters
    ----------
    target : str or callable
        ``"module:function"``, imported when it is first used, or the function itself.
    layers : tuple of str
        Options whose value is the id of another layer; the function is given that layer.
    files : tuple of str
        Options whose value is a file; a relative path means from the catalogue.
    """

    target: str | Callable[..., Layer]
    layers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def function(self) -> Callable[..., Layer]:
        """The function, imported now."""
        if not isinstance(self.target, str):
            return self.target
        module, _, name = self.target.partition(":")
        found: Callable[..., Layer] = getattr(import_module(module), name)
        return found


READERS: dict[str, Reader] = {
    "plateau_buildings": Reader("layers.buildings:read_buildings"),
    "plateau_roads": Reader("layers.roads:read_roads"),
    "elevation": Reader("layers.elevation:read_elevation", files=("geoid",)),
    "building_bases": Reader("layers.terrain:read_building_bases", layers=("buildings", "land")),
    "pointcloud": Reader("layers.pointcloud:read_pointcloud", files=("geoid",)),
    "pointcloud_ground": Reader("layers.pointcloud:read_pointcloud_ground", files=("geoid",)),
    "vector": Reader("layers.vector:read_vector"),
    "road_network": Reader("layers.street:read_road_network", layers=("roads", "terrain")),
    "mlit_walk": Reader("layers.pedestrian_mlit:read_mlit_walk", layers=("terrain",), files=("nodes", "tables")),
    "osm_walk": Reader("layers.osm:read_osm_walk", layers=("terrain",), files=("tables",)),
    "hazard": Reader("layers.hazard:read_hazard"),
    "plateau_inundation": Reader("layers.inundation:read_inundation"),
    "building_hazard": Reader("layers.building_hazard:read_building_hazard", layers=("buildings",)),
    "infrastructure": Reader("layers.infrastructure:read_infrastructure"),
    "ed269": Reader("layers.airspace:read_ed269"),
    "ed318": Reader("layers.airspace:read_ed318"),
    "no_fly_sites": Reader("layers.airspace_sites:read_no_fly_sites"),
}
"""The readers that come with the twin."""


def reader_names() -> tuple[str, ...]:
    """Names of all readers, plug-ins included."""
    return tuple(sorted({*READERS, *(point.name for point in entry_points(group=ENTRY_POINTS))}))


def reader_named(name: str, where: str) -> Reader:
    """The reader called `name`.

    Raises
    ------
    LayerError
        If there is none (names those there are), or a plug-in cannot be imported.
    """
    if name in READERS:
        return READERS[name]
    for point in entry_points(group=ENTRY_POINTS, name=name):
        try:
            loaded = point.load()
        except (ImportError, AttributeError) as error:
            raise LayerError(
                f"reader {name!r} of {point.value} cannot be imported ({error})",
                where=where,
                remedy="Mend or remove that package.",
            ) from error
        return loaded if isinstance(loaded, Reader) else Reader(loaded)
    raise LayerError(
        f"there is no reader {name!r}",
        where=where,
        remedy=f"Readers: {', '.join(reader_names())}; a package adds more (entry-point group {ENTRY_POINTS}).",
    )


def needed_layers(layer_id: str, entry: Entry) -> tuple[str, ...]:
    """Ids of the layers that must be loaded before `entry`."""
    where = f"layer {layer_id}"
    reader = reader_named(entry.reader, where)
    ids = [entry.options[option] for option in reader.layers if entry.options.get(option) is not None]
    for value in ids:
        if not isinstance(value, str):
            raise LayerError(f"option names layer {value!r}", where=where, remedy="Give the id of a layer.")
    return tuple(str(value) for value in ids)


def read_entry(
    layer_id: str,
    entry: Entry,
    *,
    catalog: Catalog,
    area: Bounds | None,
    loaded: Mapping[str, Layer],
) -> Layer:
    """Read one entry of a catalogue.

    Parameters
    ----------
    layer_id : str
    entry : Entry
    catalog : Catalog
        Gives the frame and the place that relative uris mean from.
    area : tuple of float or None
        (west, south, east, north) [m in the city's frame].
    loaded : mapping of str to Layer
        The layers that this one is computed from, at least.

    Raises
    ------
    LayerError
        If the reader does not exist, an option is unknown, missing or of the wrong kind, or the file is bad.
    FrameError
        If the entry states a datum that the reader's format contradicts.
    """
    where = f"layer {layer_id}"
    reader = reader_named(entry.reader, where)
    function = reader.function()
    taken = inspect.signature(function).parameters
    standard = {
        "layer_id": layer_id,
        "frame": catalog.city_frame,
        "area": area,
        "licence": entry.licence,
        "access": entry.access,
        "date": entry.date,
        "vertical": entry.vertical,
        "crs": entry.crs,
    }
    _require_fixed(entry, catalog.city_frame, taken, where)
    given: dict[str, object] = dict(entry.options)
    for option in reader.files:
        if isinstance(given.get(option), str):
            given[option] = catalog.resolve(str(given[option]))
    given = _checked(function, given, reader, entry.reader, where)
    for option in reader.layers:
        if given.get(option) is not None:
            given[option] = loaded[str(given[option])]
    if not entry.uri and "uri" in taken and taken["uri"].default is inspect.Parameter.empty:
        raise LayerError("has no uri", where=where, remedy=f"Reader {entry.reader} reads a file: give its uri.")
    uri = (catalog.resolve(entry.uri),) if "uri" in taken else ()
    layer = function(*uri, **{k: v for k, v in standard.items() if k in taken}, **given)
    if entry.source:
        source = f"{entry.source}: {layer.provenance.source}"
        layer = replace(layer, provenance=replace(layer.provenance, source=source))
    return layer if layer.id == layer_id else replace(layer, id=layer_id)


def _require_fixed(entry: Entry, frame: Frame, taken: Collection[str], where: str) -> None:
    """A reader without `vertical` or `crs` reads a format that fixes them: a statement may agree, not contradict."""
    if entry.vertical is not None and "vertical" not in taken and entry.vertical != frame.vertical:
        raise FrameError(
            f"states heights above {entry.vertical}; what reader {entry.reader} reads is above {frame.vertical}",
            where=where,
            remedy="Remove `vertical` from the entry.",
        )
    if entry.crs is not None and "crs" not in taken:
        raise FrameError(
            f"states {entry.crs}; what reader {entry.reader} reads says its coordinate system itself",
            where=where,
            remedy="Remove `crs` from the entry.",
        )


def _checked(
    function: Callable[..., Layer], given: dict[str, object], reader: Reader, name: str, where: str
) -> dict[str, object]:
    """The options, each of the kind that the reader's annotation asks for."""
    from pydantic import TypeAdapter, ValidationError

    parameters = inspect.signature(function).parameters
    options = {
        p.name: p
        for p in parameters.values()
        if p.kind is p.KEYWORD_ONLY and p.name not in _STANDARD and p.name != "uri"
    }
    known = f"Options of reader {name}: {', '.join(sorted(options)) or 'none'}."
    for option in given:
        if option not in options:
            raise LayerError(f"there is no option {option!r}", where=where, remedy=known)
    missing = [n for n, p in options.items() if p.default is p.empty and n not in given]
    if missing:
        raise LayerError(f"option {missing[0]!r} is missing", where=where, remedy=known)
    hints = _hints(function, [option for option in given if option not in reader.layers])
    checked = dict(given)
    for option, hint in hints.items():
        try:
            checked[option] = TypeAdapter(hint).validate_python(given[option])
        except ValidationError as error:
            raise LayerError(
                f"option {option!r} is {given[option]!r}: {error.errors(include_url=False)[0]['msg']}",
                where=where,
                remedy=known,
            ) from error
    return checked


class _Annotated:
    """Carries some annotations of a function: the others may name what is imported for type checkers only."""

    def __init__(self, annotations: dict[str, object]) -> None:
        self.__annotations__ = annotations


def _hints(function: Callable[..., Layer], options: list[str]) -> dict[str, Any]:
    annotations = {n: a for n, a in inspect.get_annotations(function).items() if n in options}
    # a reader may import the abstract containers of its annotations for type checkers only
    names = {**vars(collections.abc), **getattr(function, "__globals__", {})}
    return dict(get_type_hints(_Annotated(annotations), globalns=names))
