"""``osaka-twin validate``: cases run, what misses its bar is listed, wrong input is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TWIN = str(Path(sys.executable).with_name("osaka-twin"))
LAKE = "swashes-lake_immersed"


def _validate(*words: str, folder: Path, lang: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OSAKA_TWIN_LANG": lang}
    return subprocess.run(
        [TWIN, "validate", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A folder with the one table that the lake's case reads: a bump under 0.5 m of water, at rest."""
    folder = tmp_path / "cases" / "swashes"
    folder.mkdir(parents=True)
    x = [0.05 + 0.1 * k for k in range(250)]
    rows = [f"{at:.2f},{max(0.0, 0.2 - 0.05 * (at - 10.0) ** 2):.9g}" for at in x]
    (folder / "lake_immersed.csv").write_text("\n".join(["(i-0.5)*dx,topo[i]", *rows]) + "\n", encoding="utf-8")
    return tmp_path / "cases"


def test_a_case_runs_and_stands_on_the_page(cases: Path, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "validation.md"
    done = _validate("--cases", str(cases), "--case", LAKE, "--to", str(page), "--strict", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "keeps to every bar" in done.stdout
    assert "1 cases: 1 keep to every bar" in done.stdout
    text = page.read_text(encoding="utf-8")
    assert f"| [{LAKE}](#{LAKE}) | shallow_water | rest.speed | 0 | <= 1e-06 |" in text
    assert (page.parent / "images" / "validation" / f"{LAKE}.png").read_bytes().startswith(b"\x89PNG")
    # what was laid out is a scenario that anybody can run, and is known now
    scenario = tmp_path / "runs" / "validation" / LAKE / "scenario.yaml"
    shown = subprocess.run(
        [TWIN, "info", str(scenario), "--store", str(tmp_path / "runs" / "validation" / "runs")],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "done" in shown.stdout, shown.stderr


def test_a_case_without_its_files_is_said_and_the_others_run(cases: Path, tmp_path: Path) -> None:
    done = _validate("--cases", str(cases), "--case", LAKE, "--case", "monai", folder=tmp_path, lang="ja")
    assert done.returncode == 1
    assert "2 件中 1 件が基準を満たし" in done.stdout
    assert "計算できません" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "there is no folder cases"),
        (("--cases", "nowhere"), "nowhere"),
        (("--cases", ".", "--case", "moani"), "there is no case 'moani'"),
        (("--cases", ".", "--lang", "fr"), "'fr' is no language"),
        (("--cases", ".", "--case", "monai", "--to", "mine.md"), "no page of an earlier validation"),
    ],
)
def test_a_wrong_input_is_named_and_leaves_nothing(tmp_path: Path, words: tuple[str, ...], named: str) -> None:
    (tmp_path / "mine.md").write_text("mine", encoding="utf-8")
    done = _validate(*words, folder=tmp_path)
    assert done.returncode == 1, done.stdout
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine.md"]
    assert (tmp_path / "mine.md").read_text(encoding="utf-8") == "mine"


def test_a_missed_bar_is_listed_and_with_strict_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "cases" / "swashes"
    folder.mkdir(parents=True)
    # a published depth that no dam break of 5 mm has
    rows = [f"{0.02 + 0.04 * k:.2f},0,1" for k in range(250)]
    (folder / "dam_ritter_dry.csv").write_text("\n".join(["(i-0.5)*dx,topo[i],h[i]", *rows]) + "\n", encoding="utf-8")
    words = ("--cases", str(folder.parent), "--case", "swashes-dam_ritter_dry")
    for more, status in (((), 0), (("--strict",), 1)):
        done = _validate(*words, *more, folder=tmp_path)
        assert done.returncode == status, done.stderr
        assert "misses depth.l1_rel 0.998, <= 0.0026" in done.stdout
        assert "1 cases: 0 keep to every bar, 1 miss one" in done.stdout
