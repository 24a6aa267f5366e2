"""Make an environment of its own for each flood peer: python benchmarks/peers/flood/make.py [--python PYTHON].

All come from PyPI as wheels, so nothing is compiled. itzi 26.6 (the first that runs without GRASS) needs Python 3.12 or
3.13: give one with --python if neither this interpreter nor `python3.13` or `python3.12` on the path is.
A peer that cannot be installed is named with the reason; bench_flood_peers.py then leaves it out and says so.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

VENVS = Path(__file__).resolve().parent.parent / ".venvs"
PACKAGES = {"anuga": "anuga==4.1.0", "landlab": "landlab==2.11.0", "itzi": "itzi==26.6"}
PYTHONS = {"anuga": (3, 10), "landlab": (3, 11), "itzi": (3, 12)}
"""First version of Python that a peer runs on."""
NEWEST = (3, 13)


def version(python: str) -> tuple[int, int]:
    """Version of an interpreter, (0, 0) if it does not run."""
    asked = [python, "-c", "import sys; print(*sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        return 0, 0
    major, minor = done.stdout.split()
    return int(major), int(minor)


def make(peer: str, pythons: list[str]) -> str:
    """Install a peer; returns what became of it."""
    fitting = [p for p in pythons if PYTHONS[peer] <= version(p) <= NEWEST]
    if not fitting:
        first, last = (".".join(map(str, v)) for v in (PYTHONS[peer], NEWEST))
        return f"left out: {PACKAGES[peer]} needs Python {first} to {last}; give one with --python"
    home = VENVS / peer
    uv = shutil.which("uv")
    if uv:
        commands = [
            [uv, "venv", "--quiet", "--clear", "--python", fitting[0], str(home)],
            [uv, "pip", "install", "--quiet", "--python", str(home / "bin" / "python"), PACKAGES[peer]],
        ]
    else:
        commands = [
            [fitting[0], "-m", "venv", "--clear", str(home)],
            [str(home / "bin" / "pip"), "install", "--quiet", PACKAGES[peer]],
        ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(home, ignore_errors=True)
            said = done.stderr.strip().splitlines() or ["no reason given"]
            return f"left out: {said[-1]}"
    return f"is in {home}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="interpreter for the peers")
    given = parser.parse_args()
    known = [given.python] if given.python else []
    known += [sys.executable, *filter(None, map(shutil.which, ("python3.13", "python3.12")))]
    for peer, package in PACKAGES.items():
        print(f"{package} {make(peer, known)}", flush=True)


if __name__ == "__main__":
    main()
