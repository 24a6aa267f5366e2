"""A layer: data of one kind in one frame, with where it came from and who may see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from twin.frame import Frame
    from twin.grid import Grid
    from twin.network import Network

__all__ = [
    "Access",
    "CloudLayer",
    "Layer",
    "MeshLayer",
    "NetworkLayer",
    "PolygonMesh",
    "Provenance",
    "RasterLayer",
    "Surface",
    "VectorLayer",
]


class Access(StrEnum):
    """Who may see a layer: the three classes of a city's data strategy."""

    OPEN = "open"
    CLOSED = "closed"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a layer came from.

    Parameters
    ----------
    source : str
        File or service, and the body that made it.
    licence : str
        Licence as the source states it.
    date : str
        Date of the data (ISO 8601) or "" where the source does not say.
    sha256 : str
        Digest of the bytes that were read, or "" for a layer that was computed.
    access : Access
        open, closed or personal.
    notes : tuple of str
        What the reader had to leave out or mend; shown to the user.
    """

    source: str
    licence: str
    date: str = ""
    sha256: str = ""
    access: Access = Access.OPEN
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What every layer has.

    Parameters
    ----------
    id : str
        Name in the city model, e.g. ``"buildings"``.
    frame : Frame
        Frame of the coordinates.
    provenance : Provenance
        Source, licence, access class.
    """

    id: str
    frame: Frame
    provenance: Provenance


@dataclass(frozen=True, slots=True, eq=False)
class RasterLayer(Layer):
    """Values on a grid.

    Parameters
    ----------
    grid : Grid
        Domain; its frame is the layer's frame.
    values : ndarray (ny, nx)
        NaN where nothing is known.
    units : str
        Unit of the values, e.g. ``"m"``.
    """

    grid: Grid
    values: NDArray[np.float32]
    units: str

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise LayerError(
                f"values have shape {self.values.shape}, the grid {self.grid.shape}",
                where=f"layer {self.id}",
                remedy="Give one value a cell.",
            )


@dataclass(frozen=True, slots=True, eq=False)
class VectorLayer(Layer):
    """Points, lines or polygons with attributes (`table` has a geometry column in `frame`)."""

    table: gpd.GeoDataFrame

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Values of a column, (n,); NaN where nothing is known.

        Raises
        ------
        LayerError
            If there is no such column, or it holds something else than numbers.
        """
        where = f"layer {self.id}"
        if column not in self.table.columns:
            there = ", ".join(map(str, self.table.columns))
            raise LayerError(f"has no column {column!r}", where=where, remedy=f"It has: {there}.")
        try:
            return np.asarray(self.table[column].to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise LayerError(
                f"column {column!r} holds no numbers ({error})", where=where, remedy="Name another, or mend the data."
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class NetworkLayer(Layer):
    """A directed graph with attributes.

    Parameters
    ----------
    network : Network
    links : GeoDataFrame
        One row a feature of the source (``network.link_feature`` names the row): ``id`` and a line that runs from the
        feature's start to its end, in `frame`.
    nodes : DataFrame
        One row a node: ``id`` and what the source says of it.
    """

    network: Network
    links: gpd.GeoDataFrame
    nodes: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class CloudLayer(Layer):
    """Points of a survey.

    Parameters
    ----------
    xyz : ndarray (n, 3)
        Coordinates [m].
    classification : ndarray (n,)
        ASPRS class: 2 ground, 5 high vegetation, 6 building, 9 water.
    """

    xyz: NDArray[np.float64]
    classification: NDArray[np.uint8]


class Surface:
    """What a polygon of a `PolygonMesh` is a part of (codes of ``polygon_surface``)."""

    FOOTPRINT = 0
    """LOD0 footprint; z is 0 in PLATEAU and means nothing."""
    ROOF_EDGE = 1
    """LOD0 roof outline."""
    SOLID = 2
    """LOD1 solid (block)."""
    WALL = 3
    ROOF = 4
    GROUND = 5
    OUTER_CEILING = 6
    OUTER_FLOOR = 7
    CLOSURE = 8
    OTHER = 9
    """LOD2 surface without a role, and LOD2 multi-surfaces."""
    ROAD = 10
    """Road surface (tran), LOD1-3; z may be 0: drape it."""


@dataclass(frozen=True, slots=True, eq=False)
class PolygonMesh:
    """Polygons with holes that belong to features, as flat arrays.

    Polygon ``p`` has rings ``polygon_start[p]:polygon_start[p + 1]``, the first is its exterior, the others its
    holes; ring ``r`` has vertices ``ring_start[r]:ring_start[r + 1]`` **without** the repeated closing vertex.

    Parameters
    ----------
    vertices : ndarray (n_vertices, 3)
        x, y, z [m].
    ring_start : ndarray (n_rings + 1,)
    polygon_start : ndarray (n_polygons + 1,)
    polygon_feature : ndarray (n_polygons,)
        Row of the feature table, ascending.
    polygon_surface : ndarray (n_polygons,)
        Code of :class:`Surface`.
    polygon_lod : ndarray (n_polygons,)
        0, 1, 2 or 3.
    """

    vertices: NDArray[np.float64]
    ring_start: NDArray[np.int64]
    polygon_start: NDArray[np.int64]
    polygon_feature: NDArray[np.int64]
    polygon_surface: NDArray[np.uint8]
    polygon_lod: NDArray[np.uint8]

    @property
    def n_polygons(self) -> int:
        """Number of polygons."""
        return len(self.polygon_feature)


@dataclass(frozen=True, slots=True, eq=False)
class MeshLayer(Layer):
    """Features with polygons in 3D: buildings, roads, bridges.

    Parameters
    ----------
    mesh : PolygonMesh
        The geometry of all features.
    table : DataFrame
        One row a feature, index 0..n-1; column ``id`` is its permanent name (gml:id).
    records : mapping of str to DataFrame
        Tables with several rows a feature; column ``feature`` is the row in `table`. Buildings: ``"risk"``.
    """

    mesh: PolygonMesh
    table: pd.DataFrame
    records: Mapping[str, pd.DataFrame] = field(default_factory=dict)
