"""Inundation zones of PLATEAU (CityGML WaterBody: fld, tnm, htd, ifld, rfld) in the schema of hazard layers."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from layers import citygml_scan as cg
from layers.citygml import read_document
from layers.citygml_mesh import SURFACES, build_mesh, lod_property
from layers.citygml_source import CitySource
from layers.citygml_table import CodeBook, place, tell
from layers.citygml_word import GEOMETRY, Vocabulary, Word
from layers.codelist import CodeLists
from layers.hazard import HAZARD_COLUMNS, depth_range, read_hazard_tables
from twin.errors import LayerError
from twin.footprint import polygons_of
from twin.frame import OSAKA, Frame
from twin.layer import Access, Provenance, Surface, VectorLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from layers.bounds import Bounds
    from layers.citygml import Document

__all__ = ["KINDS", "read_inundation"]

KINDS: Final = ("fld", "tnm", "htd", "ifld", "rfld")
"""Folders of a PLATEAU data set that hold inundation zones."""
_HAZARDS: Final = {
    "RiverFloodingRiskAttribute": "river_flood",
    "InlandFloodingRiskAttribute": "inland_flood",
    "TsunamiRiskAttribute": "tsunami",
    "HighTideRiskAttribute": "storm_surge",
    "ReservoirFloodingRiskAttribute": "reservoir_flood",
}
"""Record of i-UR 3.1 and later (earlier ones write WaterBody in front) -> hazard."""
_SCALES: Final = {"1": "planned", "2": "maximum", "L1": "planned", "L2": "maximum"}
"""RiverFloodingRiskAttribute_scale: 1 or L1 計画規模, 2 or L2 想定最大規模."""

_RISK: Final = 16
_NAME: Final = 0
_DESCRIPTION, _RANK, _RANK_ORG, _ADMIN, _SCALE, _END = range(1, 7)

_VOCABULARY: Final[Vocabulary] = (
    *GEOMETRY,
    *(Word("wtr", f"lod{lod}MultiSurface", cg.PROPERTY, lod_property(lod, SURFACES)) for lod in (0, 1)),
    Word("wtr", "WaterBody", cg.FEATURE),
    Word("gml", "name", cg.LEAF, _NAME),
    *(Word("uro", name, cg.RECORD, _RISK + k) for k, name in enumerate(_HAZARDS)),
    *(Word("uro", f"WaterBody{name}", cg.RECORD, _RISK + k) for k, name in enumerate(_HAZARDS)),
    Word("uro", "description", cg.LEAF, _DESCRIPTION),
    Word("uro", "rank", cg.LEAF, _RANK),
    Word("uro", "rankOrg", cg.LEAF, _RANK_ORG),
    Word("uro", "adminType", cg.LEAF, _ADMIN),
    Word("uro", "scale", cg.LEAF, _SCALE),
)


def read_inundation(
    uri: str,
    *,
    layer_id: str = "inundation",
    frame: Frame = OSAKA,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    kind: str = "fld",
    meshes: Sequence[str] | None = None,
    strict: bool = False,
) -> VectorLayer:
    """One row a WaterBody with a record of its hazard: the union of its triangles, with `HAZARD_COLUMNS`.

    Parameters
    ----------
    uri : str
        A zip or folder with udx/, or one document.
    layer_id, frame, area, licence, access, date
        As every reader takes them (:mod:`layers.registry`).
    kind : str
        ``fld``, ``tnm``, ``htd``, ``ifld`` or ``rfld``.
    meshes : sequence of str, optional
        Only documents of these meshes.
    strict : bool
        Raise where a note would be made.

    Raises
    ------
    LayerError
        If `kind` is another one, a document is broken or none holds a zone.
    FrameError
        If `frame` is not in metres or its heights are not T.P.
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    where = f"layer {layer_id}: {uri}"
    if kind not in KINDS:
        raise LayerError(f"kind is {kind!r}", where=where, remedy=f"Give {', '.join(KINDS)}.")
    frame.require_metres(layer_id)
    notes: Counter[str] = Counter()
    parts: list[pd.DataFrame] = []
    shapes: list[NDArray[np.object_]] = []
    with CitySource(uri) as source:
        members = source.documents(kind, frame=frame, area=area, meshes=meshes)
        lists = CodeLists(source, strict=strict)
        book = CodeBook(lists)
        for member, document in source.work(members, partial(read_document, vocabulary=_VOCABULARY)):
            notes.update(document.notes)
            mesh, _ = build_mesh(document, frame, notes, strict=strict, surface=Surface.OTHER)
            table = _records(document, member, book)
            outline = _outlines(
                polygons_of(mesh, np.arange(mesh.n_polygons)), mesh.polygon_feature, len(document.features)
            )
            has = np.array([shape is not None for shape in outline], dtype=bool)
            notes["water bodies without a polygon, left out"] += int((~has).sum())
            kept = table[has[table["feature"].to_numpy(dtype=np.int64)]]
            parts.append(kept)
            shapes.append(outline[kept["feature"].to_numpy(dtype=np.int64)])
        book.count_undecoded()
        provenance = Provenance(uri, licence, date, source.sha256, access, (*tell(notes), *lists.notes()))
    joined = pd.concat(parts, ignore_index=True)
    if joined.empty:
        raise LayerError(
            f"there is no WaterBody with a hazard record in {len(members)} documents",
            where=where,
            remedy="Give udx/fld, tnm, htd, ifld or rfld of a PLATEAU data set, and its kind.",
        )
    columns = [name for name in HAZARD_COLUMNS if name != "geometry"]
    result = gpd.GeoDataFrame(joined[columns], geometry=np.concatenate(shapes), crs=frame.crs())
    if area is not None:
        inside = shapely.intersects(result.geometry.to_numpy(), shapely.box(*area))
        result = result[inside].reset_index(drop=True)
    return VectorLayer(layer_id, frame, provenance, result)


def _outlines(polygons: NDArray[np.object_], owner: NDArray[np.int64], n: int) -> NDArray[np.object_]:
    """Union of each feature's polygons, None where it has none."""
    import shapely

    out = np.full(n, None, dtype=object)
    usable = np.array([polygon is not None for polygon in polygons], dtype=bool)
    polygons, owner = shapely.make_valid(polygons[usable]), owner[usable]
    order = np.argsort(owner, kind="stable")
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    for group in np.split(order, starts[1:]) if len(order) else []:
        out[owner[group[0]]] = shapely.union_all(polygons[group], grid_size=1e-4)
    return out


def _records(document: Document, member: str, book: CodeBook) -> Any:
    """A row a hazard record, with the number of its feature."""
    import pandas as pd

    spans = place(document, 0, _END, by_record=True)
    kinds = document.records[:, cg.C_KIND] - _RISK
    rows = np.flatnonzero((kinds >= 0) & (kinds < len(_HAZARDS)))
    has_rank = spans[_RANK, rows, 0] >= 0
    rank = np.where(has_rank[:, None], spans[_RANK, rows], spans[_RANK_ORG, rows])
    coded = np.stack([spans[_DESCRIPTION, rows], rank, spans[_ADMIN, rows], spans[_SCALE, rows]])
    numbers = book.encode(document, member, coded)
    codes = [list(book.codes(numbers[k])) for k in range(4)]
    labels = [list(book.labels(numbers[k])) for k in range(4)]
    ranges = [
        _depths(str(code), str(label), is_common=bool(common))
        for code, label, common in zip(codes[1], labels[1], has_rank, strict=True)
    ]
    return pd.DataFrame(
        {
            "feature": document.records[rows, cg.C_FEATURE],
            "hazard": [tuple(_HAZARDS.values())[k] for k in kinds[rows]],
            "scale": [_SCALES.get(str(code), str(label)) for code, label in zip(codes[3], labels[3], strict=True)],
            "kind": "depth",
            "river_code": [code if code != label else "" for code, label in zip(codes[0], labels[0], strict=True)],
            "river": labels[0],
            "manager": labels[2],
            "rank": codes[1],
            "label": [text for text, *_ in ranges],
            "depth_min": np.array([lower for _, lower, _ in ranges], dtype=np.float64),
            "depth_max": np.array([upper for *_, upper in ranges], dtype=np.float64),
            "duration_min": np.nan,
            "duration_max": np.nan,
        }
    )


def _depths(code: str, label: str, *, is_common: bool) -> tuple[str, float, float]:
    """What a rank means: the words of its code list, or for the common rank the national table."""
    lower, upper = depth_range(label)
    if code != label and not np.isnan(lower):
        return label, lower, upper
    known = read_hazard_tables().ranks["depth"].get(code) if is_common else None
    if known is None:
        return label, float("nan"), float("nan")
    return known.label, known.lower or 0.0, float("inf") if known.upper is None else known.upper
