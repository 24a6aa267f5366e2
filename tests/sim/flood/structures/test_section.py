"""What the section refuses, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from sim.flood.structures.build import place_structures
from sim.flood.structures.section import Structures
from sim.inputs import InputFiles
from twin.errors import LayerError, ScenarioError

ENDS = {"from": [12, 25], "to": [82, 25]}
CULVERT = {**ENDS, "height": 1.0, "width": 1.0, "inverts": [0, 0]}
GATE = {**ENDS, "width": 1.0, "sill": 0.0, "opening": 1.0}
FLOOR = {"height": -4, "area": 50, "ceiling": 3}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"culverts": [{**CULVERT, "outside": 1.0}]}, "exactly one of to"),
        ({"culverts": [{**CULVERT, "shape": "circle"}]}, "takes no width"),
        ({"culverts": [{**CULVERT, "width": None}]}, "needs a width"),
        ({"culverts": [{**CULVERT, "to": None, "outside": 1.0}]}, "needs a length"),
        ({"culverts": [{**CULVERT, "height": -1.0}]}, "not positive"),
        ({"pumps": [{"at": [1, 1]}]}, "exactly one of capacity"),
        ({"pumps": [{"at": [1, 1], "curve": [[2, 1], [1, 2]]}]}, "heads of the curve"),
        ({"pumps": [{"at": [1, 1], "capacity": 1, "start": 1.0}]}, "start and stop"),
        ({"pumps": [{"at": [1, 1], "capacity": 1, "start": 1.0, "stop": 1.0}]}, "not below start"),
        ({"pumps": [{"at": [1, 1], "capacity": 1, "to": [2, 2], "outside": 1}]}, "not both"),
        ({"gates": [{**GATE, "close_above": 1.0}]}, "belong together"),
        ({"gates": [{**GATE, "close_above": 1.0, "open_below": 2.0}]}, "not below close_above"),
        ({"gates": [{**GATE, "close_above": 1.0, "open_below": 0.5, "against_backflow": True}]}, "one rule"),
        ({"gates": [{**GATE, "watch": [1, 1]}]}, "watch belongs"),
        ({"gates": [{**GATE, "opening": -1.0}]}, "opening is -1"),
        ({"barriers": [{"line": [[0, 0], [1, 1]], "crest": 1, "up_at": 5, "down_at": 5}]}, "before it is up"),
        ({"drains": [{"perimeter": 1, "area": 1}]}, "exactly one of at"),
        ({"underground": [{"floors": [FLOOR]}]}, "both as layers"),
        ({"underground": [{"floors": [], "entrances": []}]}, "at least one floor"),
        (
            {"weirs": [{**ENDS, "name": "a", "width": 1, "crest": 1}], "culverts": [{**CULVERT, "name": "a"}]},
            "both named 'a'",
        ),
        ({"siphons": []}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Structures.model_validate(given)


@pytest.mark.parametrize(
    ("given", "where", "says"),
    [
        ({"pumps": [{"at": [999, 25], "capacity": 1}]}, "pumps.0", "outside the area"),
        (
            {"pumps": [{"at": [12, 25], "capacity": 1, "catchment": [[900, 0], [990, 0], [990, 50]]}]},
            "catchment",
            "no open",
        ),
        ({"culverts": [{**CULVERT, "to": [13, 24]}]}, "culverts.0", "one cell"),
        ({"culverts": [{**CULVERT, "inlet": "trumpet"}]}, "inlet", "'trumpet'"),
        ({"gates": [{**GATE, "opening": [[0, 1.0], [10, -1.0]]}]}, "gates.0.opening", "-1.0 m"),
        ({"drains": [{"at": [[999, 1]], "perimeter": 1, "area": 1}]}, "drains.0", "outside the area"),
        (
            {"underground": [{"floors": [FLOOR], "entrances": [{"at": [-5, 1], "width": 1}]}]},
            "entrance",
            "outside the area",
        ),
        ({"gates": [{**GATE, "width": 100.0}]}, "gates.0", "mouths, 100 m wide, share a cell"),
        ({"pumps": [{"at": [12, 24], "capacity": 1, "to": [13, 24]}]}, "pumps.0 (pump_1).to", "cell of its intake"),
        ({"weirs": [{**ENDS, "width": 1, "crest": [[0, -2], [60, -1]]}]}, "weirs.0", "crest, -1 m T.P., is below"),
        (
            {"underground": [{"floors": [{**FLOOR, "height": 4}], "entrances": [{"at": [12, 25], "width": 1}]}]},
            "underground_1",
            "lowest floor, 4 m T.P., lies above its entrances, 0.00 m T.P.",
        ),
    ],
)
def test_what_does_not_fit_the_ground_is_refused(flat: Any, given: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says) as caught:
        place_structures(Structures.model_validate(given), flat, InputFiles(Path()), 600.0)
    assert where in str(caught.value)


def test_a_table_of_inlets_that_is_none_is_refused(flat: Any, tmp_path: Path) -> None:
    (tmp_path / "inlets.yaml").write_text("inlets: {a: {K: 1}}", encoding="utf-8")
    given = Structures.model_validate({"culverts": [CULVERT], "inlets": "inlets.yaml"})
    with pytest.raises(ScenarioError, match="no table of inlets"):
        place_structures(given, flat, InputFiles(tmp_path), 600.0)


def test_drains_come_from_a_file_of_points(flat: Any, tmp_path: Path) -> None:
    (tmp_path / "drains.csv").write_text("x,y\n12,25\n32,25\n9999,25\n", encoding="utf-8")
    given = Structures.model_validate({"drains": [{"file": "drains.csv", "perimeter": 1, "area": 1}]})
    exchange = place_structures(given, flat, InputFiles(tmp_path), 600.0)
    assert exchange.col.tolist() == [2, 6]
    (tmp_path / "drains.csv").write_text("x,y\n9999,25\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="outside the area"):
        place_structures(given, flat, InputFiles(tmp_path), 600.0)


def test_drains_that_are_no_points_are_refused(flat: Any, tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[10, 10], [20, 10], [20, 20], [10, 10]]]}
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::6674"}}
    features = [{"type": "Feature", "properties": {}, "geometry": square}]
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": features})
    (tmp_path / "drains.geojson").write_text(text, encoding="utf-8")
    given = Structures.model_validate({"drains": [{"file": "drains.geojson", "perimeter": 1, "area": 1}]})
    with pytest.raises(LayerError, match="holds Polygon"):
        place_structures(given, flat, InputFiles(tmp_path), 600.0)


def test_the_example_of_the_docs_is_a_section() -> None:
    page = Path(__file__).resolve().parents[4] / "docs" / "flood-structures.md"
    example = page.read_text(encoding="utf-8").split("```yaml")[1].split("```")[0]
    given = Structures.model_validate(yaml.safe_load(example)["flood"]["structures"])
    assert all(getattr(given, kind) for kind in Structures.model_fields if kind != "inlets")
