"""Water that moves at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml
from affine import Affine

from sim.service import Service
from twin.errors import ScenarioError

NX, NY = 40, 30


def _write(path: Path, values: Any) -> None:
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, height=NY, width=NX, transform=Affine(1, 0, 0, 0, -1, NY)
    ) as file:
        file.write(np.broadcast_to(values, (NY, NX)).astype(np.float32), 1)


def _run(folder: Path, velocity: Any, **flood: Any) -> Any:
    _write(folder / "bed.tif", 0.0)
    content = {
        "schema": 1,
        "name": "moving",
        "area": {"bbox": [0, 0, NX, NY], "cell_size": 1},
        "flood": {
            "scheme": "shallow_water", "duration": 1, "output_every": 1, "bed": "bed.tif", "roughness": 0,
            "initial": {"stage": 1.0, "velocity": velocity}, **flood,
        },
    }  # fmt: skip
    (folder / "scenario.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    service = Service(folder / "runs")
    return service.open_run(service.run_scenario(folder / "scenario.yaml")[0])


def test_it_moves_east_and_north_by_what_is_given(tmp_path: Path) -> None:
    run = _run(tmp_path, [0.5, 0.25])
    start, end = run.fields().isel(time=0), run.fields().isel(time=-1)
    assert np.allclose(start["u_cell"], 0.5)
    assert np.allclose(start["v_cell"], 0.25)
    # away from the walls nothing has happened yet
    middle = np.s_[10:20, 10:30]
    assert np.allclose(end["u_cell"].to_numpy()[middle], 0.5, atol=1e-5)
    assert np.allclose(end["v_cell"].to_numpy()[middle], 0.25, atol=1e-5)
    # it piles up before the eastern and the northern wall
    h = end["h_cell"].to_numpy()
    assert h[15, -1] > 1.1
    assert h[15, 0] < 0.9
    assert h[0, 20] > 1.05
    assert h[-1, 20] < 0.95


def test_a_raster_says_where(tmp_path: Path) -> None:
    _write(tmp_path / "u.tif", np.where(np.arange(NX) < 20, 0.3, np.nan))
    u = _run(tmp_path, ["u.tif", 0]).fields().isel(time=0)["u_cell"].to_numpy()
    assert np.allclose(u[:, :20], 0.3)
    assert not u[:, 20:].any()


def test_a_new_raster_is_a_new_run(tmp_path: Path) -> None:
    keys = []
    for speed in (0.1, 0.2):
        _write(tmp_path / "u.tif", speed)
        keys.append(_run(tmp_path, ["u.tif", 0]).key)
    assert keys[0] != keys[1]


def test_local_inertia_begins_at_rest(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="local_inertial begins at rest"):
        _run(tmp_path, [0.1, 0], scheme="local_inertial")
