"""Read CityGML files with plateaukit (its own reader and code lists) and print a JSON line.

Runs in the environment that make.py makes: ``run.py folder`` where folder holds udx/bldg/*.gml and codelists/*.xml.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
from pathlib import Path

from plateaukit.readers.citygml.reader import CityGMLReader


def peak_memory() -> int:
    """High-water mark of resident memory [bytes]."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) * 1024 if found else 0


def main() -> None:
    folder = Path(sys.argv[1])
    files = sorted(map(str, (folder / "udx" / "bldg").glob("*.gml")))
    lists = sorted(map(str, (folder / "codelists").glob("*.xml")))
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        document = CityGMLReader().read_files(files, codelist_infiles=lists)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "buildings": len(document.city_objects), "peak": peak_memory()}))


if __name__ == "__main__":
    main()
