"""Streets divided where a shelter's door opens onto them, so that the way there ends at the door."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from twin.network import Attribute, Network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.layer import NetworkLayer

__all__ = ["divide_streets"]

SHORTEST = 1.0
"""A door nearer than this to a crossing is at the crossing [m]."""


def divide_streets(
    layer: NetworkLayer, feature: NDArray[np.int64], fraction: NDArray[np.float32]
) -> tuple[NetworkLayer, NDArray[np.int64], NDArray[np.int64]]:
    """Put a node on each feature at a fraction of its length.

    Parameters
    ----------
    layer : NetworkLayer
    feature : ndarray (n,)
        Row of ``layer.links`` for each door, -1 for a door that opens nowhere.
    fraction : ndarray (n,)
        Where along its geometry, 0 to 1.

    Returns
    -------
    NetworkLayer
        The first part of a divided feature keeps its row, the others follow after the last row.
    ndarray (n_features,)
        Row of the given layer that each feature is a part of.
    ndarray (n,)
        Node at each door, -1 where it opens nowhere.
    """
    import geopandas as gpd
    import pandas as pd
    from shapely.ops import substring

    net = layer.network
    node = np.full(len(feature), -1, dtype=np.int64)
    ends, length = _ends(net, len(layer.links))
    lines = layer.links.geometry.to_numpy().copy()
    rows = list(range(len(lines)))
    xyz = [net.node_xyz]
    n_nodes = net.n_nodes
    cuts: dict[int, list[tuple[float, int]]] = {}
    for door in np.argsort(fraction, kind="stable"):
        street, share = int(feature[door]), float(fraction[door])
        if street < 0:
            continue
        here = cuts.setdefault(street, [])
        near = [(0.0, int(ends[street, 0])), *here, (1.0, int(ends[street, 1]))]
        away = [abs(share - at) * length[street] for at, _ in near]
        nearest = int(np.argmin(away))
        if away[nearest] < SHORTEST:
            node[door] = near[nearest][1]
            continue
        point = lines[street].interpolate(share, normalized=True)
        z = (1.0 - share) * net.node_xyz[ends[street, 0], 2] + share * net.node_xyz[ends[street, 1], 2]
        xyz.append(np.array([[point.x, point.y, z]]))
        node[door] = n_nodes
        here.append((share, n_nodes))
        n_nodes += 1
    cuts = {street: here for street, here in cuts.items() if here}
    keep = ~np.isin(net.link_feature, list(cuts))
    source = [np.flatnonzero(keep)]
    parts: list[tuple[int, int, float, int, bool]] = []
    added = []
    for street, here in cuts.items():
        marks = [(0.0, int(ends[street, 0])), *here, (1.0, int(ends[street, 1]))]
        line = lines[street]
        for number, ((low, start), (high, end)) in enumerate(pairwise(marks)):
            row = street if number == 0 else len(rows)
            part = substring(line, low, high, normalized=True)
            if number == 0:
                lines[street] = part
            else:
                rows.append(street)
                added.append((street, part))
            for link in np.flatnonzero(net.link_feature == street):
                against = bool(net.link_reversed[link])
                ways = (end, start) if against else (start, end)
                parts.append((*ways, float(net.link_length[link]) * (high - low), row, against))
                source.append(np.array([link]))
    tails, heads, sizes, of, sides = zip(*parts, strict=True) if parts else ((), (), (), (), ())
    origin = np.concatenate(source)
    network = Network.from_links(
        np.concatenate(xyz),
        tail=np.concatenate([net.link_tail[keep], np.array(tails, dtype=np.int64)]),
        head=np.concatenate([net.link_head[keep], np.array(heads, dtype=np.int64)]),
        length=np.concatenate([net.link_length[keep], np.array(sizes, dtype=np.float64)]),
        feature=np.concatenate([net.link_feature[keep], np.array(of, dtype=np.int64)]),
        is_reversed=np.concatenate([net.link_reversed[keep], np.array(sides, dtype=np.bool_)]),
        attributes={
            name: Attribute(a.values[origin], a.known[origin], a.units, a.source) for name, a in net.attributes.items()
        },
    )
    row_of = np.array(rows, dtype=np.int64)
    table = layer.links.iloc[row_of].reset_index(drop=True)
    table = table.set_geometry(gpd.GeoSeries([*lines, *(part for _, part in added)], crs=layer.links.crs))
    nodes = pd.concat([layer.nodes, pd.DataFrame({"id": [f"door-{i}" for i in range(len(xyz) - 1)]})])
    return replace(layer, network=network, links=table, nodes=nodes.reset_index(drop=True)), row_of, node


def _ends(net: Network, n_features: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """First and last node of each feature along its geometry, and its length [m]."""
    ends = np.full((n_features, 2), -1, dtype=np.int64)
    length = np.zeros(n_features)
    tail, head = net.link_tail, net.link_head
    for against in (True, False):
        links = np.flatnonzero(net.link_reversed == against)
        ends[net.link_feature[links], 0] = head[links] if against else tail[links]
        ends[net.link_feature[links], 1] = tail[links] if against else head[links]
    np.maximum.at(length, net.link_feature, net.link_length)
    return ends, length
