"""What neither scheme may break, whatever it is given: volume, rest, symmetry, its own past, sign and sense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.grid import Grid

MODELS = {"local_inertial": FloodModel, "shallow_water": ShallowWaterModel}
SCHEMES = st.sampled_from(sorted(MODELS))
PRECISIONS = st.sampled_from(["single", "double"])
SHAPES = st.sampled_from([(1, 7), (9, 1), (16, 32), (17, 33), (30, 40)])
SEEDS = st.integers(0, 10_000)
DX = 5.0
EDGES = ("west", "north", "east", "south")
examples = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _model(scheme: str, bed: Any, *, depth: Any = None, n: Any = 0.03, porosity: Any = None, **section: Any) -> Any:
    grid = Grid(np.shape(bed), DX, 0.0, np.shape(bed)[0] * DX)
    ground = Ground.bare(grid, bed, n, depth)
    if porosity is not None:
        ground = replace(ground, porosity=np.where(ground.is_wall, 1.0, porosity).astype(np.float32))
    asked = {"duration": 1e4, "output_every": 1e4, "scheme": scheme} | section
    return MODELS[scheme](FloodSection.model_validate(asked), ground, InputFiles(Path()))


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def _bed(seed: int, shape: tuple[int, int], roughness: float, holes: bool = True) -> Any:
    rng = np.random.default_rng(seed)
    bed = rng.normal(0.0, roughness, shape)
    if holes and bed.size > 100:
        bed[rng.random(shape) < 0.05] = np.nan
    return bed


def _puddles(seed: int, bed: Any) -> Any:
    rng = np.random.default_rng(seed + 1)
    return np.where(np.isfinite(bed) & (rng.random(bed.shape) < 0.3), 2.0 * rng.random(bed.shape), 0.0)


def _free(seed: int, bed: Any) -> Any:
    return 0.1 + 0.9 * np.random.default_rng(seed).random(bed.shape)


def _motion(model: Any) -> float:
    state = model.state()
    return float(max(np.abs(state[name]).max() for name in ("u", "v", "qx", "qy") if name in state))


@st.composite
def edges(draw: Any) -> list[dict[str, Any]]:
    """A boundary of any kind on each edge."""
    level = st.floats(-1.0, 2.0)
    kinds = {
        "wall": {}, "open": {}, "stage": {"value": level}, "sea": {"value": level, "wave": st.floats(-0.5, 0.5)},
        "unit_discharge": {"value": st.floats(-0.5, 1.0)},
    }  # fmt: skip
    out = []
    for edge in EDGES:
        kind = draw(st.sampled_from(sorted(kinds)))
        out.append({"edge": edge, "kind": kind} | {name: draw(values) for name, values in kinds[kind].items()})
    return out


@st.composite
def forcings(draw: Any) -> dict[str, Any]:
    """Rain, sinks, a source or pump, edges: each or none."""
    section: dict[str, Any] = {"boundaries": draw(edges()) if draw(st.booleans()) else []}
    if draw(st.booleans()):
        section["rain"] = [[0, draw(st.floats(0, 300))], [5, draw(st.floats(0, 300))]]
    if draw(st.booleans()):
        section |= {"infiltration": draw(st.floats(0, 200)), "drainage": draw(st.floats(0, 200))}
    if draw(st.booleans()):
        section["inflows"] = [{"at": [2.0, 2.0], "radius": 20.0, "discharge": draw(st.floats(-5, 20))}]
    return section


@examples
@given(
    scheme=SCHEMES, precision=PRECISIONS, seed=SEEDS, shape=SHAPES, roughness=st.floats(0.0, 4.0), built=st.booleans(),
    forcing=forcings(),
)  # fmt: skip
def test_volume_is_kept_and_nothing_is_negative_or_undefined(
    scheme: str, precision: str, seed: int, shape: tuple[int, int], roughness: float, built: bool, forcing: Any
) -> None:
    bed = _bed(seed, shape, roughness)
    bed.flat[0] = 0.0
    bed[:, 0], bed[0] = np.nan_to_num(bed[:, 0]), np.nan_to_num(bed[0])
    bed[:, -1], bed[-1] = np.nan_to_num(bed[:, -1]), np.nan_to_num(bed[-1])
    porosity = _free(seed, bed) if built else None
    # in one precision: each is compiled for itself
    precision = "double" if built else precision
    model = _model(scheme, bed, depth=_puddles(seed, bed), precision=precision, porosity=porosity, **forcing)
    while model.clock.time < 10.0 and model.clock.step < 300:
        model.step(model.stable_dt())
        assert model._cells("h").min() >= 0.0
    assert abs(model.budget()["relative_error"]) <= (1e-6 if precision == "single" else 1e-12)
    fields = model.fields()
    assert all(np.isfinite(values).all() for values in fields.values())
    dry = fields["h_cell"] <= model.section.dry_depth
    assert np.all(fields["u_cell"][dry] == 0)
    assert np.all(fields["v_cell"][dry] == 0)


@examples
@given(
    scheme=SCHEMES, seed=SEEDS, shape=SHAPES, roughness=st.floats(0.1, 3.0), level=st.floats(-1.0, 2.0),
    kind=st.sampled_from(["wall", "stage", "sea"]), built=st.booleans(),
)  # fmt: skip
def test_a_lake_with_islands_stays_at_rest(
    scheme: str, seed: int, shape: tuple[int, int], roughness: float, level: float, kind: str, built: bool
) -> None:
    bed = _bed(seed, shape, roughness)
    bed.flat[0] = level - 1.0
    depth = np.where(np.isfinite(bed), np.maximum(level - bed, 0.0), 0.0)
    # double precision knows the level to 2e-16 of the local datum's height
    edge = {"edge": "all", "kind": kind} | ({} if kind == "wall" else {"value": level})
    boundaries = [edge] if kind == "wall" or np.isfinite(bed[[0, -1]]).any() else []
    porosity = _free(seed, bed) if built else None
    model = _model(scheme, bed, depth=depth, precision="double", porosity=porosity, boundaries=boundaries)
    for _ in range(80):
        model.step(model.stable_dt())
    assert _motion(model) < 1e-12


@examples
@given(scheme=SCHEMES, seed=SEEDS, half=st.sampled_from([(6, 9), (10, 20), (17, 17)]), rain=st.booleans())
def test_what_is_symmetric_stays_symmetric(scheme: str, seed: int, half: tuple[int, int], rain: bool) -> None:
    quarter = _bed(seed, half, 0.3)
    water = _puddles(seed, quarter)

    def whole(part: Any) -> Any:
        upper = np.concatenate([part, part[:, ::-1]], axis=1)
        return np.concatenate([upper, upper[::-1]])

    sides = [{"edge": "all", "kind": "open"}] if np.isfinite(quarter[0]).any() else []
    model = _model(
        scheme, whole(quarter), depth=whole(water), precision="double", boundaries=sides, rain=60.0 if rain else None
    )
    h = np.array(_advance(model, 8.0)._cells("h"))
    for turned in (h[::-1], h[:, ::-1]):
        np.testing.assert_allclose(turned, h, rtol=0, atol=1e-11)


@examples
@given(scheme=SCHEMES, seed=SEEDS, kinds=edges())
def test_a_turned_world_gives_the_turned_flood(scheme: str, seed: int, kinds: list[dict[str, Any]]) -> None:
    """A quarter of a turn; the full scheme sweeps along x and y in turn, so its turned world starts with the other."""
    bed = np.nan_to_num(_bed(seed, (18, 34), 0.3))
    depth = _puddles(seed, bed)
    after = {edge: EDGES[(EDGES.index(edge) - 1) % 4] for edge in EDGES}
    turned_kinds = [kind | {"edge": after[kind["edge"]]} for kind in kinds]
    straight = _model(scheme, bed, depth=depth, precision="double", boundaries=kinds)
    turned = _model(scheme, np.rot90(bed), depth=np.rot90(depth), precision="double", boundaries=turned_kinds)
    if scheme == "shallow_water":
        turned.clock.step = 1
        # the first step is the share of a stable one that its number says
        straight.clock.step = 2
    for _ in range(40):
        dt = 0.5 * min(straight.stable_dt(), turned.stable_dt())
        straight.step(dt)
        turned.step(dt)
    a, b = np.array(straight._cells("h")), np.array(turned._cells("h"))
    np.testing.assert_allclose(np.rot90(a), b, rtol=0, atol=1e-10)


@examples
@given(scheme=SCHEMES, precision=PRECISIONS, seed=SEEDS, built=st.booleans(), forcing=forcings())
def test_a_restart_and_the_number_of_threads_change_nothing(
    monkeypatch: pytest.MonkeyPatch, scheme: str, precision: str, seed: int, built: bool, forcing: Any
) -> None:
    where = "sim.flood.model" if scheme == "local_inertial" else "sim.flood.shallow_model"
    monkeypatch.setattr(f"{where}.PARALLEL_CELLS", 1)
    bed = np.nan_to_num(_bed(seed, (50, 40), 0.4))
    porosity = _free(seed, bed) if built else None
    # in one precision: each is compiled for itself
    precision = "double" if built else precision

    def make(threads: int) -> Any:
        monkeypatch.setattr(f"{where}.get_num_threads", lambda: min(threads, numba.config.NUMBA_NUM_THREADS))
        return _model(scheme, bed, depth=_puddles(seed, bed), precision=precision, porosity=porosity, **forcing)

    straight = _advance(_advance(make(1), 2.0), 4.0)
    half = _advance(make(1), 2.0)
    resumed = make(2)
    resumed.load_state(half.state())
    _advance(resumed, 4.0)
    state = resumed.state()
    for name, values in straight.state().items():
        np.testing.assert_array_equal(values, state[name], err_msg=name)
    for name, values in straight.statistics().items():
        np.testing.assert_array_equal(values, resumed.statistics()[name], err_msg=name)
    assert straight.budget() == resumed.budget()
