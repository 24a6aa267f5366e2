"""Roads of PLATEAU (tran) as surfaces in one mesh layer."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from layers import citygml_scan as cg
from layers.citygml import read_document
from layers.citygml_generic import GENERIC, KEY, N_COLUMNS, append_generics
from layers.citygml_mesh import (
    SURFACES,
    build_mesh,
    highest_lods,
    join_meshes,
    lod_property,
    select,
    take_polygons,
    touches,
)
from layers.citygml_source import CitySource
from layers.citygml_table import CodeBook, TextColumn, numbers, place, source_files, tell, to_metres
from layers.citygml_word import GEOMETRY, Vocabulary, Word
from layers.codelist import CodeLists
from twin.errors import LayerError
from twin.frame import OSAKA, Frame
from twin.layer import Access, MeshLayer, PolygonMesh, Provenance, Surface

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from layers.citygml import Document

__all__ = ["read_roads"]

# columns of a road
(_NAME, _CLASS, _FUNCTION, _USAGE, _WIDTH_TYPE, _SECTION, _WIDTH, _N_COLUMNS) = range(8)

# kinds of record: an area of a road; its function is a text of the record
_TRAFFIC: Final = 16
_AREAS: Final = ("TrafficArea", "AuxiliaryTrafficArea")

_VOCABULARY: Final[Vocabulary] = (
    *GEOMETRY,
    *GENERIC,
    *(
        Word(namespace, f"lod{lod}{shape}", cg.PROPERTY, lod_property(lod, SURFACES))
        for namespace in ("tran", "core")
        for lod in range(5)
        for shape in ("MultiSurface", "Surface")
    ),
    Word("tran", "Road", cg.FEATURE),
    *(Word("tran", name, cg.RECORD, _TRAFFIC + k) for k, name in enumerate(_AREAS)),
    Word("gml", "name", cg.LEAF, _NAME),
    Word("tran", "class", cg.LEAF, _CLASS),
    Word("tran", "function", cg.LEAF, _FUNCTION),
    Word("tran", "usage", cg.LEAF, _USAGE),
    Word("uro", "widthType", cg.LEAF, _WIDTH_TYPE),
    Word("uro", "sectionType", cg.LEAF, _SECTION),
    Word("uro", "width", cg.LEAF, _WIDTH),
)


def read_roads(
    uri: str,
    *,
    frame: Frame = OSAKA,
    area: tuple[float, float, float, float] | None = None,
    meshes: Sequence[str] | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    strict: bool = False,
    lods: Collection[int] = (1, 2, 3),
) -> MeshLayer:
    """Road surfaces (tran:Road) of a PLATEAU data set, read in place.

    Heights are as the file has them: **LOD1 (and LOD2 without heights) lies at z = 0, drape it over the terrain.**
    Levels of detail overlap: use one of them a road (column ``max_lod``, ``mesh.polygon_lod``).

    Parameters
    ----------
    uri, frame, area, meshes, licence, access, date, strict, lods
        As in `layers.buildings.read_buildings`; the area is compared with the bounds of all surfaces of a road.

    Returns
    -------
    MeshLayer
        Id ``"roads"``. Columns: id, name, class_code, class_name, function_code, function, usage_code, usage,
        width_code, width_class (uro:widthType, a band of widths), width [m, NaN unknown], section_code, section,
        max_lod, generic (as for buildings), source_file.
        ``records["traffic_area"]``: feature, kind ("TrafficArea", "AuxiliaryTrafficArea"), function_code, function
        (carriageway, pavement, island ...).
        ``records["traffic_area_polygon"]``: feature, polygon (of the mesh), traffic_area (row of the table above).

    Raises
    ------
    LayerError
        If a file cannot be read, is not CityGML, holds broken coordinates or no road at all.
    FrameError
        If `frame` is not in metres or its heights are not T.P.
    """
    area = None if area is None else (float(area[0]), float(area[1]), float(area[2]), float(area[3]))
    frame.require_metres("roads")
    notes: Counter[str] = Counter()
    with CitySource(uri) as source:
        members = source.documents("tran", frame=frame, area=area, meshes=meshes)
        lists = CodeLists(source, strict=strict)
        reading = _Reading(frame, lists, notes, strict=strict, area=area, lods=frozenset(lods))
        for member, document in source.work(members, partial(read_document, vocabulary=_VOCABULARY)):
            reading.add(document, member)
        table, records, mesh = reading.finish(uri, members)
        provenance = Provenance(uri, licence, date, source.sha256, access, (*tell(notes), *lists.notes()))
    return MeshLayer("roads", frame, provenance, mesh, table, records)


class _Reading:
    """Columns and meshes of the documents read so far."""

    def __init__(
        self,
        frame: Frame,
        lists: CodeLists,
        notes: Counter[str],
        *,
        strict: bool,
        area: tuple[float, float, float, float] | None,
        lods: frozenset[int],
    ) -> None:
        self._frame, self._notes, self._strict, self._area, self._lods = frame, notes, strict, area, lods
        self._book = CodeBook(lists)
        self._texts = {name: TextColumn() for name in ("id", "name", "generic")}
        self._codes: list[NDArray[np.int64]] = []
        self._widths: list[NDArray[np.float64]] = []
        self._sizes: list[int] = []
        self._members: list[str] = []
        self._meshes: list[PolygonMesh] = []
        self._areas: list[NDArray[np.int64]] = []
        self._area_polygons: list[NDArray[np.int64]] = []

    def add(self, document: Document, member: str) -> None:
        """Append a document."""
        notes = self._notes
        notes.update(document.notes)
        mesh, record = build_mesh(document, self._frame, notes, strict=self._strict, surface=Surface.ROAD)
        columns = place(document, 0, _N_COLUMNS, by_record=False)
        record_columns = place(document, 0, _N_COLUMNS, by_record=True)
        generics = place(document, KEY, N_COLUMNS, by_record=True)
        if self._area is not None:
            keep = touches(mesh, len(document.features), self._area)
            kept = keep[document.records[:, cg.C_FEATURE]]
            columns, record_columns, generics = columns[:, keep], record_columns[:, kept], generics[:, kept]
            document, mesh, record = select(document, mesh, record, keep)
        n = len(document.features)
        if n == 0:
            notes["documents without a road" + (" in the area" if self._area else "")] += 1
            if self._area is None or self._sizes:
                return
        is_wanted = np.isin(mesh.polygon_lod, list(self._lods))
        if not is_wanted.all():
            notes["polygons of levels of detail that were not asked for"] += int(np.sum(~is_wanted))
            mesh, record = take_polygons(mesh, np.flatnonzero(is_wanted)), record[is_wanted]
        self._add_areas(document, member, record_columns, record)
        self._texts["id"].add(document.text, document.features[:, [cg.F_ID, cg.F_ID_END]], document.where)
        self._texts["name"].add(document.text, columns[_NAME], document.where)
        append_generics(document, member, generics, self._book, self._texts["generic"])
        self._codes.append(self._book.encode(document, member, columns[_CLASS : _SECTION + 1]))
        width = numbers(document, columns[_WIDTH], "width", notes)
        to_metres(document, columns[_WIDTH], width, notes)
        self._widths.append(width)
        self._meshes.append(mesh)
        self._sizes.append(n)
        self._members.append(member)

    def _add_areas(
        self, document: Document, member: str, columns: NDArray[np.int64], record: NDArray[np.int64]
    ) -> None:
        kind = document.records[:, cg.C_KIND] - _TRAFFIC
        is_area = (kind >= 0) & (kind < len(_AREAS))
        rows = np.flatnonzero(is_area)
        function = self._book.encode(document, member, columns[_FUNCTION, rows])
        feature = document.records[rows, cg.C_FEATURE] + sum(self._sizes)
        number = np.append(np.where(is_area, np.cumsum(is_area) - 1 + sum(map(len, self._areas)), -1), -1)
        polygons = np.flatnonzero(number[record] >= 0)
        first = sum(mesh.n_polygons for mesh in self._meshes)
        owner = document.records[record[polygons], cg.C_FEATURE] + sum(self._sizes)
        self._area_polygons.append(np.stack([owner, polygons + first, number[record[polygons]]], axis=1))
        self._areas.append(np.stack([feature, kind[rows], function], axis=1))

    def finish(self, uri: str, members: Sequence[str]) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], PolygonMesh]:
        """Table of roads, tables of traffic areas, mesh of all polygons.

        Raises
        ------
        LayerError
            If no road was read.
        """
        if not self._sizes:
            within = f" within {self._area}" if self._area else ""
            raise LayerError(
                f"there is no tran:Road{within} in {len(members)} documents",
                where=uri,
                remedy="Give road files (udx/tran), or another area.",
            )
        mesh = join_meshes(self._meshes, self._sizes)
        book = self._book
        book.count_undecoded()
        kind, function, usage, width_type, section = np.concatenate(self._codes, axis=1)
        table = pd.DataFrame(
            {
                "id": self._texts["id"].series(),
                "name": self._texts["name"].series(),
                "class_code": book.codes(kind),
                "class_name": book.labels(kind),
                "function_code": book.codes(function),
                "function": book.labels(function),
                "usage_code": book.codes(usage),
                "usage": book.labels(usage),
                "width_code": book.codes(width_type),
                "width_class": book.labels(width_type),
                "width": np.concatenate(self._widths),
                "section_code": book.codes(section),
                "section": book.labels(section),
                "max_lod": highest_lods(mesh, len(kind)),
                "generic": self._texts["generic"].series(),
                "source_file": source_files(self._members, self._sizes),
            }
        )
        feature, area_kind, area_function = np.concatenate(self._areas).T
        areas = pd.DataFrame(
            {
                "feature": feature,
                "kind": pd.Series(np.array(_AREAS, object)[area_kind], dtype="str"),
                "function_code": book.codes(area_function),
                "function": book.labels(area_function),
            }
        )
        polygons = pd.DataFrame(np.concatenate(self._area_polygons), columns=["feature", "polygon", "traffic_area"])
        return table, {"traffic_area": areas, "traffic_area_polygon": polygons}, mesh
