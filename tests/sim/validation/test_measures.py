"""Measures of runs whose answer is known: still water in a bowl, and on both sides of a dam."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.service import Service
from sim.validation.case import Case
from sim.validation.record import Record
from sim.validation.suite import check_case
from twin.errors import StoreError

CENTRE = [10.0, 10.0]
BOWL: dict[str, Any] = {
    "name": "bowl",
    "title": "Still water in a bowl, 1 m deep, 10 m across at the surface",
    "source": "made for this test",
    "folder": ".",
    "inputs": {
        "bed.tif": {"kind": "shape", "form": {"shape": "bowl", "centre": CENTRE, "level": -1, "curvature": 0.04}}
    },
    "scenario": {
        "area": {"bbox": [0, 0, 20, 20], "cell_size": 0.25},
        "flood": {
            "duration": 2,
            "output_every": 1,
            "bed": "bed.tif",
            "initial": {"stage": 0},
            "gauges": {"deep": CENTRE, "shore": [15.5, 10.0]},
        },
    },
    "measures": {
        "climb": {"kind": "runup", "observed": 0.04},
        "ring": {
            "kind": "radial",
            "quantity": "depth",
            "table": {"file": "radial.csv"},
            "centre": CENTRE,
            "radius": "r",
            "value": "h",
        },
        "wet": {"kind": "extent", "wet": 0.001},
        "stage": {"kind": "levels", "gauges": ["deep", "shore"]},
        "top": {"kind": "levels", "gauges": ["deep"], "when": "highest"},
        "first": {"kind": "arrivals", "gauges": ["deep", "shore"], "depth": 0.01},
        "plane": {
            "kind": "plane", "quantity": "stage", "table": {"file": "plane.csv"}, "x": "x", "y": "y", "value": "stage",
        },
    },
}  # fmt: skip
DAM: dict[str, Any] = {
    "name": "dam",
    "title": "A block across a channel, 1 m of water before it and 0.5 m behind",
    "source": "made for this test",
    "folder": ".",
    "inputs": {
        "bed.tif": {"kind": "shape", "form": {"shape": "polyline", "points": [[0, 0]]}},
        "stage.tif": {"kind": "shape", "form": {"shape": "polyline", "points": [[5, 1.0], [5, 0.5]]}},
    },
    "scenario": {
        "area": {"bbox": [0, 0, 10, 2], "cell_size": 0.5},
        "edits": [{"kind": "building", "polygon": [[4, -1], [6, -1], [6, 3], [4, 3]], "height": 3}],
        "flood": {"duration": 1, "output_every": 0.5, "bed": "bed.tif", "initial": {"stage": "stage.tif"}},
    },
    "measures": {
        "thrust": {
            "kind": "force", "box": [4, 0, 6, 2], "table": {"file": "force.txt", "separator": "blank",
            "columns": ["t", "f"]}, "time": "t", "value": "f",
        },
        "rain": {"kind": "inflow", "through": "rain_m3", "expected": 2},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, float], Record, Case]]:
    folder = tmp_path_factory.mktemp("still")
    radius = np.linspace(0, 5, 51)
    rows = np.c_[radius, 1 - 0.04 * radius**2]
    np.savetxt(folder / "radial.csv", rows, delimiter=",", header="r,h", comments="")
    (folder / "plane.csv").write_text("x,y,stage\n10.1,10.1,0.25\n12.1,9.1,-0.25\n", encoding="utf-8")
    (folder / "force.txt").write_text("0.1 0\n0.9 10\n", encoding="utf-8")
    found = {}
    for content in (BOWL, DAM):
        case = Case.model_validate(content)
        result, record = check_case(case, folder, folder / "work", Service(folder / "runs"))
        found[case.name] = result.figures, record, case
    return found


def test_still_water_climbs_to_its_surface(still):
    figures = still["bowl"][0]
    assert figures["climb.height"] == pytest.approx(0.0, abs=1e-6)
    assert figures["climb.error"] == pytest.approx(1.0, abs=1e-4)


def test_a_round_lake_is_as_deep_as_it_is_said_and_the_same_in_all_directions(still):
    figures = still["bowl"][0]
    # the last cells hold the shore's edge: the formula ends at 5 m
    assert figures["ring.l1"] < 2e-3
    assert figures["ring.asymmetry"] < 1e-6
    assert figures["wet.area"] == pytest.approx(np.pi * 25, rel=0.02)
    assert figures["wet.depth"] == pytest.approx(1.0, abs=0.01)
    assert figures["wet.speed"] == pytest.approx(0.0, abs=1e-4)


def test_a_dry_gauge_has_the_level_of_the_nearest_water_and_no_arrival(still):
    figures = still["bowl"][0]
    assert figures["stage.shore"] == pytest.approx(0.0, abs=1e-6)
    assert figures["top.deep"] == pytest.approx(0.0, abs=1e-6)
    assert figures["first.deep"] == 0.0
    assert figures["first.shore"] == float("inf")


def test_points_of_a_plane_are_compared_where_they_lie(still):
    figures = still["bowl"][0]
    assert figures["plane.l1"] == pytest.approx(0.25, abs=1e-6)
    assert figures["plane.worst"] == pytest.approx(0.25, abs=1e-6)


def test_thrust_is_that_of_the_water_on_both_sides(still):
    figures = still["dam"][0]
    # half the weight of 1 m3 less that of 0.25 m3, over 2 m
    thrust = 0.5 * 9810 * (1 - 0.25) * 2
    assert figures["thrust.rmse"] == pytest.approx(np.sqrt((thrust**2 + (thrust - 10) ** 2) / 2), rel=1e-5)
    assert figures["rain.error"] == 1.0


def test_every_measure_shows_what_it_measured(still):
    for _, record, case in still.values():
        for name, measure in case.measures.items():
            for panel in measure.panels(record):
                assert panel.image is not None or panel.lines, name


def test_a_gauge_that_the_run_does_not_have_is_named(still):
    record = still["bowl"][1]
    with pytest.raises(StoreError, match="nowhere"):
        record.gauge("nowhere", "stage")
    with pytest.raises(StoreError, match="nowhere"):
        record.place("nowhere")
