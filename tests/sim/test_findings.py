"""What is wrong with a scenario is said in its author's words: place, what is expected, what was given."""

from __future__ import annotations

from typing import Any

import pytest

from sim.scenario import validate_scenario
from twin.errors import ScenarioError

BREACH = {"line": [[10, 0], [10, 50]], "invert": 0, "width": 20}
MALL = {"entrances": [{"at": [5, 5], "width": 2}]}
BASE: dict[str, Any] = {"name": "t", "area": {"bbox": [0, 0, 100, 50]}}


@pytest.mark.parametrize(
    ("flood", "said"),
    [
        ({"rain": [[100, 5], [0, 3]]}, "flood.rain: times do not increase; give [[time in s, value], ...]"),
        ({"rain": {}}, "flood.rain: no rain given; give exactly one of intensity, design, raster, storm"),
        ({"roughness": -0.1}, "flood.roughness: should be greater than or equal to 0 (given: -0.1)"),
        ({"roughness": [1]}, "flood.roughness: should be a number or the path of a file (given: [1])"),
        (
            {"rain": {"storm": {"peak": 3, "centre": [0, 0], "radius": 0}}},
            "flood.rain.storm.radius: 0.0 is not positive",
        ),
        (
            {"infiltration": {"kind": "horton"}},
            "flood.infiltration: kind should be one of 'green_ampt', 'curve_number'",
        ),
        (
            {"infiltration": {"kind": "curve_number", "number": 120}},
            "flood.infiltration.number: should be less than or equal to 100 (given: 120)",
        ),
        (
            {"breaches": [BREACH | {"start": "overtoped"}]},
            "flood.breaches.0.start: should be a number, 'overtopped' or",
        ),
        ({"breaches": [BREACH | {"width": {"river_width": 5}}]}, "flood.breaches.0.width: law is missing"),
        ({"structures": {"culverts": {}}}, "flood.structures.culverts: should be a list (given: {})"),
        (
            {"structures": {"underground": [MALL | {"floors": [{"height": -5, "area": 0, "ceiling": 3}]}]}},
            "flood.structures.underground.0.floors.0.area: 0.0 is not positive",
        ),
        ({"gauges": {"a": [10]}}, "flood.gauges.a.1: is missing"),
        ({"duration": "six hours"}, "flood.duration: 'six hours' is no duration; give seconds or ISO 8601"),
    ],
)
def test_a_finding_names_the_form_that_its_author_meant(flood: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        validate_scenario(BASE | {"flood": {"duration": 600, "output_every": 60} | flood}, "t.yaml")
    message = str(caught.value)
    assert f"t.yaml: {said}" in message
    # nothing of how a check is built
    assert not [
        word for word in ("function-after", "constrained", "lax-or-strict", "tuple[", "Input ") if word in message
    ]
    assert message.count("flood") == 1, message


def test_the_key_that_was_meant_is_guessed() -> None:
    flood = {"duration": 600, "output_every": 60, "roughnes": 0.03, "zebra": 1}
    with pytest.raises(ScenarioError, match=r"flood\.roughnes: .* Did you mean 'roughness' by 'roughnes'\? `"):
        validate_scenario(BASE | {"flood": flood}, "t.yaml")


def test_every_finding_is_named_once() -> None:
    wrong = {"duration": -1, "output_every": 60, "rainn": 3, "gauges": {"a": [1, 2, 3]}}
    with pytest.raises(ScenarioError) as caught:
        validate_scenario(BASE | {"flood": wrong, "start": "2025-09-20T21:30:00"}, "t.yaml")
    for said in (
        "flood.duration: -1.0 is not positive",
        "flood.rainn: this key is unknown",
        "flood.gauges.a: should have at most 2 items, has 3",
        "start: lacks its offset from UTC, e.g. +09:00",
    ):
        assert str(caught.value).count(said) == 1
