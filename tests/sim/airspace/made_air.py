"""Air that tests fly in: a synthetic downtown, a compiled airspace without a city, random traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sim.airspace.airway import Airways
from sim.airspace.compiler import CompiledAirspace
from sim.airspace.conflict import Traffic
from sim.airspace.scenario import AirspaceSection
from sim.airspace.space import Space, clearance_of
from twin.grid import Grid
from twin.voxels import Voxels

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURVEY = {"kind": "survey", "name": "look", "area": [(60, 60), (440, 60), (440, 340), (60, 340)]}


def downtown(shape: tuple[int, int, int] = (24, 64, 64), seed: int = 3) -> NDArray[np.bool_]:
    """Blocks of towers with streets, bridges between some: about 18 % solid."""
    rng = np.random.default_rng(seed)
    nz, ny, nx = shape
    solid = np.zeros(shape, dtype=bool)
    for row in range(0, ny, 8):
        for col in range(0, nx, 8):
            top = int(np.clip(rng.lognormal(1.9, 0.7), 2, nz - 2))
            solid[:top, row : row + 6, col : col + 6] = True
    for _ in range(8):
        z, y, x = rng.integers((3, 0, 0), (nz - 4, ny - 14, nx - 14))
        solid[z : z + 2, y : y + 2, x : x + 12] = True
    solid[0] = True
    return solid


def space_of(solid: NDArray[np.bool_], cell: float = 1.0, level: float = 1.0) -> Space:
    nz, ny, nx = solid.shape
    return Space.around(Voxels(Grid((ny, nx), cell, 0.0, ny * cell), 0.0, level, nz), solid)


def made_air(
    *, towers: tuple[tuple[int, int, float], ...] = (), classes: Any = None, slices: Any = None, size: int = 50
) -> CompiledAirspace:
    """A plain of `size` x 40 cells of 10 m at 0 m T.P., with towers (row, col, top)."""
    grid = Grid((40, size), 10.0, 0.0, 400.0)
    voxels = Voxels(grid, 0.0, 5.0, 30)
    ground = np.zeros(grid.shape, dtype=np.float32)
    top = ground.copy()
    for row, col, height in towers:
        top[row, col] = height
    solid = voxels.z_cell[:, None, None] - 2.5 < top[None]
    given = np.zeros((1, *voxels.shape), dtype=np.uint8) if classes is None else classes
    edges = np.array([0.0, 1e9]) if slices is None else np.asarray(slices, dtype=np.float64)
    # from a centre to the nearest solid box
    clearance = np.clip(clearance_of(voxels, solid) - 5.0, 0.0, 50.0)
    return CompiledAirspace(
        voxels=voxels, ground=ground, top=top, solid=solid, clearance=clearance, rules=(), windows=(), slices=edges,
        classes=given, slice_class=np.arange(len(edges) - 1), start=None, notes=(), index=cast("Any", None),
    )  # fmt: skip


def made_section(**given: Any) -> AirspaceSection:
    return AirspaceSection.model_validate({"missions": [SURVEY], **given})


def made_airways(air: CompiledAirspace | None = None, **given: Any) -> Airways:
    return Airways(made_air() if air is None else air, made_section(**given))


def random_traffic(n: int, seed: int, *, side: float = 3000.0, hour: float = 600.0) -> Traffic:
    """Flights with climbs, turns, stops and landings."""
    rng = np.random.default_rng(seed)
    points, start = [], [0]
    for _ in range(n):
        place, time = rng.uniform(0, side, 2), rng.uniform(0, hour)
        height = float(rng.choice([40.0, 50.0, 60.0, 75.0]))
        rows = [(*place, 0.0, time), (*place, height, time := time + height / 3)]
        for _ in range(rng.integers(1, 5)):
            step = rng.normal(0, side / 6, 2)
            place = place + step
            rows.append((*place, height, time := time + max(1.0, float(np.hypot(*step)) / rng.uniform(8, 20))))
            if rng.random() < 0.3:
                rows.append((*place, height, time := time + rng.uniform(1, 60)))
        rows.append((*place, 0.0, time + height / 2))
        points += rows
        start.append(len(points))
    return Traffic(np.array(points), np.array(start, dtype=np.int64))
