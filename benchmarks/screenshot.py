"""Take the pictures of the README and the docs: serve a city, open the page in Chromium, save what it shows.

    python benchmarks/screenshot.py CATALOG RUN OUT.png [--store runs] [--query "t=5400&color=max_depth"] [--lang ja]

Needs Debian's ``chromium`` and ``fonts-noto-cjk``. The server listens on a free port of this machine only and ends with
the program.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("run", help="key of the run (whole)")
    parser.add_argument("out", type=Path)
    parser.add_argument("--store", type=Path, default=Path("runs"))
    parser.add_argument("--query", default="")
    parser.add_argument("--lang", default="en", choices=("ja", "en"))
    parser.add_argument("--size", default="1280x800")
    chosen = parser.parse_args()
    width, height = (int(part) for part in chosen.size.split("x"))
    twin = Path(sys.executable).with_name("osaka-twin")
    command = [str(twin), "serve", "--city", str(chosen.catalog), "--store", str(chosen.store), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
        assert address is not None, "the server did not start"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{address[0]}?lang={chosen.lang}&run={chosen.run}&{chosen.query}")
            page.wait_for_function("window.__view && window.__view.ready", timeout=120_000)
            page.screenshot(path=chosen.out)
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
