"""The city as a scene: one document, and one pack a layer, made when it is first asked for."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.pack import (
    building_arrays,
    cloud_arrays,
    line_arrays,
    point_arrays,
    road_arrays,
    shown_ground,
    surface_arrays,
    write_pack,
)
from twin.errors import LayerError
from twin.layer import Access, CloudLayer, MeshLayer, NetworkLayer, RasterLayer, Surface, VectorLayer
from viewer.api.answer import named_source, squeeze
from viewer.api.style import Style, rank_of, style_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from layers.pack import Ground
    from sim.service import Service
    from twin.city import CityModel
    from twin.layer import Layer

__all__ = ["SceneShelf", "ShownLayer", "encoder_digest"]

BUILDINGS, TERRAIN = "buildings", "terrain"
LABEL_COLUMNS = ("name", "名称", "施設名", "label", "id")


@dataclass(frozen=True, slots=True, eq=False)
class ShownLayer:
    """A layer of the city that the page offers.

    Parameters
    ----------
    id : str
    kind : str
        terrain, buildings, surfaces, lines, points or cloud.
    layer : Layer
    style : Style
    url : str
        Address of its pack.
    """

    id: str
    kind: str
    layer: Layer
    style: Style
    url: str

    @property
    def source(self) -> str:
        """Where it came from, as readers see it."""
        return named_source(self.layer.provenance.source)


class SceneShelf:
    """Scene document and packs of a service's city; open layers only.

    Parameters
    ----------
    service : Service
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._packs: dict[str, bytes] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    @property
    def city(self) -> CityModel:
        """The city, loaded once."""
        return self._service.city()

    @cached_property
    def origin(self) -> tuple[float, float]:
        """Plane-rectangular place of the scene's (0, 0): the middle of the area, in whole metres."""
        west, south, east, north = self.city.area
        return (float(round((west + east) / 2)), float(round((south + north) / 2)))

    @cached_property
    def layers(self) -> dict[str, ShownLayer]:
        """What is shown, by id, in the order of ``style.yaml``."""
        city = self.city
        digest = city.digest()
        found = {}
        for layer_id in sorted(city, key=rank_of):
            layer = city[layer_id]
            kind = _kind(layer)
            if kind and layer.provenance.access is Access.OPEN:
                parts = f"{digest}:{layer_id}:{encoder_digest()}"
                name = hashlib.sha256(parts.encode()).hexdigest()[:20]
                found[layer_id] = ShownLayer(layer_id, kind, layer, style_of(layer_id), f"/data/{name}/{layer_id}.pack")
        return found

    @cached_property
    def ground(self) -> Ground | None:
        """The terrain as it is sent, on which everything else is draped; None where the city has none to show."""
        shown = self.layers.get(TERRAIN)
        return shown_ground(shown.layer) if shown is not None and isinstance(shown.layer, RasterLayer) else None

    def document(self) -> dict[str, Any]:
        """The scene document."""
        city, (x0, y0) = self.city, self.origin
        west, south, east, north = city.area
        return {
            "title": {lang: city.name.get(lang, next(iter(city.name.values()))) for lang in ("ja", "en")},
            "origin": [x0, y0],
            "frame": city.frame.horizontal,
            "bounds": [west - x0, south - y0, east - x0, north - y0],
            "packs": [
                {
                    "id": shown.id,
                    "kind": shown.kind,
                    "url": shown.url,
                    "name": dict(shown.style.name),
                    "visible": shown.style.is_visible,
                    "source": shown.source,
                    "licence": shown.layer.provenance.licence,
                }
                for shown in self.layers.values()
            ],
        }

    def pack(self, digest: str, layer_id: str) -> bytes:
        """The compressed pack of a layer.

        Raises
        ------
        LayerError
            If there is no such open layer, or the address is of another state of the city.
        """
        shown = self.layers.get(layer_id)
        if shown is None or shown.url.split("/")[2] != digest:
            raise LayerError(
                f"there is no pack {digest}/{layer_id}",
                where="/data",
                remedy="Load the scene document again: the city may have changed, or the layer is not open.",
            )
        with self._guard:
            lock = self._locks.setdefault(layer_id, threading.Lock())
        with lock:
            if layer_id not in self._packs:
                self._packs[layer_id] = squeeze(write_pack(*self._arrays(shown)))
            return self._packs[layer_id]

    def buildings(self) -> MeshLayer:
        """The buildings.

        Raises
        ------
        LayerError
            If the city has none, or they are not open.
        """
        shown = self.layers.get(BUILDINGS)
        if shown is None or not isinstance(shown.layer, MeshLayer):
            raise LayerError("the city shows no buildings", where="scene", remedy="Add an open layer `buildings`.")
        return shown.layer

    @cached_property
    def building_order(self) -> NDArray[np.uint32]:
        """Row in the table of every building number of the pack."""
        return np.asarray(self._building_pack[1]["feature"], dtype=np.uint32)

    @cached_property
    def _building_pack(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        return building_arrays(self.buildings(), self.origin, self.ground)

    def _arrays(self, shown: ShownLayer) -> tuple[dict[str, Any], Mapping[str, NDArray[Any]]]:
        """Meta and arrays of a layer's pack."""
        layer, style, origin = shown.layer, shown.style, self.origin
        classes = [dict(entry) for entry in style.classes]
        if shown.id == TERRAIN:
            assert self.ground is not None
            return self.ground.arrays(origin)
        if shown.id == BUILDINGS:
            return self._building_pack
        if isinstance(layer, CloudLayer):
            return cloud_arrays(layer, origin)
        if isinstance(layer, MeshLayer):
            arrays = road_arrays(layer, style.classify(layer.table), origin, self.ground)
            return {"classes": classes, "drape": True}, arrays
        if isinstance(layer, NetworkLayer):
            shapes = layer.links.geometry.to_numpy()
            return {"classes": classes}, line_arrays(shapes, np.zeros(len(shapes), np.uint8), origin, self.ground)
        assert isinstance(layer, VectorLayer)
        shapes, kinds = layer.table.geometry.to_numpy(), style.classify(layer.table)
        if shown.kind == "surfaces":
            return {"classes": classes, "drape": True}, surface_arrays(shapes, kinds, origin, self.ground)
        if shown.kind == "lines":
            return {"classes": classes}, line_arrays(shapes, kinds, origin, self.ground)
        points = layer.table.geometry.representative_point()
        xy = np.column_stack([points.x, points.y])
        arrays = point_arrays(xy, np.full(len(xy), np.nan), kinds, origin, self.ground)
        return {"classes": classes, "labels": _labels(layer)}, arrays


@cache
def encoder_digest() -> str:
    """Digest of the code and tables that turn layers into packs: new code, new addresses."""
    digest = hashlib.sha256()
    for package in ("layers.pack", "viewer.api"):
        for path in sorted(files(package).iterdir(), key=lambda item: item.name):
            if path.is_file() and path.name.endswith((".py", ".yaml")):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _kind(layer: Layer) -> str:
    """Kind of the layer's pack, "" for one that cannot be shown (a raster that is not the terrain, say)."""
    if isinstance(layer, RasterLayer):
        return "terrain" if layer.id == TERRAIN else ""
    if isinstance(layer, MeshLayer):
        if layer.id == BUILDINGS:
            return "buildings"
        return "surfaces" if np.any(layer.mesh.polygon_surface == Surface.ROAD) else ""
    if isinstance(layer, CloudLayer):
        return "cloud"
    if isinstance(layer, NetworkLayer):
        return "lines"
    if isinstance(layer, VectorLayer) and len(layer.table):
        kinds = layer.table.geometry.geom_type.str.removeprefix("Multi")
        return {"Polygon": "surfaces", "LineString": "lines", "Point": "points"}.get(str(kinds.mode().iloc[0]), "")
    return ""


def _labels(layer: VectorLayer) -> list[dict[str, str]]:
    column = next((name for name in LABEL_COLUMNS if name in layer.table.columns), None)
    texts = layer.table[column].fillna("").astype(str) if column else [""] * len(layer.table)
    return [{"ja": text, "en": text} for text in texts]
