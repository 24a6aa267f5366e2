"""Ensembles: known answers of a linear response, growth that keeps members, failures said, wrong files named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from sim.ensemble import STAGE, cells, draw_members, read_ensemble, run_ensemble
from sim.ensemble import ensemble as engine
from sim.scenario import sections
from sim.service import Service
from tests import toy as toys
from twin.errors import ScenarioError, SimulationError
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.sweep import Member
    from twin.store import Run

TOY = """
import sim.flood.fields


class FloodSection(Section):
    level: Finite
    rise: tuple[tuple[float, float], ...] = ((0.0, 1.0), (60.0, 3.0))
    place: str = "west"
    speed: float | None = None
    duration: float = 1.0


class Flood:
    # a plane that rises by 1 m a cell eastward from -0.5 m: depth = level - z; the easternmost column is a wall
    name, section = "flood", FloodSection
    def needs(self, section): return ()
    def horizon(self, section): return section.duration, section.duration
    def prepare(self, stage):
        note(stage.section.level)
        if stage.section.level > 9:
            raise SimulationError("the level is too high", where="flood.level", remedy="Lower it.")
        return Still(level=stage.section.level, grid=stage.grid)
    def summarise(self, model):
        ny, nx = model.grid.shape
        z = np.broadcast_to(np.arange(nx) - 0.5, model.grid.shape)
        depth = np.maximum(model.level - z, 0.0).astype(np.float32)
        arrival = np.where(depth >= 0.05, 100 * z, np.nan).astype(np.float32)
        depth[:, -1] = arrival[:, -1] = np.nan
        houses = pd.DataFrame({"feature": [3, 8], "id": ["a", "b"], "max_depth": depth[0, [2, 6]],
                               "arrival_s": arrival[0, [2, 6]]})
        return Products(maps={"h_max_cell": (model.grid, depth), "arrival_cell": (model.grid, arrival)},
                        tables={"buildings": houses}, summary={"level_m": model.level})
"""

BASE = {
    "schema": 1,
    "name": "plane",
    "area": {"bbox": [0, 0, 120, 20], "cell_size": 10},
    "flood": {"level": 5.0},
}
LEVEL = {"level": {"path": "flood.level", "set": {"kind": "uniform", "low": 0, "high": 8}}}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A flood whose answer is known, in place of the simulator; the folder with a scenario."""
    (tmp_path / "plane.yaml").write_text(yaml.safe_dump(BASE), encoding="utf-8")
    with toys.registered(tmp_path, "ensemble_toy", toys.STILL + TOY, monkeypatch, flood="Flood"):
        yield tmp_path


def _file(folder: Path, **parts: Any) -> Path:
    content = {"schema": 1, "name": "test", "scenario": "plane.yaml", "members": 8, "seed": 3, "uncertain": LEVEL}
    path = folder / "ensemble.yaml"
    content = {name: value for name, value in {**content, **parts}.items() if value is not None}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def _run(path: Path, service: Service | None = None) -> tuple[Run, pd.DataFrame]:
    service = service or Service(path.parent / "runs")
    result = run_ensemble(service, read_ensemble(path), path.parent)
    return service.open_run(result.key), result.members


def _toy_section(member: Member) -> Any:
    """Of a class that is made at run time."""
    return dict(sections(member.scenario))["flood"]


def _computed(folder: Path) -> int:
    return len((folder / "log.txt").read_text().splitlines())


Z = np.arange(12) - 0.5
"""Bed of the toy's columns [m]; the last one is a wall."""


def test_the_probability_of_a_linear_response_is_that_of_the_distribution(toy: Path) -> None:
    run, _ = _run(_file(toy, members=32, sampling="latin", thresholds=[0.05, 0.5, 1, 3]))
    for name, depth in {"005": 0.05, "050": 0.5, "100": 1.0, "300": 3.0}.items():
        found = run.map(f"probability_{name}_cell")
        exact = np.clip(1 - (Z + depth) / 8, 0, 1)
        assert np.abs(found[:, :-1] - exact[:-1]).max() <= 1 / 32 + 1e-6
        assert np.isnan(found[:, -1]).all(), "a wall is no ground"
    mean = 0.5 * np.clip(8 - Z, 0, None) ** 2 / 8 - 0.5 * np.clip(-Z, 0, None) ** 2 / 8
    np.testing.assert_allclose(run.map("h_max_mean_cell")[0, :-1], mean[:-1], atol=8 / 32)
    # uniform above the bed: the standard deviation of the first column is that of the level
    assert run.map("h_max_sd_cell")[0, 0] == pytest.approx(8 / np.sqrt(12), rel=0.04)


def test_percentiles_of_depth_and_of_arrival_where_enough_members_are_wet(toy: Path) -> None:
    run, members = _run(_file(toy, members=32, sampling="latin"))
    for percent in (5, 25, 50, 75, 95):
        level = np.sort(members["level"])[int(np.ceil(percent * 32 / 100)) - 1]
        assert level == pytest.approx(8 * percent / 100, abs=8 / 32)
        depth = run.map(f"h_max_p{percent:02d}_cell")[0, :-1]
        np.testing.assert_allclose(depth, np.clip(level - Z[:-1], 0, None), atol=1e-5)
        arrival = run.map(f"arrival_p{percent:02d}_cell")[0, :-1]
        wet = (members["level"].to_numpy()[:, None] - Z[:-1] >= 0.05).mean(axis=0)
        np.testing.assert_array_equal(np.isfinite(arrival), wet >= percent / 100)
        np.testing.assert_allclose(arrival[np.isfinite(arrival)], 100 * Z[:-1][np.isfinite(arrival)])


def test_areas_curves_and_convergence_are_those_of_the_members(toy: Path) -> None:
    run, members = _run(_file(toy, members=16, thresholds=[0.5]))
    area = np.array([(level - Z[:-1] >= 0.5).sum() * 2 * 100 / 1e4 for level in members["level"]])
    np.testing.assert_allclose(run.table("members")["flooded_area_0.5m_ha"], area)
    curve = run.table("exceedance")
    assert curve["value"].is_monotonic_decreasing
    for value, share in zip(curve["value"], curve["probability"], strict=True):
        assert share == pytest.approx((area >= value).mean())
    steps = run.table("convergence")
    assert steps["members"].tolist() == list(range(1, 17))
    np.testing.assert_allclose(steps["mean"], [area[:n].mean() for n in range(1, 17)])
    expected = [np.nan, *(area[:n].std(ddof=1) / np.sqrt(n) for n in range(2, 17))]
    np.testing.assert_allclose(steps["standard_error"], expected, atol=1e-12)
    summary = run.manifest()["summary"]
    assert summary["mean_area_0.5m_ha"] == pytest.approx(area.mean())
    assert summary["standard_error_area_0.5m_ha"] == pytest.approx(expected[-1])


def test_every_building_has_its_probability_and_percentiles(toy: Path) -> None:
    run, members = _run(_file(toy, members=16))
    houses = run.table("buildings").set_index("id")
    assert houses["feature"].tolist() == [3, 8]
    depth = np.clip(members["level"].to_numpy()[:, None] - Z[[2, 6]], 0, None)
    np.testing.assert_allclose(houses["probability_050"], (depth >= 0.5).mean(axis=0))
    np.testing.assert_allclose(houses["max_depth_p75"], np.sort(depth, axis=0)[11], atol=1e-5)
    np.testing.assert_allclose(houses["max_depth_mean"], depth.mean(axis=0), atol=1e-5)
    assert houses.loc["a", "arrival_p50"] == pytest.approx(150)
    assert np.isnan(houses.loc["b", "arrival_p95"])


def test_the_maps_are_the_same_in_whatever_blocks_they_are_made(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(toy)
    whole, _ = _run(path)
    monkeypatch.setattr(cells, "BLOCK_BYTES", 1)
    parts, _ = _run(path, Service(toy / "other"))
    names = sorted(file.name for file in whole.folder.glob("*.tif"))
    assert len(names) == 5 + 2 + 5 + 5
    for name in names:
        np.testing.assert_array_equal(whole.map(name[:-4]), parts.map(name[:-4]))
    pd.testing.assert_frame_equal(whole.table("exceedance"), parts.table("exceedance"))


@pytest.mark.parametrize("sampling", ["sobol", "latin", "plain"])
def test_growing_from_8_to_16_members_uses_the_8_again(toy: Path, sampling: str) -> None:
    service = Service(toy / "runs")
    first, few = _run(_file(toy, sampling=sampling), service)
    assert _computed(toy) == 8
    second, more = _run(_file(toy, sampling=sampling, members=16), service)
    assert _computed(toy) == 16
    assert more["flood.key"].tolist()[:8] == few["flood.key"].tolist()
    assert more["level"].tolist()[:8] == few["level"].tolist()
    assert first.key != second.key
    assert service.status(first.key).status is Status.DONE


def test_a_second_call_computes_nothing(toy: Path) -> None:
    path = _file(toy)
    run, _ = _run(path)
    written = (run.folder / "manifest.json").stat().st_mtime_ns
    again, _ = _run(path)
    assert again.key == run.key
    assert _computed(toy) == 8
    assert (again.folder / "manifest.json").stat().st_mtime_ns == written


def test_a_member_is_the_run_of_the_same_scenario_by_hand(toy: Path) -> None:
    service = Service(toy / "runs", scenario_folder=toy)
    _, members = _run(_file(toy), service)
    by_hand = {**BASE, "flood": {"level": members["level"][5]}}
    assert service.run_scenario(by_hand) == (members["flood.key"][5],)
    assert _computed(toy) == 8


def test_failed_members_are_counted_and_said_and_left_out_of_the_maps(toy: Path) -> None:
    uncertain = {"level": {"path": "flood.level", "set": {"kind": "discrete", "values": [2, 12], "weights": [3, 1]}}}
    run, members = _run(_file(toy, uncertain=uncertain, sampling="latin"))
    assert members["status"].tolist().count("failed") == 2
    summary = run.manifest()["summary"]
    assert (summary["members_count"], summary["done_count"], summary["failed_count"]) == (8, 6, 2)
    stored = run.table("members")
    bad = stored[stored["status"] == "failed"]
    assert bad["reason"].str.contains("the level is too high").all()
    assert bad["flooded_area_0.5m_ha"].isna().all()
    np.testing.assert_array_equal(run.map("probability_050_cell")[0, :3], [1, 1, 1])


def test_an_ensemble_without_a_member_that_could_be_computed_is_an_error(toy: Path) -> None:
    uncertain = {"level": {"path": "flood.level", "set": {"kind": "uniform", "low": 10, "high": 12}}}
    with pytest.raises(SimulationError, match=r"none of 8 members is done.*the level is too high"):
        _run(_file(toy, uncertain=uncertain))
    assert not [job for job in Service(toy / "runs").list_runs() if job.stage == STAGE]


def test_an_ensemble_that_was_interrupted_leaves_no_run_and_goes_on(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    path = _file(toy)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "building_statistics", interrupt)
        with pytest.raises(KeyboardInterrupt):
            _run(path)
    (job,) = (job for job in Service(toy / "runs").list_runs() if job.stage == STAGE)
    assert job.status is Status.LOST
    run, _ = _run(path)
    assert run.key == job.key
    assert run.status is Status.DONE
    assert not (run.folder / "drafts").exists()
    assert _computed(toy) == 8


def test_effects_change_numbers_and_series_as_they_say(toy: Path) -> None:
    one = {"kind": "discrete", "values": [2.0]}
    for effect, expected in {
        "set": 2.0,
        "factor": [[0, 2], [60, 6]],
        "shift": [[0, 3], [60, 5]],
        "stretch": [[0, 1], [60, 5]],
    }.items():
        path = "flood.level" if effect == "set" else "flood.rise"
        found = draw_members(read_ensemble(_file(toy, uncertain={"x": {"path": path, effect: one}})), toy)
        flood = _toy_section(found[0])
        assert (flood.level if effect == "set" else [list(pair) for pair in flood.rise]) == expected


def test_choices_change_several_places_together_by_their_weights(toy: Path) -> None:
    choose = {"values": {"low": ["west", 1.0], "high": ["east", 4.0]}, "weights": [1, 3]}
    uncertain = {"where": {"path": ["flood.place", "flood.level"], "choose": choose}}
    drawn = draw_members(read_ensemble(_file(toy, uncertain=uncertain, sampling="latin")), toy)
    pairs = [(flood.place, flood.level) for flood in map(_toy_section, drawn)]
    assert sorted(pairs) == [("east", 4.0)] * 6 + [("west", 1.0)] * 2
    assert {member.labels["where"] for member in drawn} == {"low", "high"}


def test_a_series_in_a_file_is_read_and_changed(toy: Path) -> None:
    (toy / "wave.csv").write_text("time_s,value\n0,1\n60,4\n")
    from sim.ensemble.change import changed
    from sim.inputs import InputFiles

    files = InputFiles(toy)
    assert changed("wave.csv", "factor", 0.5, "p", "w", files) == [[0, 0.5], [60, 2]]
    with pytest.raises(ScenarioError, match="there is no file"):
        changed("no.csv", "factor", 0.5, "p", "w", files)


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"members": 1}, "members"),
        ({"members": 20_000}, "members"),
        ({"members": None}, "members: is missing"),
        ({"seed": -1}, "seed"),
        ({"schema": 2}, "schema"),
        ({"name": "a b"}, "name"),
        ({"title": "x"}, "title"),
        ({"sampling": "halton"}, "sampling"),
        ({"colour": 1}, "colour: this key is unknown"),
        ({"scenario": "no.yaml"}, "cannot be read"),
        ({"uncertain": {}}, "uncertain"),
        ({"uncertain": {"status": LEVEL["level"]}}, "the table has a column status of its own"),
        ({"uncertain": {"x": {"path": "flood.level"}}}, "no effect given"),
        ({"uncertain": {"x": {**LEVEL["level"], "factor": {"kind": "uniform", "low": 1, "high": 2}}}},
         "set and factor given"),
        ({"uncertain": {"x": {"path": [], "set": LEVEL["level"]["set"]}}}, "uncertain.x.path"),
        ({"uncertain": {"x": {"path": ["a", "a"], "set": LEVEL["level"]["set"]}}}, "a path stands there twice"),
        ({"uncertain": {"x": {"path": "area.cell_size", "set": LEVEL["level"]["set"]}}}, "same in all members"),
        ({"uncertain": {"x": {"path": "flood.level", "set": {"kind": "normal", "mean": 1}}}}, "sd: is missing"),
        ({"uncertain": {"x": {"path": "flood.levle", "set": LEVEL["level"]["set"]}}}, "levle"),
        ({"uncertain": {"x": {"path": "flod.level", "factor": LEVEL["level"]["set"]}}}, "leads nowhere at 'flod'"),
        ({"uncertain": {"x": {"path": "flood.place", "factor": LEVEL["level"]["set"]}}}, "factor needs a number"),
        ({"uncertain": {"x": {"path": "flood.speed", "shift": LEVEL["level"]["set"]}}}, "there is nothing"),
        ({"uncertain": {"x": {"path": "flood.level", "stretch": LEVEL["level"]["set"]}}}, "stretch needs a series"),
        ({"uncertain": {"x": {"path": "flood.duration", "shift": {"kind": "uniform", "low": -9, "high": -8}},}},
         "test: member 0 (x -"),
        ({"uncertain": {"x": {"path": "flood.place", "choose": {"values": []}}}}, "the list is empty"),
        ({"uncertain": {"x": {"path": "flood.place", "choose": {"values": ["a"], "weights": [1, 2]}}}},
         "2 weights for 1 values"),
        ({"uncertain": {"x": {"path": ["flood.place", "flood.level"], "choose": {"values": {"a": "b"}}}}},
         "no list of 2 entries"),
        ({"uncertain": {"x": LEVEL["level"], "y": LEVEL["level"]}}, "x and y both change flood.level"),
        ({"correlation": [{"between": ["level", "tide"], "rank": 0.5}]}, "correlation names 'tide'"),
        ({"correlation": [{"between": ["level", "level"], "rank": 0.5}]}, "given twice or of one"),
        ({"correlation": [{"between": ["level", "level"], "rank": 1.5}]}, "rank"),
        ({"thresholds": []}, "thresholds"),
        ({"thresholds": [0.5, 0.3]}, "do not ascend"),
        ({"thresholds": [0.125]}, "no whole centimetre"),
        ({"thresholds": [-1]}, "thresholds"),
        ({"percentiles": [50, 100]}, "percentiles"),
        ({"percentiles": [50, 50]}, "do not ascend"),
        ({"streets": "lanes"}, "the city has no layer 'lanes'"),
        ({"people": {"layer": "folk"}}, "the city has no layer 'folk'"),
        ({"people": {"row": 1}}, "people.row: this key is unknown"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_and_nothing_is_computed(toy: Path, parts: dict[str, Any], named: str) -> None:
    if "flood.duration" in str(parts):
        text = (toy / "ensemble_toy.py").read_text()
        (toy / "ensemble_toy.py").write_text(text.replace("duration: float = 1.0", "duration: Positive = 1.0").replace(
            "import Finite, Section", "import Finite, Positive, Section"))  # fmt: skip
    with pytest.raises(ScenarioError) as caught:
        _run(_file(toy, **parts))
    assert named in str(caught.value)
    assert not (toy / "runs").exists()


@pytest.mark.parametrize(
    ("text", "named"),
    [("[1, 2]", "is no ensemble"), ("a: [", "is no YAML"), ("scenario: x\n", "is no ensemble")],
)
def test_a_file_that_is_no_ensemble_is_refused(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=named):
        read_ensemble(tmp_path / "x.yaml")
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_ensemble(tmp_path / "none.yaml")


def test_a_scenario_without_a_flood_has_no_ensemble(toy: Path, tmp_path: Path) -> None:
    content = {k: v for k, v in BASE.items() if k != "flood"} | {"evacuation": {"duration": 60, "output_every": 60}}
    (toy / "plane.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ScenarioError, match="has no flood"):
        _run(_file(toy))
