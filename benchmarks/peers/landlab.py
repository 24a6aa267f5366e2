"""The dam break of bench_flood.py with landlab's local-inertial component, in an environment of its own.

python benchmarks/peers/landlab.py     makes .venvs/landlab on the first call, then measures 10 s of case A
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE / ".venvs" / "landlab"

MEASURE = """
import time
import numpy as np
from landlab import RasterModelGrid
from landlab.components import OverlandFlow

n, dx = 512, 5.0
grid = RasterModelGrid((n, n), xy_spacing=dx)
grid.add_zeros("topographic__elevation", at="node")
h = grid.add_full("surface_water__depth", 0.5, at="node")
h.reshape(n, n)[:, : n // 2] = 2.0
grid.set_closed_boundaries_at_grid_edges(True, True, True, True)
flow = OverlandFlow(grid, h_init=1e-4, alpha=0.7, mannings_n=0.03, theta=0.9, steep_slopes=False)
flow.overland_flow(dt=0.1)
t, steps, began = 0.0, 0, time.perf_counter()
while t < 10.0:
    dt = min(flow.calc_time_step(), 10.0 - t)
    flow.overland_flow(dt=dt)
    t, steps = t + dt, steps + 1
wall = time.perf_counter() - began
print(f"landlab OverlandFlow, double, 1 thread: {wall:.3f} s, {n * n * steps / wall / 1e6:.1f} Mcell/s")
"""


def main() -> None:
    python = HOME / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(HOME, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "landlab>=2.9", "numpy<2.3"], check=True)
    subprocess.run([python, "-c", MEASURE], check=True)


if __name__ == "__main__":
    main()
