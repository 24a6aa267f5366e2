"""Water beside steps: pools before cliffs that carry a film, as roofs in rain do; levees; low walls; banks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.flood.arithmetic import WEIR
from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel, is_bank
from sim.inputs import InputFiles
from twin.grid import Grid

MODELS = {"shallow_water": ShallowWaterModel, "local_inertial": FloodModel}
POOL = 0.4


def _model(
    scheme: str, bed: Any, depth: Any = None, *, cell: float = 2.0, n: float = 0.03, crest: Any = None, **section: Any
) -> Any:
    """A model; `crest` : tops of walls on its x-faces, by column."""
    ground = Ground.bare(Grid(bed.shape, cell, 0.0, bed.shape[0] * cell), bed, n, depth)
    for column, top in (crest or {}).items():
        ground.crest_xface[:, column] = top
    given = {"duration": 3600.0, "output_every": 3600.0, "scheme": scheme} | section
    return MODELS[scheme](FloodSection.model_validate(given), ground, InputFiles(Path()))


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def _pool_after(bed: Any, film: float, seconds: float) -> Any:
    """Depth of the pool at (3, 3) [m] while it runs off; the speed in it [m/s]."""
    cliff = bed > 5.0
    depth = np.where(cliff, film, 0.0)
    depth[3, 3] = POOL
    model = _model("shallow_water", bed, depth, precision="double")
    while model.clock.time < seconds:
        model.step(0.05)
    return model.fields()["h_cell"][3, 3], float(np.abs(model.state()["u"]).max())


def _ledge(*, drop: float, is_corner: bool, turned: int) -> Any:
    """A cliff behind a pool, round a corner of it too; the ground before it `drop` lower from cell to cell."""
    bed = np.tile(drop * np.minimum(np.arange(7.0) - 3, 0), (7, 1))
    bed[:, 4:] = 8.0
    if is_corner:
        bed[:3] = 8.0
        bed[4:, :4] = -drop
    # the pool stays where it is
    return np.rot90(bed, turned).copy()


@pytest.mark.parametrize("turned", range(4))
@pytest.mark.parametrize("is_corner", [False, True])
@pytest.mark.parametrize("drop", [0.0, 0.3, 1.5])
@pytest.mark.parametrize("film", [2e-4, 5e-3])
def test_a_film_on_a_cliff_does_not_hold_back_the_pool_before_it(
    film: float, drop: float, is_corner: bool, turned: int
) -> None:
    bed = _ledge(drop=drop, is_corner=is_corner, turned=turned)
    dry, _ = _pool_after(bed, 0.0, 1.0)
    wet, speed = _pool_after(bed, film, 1.0)
    assert dry < 0.6 * POOL
    assert wet < dry + 0.1 * POOL
    assert speed < 6.0


def _city(seed: int) -> Any:
    """Blocks of houses with yards and knocked-off corners on a slope of 4 %, over ground with 0.1 m of noise [m]."""
    rng = np.random.default_rng(seed)
    shape = (48, 48)
    street = 0.08 * np.arange(shape[1])[None, :] + rng.normal(0.0, 0.1, shape)
    block = np.zeros(shape, dtype=bool)
    for _ in range(14):
        row, col = rng.integers(2, 38, 2)
        height, width = rng.integers(3, 9, 2)
        block[row : row + height, col : col + width] = True
    bed = np.where(block, 12.0 + rng.uniform(0.0, 6.0), street)
    row, col = rng.integers(2, 46, (2, 30))
    bed[row, col] = 0.08 * col + rng.uniform(-0.5, 1.5, 30)
    return bed


@pytest.mark.parametrize("seed", range(3))
def test_rain_over_roofs_yards_and_steps_runs_off_in_both_schemes(seed: int) -> None:
    """Nothing holds water back on steep ground in local inertia: it says where pools stand."""
    bed = _city(seed)
    forcing = {"rain": [[0, 70], [1800, 0]], "boundaries": [{"edge": "west", "kind": "open"}]}
    full, simple = (_model(scheme, bed, **forcing) for scheme in MODELS)
    for model in (full, simple):
        while model.clock.time < 1200.0:
            model.step(min(model.stable_dt(), 1200.0 - model.clock.time))
            assert model is simple or np.abs(model.state()["u"]).max() < 2.0
    ours, theirs = (model.fields()["h_cell"] for model in (full, simple))
    assert np.abs(ours - theirs).sum() < 0.2 * theirs.sum()
    assert np.sum(ours > 0.05) == pytest.approx(np.sum(theirs > 0.05), rel=0.05)


def _over_crest(scheme: str, profile: list[float], head: float, cell: float, n: float) -> float:
    """Steady discharge over the crest of a bed (its level 0), over the broad-crested weir's."""
    bed = np.array([profile] * 2)
    depth = np.where(np.arange(bed.shape[1]) < bed[0].argmax(), np.maximum(head - bed, 0.0), 0.0)
    edges = [{"edge": "west", "kind": "stage", "value": head}, {"edge": "east", "kind": "open"}]
    model = _model(scheme, bed, depth, cell=cell, n=n, precision="double", boundaries=edges)
    before, after = (_advance(model, until).budget()["outflow_m3"] for until in (300.0, 360.0))
    return (after - before) / 60.0 / (bed.shape[0] * cell) / (WEIR * head**1.5)


@pytest.mark.parametrize("scheme", list(MODELS))
def test_a_level_crest_behind_a_ramp_is_no_dam(scheme: str) -> None:
    """Limited apart, stage and depth made a sill of 8 cm at its edge: `shallow_water` let 0.3 of the law pass."""
    profile = [-2.0, -1.5, -1.0, -0.5, -0.25, 0.0, 0.0, 0.0, 0.0, -0.5, -1.0, -1.5, -2.0, -2.5]
    assert _over_crest(scheme, profile, 0.1, 1.0, 0.012) == pytest.approx(0.95, abs=0.15)


@pytest.mark.parametrize("drop", [0.5, 3.0, 10.0])
@pytest.mark.parametrize("scheme", list(MODELS))
def test_the_fall_behind_a_crest_does_not_draw_more_over_it(scheme: str, drop: float) -> None:
    """2.3 times the weir's law passed with the whole fall spent in the cell of the crest (`shallow_water`), 1.8 times
    with the head taken for the depth of the flow (`local_inertial`)."""
    profile = [-3.0] * 6 + [0.0] + [-drop - 0.1 * k for k in range(5)]
    assert _over_crest(scheme, profile, 0.5, 5.0, 0.02) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("scheme", list(MODELS))
def test_a_wall_that_sinks_into_the_ground_lets_the_flow_go(scheme: str) -> None:
    """1 m deep at 1 m/s over a wall of 1 cm: a weir's law without end would bank the river up by a decimetre."""
    fall, cell = 0.0009, 5.0
    bed = np.tile(-fall * cell * np.arange(40.0), (3, 1))
    edges = [
        {"edge": "west", "kind": "unit_discharge", "value": 1.0},
        {"edge": "east", "kind": "open", "slope": fall},
    ]
    model = _model(scheme, bed, np.ones(bed.shape), cell=cell, crest={20: bed[0, 19] + 0.01}, boundaries=edges)
    np.testing.assert_allclose(_advance(model, 600.0).fields()["h_cell"][1, 5:35], 1.0, atol=0.01)


@pytest.mark.parametrize(
    "drawn",
    [
        # noses and what stands beside them, but not what lies behind
        "........ .....BB# ....BB## ...BB### ..BB#### .BB#####",
        # walls of one cell, by their sides and by their corners
        "....... .BB.... ..BB... ...BB.. ....BB. .......",
        "...... .B.... ..B... ...B.. ....B. ......",
        # the corners of a house, a column, a straight wall
        "........ .BB##BB. .B####B. .BB##BB. ........",
        "...... ..#... ...... .####. ......",
    ],
)
def test_stairs_are_told_from_columns_and_straight_walls(drawn: str) -> None:
    picture = np.array([list(line) for line in drawn.split()])
    np.testing.assert_array_equal(is_bank(picture != "."), picture == "B")


@pytest.mark.parametrize(
    ("scheme", "tread", "width", "most"),
    [
        ("local_inertial", 1, 2, 1.35), ("local_inertial", 1, 4, 1.15),
        ("shallow_water", 1, 2, 1.55), ("shallow_water", 1, 4, 1.45), ("shallow_water", 1, 12, 1.1),
        ("shallow_water", 2, 4, 1.4),
    ],
)  # fmt: skip
def test_a_channel_at_an_angle_between_walls_is_not_dammed_by_its_stairs(
    scheme: str, tread: int, width: int, most: float
) -> None:
    """Its banks are stairs of `tread` cells.

    Local inertia, with the walls' 0 among the neighbours: 4.5 and 1.7 times as deep. `shallow_water`, with the flow
    thrown back from every stair: 4.7, 2.5, 1.2 and 1.6 times.
    """
    fall, cell, n, q, size = 0.002, 5.0, 0.03, 1.0, 40
    row, col = np.indices((size, size))
    turn = np.arctan2(1, tread)
    across, along = (row - col / tread) * np.cos(turn), col * np.cos(turn) + row * np.sin(turn)
    is_channel = (across > -0.5 * width) & (across <= 0.5 * width)
    bed = np.where(is_channel, -fall * cell * along, np.nan)
    normal = (q * n / np.sqrt(fall)) ** 0.6
    top = size * cell
    corner = [[0, top], [12, top], [12, top - 12], [0, top - 12]]
    inflow = {"polygon": corner, "discharge": q * width * cell}
    edges = [{"edge": edge, "kind": "open", "slope": fall} for edge in (("east", "south") if tread == 1 else ("east",))]
    depth = np.where(is_channel, normal, 0.0)
    model = _model(scheme, bed, depth, cell=cell, n=n, inflows=[inflow], boundaries=edges)
    is_middle = is_channel & (along > 0.25 * along.max()) & (along < 0.6 * along.max())
    middle = _advance(model, 1500.0).fields()["h_cell"][is_middle]
    assert 0.95 * normal < middle.mean() < most * normal


def test_a_swing_in_a_round_basin_goes_on() -> None:
    """Thrown back from every stair, a seventh of its energy was left after five times 2 L / sqrt(g h)."""
    size = 20
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    inside = np.hypot(x, y) < size / 2 - 1
    depth = np.where(inside, 1.0 + 0.005 * x, 0.0)
    model = _model("shallow_water", np.where(inside, -1.0, np.nan), depth, cell=1.0, n=0.0, precision="double")

    def energy() -> float:
        fields = model.fields()
        h = fields["h_cell"][inside]
        speed2 = fields["u_cell"][inside] ** 2 + fields["v_cell"][inside] ** 2
        return float((0.5 * h * speed2 + 0.5 * 9.81 * (h - 1.0) ** 2).sum())

    known = [energy()]
    for part in range(1, 6):
        _advance(model, part * 2 * size / np.sqrt(9.81))
        known.append(energy())
    assert max(known) == known[0]
    assert known[-1] > 0.3 * known[0]
