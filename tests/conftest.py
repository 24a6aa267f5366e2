"""What all tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

CHROMIUM_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
]
"""Software rendering, true colours, nothing that talks to the network."""
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; one for the whole session, for Playwright allows one event loop a thread."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Debian's chromium is not installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield launched
        launched.close()


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
