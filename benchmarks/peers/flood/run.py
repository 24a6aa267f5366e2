"""Run a flood with a peer and print a JSON line. Runs in the environment of the peer that make.py makes.

``run.py PEER`` with PEER one of anuga-DE0, anuga-DE1, landlab, itzi. Standard input: JSON with `case` (.npz: bed and
depth by cell, cell_size, n, rain [m/s]), `until` [s] and `out` (.npz for x [m] and depth of every cell at the end, or
null). The number of threads comes from OMP_NUM_THREADS. Every side of the domain is a wall. Wall and CPU time [s] are
those of the steps: without imports, mesh, set-up and the first step, with nothing written.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """What a peer is given: arrays by cell, row 0 in the north."""

    bed: Any
    depth: Any
    cell_size: float
    n: float
    rain: float
    until: float


@dataclass(frozen=True)
class Result:
    """What a peer did; `x` and `depth` are those of its cells at the end, `area` theirs [m2]."""

    wall: float
    cpu: float
    steps: int
    x: Any
    depth: Any
    area: Any


class Stopwatch:
    """Clocks that start when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Wall time, and CPU time of all threads [s]."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def anuga(case: Case, algorithm: str) -> Result:
    """As many triangles as cells, four on each square of 2 x 2 cells; the unified C loop, its fastest mode on a CPU."""
    import anuga as peer

    ny, nx = case.bed.shape
    dx = case.cell_size
    domain = peer.rectangular_cross_domain(nx // 2, ny // 2, len1=nx * dx, len2=ny * dx)
    domain.set_flow_algorithm(algorithm)
    domain.set_store(False)
    x, y = np.asarray(domain.centroid_coordinates).T
    col, row = (x / dx).astype(int), ny - 1 - (y / dx).astype(int)
    bed, depth = case.bed[row, col], case.depth[row, col]
    for name, values in (("elevation", bed), ("stage", bed + depth)):
        domain.set_quantity(name, numeric=values, location="centroids")
    domain.set_quantity("friction", case.n)
    wall = peer.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
    if case.rain:
        peer.Rate_operator(domain, rate=case.rain)
    domain.set_compute_mode("unified")
    # the first step is apart: it makes what the mode needs
    first = 1e-3
    for _ in domain.evolve(yieldstep=first, finaltime=first):
        pass
    steps, began = 0, Stopwatch()
    for _ in domain.evolve(yieldstep=case.until - first, finaltime=case.until):
        steps += domain.number_of_steps
    wall_time, cpu = began.read()
    height = domain.quantities["stage"].centroid_values - domain.quantities["elevation"].centroid_values
    return Result(wall_time, cpu, steps, x, height, np.asarray(domain.areas))


def landlab(case: Case) -> Result:
    """OverlandFlow (de Almeida et al. 2012) with theta = 0.9; a ring of closed nodes around the cells."""
    from landlab import RasterModelGrid
    from landlab.components import OverlandFlow

    ny, nx = case.bed.shape
    grid = RasterModelGrid((ny + 2, nx + 2), xy_spacing=case.cell_size)
    # row 0 in the south
    grid.add_field("topographic__elevation", np.pad(case.bed[::-1], 1, mode="edge").ravel(), at="node")
    depth = grid.add_field("surface_water__depth", np.pad(case.depth[::-1], 1, mode="edge").ravel(), at="node")
    grid.set_closed_boundaries_at_grid_edges(True, True, True, True)
    film = 1e-5
    flow = OverlandFlow(grid, h_init=film, mannings_n=case.n, theta=0.9, rainfall_intensity=case.rain)
    flow.overland_flow(dt=1e-3)
    done, steps, began = 1e-3, 0, Stopwatch()
    while done < case.until - 1e-9:
        dt = min(flow.calc_time_step(), 5.0, case.until - done)
        flow.overland_flow(dt=dt)
        done, steps = done + dt, steps + 1
    wall, cpu = began.read()
    inside = np.pad(np.ones((ny, nx), dtype=bool), 1).ravel()
    x = grid.x_of_node[inside] - 0.5 * case.cell_size
    return Result(wall, cpu, steps, x, depth[inside] - film, np.full(ny * nx, case.cell_size**2))


def itzi(case: Case) -> Result:
    """The partial-inertia scheme in memory, without GRASS, in single precision (its own choice), no record written."""
    from datetime import datetime, timedelta

    from itzi.const import TemporalType
    from itzi.data_containers import SimulationConfig, SurfaceFlowParameters
    from itzi.providers.domain_data import DomainData
    from itzi.providers.memory_input import MemoryRasterInputProvider
    from itzi.providers.memory_output import MemoryRasterOutputProvider, MemoryVectorOutputProvider
    from itzi.simulation_builder import SimulationBuilder

    ny, nx = case.bed.shape
    dx = case.cell_size
    start, long = datetime(2000, 1, 1), timedelta(seconds=case.until + 3600.0)
    domain = DomainData(north=ny * dx, south=0.0, east=nx * dx, west=0.0, rows=ny, cols=nx, crs_wkt="")
    arrays = {
        "dem": case.bed,
        "water_depth": case.depth,
        "friction": np.full((ny, nx), case.n),
        "rain": np.full((ny, nx), case.rain * 3.6e6),
    }
    arrays = {name: values.astype(np.float32) for name, values in arrays.items()}
    config = SimulationConfig(
        start_time=start,
        end_time=start + long,
        record_step=long,
        temporal_type=TemporalType.RELATIVE,
        input_map_names=dict.fromkeys(arrays, "given"),
        output_map_names={},
        surface_flow_parameters=SurfaceFlowParameters(max_error=10.0),
    )
    source = MemoryRasterInputProvider(
        {
            "domain_data": domain,
            "simulation_start_time": start,
            "simulation_end_time": start + long,
            "static_arrays": arrays,
        }
    )
    built = SimulationBuilder(config, np.zeros((ny, nx), dtype=bool))
    built = built.with_input_provider(source).with_vector_output_provider(MemoryVectorOutputProvider())
    simulation = built.with_raster_output_provider(MemoryRasterOutputProvider({"out_map_names": {}})).build()
    simulation.initialize()
    simulation.update()
    begun, began = simulation.time_steps_counters["since_start"], Stopwatch()
    simulation.update_until(timedelta(seconds=case.until))
    wall, cpu = began.read()
    steps = simulation.time_steps_counters["since_start"] - begun
    x = np.tile((np.arange(nx) + 0.5) * dx, ny)
    depth = np.asarray(simulation.get_array("water_depth"), dtype=np.float64).ravel()
    return Result(wall, cpu, steps, x, depth, np.full(ny * nx, dx * dx))


def main() -> None:
    peer = sys.argv[1]
    given = json.load(sys.stdin)
    with np.load(given["case"]) as stored:
        bed, depth = stored["bed"], stored["depth"]
        scalars = {name: float(stored[name]) for name in ("cell_size", "n", "rain")}
    case = Case(bed, depth, until=given["until"], **scalars)
    # a peer may print, its C code too: only the answer belongs on the standard output
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if peer.startswith("anuga"):
        result = anuga(case, peer.removeprefix("anuga-"))
    else:
        result = {"landlab": landlab, "itzi": itzi}[peer](case)
    came = float(depth.sum()) * case.cell_size**2 + case.rain * case.until * depth.size * case.cell_size**2
    if given["out"]:
        np.savez(given["out"], x=result.x, depth=result.depth)
    volume = float((result.depth * result.area).sum())
    answer = {"wall": result.wall, "cpu": result.cpu, "steps": result.steps, "volume_error": abs(volume - came) / came}
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
