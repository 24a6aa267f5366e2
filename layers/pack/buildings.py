"""Buildings as tiles of the pack: one mesh a tile, 8 bytes a vertex, colours looked up by building."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from layers.pack.tiles import MOST_VERTICES, cut_tiles, weld
from layers.pack.triangulate import polygon_normals, triangulate
from twin.footprint import footprints
from twin.layer import Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.pack.terrain import Ground
    from twin.layer import MeshLayer

__all__ = ["SCALE", "Block", "building_arrays", "building_mesh", "usage_classes"]

SCALE = 0.1
"""Size of a step of the tile coordinates [m]."""
ASSUMED_HEIGHT = 3.0
"""Height of a building that has neither geometry nor a height [m]: one storey; the pack's meta counts them."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Triangles of all buildings before tiling.

    Parameters
    ----------
    vertices : ndarray (n, 3)
        [m in the layer's frame]
    triangles : ndarray (m, 3)
    feature : ndarray (m,)
        Row of the building of each triangle.
    n_assumed : int
        Buildings drawn with :data:`ASSUMED_HEIGHT`.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]
    feature: NDArray[np.int64]
    n_assumed: int


@cache
def usage_classes() -> tuple[dict[str, Any], ...]:
    """Classes of building use: ``codes``, ``name`` by language, ``color``."""
    text = files("layers.pack").joinpath("usage.yaml").read_text(encoding="utf-8")
    return tuple(yaml.safe_load(text))


def building_mesh(layer: MeshLayer, ground: Ground | None) -> Block:
    """Every building once: LOD2 where it has one, else its LOD1 block, else its outline raised to its top.

    Faces that look straight down are left out: nobody sees them.

    Parameters
    ----------
    layer : MeshLayer
        Buildings.
    ground : Ground or None
        What a building without a base stands on.
    """
    mesh, n = layer.mesh, len(layer.table)
    best = _best_lod(layer)
    normals = polygon_normals(mesh)
    area = np.linalg.norm(normals, axis=1)
    is_down = normals[:, 2] < -0.9 * area
    solid = np.isin(mesh.polygon_surface, (Surface.FOOTPRINT, Surface.ROOF_EDGE), invert=True)
    shown = solid & (mesh.polygon_lod == best[mesh.polygon_feature]) & ~is_down
    triangles, polygons = triangulate(mesh, np.flatnonzero(shown), normals)
    feature = mesh.polygon_feature[polygons]
    missing = np.flatnonzero(np.bincount(feature, minlength=n) == 0)
    raised, n_assumed = _raise_outlines(layer, missing, ground)
    offset, parts_v, parts_t, parts_f = len(mesh.vertices), [mesh.vertices], [triangles], [feature]
    for row, vertices, faces in raised:
        parts_v.append(vertices)
        parts_t.append(faces + offset)
        parts_f.append(np.full(len(faces), row))
        offset += len(vertices)
    return Block(np.concatenate(parts_v), np.concatenate(parts_t), np.concatenate(parts_f), n_assumed)


def building_arrays(
    layer: MeshLayer, origin: tuple[float, float], ground: Ground | None = None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Meta and arrays of the buildings pack.

    Parameters
    ----------
    layer : MeshLayer
        Buildings.
    origin : tuple of float
        Plane-rectangular place of the scene's (0, 0).
    ground : Ground, optional
        For buildings without a base.

    Returns
    -------
    meta, arrays
        ``feature[b]`` is the row in the layer's table of building number ``b``.
    """
    block = building_mesh(layer, ground)
    steps = np.round((block.vertices - np.array([*origin, 0.0])) / SCALE).astype(np.int64)
    tiles = cut_tiles(*weld(steps, block.triangles, block.feature), scale=SCALE)
    codes, heights = _usage_codes(layer), layer.table["height"].to_numpy(dtype=np.float32, na_value=np.nan)
    order = tiles.pop("feature")
    meta = {
        "n": len(order),
        "scale": SCALE,
        "usages": [
            {"code": k, "name": entry["name"], "color": entry["color"]}
            for k, entry in enumerate(usage_classes())
            if k in codes[order]
        ],
        "n_assumed_height": block.n_assumed,
    }
    return meta, {
        **tiles,
        "feature": order.astype(np.uint32),
        "usage": codes[order],
        "height": heights[order],
    }


def _best_lod(layer: MeshLayer) -> NDArray[np.int64]:
    """2 where there is an LOD2, else 3 where there is an LOD3, else 1, else -1."""
    mesh, best = layer.mesh, np.full(len(layer.table), -1)
    drawn = np.isin(mesh.polygon_surface, (Surface.FOOTPRINT, Surface.ROOF_EDGE), invert=True)
    sizes = np.bincount(mesh.polygon_feature, np.diff(mesh.ring_start[mesh.polygon_start]), len(layer.table))
    for lod in (1, 3, 2):
        rows = np.unique(mesh.polygon_feature[drawn & (mesh.polygon_lod == lod)])
        best[rows] = np.where((best[rows] == 1) & (sizes[rows] > MOST_VERTICES), 1, lod)
    return best


def _raise_outlines(
    layer: MeshLayer, rows: NDArray[np.int64], ground: Ground | None
) -> tuple[list[tuple[int, NDArray[np.float64], NDArray[np.int64]]], int]:
    """Outline blocks (row, vertices, triangles) of buildings without faces; how many had no height."""
    from mapbox_earcut import triangulate_float64

    table, outlines = layer.table, footprints(layer)
    made, n_assumed = [], 0
    for row in rows:
        shape = outlines[row]
        if shape is None:
            continue
        base, height = float(table["base"].iloc[row]), float(table["height"].iloc[row])
        if not np.isfinite(base):
            centre = shape.representative_point()
            base = float(ground.at(np.array([[centre.x, centre.y]]))[0]) if ground is not None else 0.0
        if not height > 0:
            height, n_assumed = ASSUMED_HEIGHT, n_assumed + 1
        for polygon in getattr(shape, "geoms", [shape]):
            rings = [np.asarray(ring.coords)[:-1] for ring in _oriented(polygon)]
            ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
            flat = np.concatenate(rings)
            roof = np.asarray(triangulate_float64(flat - flat[0], ends).reshape(-1, 3), dtype=np.int64)
            following = np.concatenate(
                [np.roll(np.arange(a, b), -1) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
            )
            low, high = np.arange(len(flat)), np.arange(len(flat)) + len(flat)
            walls = [
                np.stack([low, low[following], high[following]], axis=1),
                np.stack([low, high[following], high], axis=1),
            ]
            vertices = np.concatenate([np.column_stack([flat, np.full(len(flat), z)]) for z in (base, base + height)])
            made.append((int(row), vertices, np.concatenate([_upward(flat, roof) + len(flat), *walls])))
    return made, n_assumed


def _oriented(polygon: Any) -> list[Any]:
    from shapely.geometry.polygon import orient

    turned = orient(polygon)
    return [turned.exterior, *turned.interiors]


def _upward(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    turn = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    out = triangles.copy()
    out[turn < 0] = triangles[turn < 0][:, [0, 2, 1]]
    return out


def _usage_codes(layer: MeshLayer) -> NDArray[np.uint8]:
    """Number of the class of use of every row."""
    table = {code: number for number, entry in enumerate(usage_classes()) for code in entry["codes"]}
    other = table["other"]
    codes = layer.table["usage_code"].astype(str)
    return np.array([table.get(code, other) for code in codes], dtype=np.uint8)
