"""Pedestrian networks of the Ministry of Land (歩行空間ネットワークデータ) of 2010, 2018 and 2024 as networks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import numpy as np

from layers.features import feature_file, read_csv, read_table
from layers.pedestrian import Column, Wheelchair, directed
from layers.pedestrian_cells import Cells
from layers.pedestrian_nodes import place_nodes, require_unique
from layers.pedestrian_shape import elevator_groups, link_shapes
from layers.pedestrian_survey import WidthUnit, require_columns, survey_columns
from layers.pedestrian_tables import detect_generation, read_pedestrian_tables
from layers.slope import with_slope, without_terrain
from layers.source import opened
from twin.errors import LayerError
from twin.layer import Access, NetworkLayer, Provenance, RasterLayer
from twin.network import LinkKind

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from layers.bounds import Bounds
    from layers.pedestrian_nodes import Nodes
    from layers.pedestrian_shape import Shapes
    from layers.pedestrian_tables import Generation, PedestrianTables
    from twin.frame import Frame

__all__ = ["read_mlit_walk"]


def read_mlit_walk(
    uri: str,
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    crs: str | None = None,
    nodes: str,
    version: int | None = None,
    terrain: RasterLayer | None = None,
    member: str | None = None,
    node_member: str | None = None,
    encoding: str | None = None,
    width_unit: WidthUnit | None = None,
    tables: str | None = None,
) -> NetworkLayer:
    """Links and nodes of a pedestrian network; those links that have a node in the area.

    Parameters
    ----------
    uri : str
        File of links: shapefile, GeoJSON, GeoPackage, GML, CSV without geometry (links are straight then), or a zip.
    layer_id, frame, area, licence, access, date
        As every reader takes them (:mod:`layers.registry`).
    crs : str, optional
        Horizontal system of both files; goes before their own. CSV is in EPSG:6668 where nothing else is said.
    nodes : str
        File of nodes.
    version : int, optional
        2010, 2018 or 2024: generation of the specification, where the file does not show it.
    terrain : RasterLayer, optional
        Gives heights, and slopes of the links on the ground (:func:`layers.slope.with_slope`).
    member, node_member : str, optional
        Files in zip archives that hold several.
    encoding : str, optional
        Of the text in a shapefile or CSV; by default UTF-8, and cp932 (Shift JIS) where it is not that.
    width_unit : str, optional
        Unit of ``w_min``: ``m`` or ``dm``; by default the one in which it agrees with ``width``.
    tables : str, optional
        File that replaces ``layers/tables/pedestrian.yaml``.

    Returns
    -------
    NetworkLayer
        As :mod:`layers.pedestrian` says.

    Raises
    ------
    LayerError
        If a file is bad, its generation is not known, ids are missing, double or dangling.
    FrameError
        As :func:`layers.vector.read_vector`.
    """
    where, node_where = f"layer {layer_id}: {uri}", f"layer {layer_id}: {nodes}"
    known = read_pedestrian_tables(tables)
    notes: list[str] = []
    table, link_digest = _table(uri, where, member, encoding)
    cells = Cells(table.drop(columns="geometry", errors="ignore"))
    name = detect_generation(cells, version, where)
    generation = _generation(known, name, where)
    node_table, node_digest = _table(nodes, node_where, node_member, encoding)
    placed = place_nodes(node_table, generation, frame, area, crs=crs, notes=notes, where=node_where)
    rows, start, end = _ends(cells, generation, placed, is_cut=area is not None, notes=notes, where=where)
    cells, table = cells.taken(rows), table.iloc[rows]
    used, ends = np.unique(np.concatenate([start, end]), return_inverse=True)
    placed, start, end = placed.taken(used), ends[: len(start)], ends[len(start) :]
    columns = survey_columns(cells, generation, width_unit=width_unit, notes=notes, where=where)
    columns["level"] = _level(placed, start, end)
    columns["wheelchair"] = _impassable(cells, generation)
    _check_rank(cells, generation, columns["kind"], notes)
    shapes = link_shapes(
        table.geometry if "geometry" in table else None,
        cells.numbers(generation.columns.get("length"), ()),
        columns["kind"].values,
        placed,
        start,
        end,
        frame=frame,
        crs=crs,
        notes=notes,
    )
    forward, backward = _directions(cells, generation, notes)
    network = directed(
        np.column_stack([placed.xy, np.full(len(used), np.nan)]),
        start=start,
        end=end,
        length=shapes.length,
        forward=forward,
        backward=backward,
        columns=columns,
    )
    notes.insert(0, f"specification of {name}: {len(rows)} links and {len(used)} nodes")
    digest = hashlib.sha256(f"{link_digest}{node_digest}".encode()).hexdigest()
    layer = NetworkLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date, digest, access, tuple(notes)),
        network=network,
        links=_links(cells, generation, columns["kind"], shapes, (start, end), frame),
        nodes=placed.table(),
    )
    return without_terrain(layer) if terrain is None else with_slope(layer, terrain)


def _table(uri: str, where: str, member: str | None, encoding: str | None) -> tuple[pd.DataFrame, str]:
    """A file as it is, and its digest; a CSV has no geometry."""
    with opened(uri, where) as source, feature_file(source.path, member, where) as path:
        is_csv = path.suffix.lower() == ".csv"
        table = read_csv(path, where, encoding) if is_csv else read_table(path, where, encoding=encoding)
        return table, source.sha256


def _generation(tables: PedestrianTables, name: Literal["2010", "2018", "2024"], where: str) -> Generation:
    found = tables.generations.get(name)
    if found is None:
        raise LayerError(
            f"is of the specification of {name}, which the tables given do not have",
            where=where,
            remedy="Start the tables from a copy of layers/tables/pedestrian.yaml.",
        )
    return found


def _ends(
    cells: Cells, generation: Generation, nodes: Nodes, *, is_cut: bool, notes: list[str], where: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the links that are kept, and the nodes that each runs between."""
    columns = generation.columns
    require_columns(cells, generation, where)
    require_unique(cells[columns["id"]], columns["id"], where)
    number = {name: row for row, name in enumerate(nodes.id)}
    start, end = (
        np.array([number.get(name, -1) for name in cells[columns[which]]], dtype=np.int64) for which in ("start", "end")
    )
    dangling = (start < 0) | (end < 0)
    if dangling.any() and not is_cut:
        row = int(np.flatnonzero(dangling)[0])
        raise LayerError(
            f"{int(dangling.sum())} links name nodes that are not there; the first is {cells[columns['id']][row]}"
            f" from {cells[columns['start']][row]!r} to {cells[columns['end']][row]!r}",
            where=where,
            remedy="Give the node file of the same network and edition.",
        )
    if dangling.all() and len(dangling):
        raise LayerError(
            f"none of its {len(dangling)} links names a node of the node file",
            where=where,
            remedy="Give the node file of the same network and edition.",
        )
    near = ~dangling & (nodes.is_inside[start] | nodes.is_inside[end])
    known_end = np.where(start >= 0, start, end)
    lost = int((dangling & (known_end >= 0) & nodes.is_inside[known_end]).sum())
    if lost:
        notes.append(f"{lost} links that begin in the area name a node that is not there and are left out")
    loops = near & (start == end)
    if loops.any():
        notes.append(f"{int(loops.sum())} links begin and end at one node and are left out")
    rows = np.flatnonzero(near & ~loops)
    return rows, start[rows], end[rows]


def _level(nodes: Nodes, start: NDArray[np.int64], end: NDArray[np.int64]) -> Column:
    lower = np.minimum(nodes.floor[start], nodes.floor[end])
    return Column(lower, np.isfinite(lower), "floor of the nodes")


def _directions(cells: Cells, generation: Generation, notes: list[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    way, known = cells.codes(generation.columns.get("direction"), generation.direction, dtype="U8", blank="both")
    if not known.all():
        notes.append(f"{int((~known).sum())} links do not say in which direction they may be walked: both are assumed")
    return way != "backward", way != "forward"


def _impassable(cells: Cells, generation: Generation) -> Column:
    """A wheelchair cannot pass where the rank has a Z."""
    column = generation.rank.column if generation.rank is not None else None
    known = np.array([len(text) == 3 and "Z" in text for text in cells.get(column)], dtype=np.bool_)
    source = "not surveyed" if column is None or column not in cells else column
    return Column(np.full(len(known), Wheelchair.NO, dtype=np.int8), known, source)


def _check_rank(cells: Cells, generation: Generation, kind: Column, notes: list[str]) -> None:
    """Say how many letters of the rank contradict the field that they stand for."""
    rank = generation.rank
    if rank is None or rank.column not in cells:
        return
    letters = np.array([text if len(text) == 3 else "XXX" for text in cells[rank.column]], dtype="U3")
    is_elevator = kind.values == LinkKind.ELEVATOR
    for place, (name, expected) in enumerate((("width", rank.width), ("slope", rank.slope), ("step", rank.step))):
        meant, known = cells.codes(generation.columns.get(name), expected, dtype="U1", blank="X")
        said = np.array([text[place] for text in letters], dtype="U1")
        wrong = known & ~is_elevator & np.isin(said, ["S", "A", "B", "C"]) & (said != meant)
        if wrong.any():
            notes.append(
                f"{rank.column} contradicts {generation.columns[name]} on {int(wrong.sum())} links: the field is taken"
            )


def _links(
    cells: Cells,
    generation: Generation,
    kind: Column,
    shapes: Shapes,
    ends: tuple[NDArray[np.int64], NDArray[np.int64]],
    frame: Frame,
) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    kinds = np.where(kind.known, kind.values, LinkKind.OTHER)
    own = {
        "id": pd.Series(cells[generation.columns["id"]], dtype="str"),
        "start": ends[0],
        "end": ends[1],
        "kind": pd.Series([LinkKind(k).name for k in kinds], dtype="str"),
        "name": pd.Series(cells.get(generation.columns.get("name")), dtype="str"),
        "length": shapes.length,
        "elevator_group": elevator_groups(kinds, *ends),
    }
    return gpd.GeoDataFrame({**own, **cells.as_source()}, geometry=list(shapes.lines), crs=frame.wkt())
