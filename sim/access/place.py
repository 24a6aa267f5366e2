"""Places that a scenario names, brought onto the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.access.graph import Cut
from sim.access.scenario import AccessSection
from sim.coupling import shelters_close
from twin.errors import LayerError, ScenarioError
from twin.layer import NetworkLayer, VectorLayer
from twin.network import LinkKind

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from sim.access.scenario import PlaceInput
    from twin.city import CityModel
    from twin.run import Run

__all__ = ["Place", "Placer", "shelter_places"]

CARRIERS = (LinkKind.STAIRS, LinkKind.ESCALATOR, LinkKind.ELEVATOR)
"""Kinds of link on which no journey begins or ends."""
END = 1e-6
"""A place this near to an end of a link, as a share of it, is the end."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the network.

    Parameters
    ----------
    node : int
        Node of the network, or -1 for a place on a link.
    cut : Cut or None
        Where a link is cut for it.
    offset : float
        Straight distance from the point that was asked for [m].
    name : str
        What the place is called, or "".
    closes : float
        From when on nobody is let in [s]; inf: never.
    """

    node: int
    cut: Cut | None
    offset: float
    name: str = ""
    closes: float = np.inf


class Placer:
    """Finds places on one network.

    Parameters
    ----------
    layer : NetworkLayer
    city : CityModel
        Holds the layers that places are named by.
    within : float
        Farthest point from the network [m].
    """

    def __init__(self, layer: NetworkLayer, city: CityModel, within: float) -> None:
        self._layer = layer
        self._city = city
        self._within = within
        network = layer.network
        n_rows = len(layer.links)
        self._level = np.full(n_rows, np.nan)
        self._is_carrier = np.zeros(n_rows, dtype=np.bool_)
        self._is_there = np.zeros(n_rows, dtype=np.bool_)
        self._ends = np.zeros((n_rows, 2), dtype=np.int64)
        row = network.link_feature
        self._is_there[row] = True
        self._ends[row] = np.where(
            network.link_reversed[:, None],
            np.column_stack([network.link_head, network.link_tail]),
            np.column_stack([network.link_tail, network.link_head]),
        )
        if (level := network.attributes.get("level")) is not None:
            self._level[row] = np.where(level.known, np.asarray(level.values, dtype=np.float64), np.nan)
        if (kind := network.attributes.get("kind")) is not None:
            self._is_carrier[row] = kind.known & np.isin(kind.values, CARRIERS)

    def place(self, given: PlaceInput, level: float, where: str) -> Place:
        """The place that a scenario names.

        Raises
        ------
        ScenarioError
            If there is no such node or feature, or the point is too far from the network.
        """
        if not isinstance(given, str):
            return self._snap(given, level, where)
        if ":" in given:
            layer_id, _, feature_id = given.partition(":")
            table, row = self._feature(layer_id, feature_id, where)
            point = table.geometry.iloc[row].representative_point()
            placed = self._snap((point.x, point.y), level, where)
            return Place(placed.node, placed.cut, placed.offset, str(table.iloc[row].get("name", feature_id)))
        ids = self._layer.nodes["id"].astype(str).to_numpy()
        found = np.flatnonzero(ids == given)
        if not len(found):
            raise ScenarioError(
                f"the network has no node {given!r}",
                where=where,
                remedy=f"Give a node's id (such as {ids[0]!r}), [x, y], or layer:id." if len(ids) else "Give [x, y].",
            )
        return Place(int(found[0]), None, 0.0)

    def _snap(self, point: tuple[float, float], level: float, where: str) -> Place:
        import shapely

        # a link whose floor nobody knows may be on any
        fits = self._is_there & ~self._is_carrier & ~(np.abs(self._level - level) > 0.25)
        if not fits.any():
            levels = sorted({float(value) for value in self._level[np.isfinite(self._level)]})
            raise ScenarioError(
                f"the network has no link on level {level:g}",
                where=where,
                remedy=f"Its levels are {', '.join(f'{value:g}' for value in levels)}.",
            )
        rows = np.flatnonzero(fits)
        lines = self._layer.links.geometry.to_numpy()[rows]
        at = shapely.Point(point)
        distance = shapely.distance(lines, at)
        nearest = int(np.argmin(distance))
        offset = float(distance[nearest])
        if offset > self._within:
            raise ScenarioError(
                f"({point[0]:.1f}, {point[1]:.1f}) is {offset:.0f} m from the network on level {level:g}; "
                f"at most {self._within:.0f} m are allowed",
                where=where,
                remedy="Move the point, set its level, or raise access.snap_within.",
            )
        row = int(rows[nearest])
        share = float(shapely.line_locate_point(lines[nearest], at, normalized=True))
        if share <= END or share >= 1 - END:
            return Place(int(self._ends[row, 0 if share <= END else 1]), None, offset)
        return Place(-1, Cut(row, share), offset)

    def _feature(self, layer_id: str, feature_id: str, where: str) -> tuple[gpd.GeoDataFrame, int]:
        if layer_id not in self._city:
            raise ScenarioError(
                f"the city has no layer {layer_id!r}",
                where=where,
                remedy=f"It has: {', '.join(sorted(self._city)) or 'none'}.",
            )
        layer = self._city[layer_id]
        if not isinstance(layer, VectorLayer):
            raise ScenarioError(f"layer {layer_id!r} holds no points or areas", where=where, remedy="Give [x, y].")
        table = layer.table
        columns = [name for name in table.columns if name == "id" or str(name).endswith("_id")]
        for column in columns:
            found = np.flatnonzero(table[column].astype(str).to_numpy() == feature_id)
            if len(found):
                return table, int(found[0])
        raise ScenarioError(
            f"layer {layer_id!r} has no feature {feature_id!r}",
            where=where,
            remedy=f"Ids are looked for in: {', '.join(map(str, columns)) or 'no column, for it has none'}.",
        )


def shelter_places(
    placer: Placer, layer: VectorLayer, purpose: str, where: str, evacuation: Run | None = None
) -> list[Place]:
    """Every shelter that serves `purpose` and has room; those too far from the network are left out.

    After an `evacuation` each closes when it was full or water came in.

    Raises
    ------
    ScenarioError
        If none is left.
    LayerError
        If a column that the scenario names is not there, or one holds text.
    """
    table = layer.table
    if purpose not in (*table.columns, AccessSection.model_fields["shelter_purpose"].default):
        raise LayerError(
            f"has no column {purpose!r}",
            where=f"layer {layer.id}",
            remedy=f"Give access.shelter_purpose one of: {', '.join(map(str, table.columns))}.",
        )
    serves: NDArray[np.bool_] = np.ones(len(table), dtype=np.bool_)
    for column in (purpose, "capacity"):
        if column in table.columns:
            serves &= np.nan_to_num(layer.numbers(column)) > 0
    found = []
    rows = np.flatnonzero(serves)
    points = table.geometry.iloc[rows].representative_point()
    closes = np.full(len(rows), np.inf) if evacuation is None else shelters_close(evacuation, points.x, points.y)
    for row, point, until in zip(rows, points, closes, strict=True):
        try:
            placed = placer.place((point.x, point.y), 0.0, where)
        except ScenarioError:
            continue
        name = str(table.iloc[row].get("name", ""))
        found.append(Place(placed.node, placed.cut, placed.offset, name, float(until)))
    if not found:
        raise ScenarioError(
            f"of {len(table)} shelters none serves {purpose!r}, has room and lies by the network",
            where=where,
            remedy="Name the goal, or set access.shelters, access.shelter_purpose or access.snap_within.",
        )
    return found
