"""Make an environment of its own for the airspace peers: python benchmarks/peers/airspace/make.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent.parent / ".venvs" / "airspace"
PACKAGES = ("dijkstra3d==1.15.2", "bluesky-simulator==1.1.1", "numpy")


def main() -> None:
    subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    subprocess.run([str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", *PACKAGES], check=True)
    print(f"{', '.join(PACKAGES)} are in {ENVIRONMENT}")


if __name__ == "__main__":
    main()
