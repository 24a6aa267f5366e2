"""Small networks for the routing tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers.pedestrian import ATTRIBUTES
from twin.frame import OSAKA
from twin.layer import NetworkLayer, Provenance
from twin.network import Attribute, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPPOSITE = {
    "slope": ("slope", -1),
    "slope_least": ("slope_most", -1),
    "slope_most": ("slope_least", -1),
    "climb": ("descent", -1),
    "descent": ("climb", -1),
}

MakeLayer = "Callable[..., NetworkLayer]"


def _layer(
    nodes: Sequence[tuple[float, float]] | Sequence[tuple[float, float, float]],
    links: Sequence[tuple[int, int, dict[str, Any]]],
    floors: Sequence[float] | None = None,
) -> NetworkLayer:
    """A pedestrian network; each link says what is known of it, in its own direction (``one_way`` and ``name`` too)."""
    xyz = np.array([(*node, 0.0) if len(node) == 2 else node for node in nodes], dtype=np.float64)
    lines = [shapely.LineString(xyz[[a, b], :2]) for a, b, _ in links]
    directed = [(k, False) for k in range(len(links))]
    directed += [(k, True) for k, (_, _, said) in enumerate(links) if not said.get("one_way")]
    attributes = {}
    for name, spec in ATTRIBUTES.items():
        values, known = [], []
        for k, is_reversed in directed:
            said = links[k][2]
            source, sign = OPPOSITE.get(name, (name, 1)) if is_reversed else (name, 1)
            known.append(source in said)
            values.append(sign * said[source] if source in said else spec.unknown)
        attributes[name] = Attribute(np.array(values, dtype=spec.dtype), np.array(known), spec.units, "test")
    network = Network.from_links(
        xyz,
        tail=[links[k][1 if back else 0] for k, back in directed],
        head=[links[k][0 if back else 1] for k, back in directed],
        length=[links[k][2].get("length", lines[k].length) for k, _ in directed],
        feature=[k for k, _ in directed],
        is_reversed=[back for _, back in directed],
        attributes=attributes,
    )
    table = gpd.GeoDataFrame(
        {
            "id": [f"L{k}" for k in range(len(links))],
            "name": [said.get("name", "") for _, _, said in links],
            "start": [a for a, _, _ in links],
            "end": [b for _, b, _ in links],
        },
        geometry=lines,
        crs=OSAKA.horizontal,
    )
    node_table = pd.DataFrame(
        {"id": [f"N{i}" for i in range(len(nodes))], "floor": list(floors) if floors else [0.0] * len(nodes)}
    )
    return NetworkLayer("walk", OSAKA, Provenance("test", "CC0"), network, table, node_table)


@pytest.fixture(scope="session")
def make_layer() -> Callable[..., NetworkLayer]:
    return _layer
