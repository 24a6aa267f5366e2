"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with published cases and real city data; it does not belong to the project and may be absent."""
    folder = Path(os.environ.get("OSAKA_TWIN_SHARED", ROOT.parent / "shared"))
    if not (folder / "real").is_dir():
        pytest.skip(f"real data are not there: {folder} (set OSAKA_TWIN_SHARED)")
    return folder


@pytest.fixture(scope="session")
def osaka_zip(shared: Path) -> Path:
    """PLATEAU Osaka 2022, a subset of 63 meshes."""
    return shared / "real" / "27100_osaka-shi_2022_subset.zip"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a browser or point-cloud test that was skipped is a failure: the machine lacks what `.ci/run` installs."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("OSAKA_TWIN_CI"):
        return
    must_run = [
        report.nodeid
        for report in reporter.stats.get("skipped", [])
        if {"browser", "pointcloud"} & set(report.keywords)
    ]
    if must_run:
        reporter.write_line("skipped, but must run in CI:\n  " + "\n  ".join(must_run), red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
