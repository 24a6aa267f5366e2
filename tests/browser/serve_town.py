"""Serve the test town on a free port: ``python serve_town.py FOLDER``; the address is the first line of the output."""

from __future__ import annotations

import sys
from pathlib import Path

from sim.executor import DaskExecutor
from sim.service import Service
from viewer.server import serve


def main(folder: Path) -> None:
    executor = DaskExecutor(workers=1)
    service = Service(
        folder / "runs", catalog=folder / "catalog.yaml", scenario_folder=folder / "scenarios", executor=executor
    )
    try:
        serve(service, port=0, ready=lambda url: print(url, flush=True))  # noqa: T201 - the parent reads it
    finally:
        service.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
