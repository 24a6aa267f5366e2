"""Speed of the crowd model beside JuPedSim's, the same model, geometry, people and step, in one run.

    python benchmarks/peers/jupedsim/make.py      once
    python benchmarks/bench_crowd.py              the table of docs/crowd.md
    python benchmarks/bench_crowd.py --alone --sizes 200000 --parameters own

"square": blocks of 12 m every 20 m, 0.55 people a free square metre; "bottleneck": a crowd of 2 a square metre before a
door whose width grows with it. Step 0.01 s. `--parameters paper` (default) gives both the paper's model with JuPedSim's
defaults (time gap 1 s, radius 0.2 m, strength 8, range 0.1 m; geometry 5, 0.02 m); `own` is the product's set, with
anticipation and unrest. Agent-steps a second of processor time after a warm-up of `--warm` steps, the best of
`--repeats` interleaved rounds; ours on one thread.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import set_num_threads
from shapely import box, union_all

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.evacuation.crowd import CrowdModel, CrowdParameters, Exit, Room, read_groups, read_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
PYTHON = HERE / "peers" / ".venvs" / "jupedsim" / "bin" / "python"
PAPER = CrowdParameters(
    time_gap=1.0, strength=8.0, range=0.1, wall_strength=5.0, wall_range=0.02, anticipation=0.0, unrest=0.0, radius=0.2
)
"""JuPedSim 1.4.2's defaults of the same model."""


@dataclass(frozen=True)
class Case:
    """A crowd in its place."""

    walkable: Any
    exit_line: list[tuple[float, float]]
    exit_area: list[tuple[float, float]]
    xy: NDArray[np.float64]


def _spread(area: tuple[float, float, float, float], spacing: float, generator: np.random.Generator) -> Any:
    x, y = np.meshgrid(np.arange(area[0], area[2], spacing), np.arange(area[1], area[3], spacing))
    xy = np.column_stack([x.ravel(), y.ravel()])
    return xy + generator.uniform(-0.5, 0.5, xy.shape) * max(spacing - 0.45, 0.0)


def square(n: int) -> Case:
    """People all over a square with blocks."""
    blocks = max(2, round(np.sqrt(n / 0.55 / (20.0**2 - 12.0**2))))
    side = 20.0 * blocks
    corners = [(20.0 * i + 4.0, 20.0 * j + 4.0) for i in range(blocks) for j in range(blocks)]
    walkable = box(0, 0, side, side).difference(union_all([box(x, y, x + 12, y + 12) for x, y in corners]))
    generator = np.random.default_rng(0)
    xy = _spread((1.0, 1.0, side - 3.0, side - 1.0), 1.0, generator)
    inside = np.all([(xy % 20.0 > 3.4).all(axis=1), (xy % 20.0 < 16.6).all(axis=1)], axis=0)
    xy = xy[~inside]
    xy = xy[np.sort(generator.permutation(len(xy))[:n])]
    strip = [(side - 1.0, 0.0), (side, 0.0), (side, side), (side - 1.0, side)]
    return Case(walkable, [(side, 0.0), (side, side)], strip, xy)


def bottleneck(n: int) -> Case:
    """A dense crowd before a door."""
    side = float(np.sqrt(n / 2.0)) + 1.0
    door = max(2.0, side / 10.0)
    middle = side / 2.0
    walkable = union_all(
        [
            box(0, 0, side, side),
            box(side - 0.1, middle - door / 2, side + 1.1, middle + door / 2),
            box(side + 1.0, 0, side + 12.0, side),
        ]
    )
    xy = _spread((0.5, 0.5, side - 0.5, side - 0.5), np.sqrt(0.5), np.random.default_rng(0))[:n]
    end = side + 12.0
    strip = [(end - 1.0, 0.0), (end, 0.0), (end, side), (end - 1.0, side)]
    return Case(walkable, [(end, 0.0), (end, side)], strip, xy)


CASES: dict[str, Callable[[int], Case]] = {"square": square, "bottleneck": bottleneck}


def ours(case: Case, law: CrowdParameters, warm: int, steps: int) -> dict[str, float]:
    speed = read_groups()["weidmann"].draw(len(case.xy), np.random.default_rng(1))
    model = CrowdModel(
        Room(case.walkable, exits=[Exit(case.exit_line, rate=1e9)]), case.xy, speed=speed, parameters=law, cell_size=0.2
    )
    for _ in range(warm):
        model.step(0.01)
    walked, cpu, wall = 0, time.process_time(), time.perf_counter()
    for _ in range(steps):
        walked += model.inside
        model.step(0.01)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"agent_steps": walked, "cpu": cpu, "wall": wall, "left": len(case.xy) - model.inside}


def peer(case: Case, law: CrowdParameters, warm: int, steps: int) -> dict[str, float]:
    speed = read_groups()["weidmann"].draw(len(case.xy), np.random.default_rng(1))
    given = {
        "walkable": case.walkable.wkt,
        "exit": case.exit_area,
        "xy": case.xy.tolist(),
        "speed": speed.tolist(),
        "radius": law.radius,
        "time_gap": law.time_gap,
        "strength": law.strength,
        "range": law.range,
        "wall_strength": law.wall_strength,
        "wall_range": law.wall_range,
        "dt": 0.01,
        "warm": warm,
        "steps": steps,
    }
    done = subprocess.run(
        [PYTHON, HERE / "peers" / "jupedsim" / "run.py"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--warm", type=int, default=100)
    parser.add_argument(
        "--agent-steps", type=int, default=400_000, help="measured for the peer; ours walk ten times that"
    )
    parser.add_argument("--parameters", choices=["paper", "own"], default="paper")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="without the peer")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    set_num_threads(given.threads)
    law = PAPER if given.parameters == "paper" else read_parameters()
    ours(square(1000), law, 5, 5)
    rows: list[dict[str, Any]] = []
    print("| case | people | ours [1/CPU s] | JuPedSim [1/CPU s] | ratio | ours [1/s] | JuPedSim [1/s] |")
    print("|---|---|---|---|---|---|---|")
    for name in given.cases:
        for n in given.sizes:
            case = CASES[name](n)
            best: dict[str, dict[str, float]] = {}
            for _ in range(given.repeats):
                steps = max(10, given.agent_steps // n)
                runs = {"ours": ours(case, law, given.warm, 10 * steps)}
                if not given.alone:
                    runs["peer"] = peer(case, law, given.warm, steps)
                for who, found in runs.items():
                    rate = {key: found["agent_steps"] / found[key] for key in ("cpu", "wall")}
                    best[who] = max(best.get(who, rate), rate, key=lambda r: r["cpu"])
            mine, theirs = best["ours"], best.get("peer", {"cpu": np.nan, "wall": np.nan})
            print(
                f"| {name} | {len(case.xy)} | {mine['cpu'] / 1e6:.2f} M | {theirs['cpu'] / 1e3:.0f} k "
                f"| {mine['cpu'] / theirs['cpu']:.1f} | {mine['wall'] / 1e6:.2f} M | {theirs['wall'] / 1e3:.0f} k |",
                flush=True,
            )
            rows.append({"case": name, "people": len(case.xy), "ours": mine, "peer": theirs})
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
