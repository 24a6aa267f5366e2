"""The architecture's contracts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_imports_go_one_way_up() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_twin_needs_numpy_and_pyproj_only() -> None:
    code = "import sys, twin; print(' '.join(sorted({m.partition('.')[0] for m in sys.modules})))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    heavy = {
        "numba",
        "pandas",
        "scipy",
        "shapely",
        "geopandas",
        "rasterio",
        "xarray",
        "zarr",
        "pydantic",
        "dash",
        "dask",
    }
    assert not loaded & heavy


def test_the_command_lines_help_loads_nothing_heavy() -> None:
    code = "import sys, viewer.cli; print(' '.join(sorted({m.partition('.')[0] for m in sys.modules})))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    heavy = {"numpy", "numba", "pandas", "scipy", "shapely", "rasterio", "xarray", "zarr", "pydantic", "dash", "dask"}
    assert not loaded & heavy


def test_the_public_face_of_twin_is_what_it_was() -> None:
    import twin

    assert sorted(twin.__all__) == twin.__all__ or set(twin.__all__) == set(dir(twin)) & set(twin.__all__)
    expected = (Path(__file__).parent / "twin_all.txt").read_text(encoding="utf-8").split()
    assert sorted(twin.__all__) == expected


def test_only_the_top_level_folders_of_the_design_exist() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    top = {line.partition("/")[0] for line in tracked if "/" in line and not line.startswith(".")}
    assert top <= {"twin", "sim", "layers", "viewer", "sample_data", "benchmarks", "tests", "docs"}
