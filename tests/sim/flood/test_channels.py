"""Carved channels: bed, volume, discharge, openness, wrong input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import ndimage

from sim.flood.carving import carve_channels, chain_of_cells
from sim.flood.ground import Ground
from sim.flood.scenario import FloodSection
from sim.inputs import InputFiles
from twin.errors import TwinError
from twin.grid import Grid

BASE = {"duration": 600.0, "output_every": 600.0}


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def _carved(channel: dict[str, Any], bed: Any, cell: float = 10.0, n: float = 0.05, **section: Any) -> Ground:
    ground = Ground.bare(Grid(np.shape(bed), cell, 0.0, cell * np.shape(bed)[0]), bed, n)
    given = FloodSection.model_validate(BASE | {"channels": [channel]} | section)
    return carve_channels(given, ground, InputFiles(Path()))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(1, 399), st.floats(1, 299)), min_size=2, max_size=5))
def test_a_chain_hangs_together_by_faces_and_holds_the_line(points: list[tuple[float, float]]) -> None:
    assume(len(set(points)) > 1)
    grid = Grid((30, 40), 10.0, 0.0, 300.0)
    row, col = chain_of_cells(grid, tuple(points))
    mask = np.zeros(grid.shape, dtype=bool)
    mask[row, col] = True
    assert ndimage.label(mask)[1] == 1
    for x, y in points:
        assert mask[tuple(int(i) for i in grid.row_col(x, y))]


def test_a_wide_channel_has_its_bed_and_its_width() -> None:
    channel = {"line": [[0, 100], [400, 100]], "width": 40.0, "bed": [2.0, 0.0], "roughness": 0.03}
    ground = _carved(channel, np.full((20, 40), 5.0))
    lowered = ground.bed < 5.0
    assert (lowered.sum(axis=0) == 4).all()
    np.testing.assert_allclose(ground.bed[10], np.linspace(2.0, 0.0, 41)[:-1] - 0.025)
    np.testing.assert_allclose(ground.roughness[lowered], 0.03)
    assert (ground.roughness[~lowered] == 0.05).all()


@pytest.mark.parametrize("line", [[[0, 105], [400, 105]], [[3, 7], [391, 188]], [[5, 195], [190, 10]]])
@pytest.mark.parametrize("width", [2.0, 7.5])
def test_a_narrow_channel_has_the_volume_of_its_section(line: Any, width: float) -> None:
    bed = np.full((20, 40), 5.0)
    ground = _carved({"line": line, "width": width, "bed": 2.0}, bed)
    length = float(np.hypot(line[1][0] - line[0][0], line[1][1] - line[0][1]))
    assert (bed - ground.bed).sum() * 100.0 == pytest.approx(width * 3.0 * length, rel=1e-9)


@pytest.mark.parametrize(("width", "turned"), [(4.0, False), (20.0, False), (4.0, True)])
def test_a_channel_carries_brim_full_what_its_section_carries(make_model: Any, width: float, turned: bool) -> None:
    """Normal depth in a wide rectangle: Q = w D^(5/3) sqrt(S) / n, along the grid and across it.

    Across the grid the chain turns at every cell: with a theta below 1 a face's discharge is averaged with those of the
    dry faces before and behind it, and the channel carries less (docs/flood-forcing.md).
    """
    n, slope, depth = 0.04, 1e-3, 2.0
    flow = width * depth ** (5 / 3) * slope**0.5 / n
    if turned:
        x = np.arange(60) * 10.0 + 5.0
        way = (x[None, :] + (600.0 - x)[:, None]) / 2**0.5
        line = [[0.0, 0.0], [600.0, 600.0]]
        bed = 20.0 - slope * way
        full = 600.0 * 2**0.5
    else:
        x = np.arange(100) * 10.0 + 5.0
        bed = np.broadcast_to(20.0 - slope * x, (9, 100)).copy()
        line = [[0.0, 45.0], [1000.0, 45.0]]
        full = 1000.0
    channel = {"line": line, "width": width, "bed": [20.0 - depth, 20.0 - depth - slope * full], "roughness": n}
    edges = [{"edge": edge, "kind": "open", "slope": slope} for edge in ("north", "east")[0 if turned else 1 :]]
    inflow = [{"at": [1.0, 1.0 if turned else 46.0], "discharge": 0.9 * flow}]
    model = make_model(
        bed, 10.0, channels=[channel], inflows=inflow, boundaries=edges, duration=20000.0, theta=1.0 if turned else 0.9
    )
    _advance(model, 4000.0)
    middle = np.s_[4, 40:60] if not turned else np.s_[25:35, 25:35]
    lowered = (model.ground.bed < bed)[middle]
    h, z = model.fields()["h_cell"][middle][lowered], model.ground.bed[middle][lowered]
    brim = bed[middle][lowered]
    # a tenth less than brim-full: the water stays in, close below the banks
    assert (h / (brim - z)).mean() == pytest.approx(0.9 ** (3 / 5), abs=0.03)
    assert abs(model.budget()["relative_error"]) < 1e-6


def test_a_channel_opens_what_has_no_bed_and_what_stands_on_it() -> None:
    bed = np.full((20, 40), 5.0)
    bed[8:12, 10:20] = np.nan
    ground = Ground.bare(Grid((20, 40), 10.0, 0.0, 200.0), bed)
    ground.building_cell[9:11, 25] = 0
    ground = replace(ground, is_wall=ground.is_wall | (ground.building_cell >= 0), cells_without_bed=40)
    section = FloodSection.model_validate(
        BASE | {"channels": [{"line": [[0, 100], [400, 100]], "width": 20.0, "bed": 1.0}]}
    )
    carved = carve_channels(section, ground, InputFiles(Path()))
    assert not carved.is_wall[9:11].any()
    assert carved.is_wall[8, 10:20].all()
    assert carved.cells_without_bed == 20
    assert (carved.bed[9:11] == 1.0).all()


def test_water_at_the_start_fills_the_channel_and_stays_at_rest(make_model: Any) -> None:
    bed = np.random.default_rng(3).normal(3.0, 0.3, (20, 40))
    channel = {"line": [[0, 100], [400, 40]], "width": 25.0, "bed": 0.0}
    ground = _carved(channel, bed, initial={"stage": 1.5})
    assert ground.depth.max() == pytest.approx(1.5)
    model = make_model(bed, 10.0, channels=[channel], initial={"stage": 1.5}, precision="double")
    for _ in range(300):
        model.step(model.stable_dt())
    state = model.state()
    assert max(np.abs(state["qx"]).max(), np.abs(state["qy"]).max()) < 1e-12
    assert model.budget()["stored_m3"] == pytest.approx(1.5 * (ground.bed == 0.0).sum() * 100.0)


def test_ground_that_is_lower_stays() -> None:
    bed = np.full((9, 40), 5.0)
    bed[:, 20:] = 1.0
    ground = _carved({"line": [[0, 45], [400, 45]], "width": 30.0, "bed": 2.0}, bed)
    assert (ground.bed[:, 20:] == 1.0).all()
    assert (ground.bed[3:6, :20] == 2.0).all()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"width": 0}, "width"),
        ({"bed": [1.0, 2.0, 3.0]}, "bed"),
        ({"line": [[5, 5], [5, 5]]}, "the line has no length"),
        ({"roughness": -0.1}, "roughness"),
    ],
)
def test_the_section_refuses_a_channel_that_cannot_be(wrong: dict[str, Any], named: str) -> None:
    channel = {"line": [[0, 100], [400, 100]], "width": 20.0, "bed": 2.0} | wrong
    with pytest.raises(ValidationError, match=named):
        FloodSection.model_validate(BASE | {"channels": [channel]})


@pytest.mark.parametrize(
    ("wrong", "what", "remedy"),
    [
        ({"line": [[900, 0], [950, 50]]}, "outside the area", "area.bbox"),
        ({"width": 0.5}, "is 0.5 m wide, cells are 10.0 m", "at least 1 m"),
        ({"bed": 7.0}, "nowhere higher than its bed (7.00 to 7.00 m T.P.)", "Lower the bed"),
        ({"line": [[0, 5], [400, 5]], "width": 5.0}, "runs through 40 cells without a bed", "a cell"),
        ({"bed": "none.tif"}, "there is no file", "relative"),
    ],
)
def test_an_unusable_channel_is_named(wrong: dict[str, Any], what: str, remedy: str) -> None:
    bed = np.full((20, 40), 5.0)
    bed[-1] = np.nan
    channel = {"name": "ditch", "line": [[0, 100], [400, 100]], "width": 20.0, "bed": 2.0} | wrong
    with pytest.raises(TwinError) as caught:
        _carved(channel, bed)
    assert what in caught.value.what
    assert remedy in caught.value.remedy
    assert "flood.channels.0 (ditch)" in caught.value.where or "none.tif" in caught.value.where
