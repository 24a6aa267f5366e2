"""Discharge laws against numbers worked by hand from the formulas that they cite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.flood.structures.culvert import Culverts
from sim.flood.structures.drain import fall_in
from sim.flood.structures.gate import Gates
from sim.flood.structures.passage import drowning
from sim.flood.structures.pump import Pumps
from sim.flood.structures.section import Culvert, Gate, Pump, Weir
from sim.flood.structures.structure import Sight
from sim.flood.structures.weir import Weirs
from sim.inputs import InputFiles

FILES = InputFiles(Path())
ENDS = {"from": [12, 25], "to": [82, 25]}


def _culvert(ground: Any, sight: Any, near: float, far: float, **more: Any) -> float:
    given = {"shape": "circle", "height": 1.0, "inverts": (0.0, 0.0), "length": 20.0, **ENDS} | more
    kind = Culverts([Culvert(**given)], ["c"], ground, FILES, None)
    return float(kind.flow(sight, np.array([near]), np.array([far]))[0])


def test_a_drowned_inlet_is_the_orifice_of_hds5(flat: Any, dry_sight: Any) -> None:
    # HW/D = c X^2 + Y with c = 0.0398, Y = 0.67: X = ((3 - 0.67) / 0.0398)^0.5 = 7.6513; Q = X A D^0.5 / 1.811
    got = _culvert(flat, dry_sight, 3.0, 0.0, length=1.0, entrance_loss=0.0, roughness=0.001)
    assert got == pytest.approx(3.3183, rel=1e-3)


def test_an_inlet_that_is_a_weir_follows_form_2(flat: Any, dry_sight: Any) -> None:
    # HW/D = 0.5 = 0.515 X^0.667: X = 0.95665; Q = X 6 m2 (2 m)^0.5 / 1.811
    got = _culvert(
        flat, dry_sight, 1.0, 0.0, shape="box", width=3.0, height=2.0, inlet="box_headwall_chamfered", length=1.0,
        entrance_loss=0.0, roughness=0.001,
    )  # fmt: skip
    assert got == pytest.approx(4.482, rel=2e-3)


def test_a_long_drowned_barrel_obeys_the_energy_equation(flat: Any, dry_sight: Any) -> None:
    # H = 1 m = (1 + 0.5 + 19.62 0.013^2 100 / 0.25^(4/3)) V^2 / 19.62: V = 2.3328 m/s, times 0.7854 m2
    assert _culvert(flat, dry_sight, 3.0, 2.0, length=100.0) == pytest.approx(1.8322, rel=1e-4)


def test_a_culvert_carries_both_ways_unless_a_flap_shuts_it(flat: Any, dry_sight: Any) -> None:
    forward = _culvert(flat, dry_sight, 3.0, 2.0)
    assert _culvert(flat, dry_sight, 2.0, 3.0) == pytest.approx(-forward)
    assert _culvert(flat, dry_sight, 2.0, 3.0, flap=True) == 0.0
    assert _culvert(flat, dry_sight, 3.0, 2.0, flap=True) == forward
    assert _culvert(flat, dry_sight, 3.0, 2.0, number=3) == pytest.approx(3 * forward)


@pytest.mark.parametrize("shape", [{"shape": "circle"}, {"shape": "box", "width": 2.0}])
def test_more_head_never_carries_less(flat: Any, dry_sight: Any, shape: dict[str, Any]) -> None:
    got = [_culvert(flat, dry_sight, head, 0.0, **shape) for head in np.linspace(0.0, 4.0, 25)]
    assert got[0] == 0.0
    assert np.all(np.diff(got) > 0)


def _gate(ground: Any, sight: Any, near: float, far: float, **more: Any) -> float:
    kind = Gates([Gate(**({"width": 2.0, "sill": 0.0, "opening": 0.5, **ENDS} | more))], ["g"], ground, FILES)
    kind.wanted(Sight(0.0, 1.0, np.zeros(len(kind.row)), np.zeros(len(kind.row))))
    return float(kind.flow(sight, np.array([near]), np.array([far]))[0])


def test_a_gate_is_an_orifice_free_and_drowned_and_a_weir_below_its_lip(flat: Any, dry_sight: Any) -> None:
    # jet 0.611 0.5 = 0.3055 m: 2 0.3055 (19.62 (2 - 0.3055))^0.5
    assert _gate(flat, dry_sight, 2.0, 0.0) == pytest.approx(3.523, rel=1e-3)
    # drowned: 2 0.3055 (19.62 0.5)^0.5
    assert _gate(flat, dry_sight, 2.0, 1.5) == pytest.approx(1.9137, rel=1e-3)
    # 1.7048 2 0.4^1.5
    assert _gate(flat, dry_sight, 0.4, 0.0) == pytest.approx(0.8626, rel=1e-3)
    assert _gate(flat, dry_sight, 2.0, 0.0, opening=0.0) == 0.0
    assert _gate(flat, dry_sight, 0.0, 2.0) == pytest.approx(-3.523, rel=1e-3)


def test_weir_and_orifice_of_a_gate_meet_where_the_water_touches_the_lip(flat: Any, dry_sight: Any) -> None:
    below, above = (_gate(flat, dry_sight, level, 0.0) for level in (0.4999, 0.5001))
    assert above == pytest.approx(below, rel=0.02)


def test_a_drowned_weir_loses_what_villemonte_found(flat: Any, dry_sight: Any) -> None:
    # (1 - 0.5^1.5)^0.385
    assert drowning(np.ones(1), np.array([0.5]))[0] == pytest.approx(0.8454, abs=1e-4)
    kind = Weirs([Weir(**ENDS, width=10.0, crest=1.0)], ["w"], flat, FILES)
    free, drowned = (float(kind.flow(dry_sight, np.array([2.0]), np.array([far]))[0]) for far in (0.0, 1.5))
    assert free == pytest.approx(17.048)
    assert drowned == pytest.approx(17.048 * 0.8454, rel=1e-4)


def test_a_grate_is_a_weir_in_shallow_and_an_orifice_in_deep_water() -> None:
    got = fall_in(np.array([0.1, 1.0, 0.0]), np.full(3, 2.0), np.full(3, 0.3))
    # 1.66 2 0.1^1.5; 0.67 0.3 19.62^0.5
    assert got == pytest.approx([0.10499, 0.89032, 0.0], rel=1e-4)


def _asked(ground: Any, start: float, end: float, depth: float, **more: Any) -> tuple[Any, float]:
    kind = Pumps([Pump(**({"at": (12, 25), "capacity": 1.0} | more))], ["p"], ground, FILES)
    n = len(kind.row)
    return kind, float(kind.wanted(Sight(start, end, np.full(n, depth), np.full(n, depth))).sum())


def test_a_pump_starts_on_a_ramp_and_stops_when_it_fails(flat: Any) -> None:
    kind, first = _asked(flat, 0.0, 30.0, 1.0, start_up=60.0, fails_at=100.0)
    n = len(kind.row)
    steps = ((30, 60), (60, 90), (90, 120), (120, 150))
    later = [float(kind.wanted(Sight(a, b, np.ones(n), np.ones(n))).sum()) for a, b in steps]
    # the ramp reaches half at 30 s: 7.5 m3, then 22.5 m3, then the full discharge until it fails
    assert [first, *later] == pytest.approx([7.5, 22.5, 30.0, 10.0, 0.0])


def test_a_pump_follows_its_curve(flat: Any) -> None:
    curve = ((0.0, 2.0), (2.0, 1.0), (4.0, 0.0))
    for outside, expected in ((0.0, 2.0), (2.0, 1.5), (4.0, 0.5), (9.0, 0.0)):
        assert _asked(flat, 0.0, 1.0, 1.0, capacity=None, curve=curve, outside=outside)[1] == pytest.approx(expected)


def test_water_on_its_floor_stops_a_pump_for_good(flat: Any) -> None:
    kind, first = _asked(flat, 0.0, 1.0, 2.0, floor=1.5)
    assert first == 0.0
    n = len(kind.row)
    assert kind.wanted(Sight(1.0, 2.0, np.full(n, 0.5), np.full(n, 0.5))).sum() == 0.0
    assert next(kind.rows())["flooded_s"] == 0.0
