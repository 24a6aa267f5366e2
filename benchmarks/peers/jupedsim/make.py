"""Make an environment of its own for the peer JuPedSim: python benchmarks/peers/jupedsim/make.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent.parent / ".venvs" / "jupedsim"
VERSION = "1.4.2"


def main() -> None:
    subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    subprocess.run([str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", f"jupedsim=={VERSION}"], check=True)
    print(f"JuPedSim {VERSION} is in {ENVIRONMENT}")


if __name__ == "__main__":
    main()
