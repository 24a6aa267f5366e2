"""Read CityGML files with plateaukit (its own reader and code lists) and print a JSON line.

Runs in the environment that make.py makes: ``run.py archive.zip``; plateaukit reads the archive itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
import zipfile
from pathlib import Path

from plateaukit.readers.citygml.reader import CityGMLReader


def peak_memory() -> int:
    """High-water mark of resident memory [bytes]."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) * 1024 if found else 0


def main() -> None:
    archive = sys.argv[1]
    with zipfile.ZipFile(archive) as inside:
        names = sorted(inside.namelist())
    files = [f"/{n}" for n in names if "/bldg/" in f"/{n}" and n.endswith(".gml")]
    begin, begin_cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        document = CityGMLReader().read_files(files, zipfile=archive)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    n = len(document.city_objects)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "buildings": n, "peak": peak_memory()}))


if __name__ == "__main__":
    main()
