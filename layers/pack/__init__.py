"""Layers as arrays that a browser draws, and the container that carries them."""

from layers.pack.buildings import building_arrays
from layers.pack.cloud import cloud_arrays
from layers.pack.container import read_pack, write_pack
from layers.pack.depth import DepthCode
from layers.pack.drape import line_arrays, point_arrays, road_arrays, surface_arrays
from layers.pack.terrain import Ground, shown_ground

__all__ = [
    "DepthCode",
    "Ground",
    "building_arrays",
    "cloud_arrays",
    "line_arrays",
    "point_arrays",
    "read_pack",
    "road_arrays",
    "shown_ground",
    "surface_arrays",
    "write_pack",
]
