"""A town with a finished run, served in a process of its own, and pages of a real Chromium that tolerate nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests import town
from twin.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium")


@dataclass(frozen=True)
class Served:
    """The running server.

    Parameters
    ----------
    url : str
    folder : Path
        Of the town.
    key : str
        Of the finished run.
    """

    url: str
    folder: Path
    key: str

    @property
    def store(self) -> Store:
        """The store, read past the server."""
        return Store(self.folder / "runs")

    def get(self, path: str, **params: Any) -> Any:
        """A document of the API."""
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as client:
            answer = client.get(path, params=params)
            answer.raise_for_status()
            return answer.json()


@dataclass
class Watched:
    """A page and everything about it that must not happen."""

    page: Page
    url: str
    trouble: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Take note of errors and requests."""
        page = self.page
        page.on("pageerror", lambda error: self.trouble.append(f"page error: {error}"))
        page.on("console", lambda m: self.trouble.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("response", lambda r: self.trouble.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("request", lambda request: self._request(request.url))

    def _request(self, url: str) -> None:
        self.requests.append(url)
        if not url.startswith((self.url, "data:", "blob:")):
            self.trouble.append(f"leaves the machine: {url}")

    def open(self, search: str = "") -> None:
        """Open the page and wait until everything is drawn."""
        self.page.goto(self.url + search)
        self.ready()

    def ready(self) -> None:
        """Wait until everything that was asked for is drawn."""
        self.page.wait_for_function("window.__view && window.__view.ready", timeout=60_000)
        assert self.page.evaluate("window.__view.lastError") is None

    def quiet(self) -> None:
        """Wait until no request has been made for thirty pictures."""
        seen = -1
        while seen != len(self.requests):
            seen = len(self.requests)
            self.page.evaluate(
                "() => new Promise((done) => { let k = 30;"
                " const next = () => (k-- ? requestAnimationFrame(next) : done()); next(); })"
            )

    def click_at(self, x: float, y: float, z: float) -> None:
        """Click the view at a point in local metres."""
        px, py = self.page.evaluate("p => window.__view.project(p)", [x, y, z])
        box = self.page.locator("#view canvas").bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + px, box["y"] + py)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian package `chromium`)")
    folder = tmp_path_factory.mktemp("town")
    town.write_town(folder)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, str(Path(__file__).with_name("serve_town.py")), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), "the server did not start"
            with httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
                (key,) = client.post("/api/runs", json=town.surge()).raise_for_status().json()["keys"]
                wait_for(client, key, "done")
            yield Served(url, folder, key)
        finally:
            process.terminate()
            process.wait(30)


def wait_for(client: httpx.Client, key: str, status: str, seconds: float = 120) -> None:
    """Ask until the run has this status."""
    until = time.monotonic() + seconds
    while (now := client.get(f"/api/runs/{key}").json()["status"]) != status:
        assert now not in {"failed", "cancelled"}, client.get("/api/runs").text
        assert time.monotonic() < until, f"still {now}"


@pytest.fixture
def view(served: Served, browser: Browser) -> Iterator[Watched]:
    """A Japanese reader's page, not opened yet; whatever went wrong fails the test at its end."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ja-JP")
    page = context.new_page()
    watched = Watched(page, served.url)
    watched.listen()
    yield watched
    context.close()
    assert watched.trouble == []
