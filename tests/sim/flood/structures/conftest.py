"""Two basins with a bank between them, and a sewer below them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.flood.ground import Ground
from sim.flood.structures.structure import Sight
from twin.grid import Grid

SEWER = """[OPTIONS]
FLOW_UNITS CMS
FLOW_ROUTING DYNWAVE
LINK_OFFSETS DEPTH
ALLOW_PONDING NO
START_DATE 01/01/2020
START_TIME 00:00:00
REPORT_START_DATE 01/01/2020
REPORT_START_TIME 00:00:00
END_DATE 01/01/2020
END_TIME 02:00:00
ROUTING_STEP 5
VARIABLE_STEP 0.75
[JUNCTIONS]
J1 -2.0 2.0 0 0 0
J2 -2.1 2.0 0 0 0
[OUTFALLS]
O1 -2.2 FREE NO
[CONDUITS]
C1 J1 J2 100 0.013 0 0 0 0
C2 J2 O1 100 0.013 0 0 0 0
[XSECTIONS]
C1 CIRCULAR 0.5 0 0 0 1
C2 CIRCULAR 0.3 0 0 0 1
[COORDINATES]
J1 22 25
J2 82 25
O1 180 25
"""


@pytest.fixture(scope="session")
def basins() -> tuple[Any, Any]:
    """Bed and depth: 10 x 10 cells of 5 m with 2 m of water, a bank, 10 x 10 dry ones."""
    bed, depth = np.zeros((10, 21)), np.zeros((10, 21))
    bed[:, 10] = 5.0
    depth[:, :10] = 2.0
    return bed, depth


@pytest.fixture(scope="session")
def flat() -> Ground:
    """100 m x 50 m of flat ground at 0 m."""
    return Ground.bare(Grid((10, 20), 5.0, 0.0, 50.0), np.zeros((10, 20)))


@pytest.fixture(scope="session")
def sewer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A main of 200 m with two manholes and an outfall."""
    path = tmp_path_factory.mktemp("sewer") / "main.inp"
    path.write_text(SEWER, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def everything(sewer_file: Path) -> dict[str, Any]:
    """One structure of each kind, all at work in the two basins."""
    return {
        "culverts": [
            {"from": [22, 25], "to": [82, 25], "shape": "circle", "height": 0.5, "inverts": [0.5, 0.3], "length": 20}
        ],
        "pumps": [
            {"at": [12, 25], "to": [92, 40], "capacity": 0.2},
            {"name": "out", "at": [82, 8], "curve": [[0, 0.1], [3, 0.0]], "outside": 1.0, "start_up": 30},
        ],
        "gates": [
            {"from": [22, 5], "to": [82, 5], "width": 2, "sill": 0.5, "opening": [[0, 0.2], [60, 1.0]],
             "close_above": 0.8, "open_below": 0.6, "closing_time": 60},
        ],
        "weirs": [
            {"from": [32, 45], "to": [72, 45], "width": 8, "crest": [[0, 2.0], [60, 1.2]]},
            {"name": "spill", "from": [12, 45], "outside": 1.5, "width": 2, "crest": 1.4},
        ],
        "barriers": [{"line": [[25, 0], [25, 50]], "crest": 1.5, "up_at": 30, "down_at": 120}],
        "drains": [{"at": [[82, 15], [77, 15]], "perimeter": 1.5, "area": 0.2, "capacity": 0.01, "blocked": 0.5}],
        "underground": [
            {"floors": [{"height": -5, "area": 200, "ceiling": 3}],
             "entrances": [{"at": [42, 25], "width": 2, "step": 0.3, "shutter": True},
                           {"at": [77, 25], "width": 2, "step": 0.1}],
             "shutters_close": 100, "shutter_height": 0.6},
        ],
        "sewer": {"file": str(sewer_file)},
    }  # fmt: skip


@pytest.fixture(scope="session")
def dry_sight() -> Sight:
    """A step of a second without anything to see: laws are asked directly."""
    return Sight(0.0, 1.0, np.zeros(0), np.zeros(0))
