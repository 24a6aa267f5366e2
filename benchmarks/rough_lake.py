"""On how many rough beds a disturbed lake grows waves: `shallow_water`, without friction, by Courant number.

    python benchmarks/rough_lake.py [--beds 40] [--cfl 0.5 0.9 1.0]

2 m of water over beds of white noise of up to 95 and 99 % of that depth (1.9 and 1.98 m up and down), 40 x 48 cells of
5 m, the surface disturbed by 0.1 mm. A bed counts as growing where the fastest water after 3,000 steps is faster than
after 1,500 (and than 1e-9 m/s). Nothing is asserted: docs/decisions/0005 says why such beds matter and how far this is
taken; the tests hold some of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.flood.ground import Ground
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.grid import Grid

SHAPE, CELL, DEPTH = (40, 48), 5.0, 2.0
STEPS = (1500, 3000)


def speeds(seed: int, height: float, cfl: float) -> list[float]:
    """Fastest water after each of `STEPS` [m s-1]."""
    rng = np.random.default_rng(seed)
    bed = rng.uniform(-height, height, SHAPE)
    depth = np.maximum(DEPTH - bed + 1e-4 * rng.standard_normal(SHAPE), 0.0)
    section = FloodSection.model_validate(
        {"duration": 1e6, "output_every": 1e6, "scheme": "shallow_water", "precision": "double", "cfl": cfl}
    )
    grid = Grid(SHAPE, CELL, 0.0, SHAPE[0] * CELL)
    model = ShallowWaterModel(section, Ground.bare(grid, bed, 0.0, depth), InputFiles(Path()))
    found = []
    while model.clock.step < STEPS[-1]:
        model.step(model.stable_dt())
        if model.clock.step in STEPS:
            fields = model.fields()
            found.append(float(np.hypot(fields["u_cell"], fields["v_cell"]).max()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beds", type=int, default=40, help="beds of each height")
    parser.add_argument("--cfl", type=float, nargs="+", default=[0.5, 0.9, 1.0], help="Courant numbers")
    asked = parser.parse_args()
    print("| height of the noise [m] | Courant number | beds that grow | fastest after 3,000 steps [m/s] |")
    print("|---|---|---|---|")
    for height in (0.95 * DEPTH, 0.99 * DEPTH):
        for cfl in asked.cfl:
            runs = [speeds(100 + bed, height, cfl) for bed in range(asked.beds)]
            grown = sum(late > early and late > 1e-9 for early, late in runs)
            worst = max(late for _, late in runs)
            print(f"| {height:.2f} | {cfl} | {grown} of {asked.beds} | {worst:.0e} |", flush=True)


if __name__ == "__main__":
    main()
