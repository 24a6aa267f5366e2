"""Make an environment of its own for the routing peers: python benchmarks/peers/routing/make.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent.parent / ".venvs" / "routing"
PACKAGES = ("networkx==3.6.1", "igraph==1.0.0", "routingkit-cch==0.1.4", "numpy")


def main() -> None:
    subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    subprocess.run([str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", *PACKAGES], check=True)
    print(f"{', '.join(PACKAGES)} are in {ENVIRONMENT}")


if __name__ == "__main__":
    main()
