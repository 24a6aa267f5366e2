"""The command line: every wrong input ends in one clear message, exit status 1 and nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import town

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
    for command in ("demo", "sample", "ingest", "info", "run", "serve", "export"):
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
        (("info", "broken.yaml"), "flood.duration"),
        (("ingest", "nowhere.zip", "--out", "new.yaml"), "nowhere.zip"),
        (("ingest", "cut.zip", "--out", "new.yaml"), "cut.zip"),
        (("ingest", "town.gml", "--out", "new.yaml", "--crs", "EPSG:6668"), "metres are needed"),
        (("ingest", "town.gml", "--out", "new.yaml", "--crs", "EPSG:1"), "EPSG:1"),
        (("ingest", "town.gml", "--out", "new.yaml", "--add", "shelters"), "--add"),
        (("ingest", "town.gml", "--out", "new.yaml", "--meshes", "99999999"), "99999999"),
        (("export", "abc", "out.tif"), "no run 'abc'"),
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
    before = {p for p in place.rglob("*") if p.is_file()}
    store = ("--store", str(tmp_path / "runs")) if words[0] in {"run", "info", "export", "serve"} else ()
    done = _call(*words, *store, folder=place)
    assert done.returncode == 1, done.stdout + done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert {p for p in place.rglob("*") if p.is_file()} == before
    assert not list(tmp_path.glob("runs/*/fields.zarr"))


def test_messages_are_japanese_where_the_user_is(tmp_path: Path) -> None:
    done = _call("run", "nowhere.yaml", folder=tmp_path, lang="ja")
    assert "シナリオのエラー: nowhere.yaml" in done.stderr
