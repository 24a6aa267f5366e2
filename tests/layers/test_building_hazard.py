"""Zones from the records of buildings: every building lies in the zone of its own class or a deeper neighbour's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

from layers.building_hazard import read_building_hazard
from layers.buildings import read_buildings
from layers.hazard import HAZARD_COLUMNS
from twin import LayerError
from twin.footprint import footprints
from twin.frame import OSAKA

if TYPE_CHECKING:
    from pathlib import Path

    from twin import MeshLayer


@pytest.fixture(scope="module")
def lowland(osaka_zip: Path) -> MeshLayer:
    return read_buildings(str(osaka_zip), frame=OSAKA, meshes=("52350305",))


@pytest.mark.real
def test_every_recorded_building_lies_in_a_zone_at_least_as_deep(lowland: MeshLayer) -> None:
    layer = read_building_hazard(layer_id="zones", frame=OSAKA, buildings=lowland, hazard="storm_surge")
    table = layer.table
    assert set(HAZARD_COLUMNS) == set(table.columns)
    zones = table.geometry.to_numpy()
    for a in range(len(zones)):
        for b in range(a):
            assert shapely.intersection(zones[a], zones[b]).area < 1e-3
    risk = lowland.records["risk"]
    depth = risk[(risk["hazard"] == "storm_surge") & risk["depth"].notna()].groupby("feature")["depth"].max()
    inside = shapely.point_on_surface(footprints(lowland)[depth.index.to_numpy()])
    for point, value in zip(inside, depth, strict=True):
        held = table[shapely.intersects_xy(zones, point.x, point.y)]
        assert len(held) == 1
        assert float(held["depth_max"].iloc[0]) > value
    assert np.isfinite(table["depth_min"]).all()


@pytest.mark.real
def test_what_cannot_be_drawn_is_refused(lowland: MeshLayer) -> None:
    with pytest.raises(LayerError, match="no building has a inland_flood record"):
        read_building_hazard(layer_id="zones", frame=OSAKA, buildings=lowland, hazard="inland_flood")
    with pytest.raises(LayerError, match="reach is -1"):
        read_building_hazard(layer_id="zones", frame=OSAKA, buildings=lowland, hazard="storm_surge", reach=-1.0)
