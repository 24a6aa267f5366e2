"""Reading PLATEAU buildings: ours against plateaukit and against a plain lxml reader with coordinates.

    python benchmarks/peers/plateaukit/make.py      # once: the peer's own environment
    python benchmarks/bench_plateau.py [DATA] [--rounds 3] [--files N]

DATA is a zip archive or a folder with udx/bldg and codelists (default: the Osaka subset under $OSAKA_TWIN_SHARED).
Every measurement is a process of its own; the readers take turns, so that a busy machine disturbs all of them alike.
All of them read the archive in place, unpacking included; compilation and imports are not counted. Ours unpacks and
scans in a thread beside the one that builds the tables (elapsed time and processor time are both printed), the others
use one thread. What each delivers:

- ours: geometry in plane-rectangular metres with references resolved, every column, risk records, generic
  attributes as JSON, all codes decoded
- plateaukit: geometry (exterior rings) in degrees, a few attributes, code lists
- lxml: iterparse, coordinates as arrays, nothing else
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / "benchmarks" / "peers" / "plateaukit" / "run.py"
PEER_PYTHON = ROOT / "benchmarks" / "peers" / ".venvs" / "plateaukit" / "bin" / "python"


def resident(key: str) -> int:
    """Resident memory of this process [bytes]: ``VmRSS`` now, ``VmHWM`` at its highest."""
    found = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) * 1024 if found else 0


def run_ours(data: Path) -> dict[str, float]:
    """Read with `layers.buildings`."""
    sys.path.insert(0, str(ROOT))
    from layers.buildings import read_buildings

    with zipfile.ZipFile(data) as archive:
        smallest = min((i for i in archive.infolist() if is_building_file(i.filename)), key=lambda i: i.file_size)
    read_buildings(str(data), meshes=[Path(smallest.filename).name.partition("_")[0]])  # loads what was compiled
    begin_memory = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # start the high-water mark anew (proc(5))
    begin, begin_cpu = time.perf_counter(), time.process_time()
    layer = read_buildings(str(data))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    peak = resident("VmHWM")
    mesh = layer.mesh
    arrays = (mesh.vertices, mesh.ring_start, mesh.polygon_start, mesh.polygon_feature, mesh.polygon_surface)
    tables = (layer.table, *layer.records.values())
    result = sum(a.nbytes for a in arrays) + sum(int(t.memory_usage(deep=True).sum()) for t in tables)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "buildings": len(layer.table),
        "peak": peak,
        "working": peak - begin_memory - result,
        "result": result,
    }


def run_lxml(data: Path) -> dict[str, float]:
    """Read with lxml: every posList as an array."""
    import numpy as np
    from lxml import etree

    gml = "{http://www.opengis.net/gml}posList"
    building = "{http://www.opengis.net/citygml/building/2.0}Building"
    n = 0
    rings = []
    begin, begin_cpu = time.perf_counter(), time.process_time()
    with zipfile.ZipFile(data) as archive:
        for name in filter(is_building_file, archive.namelist()):
            with archive.open(name) as file:
                for _, element in etree.iterparse(file, tag=(gml, building)):
                    if element.tag == gml:
                        rings.append(np.fromstring(element.text, sep=" ").reshape(-1, 3))
                    else:
                        n += 1
                        element.clear()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    return {"seconds": seconds, "cpu": cpu, "buildings": n, "peak": resident("VmHWM")}


def is_building_file(name: str) -> bool:
    """Whether a member of the archive is a file of buildings."""
    return "/bldg/" in f"/{name}" and name.endswith(".gml")


def prepare(data: Path, folder: Path, limit: int | None) -> tuple[Path, int, int]:
    """(archive to read, bytes of the building files, bytes of the largest)."""
    if data.is_dir():
        names = {p.relative_to(data).as_posix(): p.read_bytes() for p in data.rglob("*") if p.is_file()}
    else:
        with zipfile.ZipFile(data) as archive:
            names = {n: archive.read(n) for n in archive.namelist() if not n.endswith("/")}
    chosen = sorted(filter(is_building_file, names))[:limit]
    path = data
    if limit or data.is_dir():
        path = folder / "part.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in [*chosen, *(n for n in names if "codelists/" in n)]:
                archive.writestr(name, names[name])
    sizes = [len(names[n]) for n in chosen]
    return path, sum(sizes), max(sizes)


def measure(command: list[str]) -> dict[str, float]:
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(result.stdout.strip().splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("OSAKA_TWIN_SHARED", ROOT.parent / "shared"))
    parser.add_argument("data", nargs="?", type=Path, default=shared / "real" / "27100_osaka-shi_2022_subset.zip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, help="only the first N building files")
    parser.add_argument("--run", choices=("ours", "lxml"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(run_ours(options.data) if options.run == "ours" else run_lxml(options.data)))
        return
    with tempfile.TemporaryDirectory(prefix="osaka-twin-bench-") as temporary:
        archive, size, largest = prepare(options.data, Path(temporary), options.files)
        script = str(Path(__file__).resolve())
        commands = {
            "ours": [sys.executable, script, "--run", "ours", str(archive)],
            "lxml, coordinates": [sys.executable, script, "--run", "lxml", str(archive)],
        }
        if PEER_PYTHON.exists():
            commands["plateaukit"] = [str(PEER_PYTHON), str(PEER), str(archive)]
        else:
            print("plateaukit is not there: python benchmarks/peers/plateaukit/make.py")
        measure(commands["ours"])  # fills numba's cache
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                runs[name].append(measure(command))
    speed = {name: size / 1e6 / statistics.median(r["seconds"] for r in rows) for name, rows in runs.items()}
    ours = speed["ours"]
    print(f"{size / 1e6:.1f} MB of building files, median of {options.rounds} rounds\n")
    print("| reader | MB/s | MB/s of processor time | ours is faster by | buildings | peak memory MB |")
    print("|---|---|---|---|---|---|")
    for name, rows in runs.items():
        peak = statistics.median(r["peak"] for r in rows) / 1e6
        cpu = size / 1e6 / statistics.median(r["cpu"] for r in rows)
        ratio, n = ours / speed[name], rows[0]["buildings"]
        print(f"| {name} | {speed[name]:.1f} | {cpu:.1f} | {ratio:.1f} | {n:.0f} | {peak:.0f} |")
    working = statistics.median(r["working"] for r in runs["ours"])
    print(
        f"\nours: result {runs['ours'][0]['result'] / 1e6:.0f} MB, on top of it at most"
        f" {working / 1e6:.0f} MB = {working / largest:.1f} x the largest file ({largest / 1e6:.1f} MB)"
    )


if __name__ == "__main__":
    main()
