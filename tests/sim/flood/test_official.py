"""A run beside official records: joined by name, dry buildings counted with their ground."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.flood.official import compare_with_official
from twin import OSAKA, LayerError, MeshLayer, PolygonMesh, Provenance

NONE = np.zeros(0, dtype=np.int64)
MESH = PolygonMesh(
    np.zeros((0, 3)), np.zeros(1, np.int64), np.zeros(1, np.int64), NONE, NONE.astype(np.uint8), NONE.astype(np.uint8)
)


def _city() -> MeshLayer:
    table = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "base": [1.0, 2.0, -1.0, np.nan],
            "source_file": ["x/udx/bldg/52350333_bldg_6697_op.gml"] * 2 + ["x/udx/bldg/52350343_bldg_6697_op.gml"] * 2,
        }
    )
    risk = pd.DataFrame(
        {
            "feature": [0, 0, 1, 2, 2, 3],
            "hazard": ["storm_surge", "storm_surge", "storm_surge", "storm_surge", "tsunami", "storm_surge"],
            "scale": ["planned", "maximum", "maximum", "maximum", "", "maximum"],
            "depth": [1.0, 4.0, 0.4, np.nan, 2.0, 3.0],
        }
    )
    return MeshLayer("buildings", OSAKA, Provenance("test", "CC0"), MESH, table, {"risk": risk})


# the run numbers its buildings otherwise than the city
FLOODED = pd.DataFrame({"feature": [7, 8], "id": ["b", "a"], "max_stage": [np.nan, 5.3]})


def test_levels_are_compared_by_the_building_s_name() -> None:
    found = compare_with_official(_city(), FLOODED, hazard="storm_surge")
    assert found.table["id"].tolist() == ["a", "b"]
    # a: 5.3 against 1 + 4; b stayed dry: its ground 2.0 against 2.4
    np.testing.assert_allclose(found.table["difference"], [0.3, -0.4])
    assert found.table["mesh"].tolist() == ["52350333", "52350333"]
    assert found.summary["dry_count"] == 1
    assert found.summary["median_m"] == pytest.approx(0.35)
    assert found.summary["rank_agreement_1"] == 0.5


def test_the_scale_chooses_the_record() -> None:
    found = compare_with_official(_city(), FLOODED, hazard="storm_surge", scale="planned")
    np.testing.assert_allclose(found.table["difference"], [3.3])


def test_a_hazard_without_records_is_refused_with_those_there_are() -> None:
    with pytest.raises(LayerError, match="Records there are: storm_surge, tsunami"):
        compare_with_official(_city(), FLOODED, hazard="river_flood")
