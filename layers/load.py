"""From a catalogue to a city model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from layers.catalog import Catalog, read_catalog
from layers.registry import needed_layers, read_entry
from twin.city import CityModel
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from layers.bounds import Bounds
    from twin.layer import Layer

__all__ = ["load_city", "reading_order"]


def load_city(
    catalog: Path | str | Catalog,
    area: Bounds | None = None,
    only: Collection[str] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> CityModel:
    """Read the layers of a catalogue and join them to a city.

    Parameters
    ----------
    catalog : Path, str or Catalog
        Catalogue file, its URL, or a catalogue that was read already.
    area : tuple of float, optional
        west, south, east, north [m in the city's frame]; the catalogue's own area by default. Every layer is cut to
        it: rasters to whole cells, points to those inside, features to those that touch it (they stay whole).
    only : collection of str, optional
        Ids of the layers to read, with those that they are computed from; all by default.
    progress : callable, optional
        Called with (layers read so far, layers in all, id of the next one), at the end with an empty id.

    Raises
    ------
    LayerError
        If the catalogue, an entry or a file is bad, or `only` names a layer that is not there.
    FrameError
        If coordinate systems or height datums do not fit.
    """
    found = catalog if isinstance(catalog, Catalog) else read_catalog(catalog)
    bounds = found.area if area is None else _checked_area(area, found)
    order = reading_order(found, only)
    layers: dict[str, Layer] = {}
    for number, layer_id in enumerate(order):
        if progress is not None:
            progress(number, len(order), layer_id)
        layers[layer_id] = read_entry(layer_id, found.layers[layer_id], catalog=found, area=bounds, loaded=layers)
    if progress is not None:
        progress(len(order), len(order), "")
    # in the catalogue's order, whatever order they had to be read in
    wanted = {layer_id: layers[layer_id] for layer_id in found.layers if layer_id in layers}
    return CityModel(name=found.name, frame=found.city_frame, area=bounds, layers=wanted)


def reading_order(catalog: Catalog, only: Collection[str] | None = None) -> list[str]:
    """Ids of the layers to read, those that others are computed from first.

    Raises
    ------
    LayerError
        If an id does not exist or layers need one another in a circle.
    """
    order: list[str] = []
    for layer_id in catalog.layers if only is None else only:
        _visit(layer_id, catalog, order, ())
    return order


def _visit(layer_id: str, catalog: Catalog, order: list[str], path: tuple[str, ...]) -> None:
    if layer_id in order:
        return
    where = f"layer {path[-1]}" if path else (catalog.location or "catalogue")
    if layer_id not in catalog.layers:
        raise LayerError(
            f"there is no layer {layer_id!r}",
            where=where,
            remedy=f"The catalogue has: {', '.join(catalog.layers) or 'none'}.",
        )
    if layer_id in path:
        raise LayerError(
            f"is computed from itself: {' -> '.join((*path, layer_id))}",
            where=f"layer {layer_id}",
            remedy="Let one of them come from a file.",
        )
    for other in needed_layers(layer_id, catalog.layers[layer_id]):
        _visit(other, catalog, order, (*path, layer_id))
    order.append(layer_id)


def _checked_area(area: Bounds, catalog: Catalog) -> Bounds:
    west, south, east, north = (float(v) for v in area)
    where = "area"
    if not (all(map(math.isfinite, (west, south, east, north))) and west < east and south < north):
        raise LayerError(
            f"({west}, {south}, {east}, {north}) has no area",
            where=where,
            remedy="Give west, south, east, north in metres, west < east, south < north.",
        )
    whole = catalog.area
    if east <= whole[0] or west >= whole[2] or north <= whole[1] or south >= whole[3]:
        raise LayerError(
            f"({west:.0f}, {south:.0f}, {east:.0f}, {north:.0f}) lies outside the city, which covers"
            f" ({whole[0]:.0f}, {whole[1]:.0f}, {whole[2]:.0f}, {whole[3]:.0f}) in {catalog.frame}",
            where=where,
            remedy="Choose an area inside the city; check the coordinate system it is given in.",
        )
    return west, south, east, north
