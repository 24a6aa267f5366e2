"""Buildings of PLATEAU (CityGML with i-UR) as one mesh layer, whatever the version of the files."""

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
    FOOTPRINT,
    ROOF_EDGE,
    SOLID,
    SURFACES,
    build_mesh,
    feature_bounds,
    highest_lods,
    join_meshes,
    lod_property,
    select,
    take_polygons,
    touches,
)
from layers.citygml_source import CitySource
from layers.citygml_table import (
    CodeBook,
    TextColumn,
    numbers,
    place,
    small_integers,
    source_files,
    tell,
    to_hours,
    to_metres,
    years,
)
from layers.citygml_word import GEOMETRY, Vocabulary, Word
from layers.codelist import CodeLists
from twin.errors import LayerError
from twin.frame import OSAKA, Frame
from twin.layer import Access, MeshLayer, PolygonMesh, Provenance, Surface

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from layers.citygml import Document

__all__ = ["read_buildings"]

# columns of a building
(
    _NAME,
    _BUILDING_ID,
    _BRANCH_ID,
    _CLASS,
    _USAGE,
    _DETAILED_USAGE,
    _STRUCTURE,
    _FIREPROOF,
    _PREFECTURE,
    _CITY,
    _HEIGHT,
    _ABOVE,
    _BELOW,
    _BUILT,
    _SURVEYED,
    _N_COLUMNS,
) = range(16)

# columns of a record, after those of generic attributes
(_DESCRIPTION, _RANK, _ADMIN, _SCALE, _DEPTH, _DURATION, _RANK_ORG, _AREA_TYPE, _HEIGHT_VALUE, _RISK_END) = range(
    KEY + N_COLUMNS, KEY + N_COLUMNS + 10
)
_N_RECORD_COLUMNS: Final = _RISK_END - KEY

# kinds of record
_RISK: Final = 16
_MEASURED: Final = 40
_HAZARDS: Final = {
    "RiverFloodingRiskAttribute": "river_flood",
    "InlandFloodingRiskAttribute": "inland_flood",
    "TsunamiRiskAttribute": "tsunami",
    "HighTideRiskAttribute": "storm_surge",
    "LandSlideRiskAttribute": "landslide",
    "ReservoirFloodingRiskAttribute": "reservoir_flood",
}
"""Element of a record (i-UR 3.1 and later; earlier ones write Building in front) -> hazard."""

_LODS: Final = tuple(
    Word(namespace, name, cg.PROPERTY, lod_property(lod, kind))
    for namespace in ("bldg", "core", "con")
    for lod in range(5)
    for name, kind in (
        (f"lod{lod}Solid", SOLID),
        (f"lod{lod}MultiSurface", SURFACES),
        (f"lod{lod}Geometry", SURFACES),
        *((("lod0FootPrint", FOOTPRINT), ("lod0RoofEdge", ROOF_EDGE)) if lod == 0 else ()),
    )
)
_SURFACES: Final = {
    "WallSurface": Surface.WALL,
    "RoofSurface": Surface.ROOF,
    "GroundSurface": Surface.GROUND,
    "OuterCeilingSurface": Surface.OUTER_CEILING,
    "OuterFloorSurface": Surface.OUTER_FLOOR,
    "ClosureSurface": Surface.CLOSURE,
    "InteriorWallSurface": Surface.OTHER,
    "CeilingSurface": Surface.OTHER,
    "FloorSurface": Surface.OTHER,
}

_VOCABULARY: Final[Vocabulary] = (
    *GEOMETRY,
    *GENERIC,
    *_LODS,
    Word("bldg", "Building", cg.FEATURE),
    Word("bldg", "BuildingPart", cg.PART),
    *(
        Word("bldg", name, cg.SKIP)
        for name in (
            *("BuildingInstallation", "IntBuildingInstallation", "BuildingFurniture", "Room", "BuildingRoom"),
            *("BuildingConstructiveElement", "BuildingUnit", "Storey"),
        )
    ),
    *(Word(namespace, name, cg.SURFACE, code) for namespace in ("bldg", "con") for name, code in _SURFACES.items()),
    Word("gml", "name", cg.LEAF, _NAME),
    Word("bldg", "class", cg.LEAF, _CLASS),
    Word("bldg", "usage", cg.LEAF, _USAGE),
    Word("bldg", "measuredHeight", cg.LEAF, _HEIGHT),
    Word("bldg", "storeysAboveGround", cg.LEAF, _ABOVE),
    Word("bldg", "storeysBelowGround", cg.LEAF, _BELOW),
    Word("bldg", "yearOfConstruction", cg.LEAF, _BUILT),
    Word("con", "dateOfConstruction", cg.LEAF, _BUILT),
    Word("uro", "buildingID", cg.LEAF, _BUILDING_ID),
    Word("uro", "branchID", cg.LEAF, _BRANCH_ID),
    Word("uro", "prefecture", cg.LEAF, _PREFECTURE),
    Word("uro", "city", cg.LEAF, _CITY),
    Word("uro", "detailedUsage", cg.LEAF, _DETAILED_USAGE),
    Word("uro", "buildingStructureType", cg.LEAF, _STRUCTURE),
    Word("uro", "fireproofStructureType", cg.LEAF, _FIREPROOF),
    Word("uro", "surveyYear", cg.LEAF, _SURVEYED),
    *(
        Word("uro", prefix + name, cg.RECORD, _RISK + k)
        for k, name in enumerate(_HAZARDS)
        for prefix in ("", "Building")
    ),
    Word("uro", "description", cg.LEAF, _DESCRIPTION),
    Word("uro", "rank", cg.LEAF, _RANK),
    Word("uro", "rankOrg", cg.LEAF, _RANK_ORG),
    Word("uro", "areaType", cg.LEAF, _AREA_TYPE),
    Word("uro", "adminType", cg.LEAF, _ADMIN),
    Word("uro", "scale", cg.LEAF, _SCALE),
    Word("uro", "depth", cg.LEAF, _DEPTH),
    Word("uro", "duration", cg.LEAF, _DURATION),
    Word("con", "Height", cg.RECORD, _MEASURED),  # CityGML 3.0: con:height/con:Height/con:value
    Word("con", "value", cg.LEAF, _HEIGHT_VALUE),
)


def read_buildings(
    uri: str,
    *,
    frame: Frame = OSAKA,
    area: tuple[float, float, float, float] | None = None,
    meshes: Sequence[str] | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    strict: bool = False,
    lods: Collection[int] = (0, 1, 2),
) -> MeshLayer:
    """Buildings of a PLATEAU data set, read in place.

    i-UR 2.0 to 4.0 (CityGML 2.0 and 3.0) give the same columns. References (xlink:href) are resolved: a solid made of
    its boundary surfaces counts once. A building part's polygons and risk records belong to its building, its other
    attributes are left out. Geometry of installations and rooms is left out. What was left out or mended is said in
    ``provenance.notes``.

    Parameters
    ----------
    uri : str
        A zip archive, a folder with ``udx/``, or a ``.gml``; a path or an fsspec URL.
    frame : Frame
        Frame of the result, in metres, heights T.P.
    area : tuple of float, optional
        West, south, east, north [m in `frame`]: buildings whose footprint's bounds touch it. Files are chosen by the
        mesh code in their names.
    meshes : sequence of str, optional
        Only files of these JIS meshes.
    licence, date : str
        For the provenance.
    access : Access
        For the provenance.
    strict : bool
        Raise LayerError for what otherwise becomes a note: missing code lists, references without target, open rings,
        missing textures.
    lods : collection of int
        Levels of detail to keep, of 0 to 4.

    Returns
    -------
    MeshLayer
        Id ``"buildings"``. Columns: id (gml:id), building_id, branch_id, name, class_code, class_name, usage_code,
        usage, detailed_usage_code, detailed_usage, structure_code, structure, fireproof_code, fireproof,
        measured_height [m], storeys_above, storeys_below, year_of_construction, survey_year, prefecture, city,
        city_code, base and top [m T.P.: lowest and highest point of LOD1, else LOD2], height [m: top - base, else
        measured_height], max_lod, generic (JSON object of gen:* attributes and key-value pairs), source_file. Codes
        are as in the file, labels from the code lists; "", NaN or NA where nothing is known.
        ``records["risk"]``: feature, hazard (river_flood, inland_flood, tsunami, storm_surge, landslide,
        reservoir_flood), description_code, description, rank_code, rank (of a landslide: its kind of area), depth [m],
        admin, scale_code, scale ("planned", "maximum" or another label), duration_hours.

    Raises
    ------
    LayerError
        If a file cannot be read, is not CityGML, holds broken coordinates or no building at all.
    FrameError
        If `frame` is not in metres or its heights are not T.P.
    """
    area = None if area is None else (float(area[0]), float(area[1]), float(area[2]), float(area[3]))
    frame.require_metres("buildings")
    notes: Counter[str] = Counter()
    with CitySource(uri) as source:
        members = source.documents("bldg", frame=frame, area=area, meshes=meshes)
        lists = CodeLists(source, strict=strict)
        reading = _Reading(frame, lists, notes, strict=strict, area=area, lods=frozenset(lods))
        for member, document in source.work(members, partial(read_document, vocabulary=_VOCABULARY)):
            reading.add(document, member)
            lost = source.missing(member, document.images)
            if lost and strict:
                raise LayerError(
                    f"{len(lost)} texture images are missing, e.g. {lost[0]}",
                    where=source.where(member),
                    remedy="Add the images, or read without strict to go without textures.",
                )
            notes["texture images missing: surfaces are without texture"] += len(lost)
        table, risk, mesh = reading.finish(uri, members)
        provenance = Provenance(uri, licence, date, source.sha256, access, (*tell(notes), *lists.notes()))
    return MeshLayer("buildings", frame, provenance, mesh, table, {"risk": risk})


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
        self._texts = {name: TextColumn() for name in ("id", "building_id", "branch_id", "name", "generic")}
        self._codes: list[NDArray[np.int64]] = []
        self._numbers: list[NDArray[np.float64]] = []
        self._bounds: list[NDArray[np.float64]] = []
        self._sizes: list[int] = []
        self._members: list[str] = []
        self._meshes: list[PolygonMesh] = []
        self._risk_numbers: list[NDArray[np.float64]] = []
        self._risk_codes: list[NDArray[np.int64]] = []

    def add(self, document: Document, member: str) -> None:
        """Append a document."""
        notes = self._notes
        notes.update(document.notes)
        notes["building parts: polygons and risk records kept, other attributes left out"] += document.n_parts
        notes["installations, rooms or furniture, left out"] += document.n_skipped
        mesh, record = build_mesh(document, self._frame, notes, strict=self._strict)
        columns = place(document, 0, _N_COLUMNS, by_record=False)
        spans = place(document, KEY, _N_RECORD_COLUMNS, by_record=True)
        if self._area is not None:
            keep = touches(mesh, len(document.features), self._area)
            columns, spans = columns[:, keep], spans[:, keep[document.records[:, cg.C_FEATURE]]]
            document, mesh, _ = select(document, mesh, record, keep)
        n = len(document.features)
        if n == 0:
            notes["documents without a building" + (" in the area" if self._area else "")] += 1
            if self._area is None or self._sizes:
                return
        levels = [feature_bounds(mesh, n, (lod,))[:, [2, 5]] for lod in (1, 2)]
        self._bounds.append(np.where(np.isnan(levels[0]), levels[1], levels[0]))
        unwanted = ~np.isin(mesh.polygon_lod, list(self._lods))
        if unwanted.any():
            notes["polygons of levels of detail that were not asked for"] += int(unwanted.sum())
            mesh = take_polygons(mesh, np.flatnonzero(~unwanted))
        self._meshes.append(mesh)
        self._sizes.append(n)
        self._members.append(member)
        self._add_attributes(document, member, columns, spans)
        self._add_risk(document, member, spans)

    def _add_attributes(
        self, document: Document, member: str, columns: NDArray[np.int64], spans: NDArray[np.int64]
    ) -> None:
        notes, texts = self._notes, self._texts
        texts["id"].add(document.text, document.features[:, [cg.F_ID, cg.F_ID_END]], document.where)
        for name, column in (("name", _NAME), ("building_id", _BUILDING_ID), ("branch_id", _BRANCH_ID)):
            texts[name].add(document.text, columns[column], document.where)
        append_generics(document, member, spans[:N_COLUMNS], self._book, texts["generic"])
        self._codes.append(self._book.encode(document, member, columns[_CLASS : _CITY + 1]))
        height = numbers(document, columns[_HEIGHT], "measuredHeight", notes)
        to_metres(document, columns[_HEIGHT], height, notes)
        measured = np.flatnonzero(document.records[:, cg.C_KIND] == _MEASURED)
        if len(measured):
            at = spans[_HEIGHT_VALUE - KEY, measured]
            value = numbers(document, at, "con:Height", notes)
            to_metres(document, at, value, notes)
            owner = document.records[measured, cg.C_FEATURE]
            first = np.unique(owner, return_index=True)[1]
            height[owner[first]] = np.where(np.isnan(height[owner[first]]), value[first], height[owner[first]])
        self._numbers.append(
            np.stack(
                [
                    height,
                    numbers(document, columns[_ABOVE], "storeysAboveGround", notes),
                    numbers(document, columns[_BELOW], "storeysBelowGround", notes),
                    years(document, columns[_BUILT], "yearOfConstruction", notes),
                    years(document, columns[_SURVEYED], "surveyYear", notes),
                ]
            )
        )

    def _add_risk(self, document: Document, member: str, spans: NDArray[np.int64]) -> None:
        kind = document.records[:, cg.C_KIND] - _RISK
        rows = np.flatnonzero((kind >= 0) & (kind < len(_HAZARDS)))
        spans = spans[:, rows]
        rank = spans[_RANK - KEY]
        for other in (_RANK_ORG, _AREA_TYPE):
            rank = np.where(rank[:, :1] >= 0, rank, spans[other - KEY])
        coded = np.stack([spans[_DESCRIPTION - KEY], rank, spans[_ADMIN - KEY], spans[_SCALE - KEY]])
        self._risk_codes.append(self._book.encode(document, member, coded))
        depth = numbers(document, spans[_DEPTH - KEY], "depth", self._notes)
        to_metres(document, spans[_DEPTH - KEY], depth, self._notes)
        duration = numbers(document, spans[_DURATION - KEY], "duration", self._notes)
        to_hours(document, spans[_DURATION - KEY], duration, self._notes)
        feature = document.records[rows, cg.C_FEATURE] + sum(self._sizes[:-1])
        self._risk_numbers.append(
            np.stack([feature.astype(np.float64), kind[rows].astype(np.float64), depth, duration])
        )

    def finish(self, uri: str, members: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame, PolygonMesh]:
        """Table of buildings, table of risk records, mesh of all polygons.

        Raises
        ------
        LayerError
            If no building was read.
        """
        if not self._sizes:
            within = f" within {self._area}" if self._area else ""
            raise LayerError(
                f"there is no bldg:Building{within} in {len(members)} documents",
                where=uri,
                remedy="Give building files (udx/bldg), or another area.",
            )
        mesh = join_meshes(self._meshes, self._sizes)
        table = self._table(mesh)
        self._book.count_undecoded()
        self._notes["buildings without gml:id"] += int(table["id"].eq("").sum())
        self._notes["buildings whose gml:id is not unique"] += int(table["id"].duplicated().sum())
        return table, self._risk_table(), mesh

    def _table(self, mesh: PolygonMesh) -> pd.DataFrame:
        book, texts, notes = self._book, {k: c.series() for k, c in self._texts.items()}, self._notes
        kind, usage, detailed, structure, fireproof, prefecture, city = np.concatenate(self._codes, axis=1)
        height, above, below, built, surveyed = np.concatenate(self._numbers, axis=1)
        base, top = np.concatenate(self._bounds).T
        return pd.DataFrame(
            {
                "id": texts["id"],
                "building_id": texts["building_id"],
                "branch_id": texts["branch_id"],
                "name": texts["name"],
                "class_code": book.codes(kind),
                "class_name": book.labels(kind),
                "usage_code": book.codes(usage),
                "usage": book.labels(usage),
                "detailed_usage_code": book.codes(detailed),
                "detailed_usage": book.labels(detailed),
                "structure_code": book.codes(structure),
                "structure": book.labels(structure),
                "fireproof_code": book.codes(fireproof),
                "fireproof": book.labels(fireproof),
                "measured_height": height,
                "storeys_above": small_integers(above, "storeysAboveGround", notes),
                "storeys_below": small_integers(below, "storeysBelowGround", notes),
                "year_of_construction": small_integers(built, "yearOfConstruction", notes),
                "survey_year": small_integers(surveyed, "surveyYear", notes),
                "prefecture": book.labels(prefecture),
                "city": book.labels(city),
                "city_code": book.codes(city),
                "base": base,
                "top": top,
                "height": np.where(np.isnan(top - base), height, top - base),
                "max_lod": highest_lods(mesh, len(height)),
                "generic": texts["generic"],
                "source_file": source_files(self._members, self._sizes),
            }
        )

    def _risk_table(self) -> pd.DataFrame:
        book = self._book
        feature, kind, depth, duration = np.concatenate(self._risk_numbers, axis=1)
        description, rank, admin, scale = np.concatenate(self._risk_codes, axis=1)
        return pd.DataFrame(
            {
                "feature": feature.astype(np.int64),
                "hazard": pd.Series(np.array([*_HAZARDS.values()], object)[kind.astype(np.int64)], dtype="str"),
                "description_code": book.codes(description),
                "description": book.labels(description),
                "rank_code": book.codes(rank),
                "rank": book.labels(rank),
                "depth": depth,
                "admin": book.labels(admin),
                "scale_code": book.codes(scale),
                "scale": _scales(book.labels(scale)),
                "duration_hours": duration,
            }
        )


def _scales(labels: pd.Series[str]) -> pd.Series[str]:
    """The two scales of the Flood Prevention Act by short names; any other label as it is."""
    names = {
        label: "planned" if "計画規模" in label else "maximum" if "想定最大" in label else label
        for label in labels.unique()
    }
    return labels.map(names).astype("str")
