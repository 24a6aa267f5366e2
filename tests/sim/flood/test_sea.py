"""Edges on the open sea, in both schemes: what leaves is gone, what comes in arrives whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.grid import Grid

MODELS = {"local_inertial": FloodModel, "shallow_water": ShallowWaterModel}
NX, DX, DEEP = 200, 10.0, 10.0
CELERITY = float(np.sqrt(9.81 * DEEP))


def _channel(scheme: str, depth: Any, boundaries: list[dict[str, Any]], n: float = 0.0) -> Any:
    """A channel of 2 km whose bed lies 10 m below T.P."""
    bed = np.full((3, NX), -DEEP)
    given = {
        "duration": 1e5, "output_every": 1e5, "scheme": scheme, "precision": "double", "boundaries": boundaries,
        "max_dt": 5.0,
    }  # fmt: skip
    ground = Ground.bare(Grid(bed.shape, DX, 0.0, 3 * DX), bed, n, depth)
    return MODELS[scheme](FloodSection.model_validate(given), ground, InputFiles(Path()))


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def _surface(model: Any) -> Any:
    return np.array(model._cells("h"), dtype=np.float64)[1] - DEEP


@pytest.mark.parametrize("scheme", sorted(MODELS))
@pytest.mark.parametrize("height", [0.02, 1.0])
def test_a_wave_leaves_the_channel_and_less_than_two_hundredths_come_back(scheme: str, height: float) -> None:
    x = (np.arange(NX) + 0.5) * DX
    hump = height * np.exp(-(((x - 1000.0) / 150.0) ** 2))
    edges = [{"edge": "west", "kind": "sea", "value": 0.0}, {"edge": "east", "kind": "sea", "value": 0.0}]
    model = _channel(scheme, np.tile(DEEP + hump, (3, 1)), edges)
    passed = float(np.abs(_surface(_advance(model, 60.0))).max())
    assert passed == pytest.approx(0.5 * height, rel=0.1)
    left = float(np.abs(_surface(_advance(model, 240.0))).max())
    assert left < 0.02 * passed
    assert abs(model.budget()["relative_error"]) < 1e-12


@pytest.mark.parametrize("scheme", sorted(MODELS))
def test_a_sine_comes_in_crosses_the_channel_and_leaves(scheme: str) -> None:
    height, period = 0.1, 100.0
    times = np.arange(0.0, 1000.0, 2.0)
    rise = np.minimum(times / 200.0, 1.0) * height * np.sin(2 * np.pi * times / period)
    edges = [
        {"edge": "west", "kind": "sea", "value": 0.0, "wave": np.c_[times, rise].tolist()},
        {"edge": "east", "kind": "sea", "value": 0.0},
    ]
    model = _channel(scheme, np.full((3, NX), DEEP), edges)
    seen = [_surface(_advance(model, float(until)))[100] for until in range(500, 600, 2)]
    wanted = height * np.sin(2 * np.pi * (np.arange(500, 600, 2) - 1005.0 / CELERITY) / period)
    assert max(seen) == pytest.approx(height, rel=0.02)
    assert np.abs(np.array(seen) - wanted).max() < 0.08 * height


@pytest.mark.parametrize("scheme", sorted(MODELS))
def test_a_bay_follows_the_tide_outside(scheme: str) -> None:
    """Two hours from low to high water: at slack water the surface is that of the sea, all of which came in.

    While the bay fills, its surface is lower by u sqrt(h / g) of the flow at the edge.
    """
    times = np.arange(0.0, 7201.0, 60.0)
    tide = 1.0 - np.cos(np.pi * times / 7200.0)
    edges = [{"edge": "west", "kind": "sea", "value": np.c_[times, tide].tolist()}]
    model = _advance(_channel(scheme, np.full((3, NX), DEEP), edges, n=0.03), 3600.0)
    flow = np.pi / 7200.0 * NX * DX / (DEEP + 1.0)
    np.testing.assert_allclose(_surface(model), 1.0 - flow * np.sqrt((DEEP + 1.0) / 9.81), atol=0.02)
    _advance(model, 7200.0)
    np.testing.assert_allclose(_surface(model), 2.0, atol=0.02)
    volume = model.budget()["inflow_m3"] - model.budget()["outflow_m3"]
    assert volume == pytest.approx(2.0 * 3 * NX * DX * DX, rel=0.02)


@pytest.mark.parametrize("scheme", sorted(MODELS))
def test_a_bore_runs_in_over_dry_land_and_the_land_drains_again(scheme: str) -> None:
    edges = [{"edge": "west", "kind": "sea", "value": [[0, 0], [100, 0], [101, -20]], "wave": [[0, 0], [30, 2.0]]}]
    model = _channel(scheme, np.zeros((3, NX)), edges, n=0.03)
    assert _advance(model, 100.0)._cells("h")[:, :40].min() > 2.0
    filled = model.budget()["stored_m3"]
    assert _advance(model, 1500.0).budget()["stored_m3"] < 0.6 * filled
    assert model.state()["h"].min() >= 0.0
    assert abs(model.budget()["relative_error"]) < 1e-12
