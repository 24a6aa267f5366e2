"""Heights and slopes of a network from the terrain.

The terrain is smoothed before it is asked, since a difference over a few metres of a raw raster is mostly noise: white
noise of standard deviation n in cells of size c leaves a gradient of standard deviation ``n c / (s^2 sqrt(8 pi))``
behind a Gaussian filter of width s. `s` is chosen so that n = 0.3 m leaves 0.3 %: 4.5 m for cells of 1 m, 10 m for 5 m.
What that costs: in cells of 1 m a ramp of 20 m keeps 94 % of its slope and one of 10 m 64 %; in cells of 5 m these are
65 % and 36 % (``tests/layers/test_slope.py``). Short ramps are for the survey to say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import FrameError
from twin.network import Attribute, LinkKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.layer import NetworkLayer, RasterLayer
    from twin.network import Network

__all__ = ["with_slope", "without_terrain"]

NOISE = 0.3
"""Noise of the terrain that slopes must bear [m]."""
SLOPE_NOISE = 0.003
"""Standard deviation of the slope that this noise may cause."""
STOREY = 5.0
"""Height of a floor where nothing else is said [m]; decks of footbridges stand about that high (4.7 m clearance over a
road by the Road Structure Ordinance, Article 12: 4.5 m, and a deck)."""
STATION = 5.0
"""Distance of the points along a line at which the terrain is asked [m]; gradients are over two of them."""
STEEPEST = 0.4
"""A link steeper than this does not follow the ground: it is on a bridge, a quay or a retaining wall."""
SHORTEST = 2.0
"""Stated elevations, rounded to 1 cm, give a slope over links from this length on [m]."""
_ON_GROUND = (
    LinkKind.ROAD,
    LinkKind.FOOTWAY,
    LinkKind.CROSSING,
    LinkKind.RAMP,
    LinkKind.RAIL_CROSSING,
    LinkKind.OTHER,
)
_OFF_GROUND = (LinkKind.BRIDGE, LinkKind.UNDERGROUND, LinkKind.INDOOR)


def with_slope(layer: NetworkLayer, terrain: RasterLayer) -> NetworkLayer:
    """The network with heights, and with slopes where a link lies on the ground.

    Parameters
    ----------
    layer : NetworkLayer
        Column ``elevation`` of its nodes goes before the terrain; a node on another floor stands 5 m a floor above it.
    terrain : RasterLayer
        Bare ground [m T.P.] in the same frame.

    Returns
    -------
    NetworkLayer
        Lines with heights; attributes ``slope``, ``climb`` and ``descent`` as :mod:`layers.pedestrian` says, on links
        that are outdoors on floor 0 and no stairs, bridge or passage. A surveyed slope stays, and a surveyed class
        bounds the slope of the terrain. Where both ends state their elevation, these give the slope.

    Raises
    ------
    FrameError
        If the terrain is in another frame.
    """
    terrain.frame.require_same_datum(layer.frame, f"layer {layer.id}")
    if terrain.frame.horizontal != layer.frame.horizontal:
        raise FrameError(
            f"the terrain is in {terrain.frame.horizontal}, the network in {layer.frame.horizontal}",
            where=f"layer {layer.id}",
            remedy="Read both into the same city.",
        )
    ground = _Ground(terrain, layer.links.geometry.array)
    notes: list[str] = []
    base = ground.at(layer.network.node_xyz[:, :2])
    z, stated = _node_heights(layer, _without_gaps(base), notes)
    lost = np.isnan(base) & ~stated
    if lost.any():
        notes.append(f"{int(lost.sum())} nodes lie where the terrain is unknown: they take its mean height")
    base = _without_gaps(base)
    ends = _Ends.of(layer.network, len(layer.links))
    on_ground = _lies_on_ground(layer, ends)
    slopes = _measured(layer, ends, z, stated, on_ground, ground)
    too_steep = np.maximum(slopes.climb, -slopes.descent) > STEEPEST
    if too_steep.any():
        notes.append(
            f"{int(too_steep.sum())} links do not follow the ground (over {STEEPEST:.0%}): their slope stays unknown"
        )
        slopes = slopes.without(too_steep)
    follows = on_ground & ~too_steep & ~(stated[ends.start] & stated[ends.end])
    lines = _raised(layer, ends, z, base, follows, ground)
    return _assembled(layer, z, lines, slopes, notes)


def without_terrain(layer: NetworkLayer) -> NetworkLayer:
    """The network with the heights that it states itself, 5 m a floor where it states none, and a note of that."""
    z, stated = _node_heights(layer, np.zeros(layer.network.n_nodes), [])
    z = np.where(stated, z, z + (np.nanmean(z[stated]) if stated.any() else 0.0))
    ends = _Ends.of(layer.network, len(layer.links))
    lines = _raised(layer, ends, z, z, np.zeros(len(layer.links), dtype=np.bool_), None)
    notes = [] if stated.all() else [f"no terrain was given: {int((~stated).sum())} nodes have no real height"]
    return _assembled(layer, z, lines, None, notes)


def _without_gaps(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(z), np.nanmean(z) if np.isfinite(z).any() else 0.0, z)


@dataclass(frozen=True, slots=True, eq=False)
class _Ends:
    """Nodes (n_features,) that a feature's line runs between; -1 where nobody may walk it."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]

    @classmethod
    def of(cls, network: Network, count: int) -> _Ends:
        start, end = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
        tail, head, back = network.link_tail, network.link_head, network.link_reversed
        start[network.link_feature] = np.where(back, head, tail)
        end[network.link_feature] = np.where(back, tail, head)
        return cls(start, end)

    @property
    def exist(self) -> NDArray[np.bool_]:
        return self.start >= 0


@dataclass(frozen=True, slots=True, eq=False)
class _Slopes:
    """Steepest gradient with its sign, steepest climb and descent (n_features,); NaN unknown."""

    slope: NDArray[np.float64]
    climb: NDArray[np.float64]
    descent: NDArray[np.float64]

    @classmethod
    def of(cls, climb: NDArray[np.float64], descent: NDArray[np.float64]) -> _Slopes:
        return cls(np.where(climb >= -descent, climb, descent), climb, descent)

    def without(self, rows: NDArray[np.bool_]) -> _Slopes:
        return _Slopes.of(np.where(rows, np.nan, self.climb), np.where(rows, np.nan, self.descent))


class _Ground:
    """Smoothed terrain around a network; NaN where less than half of what the filter sees is known."""

    def __init__(self, terrain: RasterLayer, lines: NDArray[np.object_]) -> None:
        import shapely
        from scipy.ndimage import gaussian_filter

        grid = terrain.grid
        width = math.sqrt(NOISE * grid.cell_size / (SLOPE_NOISE * math.sqrt(8 * math.pi)))
        rim = 4 * width + grid.cell_size
        ny, nx = grid.shape
        row0 = col0 = 0
        if len(lines):
            west, south, east, north = shapely.total_bounds(lines)
            (row1, row0), (col0, col1) = grid.row_col([west - rim, east + rim], [south - rim, north + rim])
            row0, ny = np.clip([row0, row1 + 1], 0, ny)
            col0, nx = np.clip([col0, col1 + 1], 0, nx)
        values = terrain.values[row0:ny, col0:nx].astype(np.float64)
        known = np.isfinite(values)
        cells = width / grid.cell_size
        seen = gaussian_filter(known.astype(np.float64), cells, mode="constant")
        summed = gaussian_filter(np.where(known, values, 0.0), cells, mode="constant")
        with np.errstate(divide="ignore", invalid="ignore"):
            self._z = np.where(seen >= 0.5, summed / seen, np.nan)
        self._west, self._north = grid.west + col0 * grid.cell_size, grid.north - row0 * grid.cell_size
        self._cell = grid.cell_size

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bilinear height [m] at points (n, 2)."""
        from scipy.ndimage import map_coordinates

        if not self._z.size:
            return np.full(len(xy), np.nan)
        row, col = (self._north - xy[:, 1]) / self._cell - 0.5, (xy[:, 0] - self._west) / self._cell - 0.5
        ny, nx = self._z.shape
        inside = (row > -0.5) & (col > -0.5) & (row < ny - 0.5) & (col < nx - 0.5)
        places = np.stack([row.clip(0, ny - 1), col.clip(0, nx - 1)])
        return np.where(inside, map_coordinates(self._z, places, order=1), np.nan)


def _node_heights(
    layer: NetworkLayer, base: NDArray[np.float64], notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Heights of the nodes [m], and where they are stated."""
    count = layer.network.n_nodes
    floor, elevation = (
        layer.nodes[name].to_numpy(dtype=np.float64) if name in layer.nodes else np.full(count, np.nan)
        for name in ("floor", "elevation")
    )
    stated = np.isfinite(elevation)
    off = ~stated & (np.nan_to_num(floor) != 0)
    if off.any():
        notes.append(f"{int(off.sum())} nodes on other floors state no height: {STOREY:g} m a floor from the ground")
    return np.where(stated, elevation, base + STOREY * np.nan_to_num(floor)), stated


def _of_features(network: Network, name: str, count: int, blank: float) -> NDArray[np.float64]:
    """An attribute by feature, in the direction of its line."""
    out = np.full(count, blank)
    found = network.attributes.get(name)
    if found is not None:
        ahead = ~network.link_reversed
        for rows in (~ahead, ahead):
            out[network.link_feature[rows]] = found.values[rows]
    return out


def _lies_on_ground(layer: NetworkLayer, ends: _Ends) -> NDArray[np.bool_]:
    count = len(layer.links)
    kind = _of_features(layer.network, "kind", count, LinkKind.OTHER)
    structure = _of_features(layer.network, "structure", count, LinkKind.OTHER)
    floor = (
        layer.nodes["floor"].to_numpy(dtype=np.float64) if "floor" in layer.nodes else np.zeros(layer.network.n_nodes)
    )
    is_ground = np.nan_to_num(floor) == 0
    flat = is_ground[ends.start] & is_ground[ends.end]
    return np.asarray(ends.exist & flat & np.isin(kind, _ON_GROUND) & ~np.isin(structure, _OFF_GROUND))


def _measured(
    layer: NetworkLayer,
    ends: _Ends,
    z: NDArray[np.float64],
    stated: NDArray[np.bool_],
    on_ground: NDArray[np.bool_],
    ground: _Ground,
) -> _Slopes:
    """Slopes of the links on the ground, between stated elevations or else of the smoothed terrain."""
    import shapely

    lines = np.asarray(layer.links.geometry.array)
    length = shapely.length(lines)
    climb, descent = np.full(len(lines), np.nan), np.full(len(lines), np.nan)
    by_ends = on_ground & stated[ends.start] & stated[ends.end] & (length >= SHORTEST)
    gradient = (z[ends.end] - z[ends.start])[by_ends] / length[by_ends]
    climb[by_ends], descent[by_ends] = np.maximum(gradient, 0.0), np.minimum(gradient, 0.0)
    rows = np.flatnonzero(on_ground & ~by_ends & (length > 0))
    if rows.size:
        parts = np.maximum(1, np.ceil(length[rows] / STATION).astype(np.int64))
        first = np.r_[0, np.cumsum(parts + 1)[:-1]]
        owner = np.repeat(np.arange(len(rows)), parts + 1)
        share = (np.arange(len(owner)) - first[owner]) / parts[owner]
        points = shapely.line_interpolate_point(lines[rows][owner], share, normalized=True)
        profile = ground.at(shapely.get_coordinates(points))
        span = np.minimum(2, parts)
        begins = np.arange(len(owner)) - first[owner] <= (parts - span)[owner]
        at = np.flatnonzero(begins)
        step = length[rows] / parts
        gradients = (profile[at + span[owner[at]]] - profile[at]) / (span * step)[owner[at]]
        starts = np.searchsorted(owner[at], np.arange(len(rows)))
        climb[rows] = np.maximum(np.maximum.reduceat(gradients, starts), 0.0)
        descent[rows] = np.minimum(np.minimum.reduceat(gradients, starts), 0.0)
    return _Slopes.of(climb, descent)


def _raised(
    layer: NetworkLayer,
    ends: _Ends,
    z: NDArray[np.float64],
    base: NDArray[np.float64],
    follows: NDArray[np.bool_],
    ground: _Ground | None,
) -> NDArray[np.object_]:
    """Lines with heights: along the ground where they follow it, else straight from end to end."""
    import shapely

    lines = shapely.force_2d(np.asarray(layer.links.geometry.array))
    if follows.any():
        lines[follows] = shapely.segmentize(lines[follows], 2 * STATION)
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    if not len(xy):
        return np.asarray(lines)
    walked = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    walked[np.diff(owner, prepend=-1) != 0] = 0.0
    along = np.cumsum(walked)
    begin = np.searchsorted(owner, np.arange(len(lines)))
    along -= along[begin][owner]
    total = np.maximum.reduceat(along, begin)
    share = np.divide(along, total[owner], out=np.linspace(0, 1, len(along)) * 0, where=total[owner] > 0)
    # a line without extent in the plan (an elevator) goes from its first point to its last
    is_last = np.r_[np.diff(owner) != 0, True]
    share[(total[owner] == 0) & is_last] = 1.0
    start, end = ends.start[owner], ends.end[owner]
    height = z[start] + share * (z[end] - z[start])
    if ground is not None:
        # on the ground, with what the end nodes are off the smoothed terrain shared out along the line
        off = (z - base)[start] + share * ((z - base)[end] - (z - base)[start])
        terrain = ground.at(xy) + off
        height = np.where(follows[owner] & np.isfinite(terrain), terrain, height)
    return np.asarray(shapely.linestrings(np.column_stack([xy, height]), indices=owner))


def _assembled(
    layer: NetworkLayer, z: NDArray[np.float64], lines: NDArray[np.object_], slopes: _Slopes | None, notes: list[str]
) -> NetworkLayer:
    network = layer.network
    if slopes is not None:
        network = replace(network, attributes={**network.attributes, **_attributes(layer, slopes, notes)})
    network = replace(network, node_xyz=np.column_stack([network.node_xyz[:, :2], z]))
    provenance = replace(layer.provenance, notes=(*layer.provenance.notes, *notes))
    return replace(
        layer, network=network, links=layer.links.set_geometry(list(lines), crs=layer.links.crs), provenance=provenance
    )


def _attributes(layer: NetworkLayer, slopes: _Slopes, notes: list[str]) -> dict[str, Attribute]:
    """The slopes of every link in its direction, joined with what the survey says."""
    network = layer.network
    feature, back = network.link_feature, network.link_reversed
    climb = np.where(back, -slopes.descent[feature], slopes.climb[feature])
    descent = np.where(back, -slopes.climb[feature], slopes.descent[feature])
    slope = np.where(back, -1, 1) * slopes.slope[feature]
    known = np.isfinite(slope)
    source = "terrain"
    least, most = network.attributes.get("slope_least"), network.attributes.get("slope_most")
    surveyed = network.attributes.get("slope")
    has_survey = np.zeros(len(slope), dtype=np.bool_) if surveyed is None else surveyed.known
    if least is not None and most is not None:
        bounded = np.clip(slope, least.values, most.values)
        beyond = known & ~has_survey & (np.abs(slope - bounded) > 0.02)
        if beyond.any():
            count = len(np.unique(feature[beyond]))
            notes.append(f"on {count} links the terrain is over 2 % outside the surveyed class of slope, which is kept")
        slope = bounded
    if surveyed is not None and has_survey.any():
        slope = np.where(has_survey, surveyed.values, slope)
        known = known | has_survey
        source = f"{surveyed.source}; terrain"
    has_terrain = np.isfinite(climb)
    return {
        "slope": Attribute(np.where(known, slope, np.nan), known, "1", source),
        "climb": Attribute(climb, has_terrain, "1", "terrain"),
        "descent": Attribute(descent, has_terrain, "1", "terrain"),
    }
