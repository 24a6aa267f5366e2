"""Danger at the samples: ratings, combined classes, collapse of houses; and the tables that say them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import sim.flood.consequence.kernels as dk
from sim.flood.consequence.danger import Danger, DangerTables, read_danger
from sim.flood.ground import Ground
from sim.flood.kernels import TILE_ROWS, Active
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.errors import LayerError
from twin.grid import Grid

DEFAULT = Path(dk.__file__).with_name("danger.yaml")


def _content(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    return content | changes


def _judged(depth: float, speed: float, tables: DangerTables) -> tuple[float, int, int]:
    h, u = np.full((1, 4), depth, dtype=np.float32), np.full((1, 4), speed, dtype=np.float32)
    active = Active(np.zeros((1, 1), np.int64), np.full((1, 1), 4, np.int64), np.ones(1, np.int64))
    danger = Danger(tables, (1, 4))
    danger.judge_velocity(h, u, np.zeros_like(h), (0, 0), active)
    rating, vulnerability, collapse = (float(values[0, 2]) for values in danger.worst)
    return rating, int(vulnerability), int(collapse)


@pytest.mark.parametrize(
    ("depth", "speed", "rating", "vulnerability", "collapse"),
    [
        (0.04, 5.0, 0.0, 0, 0),  # thinner than flood maps show
        (0.2, 0.0, 0.1, 1, 0),
        (0.25, 0.5, 1.25, 1, 0),  # debris from 0.25 m
        (0.2, 2.5, 1.6, 5, 0),  # fast: debris at any depth
        (0.4, 0.5, 1.4, 2, 0),
        (1.0, 0.5, 2.0, 3, 0),
        (0.5, 1.5, 2.0, 4, 0),  # d v = 0.75
        (1.5, 1.1, 3.4, 5, 1),  # u^2 h = 1.8
        (1.0, 1.6, 3.1, 5, 2),  # u^2 h = 2.56
        (2.5, 2.0, 7.25, 6, 2),
    ],
)
def test_depth_and_speed_have_the_published_class(
    depth: float, speed: float, rating: float, vulnerability: int, collapse: int
) -> None:
    found = _judged(depth, speed, read_danger())
    assert found == (pytest.approx(rating, abs=1e-5), vulnerability, collapse)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.0, 6.0, width=32), st.floats(0.0, 6.0, width=32), st.floats(1.0, 3.0))
def test_more_water_is_never_less_dangerous(depth: float, speed: float, more: float) -> None:
    tables = read_danger()
    calm, wild = _judged(depth, speed, tables), _judged(depth * more, speed * more, tables)
    assert all(b >= a for a, b in zip(calm, wild, strict=True))


def test_a_curve_of_critical_speeds_replaces_the_force(tmp_path: Path) -> None:
    curve = {"source": "test", "classes": [
        {"curve": [[0.5, 4.0], [2.0, 1.0]], "color": "#000000", "ja": "倒壊", "en": "collapse"}]}  # fmt: skip
    (tmp_path / "danger.yaml").write_text(yaml.safe_dump(_content(collapse=curve)), encoding="utf-8")
    tables = read_danger(tmp_path / "danger.yaml")
    at = {(h, u): _judged(h, u, tables)[2] for h, u in
          [(0.45, 6.0), (0.5, 3.9), (0.5, 4.1), (1.25, 2.4), (1.25, 2.6), (5.0, 0.9), (5.0, 1.1)]}  # fmt: skip
    assert at == {(0.45, 6.0): 0, (0.5, 3.9): 0, (0.5, 4.1): 1, (1.25, 2.4): 0, (1.25, 2.6): 1, (5.0, 0.9): 0,
                  (5.0, 1.1): 1}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"collapse": {"source": "x", "classes": []}}, "collapse.classes"),
        ({"collapse": {"source": "x", "classes": [{"color": "#000000", "ja": "a", "en": "b"}]}}, "exactly one"),
        ({"rating": None}, "rating"),
        ({"other": 1}, "other"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(_content(**change)), encoding="utf-8")
    with pytest.raises(LayerError, match=said) as caught:
        read_danger(path)
    assert str(path) in caught.value.where


def test_limits_that_shrink_are_refused() -> None:
    content = _content()
    content["vulnerability"]["classes"][2]["d"] = 0.1
    with pytest.raises(ValueError, match="let them grow"):
        DangerTables.model_validate(content)


def _dam(scheme: str, folder: Path, **section: Any) -> Any:
    from sim.flood.model import FloodModel

    depth = np.zeros((2 * TILE_ROWS, 70))
    depth[:, :30] = 3.0
    ground = Ground.bare(Grid(depth.shape, 5.0, 0.0, 5.0 * len(depth)), np.zeros_like(depth), 0.03, depth)
    given = FloodSection(scheme=scheme, duration=60.0, output_every=60.0, track_every=0.0, **section)
    return (FloodModel if scheme == "local_inertial" else ShallowWaterModel)(given, ground, InputFiles(folder))


@pytest.mark.parametrize("scheme", ["local_inertial", "shallow_water"])
def test_both_schemes_judge_every_sample(scheme: str, tmp_path: Path) -> None:
    model = _dam(scheme, tmp_path)
    force, dv = np.zeros(model.grid.shape), np.zeros(model.grid.shape)
    while model.clock.time < 12.0:
        model.step(model.stable_dt())
        now = model.fields()
        h, speed = now["h_cell"], np.hypot(now["u_cell"], now["v_cell"])
        deep = h >= 0.05
        force, dv = np.maximum(force, np.where(deep, h * speed**2, 0)), np.maximum(dv, np.where(deep, h * speed, 0))
    maps = model.statistics()
    collapse = maps["collapse_cell"]
    near = np.abs(force - 2.5) > 0.02  # single precision, another order of the sums
    np.testing.assert_array_equal((collapse == 2)[near], (force >= 2.5)[near])
    assert (collapse == 2).any()
    assert ((maps["vulnerability_cell"] >= 5) >= (dv > 1.01)).all()
    # the greatest of instants is at most what the separate maxima would say
    bound = maps["h_max_cell"] * (maps["speed_max_cell"] + 0.5) + 1.0
    assert (maps["rating_max_cell"] <= bound + 1e-4).all()
    assert (maps["rating_max_cell"][:, 40:] < bound[:, 40:]).any()
    assert maps["rating_max_cell"][:, -1].max() == 0


@pytest.mark.parametrize("scheme", ["local_inertial", "shallow_water"])
def test_a_restart_keeps_the_worst(scheme: str, tmp_path: Path) -> None:
    straight, first, second = (_dam(scheme, tmp_path) for _ in range(3))
    for _ in range(30):
        straight.step(0.25)
    for _ in range(14):
        first.step(0.25)
    second.load_state(first.state())
    for _ in range(16):
        second.step(0.25)
    for name, values in straight.statistics().items():
        np.testing.assert_array_equal(values, second.statistics()[name], err_msg=name)


def test_a_scenario_brings_its_own_table(tmp_path: Path) -> None:
    content = _content()
    content["collapse"]["classes"] = [{"force": 1e-3, "color": "#000000", "ja": "弱", "en": "weak"}]
    (tmp_path / "weak.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    model = _dam("local_inertial", tmp_path, evaluation={"danger": "weak.yaml"})
    for _ in range(20):
        model.step(0.2)
    assert model.statistics()["collapse_cell"].max() == 1
