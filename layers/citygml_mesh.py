"""Polygons of a scanned CityGML document: references resolved, coordinates in the target frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from layers import citygml_scan as cg
from layers.citygml_spans import bound_features, find_outside, lay_rings, match_spans, number_points
from twin.errors import LayerError
from twin.frame import TP, Frame
from twin.layer import PolygonMesh, Surface

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from layers.citygml import Document

__all__ = [
    "build_mesh",
    "empty_mesh",
    "feature_bounds",
    "highest_lods",
    "join_meshes",
    "lod_property",
    "select",
    "take_polygons",
    "touches",
]

FOOTPRINT: Final = 0
ROOF_EDGE: Final = 1
SOLID: Final = 2
SURFACES: Final = 3

_JAPAN: Final = (122.0, 20.0, 155.0, 46.5)
"""West, south, east, north [deg] that a building in JGD2011 can have (EPSG:6668, area of use on land)."""


def lod_property(lod: int, kind: int) -> int:
    """Argument of a `citygml_scan.PROPERTY` word: level of detail and FOOTPRINT, ROOF_EDGE, SOLID or SURFACES."""
    return lod * 16 + kind


def build_mesh(
    document: Document, frame: Frame, notes: Counter[str], *, strict: bool, surface: int | None = None
) -> tuple[PolygonMesh, NDArray[np.int64]]:
    """Polygons of all levels of detail of a document.

    Parameters
    ----------
    document : Document
        A scanned document.
    frame : Frame
        Where the vertices go; heights T.P.
    notes : Counter
        What had to be left out is counted here.
    strict : bool
        Raise where a note would be made.
    surface : int, optional
        Surface code of every polygon; by default it follows from the elements around a polygon.

    Returns
    -------
    mesh : PolygonMesh
    record : ndarray (n_polygons,)
        Row of the record that each polygon stands in (a traffic area), -1 for none.

    Raises
    ------
    LayerError
        If coordinates are uneven or lie outside Japan; if strict, also for references without target, open rings
        and rings of fewer than three points.
    """
    polygons, source = _resolve(document, notes, strict)
    vertices, ring_start, polygon_start = _lay(document, notes, strict)
    _to_frame(document, vertices, frame)
    lod = polygons[:, cg.P_PROPERTY] // 16
    mesh = PolygonMesh(
        vertices=vertices,
        ring_start=ring_start,
        polygon_start=polygon_start,
        polygon_feature=document.polygons[:, cg.P_FEATURE].copy(),
        polygon_surface=np.zeros(len(document.polygons), np.uint8),
        polygon_lod=np.zeros(len(document.polygons), np.uint8),
    )
    # a polygon without a usable ring is gone, a referred one may be there twice (for two features)
    usable = np.diff(polygon_start)[source] > 0
    polygons, source, lod = polygons[usable], source[usable], lod[usable]
    if len(source) != len(document.polygons) or not np.array_equal(source, np.arange(len(source))):
        mesh = take_polygons(mesh, source)
    codes = _surface_codes(polygons, lod) if surface is None else np.full(len(polygons), surface)
    mesh = PolygonMesh(
        vertices=mesh.vertices,
        ring_start=mesh.ring_start,
        polygon_start=mesh.polygon_start,
        polygon_feature=polygons[:, cg.P_FEATURE].copy(),
        polygon_surface=codes.astype(np.uint8),
        polygon_lod=lod.astype(np.uint8),
    )
    return mesh, polygons[:, cg.P_RECORD].copy()


def _surface_codes(polygons: NDArray[np.int64], lod: NDArray[np.int64]) -> NDArray[np.int64]:
    kind, role = polygons[:, cg.P_PROPERTY] % 16, polygons[:, cg.P_SURFACE]
    codes = np.where(role >= 0, role, Surface.OTHER)
    codes = np.where(lod == 1, Surface.SOLID, codes)
    codes = np.where((lod == 0) & (role < 0), Surface.FOOTPRINT, codes)
    return np.where(kind == ROOF_EDGE, Surface.ROOF_EDGE, codes)


def _resolve(document: Document, notes: Counter[str], strict: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Polygon rows with references resolved, ordered by feature, and the scanned polygon that each one shows.

    A reference to a polygon that the same feature already has at the same level of detail adds nothing (a solid made
    of its boundary surfaces), but hands over the role of the surface that it stands in. Any other reference adds
    the polygon to its own feature, once.
    """
    polygons = document.polygons.copy()
    source = np.arange(len(polygons))
    refs = document.references
    if not len(refs):
        return polygons, source
    text = document.text
    begin = np.where(text[refs[:, cg.X_BEGIN]] == 35, refs[:, cg.X_BEGIN] + 1, -1)  # 35: "#"; others leave the file
    target = match_spans(text, polygons[:, cg.P_ID], polygons[:, cg.P_ID_END], begin, refs[:, cg.X_END])
    groups = document.containers
    group = match_spans(text, groups[:, cg.G_ID], groups[:, cg.G_ID_END], begin, refs[:, cg.X_END])
    lost = np.flatnonzero((target < 0) & (group < 0))
    if len(lost):
        row = refs[lost[0]]
        name = document.string(int(row[cg.X_BEGIN]), int(row[cg.X_END]))
        if strict:
            raise LayerError(
                f"xlink:href={name!r} leads nowhere ({len(lost)} such references)",
                where=document.place(int(row[cg.X_AT])),
                remedy="Mend the reference, or read without strict to leave the polygon out.",
            )
        notes["references (xlink:href) without a target in their file, left out"] += len(lost)
    # a container stands for its polygons
    many = np.flatnonzero((target < 0) & (group >= 0))
    first, last = groups[group[many], cg.G_POLYGON], groups[group[many], cg.G_POLYGON_END]
    one = np.flatnonzero(target >= 0)
    row = np.concatenate([one, np.repeat(many, last - first)])
    shown = np.concatenate([target[one], _ranges(first, last)])
    same = (polygons[shown, cg.P_FEATURE] == refs[row, cg.X_FEATURE]) & (
        polygons[shown, cg.P_PROPERTY] // 16 == refs[row, cg.X_PROPERTY] // 16
    )
    gives_role = same & (polygons[shown, cg.P_SURFACE] < 0) & (refs[row, cg.X_SURFACE] >= 0)
    polygons[shown[gives_role], cg.P_SURFACE] = refs[row[gives_role], cg.X_SURFACE]
    row, shown = row[~same], shown[~same]
    if not len(row):
        return polygons, source
    key = np.stack([refs[row, cg.X_FEATURE], refs[row, cg.X_PROPERTY] // 16, shown])
    _, once = np.unique(key, axis=1, return_index=True)
    once.sort()
    row, shown = row[once], shown[once]
    extra = polygons[shown]
    extra[:, cg.P_FEATURE] = refs[row, cg.X_FEATURE]
    extra[:, cg.P_PROPERTY] = refs[row, cg.X_PROPERTY]
    extra[:, cg.P_RECORD] = refs[row, cg.X_RECORD]
    extra[:, cg.P_SURFACE] = np.where(refs[row, cg.X_SURFACE] >= 0, refs[row, cg.X_SURFACE], extra[:, cg.P_SURFACE])
    polygons, source = np.concatenate([polygons, extra]), np.concatenate([source, shown])
    order = np.argsort(polygons[:, cg.P_FEATURE], kind="stable")
    return polygons[order], source[order]


def _ranges(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """``first[0]..last[0]-1, first[1]..last[1]-1, ...``."""
    length = last - first
    return np.repeat(last - np.cumsum(length), length) + np.arange(int(length.sum()))


def _lay(
    document: Document, notes: Counter[str], strict: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Vertices as (longitude or east, latitude or north, z), ring_start, polygon_start of all scanned polygons."""
    rings = document.rings
    first = rings[:, cg.R_VALUE]
    last = np.append(first[1:], len(document.values))
    dimension = np.where(rings[:, cg.R_DIMENSION] == 0, document.dimension, rings[:, cg.R_DIMENSION])
    wrong = np.flatnonzero(((dimension != 2) & (dimension != 3)) | ((last - first) % np.maximum(dimension, 1) != 0))
    if len(wrong):
        ring = wrong[0]
        raise LayerError(
            f"{last[ring] - first[ring]} numbers do not make points of {dimension[ring]} coordinates",
            where=document.place(int(rings[ring, cg.R_AT])),
            remedy="Mend the position list or its srsDimension.",
        )
    vertices, ring_start, is_open = lay_rings(document.values, first, last, dimension)
    _check_place(document, vertices, ring_start)
    n_points = np.diff(ring_start)
    is_short = n_points < 3
    for is_bad, what in (
        (is_open & ~is_short, "rings without a closing point, closed"),
        (is_short, "rings of fewer than three points, left out"),
    ):
        if not is_bad.any():
            continue
        if strict:
            raise LayerError(
                f"{what.split(',')[0]}: {int(is_bad.sum())}",
                where=document.place(int(rings[np.argmax(is_bad), cg.R_AT])),
                remedy="Mend the ring, or read without strict.",
            )
        notes[what] += int(is_bad.sum())
    polygon_of, inner = rings[:, cg.R_POLYGON], rings[:, cg.R_INTERIOR]
    keep = ~is_short
    if not keep.all():
        # a polygon whose exterior is gone loses its holes too
        broken = np.zeros(len(document.polygons), bool)
        broken[polygon_of[is_short & (inner == 0)]] = True
        keep &= ~broken[polygon_of]
        vertices = vertices[np.repeat(keep, n_points)]
        n_points = n_points[keep]
        ring_start = np.concatenate([[0], np.cumsum(n_points)])
    per_polygon = np.bincount(polygon_of[keep], minlength=len(document.polygons))
    is_outer = np.bincount(polygon_of[keep], weights=inner[keep] == 0, minlength=len(document.polygons))
    odd = np.flatnonzero((per_polygon > 0) & (is_outer != 1))
    if len(odd):
        ring = int(np.flatnonzero(polygon_of == odd[0])[0])
        raise LayerError(
            f"a polygon has {int(is_outer[odd[0]])} exterior rings",
            where=document.place(int(rings[ring, cg.R_AT])),
            remedy="Give each gml:Polygon one gml:exterior.",
        )
    return vertices, ring_start, np.concatenate([[0], np.cumsum(per_polygon)])


def _check_place(document: Document, vertices: NDArray[np.float64], ring_start: NDArray[np.int64]) -> None:
    if document.horizontal != "EPSG:6668" or not len(vertices):
        return
    point = find_outside(vertices, *_JAPAN)
    if point < 0:
        return
    x, y = vertices[point, :2]
    ring = int(np.searchsorted(ring_start, point, side="right")) - 1
    raise LayerError(
        f"latitude {y:.9g}, longitude {x:.9g} do not lie in Japan",
        where=document.place(int(document.rings[ring, cg.R_AT])),
        remedy="EPSG:6697 and 6668 are written latitude first, in degrees: mend the axis order or the srsName.",
    )


def _to_frame(document: Document, vertices: NDArray[np.float64], frame: Frame) -> None:
    """Transform in place; each distinct point once, since a solid shows every point about five times."""
    frame.require_same_datum(Frame(document.horizontal, TP), where=document.where)
    if not len(vertices):
        return
    number, first = number_points(vertices)
    x, y, _ = frame.from_(Frame(document.horizontal, TP), vertices[first, 0], vertices[first, 1])
    vertices[:, 0], vertices[:, 1] = x[number], y[number]


def take_polygons(mesh: PolygonMesh, rows: NDArray[np.int64]) -> PolygonMesh:
    """The polygons `rows` of a mesh, in that order (features keep their numbers)."""
    first_ring, last_ring = mesh.polygon_start[rows], mesh.polygon_start[rows + 1]
    rings = _ranges(first_ring, last_ring)
    first, last = mesh.ring_start[rings], mesh.ring_start[rings + 1]
    return PolygonMesh(
        vertices=mesh.vertices[_ranges(first, last)],
        ring_start=np.concatenate([[0], np.cumsum(last - first)]),
        polygon_start=np.concatenate([[0], np.cumsum(last_ring - first_ring)]),
        polygon_feature=mesh.polygon_feature[rows],
        polygon_surface=mesh.polygon_surface[rows],
        polygon_lod=mesh.polygon_lod[rows],
    )


def feature_bounds(mesh: PolygonMesh, n_features: int, lods: Collection[int]) -> NDArray[np.float64]:
    """(n_features, 6) west, south, low, east, north, high of the polygons of some levels; NaN where there are none."""
    use = np.isin(mesh.polygon_lod, list(lods))
    bounds: NDArray[np.float64] = bound_features(
        n_features, mesh.polygon_feature, mesh.polygon_start, mesh.ring_start, mesh.vertices, use
    )
    return bounds


def highest_lods(mesh: PolygonMesh, n_features: int) -> NDArray[np.uint8]:
    """(n_features,) highest level of detail of each feature's polygons; 0 where it has none."""
    highest = np.zeros(n_features, np.uint8)
    np.maximum.at(highest, mesh.polygon_feature, mesh.polygon_lod)
    return highest


def touches(mesh: PolygonMesh, n_features: int, area: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """Whether the bounds of each feature's footprint (of all its polygons where it has none) touch `area`."""
    footprint = feature_bounds(mesh, n_features, (0,))
    bounds = np.where(np.isnan(footprint), feature_bounds(mesh, n_features, range(5)), footprint)
    west, south, east, north = area
    inside: NDArray[np.bool_] = (
        (bounds[:, 0] <= east) & (bounds[:, 3] >= west) & (bounds[:, 1] <= north) & (bounds[:, 4] >= south)
    )
    return inside


def select(
    document: Document, mesh: PolygonMesh, record: NDArray[np.int64], keep: NDArray[np.bool_]
) -> tuple[Document, PolygonMesh, NDArray[np.int64]]:
    """A document, its mesh and its polygons' records with only the features in `keep`, numbered anew.

    Texts and scanned polygons of the document stay as they were.
    """
    number = np.cumsum(keep) - 1
    kept = keep[document.records[:, cg.C_FEATURE]]
    row = np.append(np.cumsum(kept) - 1, -1)  # the last entry: -1 stays -1
    records = document.records[kept]
    records[:, cg.C_FEATURE] = number[records[:, cg.C_FEATURE]]
    records[:, cg.C_PARENT] = row[records[:, cg.C_PARENT]]
    polygons = np.flatnonzero(keep[mesh.polygon_feature])
    mesh = take_polygons(mesh, polygons)
    mesh = replace(mesh, polygon_feature=number[mesh.polygon_feature])
    return replace(document, features=document.features[keep], records=records), mesh, row[record[polygons]]


def empty_mesh() -> PolygonMesh:
    """A mesh without polygons."""
    zero, none = np.zeros(1, np.int64), np.zeros(0, np.uint8)
    return PolygonMesh(np.empty((0, 3)), zero, zero, np.zeros(0, np.int64), none, none)


def join_meshes(meshes: Sequence[PolygonMesh], n_features: Sequence[int]) -> PolygonMesh:
    """Meshes of several documents as one; the features of each are numbered after those of the one before."""
    if not meshes:
        return empty_mesh()
    base = np.cumsum([0, *n_features[:-1]])
    return PolygonMesh(
        vertices=np.concatenate([m.vertices for m in meshes]),
        ring_start=_join_starts([m.ring_start for m in meshes]),
        polygon_start=_join_starts([m.polygon_start for m in meshes]),
        polygon_feature=np.concatenate([m.polygon_feature + b for m, b in zip(meshes, base, strict=True)]),
        polygon_surface=np.concatenate([m.polygon_surface for m in meshes]),
        polygon_lod=np.concatenate([m.polygon_lod for m in meshes]),
    )


def _join_starts(starts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    base = np.cumsum([0, *(start[-1] for start in starts[:-1])])
    return np.concatenate([[0], *(start[1:] + b for start, b in zip(starts, base, strict=True))])
