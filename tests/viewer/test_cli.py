"""The command line: every wrong input ends in one clear message, exit status 1 and nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests import town

STORING = {"run", "info", "export", "serve", "batch", "ensemble", "report"}
TWIN = str(Path(sys.executable).with_name("osaka-twin"))


def _call(*words: str, folder: Path, lang: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OSAKA_TWIN_LANG": lang}
    return subprocess.run(
        [TWIN, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small town."""
    folder = tmp_path_factory.mktemp("cli") / "town"
    town.write_town(folder)
    return folder


def test_help_names_every_command(tmp_path: Path) -> None:
    done = _call("--help", folder=tmp_path)
    assert done.returncode == 0
    commands = ("demo", "sample", "ingest", "info", "run", "batch", "ensemble", "report", "serve", "export", "validate")
    for command in commands:
        assert command in done.stdout


def test_ingest_reads_a_city_and_info_shows_it(place: Path) -> None:
    done = _call("ingest", "town.gml", "--out", "mine.yaml", "--name", "町", "--dem", "dem.tif", folder=place)
    assert done.returncode == 0, done.stderr
    shown = _call("info", "mine.yaml", folder=place)
    assert shown.returncode == 0
    assert f"{town.COLUMNS * town.ROWS} features" in shown.stdout


def test_a_scenario_runs_shows_and_exports(place: Path, tmp_path: Path) -> None:
    scenario = next(iter(sorted((place / "scenarios").glob("*.yaml"))))
    done = _call("run", str(scenario), "--store", str(tmp_path / "runs"), folder=place)
    assert done.returncode == 0, done.stderr
    assert "100%" in done.stderr
    assert "max_depth_m" in done.stdout
    (run,) = [p.name for p in (tmp_path / "runs").iterdir()]
    listed = _call("info", "--runs", "--store", str(tmp_path / "runs"), folder=place)
    assert run[:12] in listed.stdout
    out = tmp_path / "depth.tif"
    assert _call("export", run[:6], str(out), "--store", str(tmp_path / "runs"), folder=place).returncode == 0
    assert out.is_file()


def test_a_batch_ends_in_a_table_and_a_report_in_two_files(place: Path, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep.yaml"
    axis = "vary: {hours: {path: flood.duration, values: [600, 900]}}"
    sweep.write_text(f"name: s\nscenario: {place / 'scenarios' / 'surge.yaml'}\n{axis}\n")
    store = ("--store", str(tmp_path / "runs"))
    table = tmp_path / "out.parquet"
    done = _call("batch", str(sweep), "--workers", "1", "--out", str(table), *store, folder=place)
    assert done.returncode == 0, done.stderr
    rows = pd.read_parquet(table)
    assert rows["hours"].tolist() == [600, 900]
    assert rows["status"].tolist() == ["done", "done"]
    assert "2 of 2 done" in done.stderr
    again = _call("batch", str(sweep), "--out", str(table), *store, folder=place)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    for lang, title in (("ja", "# 試験の高潮：シミュレーション報告書"), ("en", "# Test surge: simulation report")):
        to = tmp_path / lang
        said = _call("report", rows["flood.key"][0], "--to", str(to), "--lang", lang, *store, folder=place)
        assert said.returncode == 0, said.stderr
        assert (to / "report.md").read_text(encoding="utf-8").startswith(title)
        assert (to / "report.pdf").read_bytes().startswith(b"%PDF-")
    refused = _call("report", rows["flood.key"][0], "--to", str(tmp_path / "ja"), *store, folder=place)
    assert refused.returncode == 1
    assert "--overwrite" in refused.stderr


def test_the_schema_is_json_and_names_the_flood(tmp_path: Path) -> None:
    schema = json.loads(_call("info", "--schema", folder=tmp_path).stdout)
    assert "flood" in schema["properties"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("run", "nowhere.yaml"), "nowhere.yaml"),
        (("run", "town.gml"), "town.gml"),
        (("run", "broken.yaml"), "flood.duration"),
        (("run", "huge.yaml"), "GB"),
        (("info", "nowhere"), "no run 'nowhere'"),
        (("info", "nowhere.yaml"), "nowhere.yaml: there is no such file"),
        (("info", "broken.yaml"), "flood.duration"),
        (("ingest", "nowhere.zip", "--out", "new.yaml"), "nowhere.zip"),
        (("ingest", "cut.zip", "--out", "new.yaml"), "cut.zip"),
        (("ingest", "town.gml", "--out", "new.yaml", "--crs", "EPSG:6668"), "metres are needed"),
        (("ingest", "town.gml", "--out", "new.yaml", "--crs", "EPSG:1"), "EPSG:1"),
        (("ingest", "town.gml", "--out", "new.yaml", "--add", "shelters"), "--add"),
        (("ingest", "town.gml", "--out", "new.yaml", "--meshes", "99999999"), "99999999"),
        (("export", "abc", "out.tif"), "no run 'abc'"),
        (("batch", "nowhere.yaml"), "nowhere.yaml"),
        (("batch", "broken.yaml"), "is no sweep"),
        (("batch", "empty.yaml"), "the list is empty"),
        (("batch", "lost.yaml"), "'flood.rains.0' leads nowhere at 'rains'"),
        (("ensemble", "nowhere.yaml"), "nowhere.yaml"),
        (("ensemble", "broken.yaml"), "is no ensemble"),
        (("report", "abc"), "no run 'abc'"),
        (("report", "scenarios/surge.yaml"), "has not been run"),
        (("report", "abc", "--lang", "fr"), "'fr' is no language"),
        (("sample", "town.gml"), "town.gml"),
        (("serve", "--city", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_a_wrong_input_is_named_and_leaves_nothing(
    place: Path, tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    (place / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    head = "schema: 1\nname: x\narea: {bbox: [-52000, -145900, -51600, -145600], cell_size: SIZE}\ncity: catalog.yaml\n"
    flood = "flood: {duration: DURATION, output_every: 60}\n"
    (place / "broken.yaml").write_text(head.replace("SIZE", "5") + flood.replace("DURATION", "-60"))
    (place / "huge.yaml").write_text(head.replace("SIZE", "0.001") + flood.replace("DURATION", "60"))
    sweep = "name: s\nscenario: scenarios/surge.yaml\nvary: {a: {path: PATH, values: VALUES}}\n"
    (place / "empty.yaml").write_text(sweep.replace("PATH", "flood.duration").replace("VALUES", "[]"))
    (place / "lost.yaml").write_text(sweep.replace("PATH", "flood.rains.0").replace("VALUES", "[1]"))
    before = {p for p in place.rglob("*") if p.is_file()}
    store = ("--store", str(tmp_path / "runs")) if words[0] in STORING else ()
    done = _call(*words, *store, folder=place)
    assert done.returncode == 1, done.stdout + done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert {p for p in place.rglob("*") if p.is_file()} == before
    assert not list(tmp_path.glob("runs/*/fields.zarr"))


def test_messages_are_japanese_where_the_user_is(tmp_path: Path) -> None:
    done = _call("run", "nowhere.yaml", folder=tmp_path, lang="ja")
    assert "シナリオのエラー: nowhere.yaml" in done.stderr
