"""Speed of the airspace compiler: compiling the sample ward, exact queries, Spatial IDs.

    python benchmarks/bench_airspace_query.py                  the table
    python benchmarks/bench_airspace_query.py --json out.json  and as JSON

The city is the sample ward with its six zones, 2,000 buildings and Japan's rules (`osaka-twin sample` makes it). Points
lie at random in longitude, latitude, height (0 to 170 m) and time. Every figure is the best of `--repeats` runs after
compilation, on one thread; wall and processor time are both given, for other work on the machine lengthens the first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from layers.load import load_city
from sim.airspace.compiler import AirspaceOptions, compile_airspace
from sim.airspace.spatial_id import cover_cylinder, encode, merge
from twin import GEOGRAPHIC, Grid

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2025, 7, 24, 5, tzinfo=timezone(timedelta(hours=9)))
HORIZON = 6 * 3600.0


def best(run: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Least wall and processor time [s]."""
    wall, processor = [], []
    for _ in range(repeats):
        began, worked = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    return min(wall), min(processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--city", type=Path, default=ROOT / "sample_data" / "generated" / "catalog.yaml")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()

    city = load_city(given.city, only=("terrain", "buildings", "airspace_zones"))
    grid = Grid.from_bounds(city.area, 5.0)
    options = AirspaceOptions(granted=("SUI0002",))

    def compiled() -> object:
        return compile_airspace(city, grid, start=START, horizon=HORIZON, options=options)

    air = compile_airspace(city, grid, start=START, horizon=HORIZON, options=options)
    rng = np.random.default_rng(1)
    n = given.points
    west, south, east, north = grid.bounds
    x, y = rng.uniform(west + 1, east - 1, n), rng.uniform(south + 1, north - 1, n)
    height, when = rng.uniform(0, 170, n), rng.uniform(0, HORIZON, n)
    lon, lat, _ = GEOGRAPHIC.from_(grid.frame, x, y)
    answers = air.query_lonlat(lon, lat, height, when)
    encode(lon[:2], lat[:2], height[:2], 20)
    cylinder = cover_cylinder(135.43, 34.687, 300.0, 0.0, 150.0, 22)

    cases: dict[str, tuple[int, Callable[[], object]]] = {
        f"compile {air.voxels.shape} voxels, {len(air.slice_class)} slices, {len(air.rules)} rules": (1, compiled),
        f"query, longitude and latitude ({len(answers.number) / n:.2f} rules a point)": (
            n,
            lambda: air.query_lonlat(lon, lat, height, when),
        ),
        "query, plane coordinates": (n, lambda: air.query_many(x, y, height, when)),
        "Spatial ID, encode at zoom 20": (n, lambda: encode(lon, lat, height, 20)),
        f"Spatial ID, cover a cylinder with {len(cylinder)} IDs": (
            len(cylinder),
            lambda: cover_cylinder(135.43, 34.687, 300.0, 0.0, 150.0, 22),
        ),
        f"Spatial ID, merge them into {len(merge(cylinder))}": (len(cylinder), lambda: merge(cylinder)),
    }
    rows = []
    for name, (count, run) in cases.items():
        wall, processor = best(run, given.repeats)
        rows.append(
            {"case": name, "count": count, "wall_s": wall, "processor_s": processor, "per_s": count / processor}
        )
        print(f"{name:75} {wall:8.3f} s wall {processor:8.3f} s processor {count / processor:14,.0f} /s")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
