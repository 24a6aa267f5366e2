"""Where buildings and shelters open onto the streets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError
from twin.network import LinkKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.layer import NetworkLayer

__all__ = ["Doors", "find_doors", "link_attribute"]

REACH = 500.0
"""A building or shelter farther than this from every street is not joined to it [m]."""
SMALLEST_PART = 0.05
"""Doors do not open onto a part of the network with less than this share of the largest part's nodes: stray ends that a
reader could not join would cut people off who are not."""


@dataclass(frozen=True, slots=True, eq=False)
class Doors:
    """Where places open onto the streets.

    Parameters
    ----------
    link : ndarray of int32 (n, 2)
        Links with and against the geometry of the nearest feature; -1 where there is none (or none is near).
    fraction : ndarray of float32 (n,)
        Where along the feature, 0 to 1.
    path : ndarray of float32 (n,)
        Way to the street [m].
    feature : ndarray of int64 (n,)
        The feature, -1 for none.
    """

    link: NDArray[np.int32]
    fraction: NDArray[np.float32]
    path: NDArray[np.float32]
    feature: NDArray[np.int64]


def link_attribute(layer: NetworkLayer, name: str, default: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of an attribute of the links, `default` where they are unknown."""
    attribute = layer.network.attributes.get(name)
    if attribute is None:
        return default
    values = attribute.values.astype(np.float64)
    return np.where(attribute.known & np.isfinite(values), values, default)


def find_doors(layer: NetworkLayer, x: NDArray[np.float64], y: NDArray[np.float64], where: str) -> Doors:
    """Nearest point on the streets at ground level of each place.

    Raises
    ------
    LayerError
        If no street is near any of the places.
    """
    import shapely

    n = len(x)
    net = layer.network
    none = np.zeros(net.n_links)
    usable = link_attribute(layer, "kind", none) != LinkKind.ELEVATOR
    usable &= (link_attribute(layer, "level", none) == 0) & _in_large_part(layer)
    links = np.flatnonzero(usable)
    side = np.full((len(layer.links), 2), -1, dtype=np.int32)
    side[net.link_feature[links], net.link_reversed[links].astype(np.int64)] = links
    rows = np.flatnonzero((side >= 0).any(axis=1))
    lines = layer.links.geometry.to_numpy()
    points = shapely.points(x, y)
    feature = np.full(n, -1, dtype=np.int64)
    if len(rows) and n:
        tree = shapely.STRtree(lines[rows])
        place, found = tree.query_nearest(points, max_distance=REACH, all_matches=False)
        feature[place] = rows[found]
    near = feature >= 0
    if n and not near.any():
        raise LayerError(
            f"none of the {n} {where} lies within {REACH:.0f} m of a street",
            where=f"layer {layer.id}",
            remedy="Choose a network and an area that belong together.",
        )
    link = np.where(near[:, None], side[feature], np.int32(-1)).astype(np.int32)
    fraction, path = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    fraction[near] = shapely.line_locate_point(lines[feature[near]], points[near], normalized=True)
    path[near] = shapely.distance(lines[feature[near]], points[near])
    return Doors(link, np.nan_to_num(fraction), path, feature)


def _in_large_part(layer: NetworkLayer) -> NDArray[np.bool_]:
    """Whether each link belongs to a connected part of some size."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    net = layer.network
    tail = net.link_tail
    joins = coo_matrix((np.ones(net.n_links), (tail, net.link_head)), shape=(net.n_nodes, net.n_nodes))
    part = connected_components(joins, directed=False)[1]
    size = np.bincount(part)
    return np.asarray(size[part[tail]] >= SMALLEST_PART * size.max())
