"""Make an environment of its own for the peer plateaukit: python benchmarks/peers/plateaukit/make.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent.parent / ".venvs" / "plateaukit"
VERSION = "0.20.0"


def main() -> None:
    subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    subprocess.run([str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", f"plateaukit=={VERSION}"], check=True)
    print(f"plateaukit {VERSION} is in {ENVIRONMENT}")


if __name__ == "__main__":
    main()
