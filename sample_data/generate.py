"""Write the sample ward: every file, or none."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sample_data import ward
from sample_data.airspace import write_airspace
from sample_data.archive import write_zip
from sample_data.bridges import decks
from sample_data.buildings import make_buildings
from sample_data.catalogue import write_catalogue
from sample_data.citygml_bldg import building_files
from sample_data.citygml_brid import bridge_files
from sample_data.citygml_tran import road_files
from sample_data.codelist import CODE_LISTS, dictionary
from sample_data.dem import write_dem
from sample_data.hazards import write_hazards
from sample_data.infrastructure import write_infrastructure
from sample_data.people import write_population, write_shelters
from sample_data.plan import make_plan
from sample_data.points import write_points
from sample_data.terrain import make_terrain
from sample_data.underground import make_mall, write_mall
from sample_data.walk import write_walk
from sample_data.walk_levels import make_walk_graph
from sample_data.water import inundations
from twin.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PLATEAU_ZIP", "write_sample_city"]

PLATEAU_ZIP = f"{ward.CITY_CODE}_suito-ku_2024_citygml_1_op"


def _silent(stage: str, share: float) -> None:
    del stage, share


def _write_plateau(folder: Path, files: dict[str, dict[str, str]]) -> None:
    members = {f"{PLATEAU_ZIP}/codelists/{name}.xml": dictionary(name) for name in sorted(CODE_LISTS)}
    for feature in sorted(files):
        members |= {f"{PLATEAU_ZIP}/udx/{feature}/{name}": text for name, text in files[feature].items()}
    write_zip(folder / "plateau" / f"{PLATEAU_ZIP}.zip", members)


def _write_all(folder: Path, seed: int, progress: Callable[[str, float], None]) -> None:
    progress("plan", 0.0)
    plan = make_plan(seed)
    progress("terrain", 0.1)
    terrain = make_terrain(plan, seed)
    write_dem(folder / "dem" / "suito_dem_1m.tif", terrain)
    progress("buildings", 0.3)
    buildings = make_buildings(plan, terrain, seed)
    waters = inundations(plan, terrain)
    bridges = decks(plan, terrain)
    progress("citygml", 0.4)
    _write_plateau(
        folder,
        {
            "bldg": building_files(buildings, waters, seed),
            "tran": road_files(plan, seed),
            "brid": bridge_files(bridges, seed),
        },
    )
    progress("points", 0.55)
    write_points(folder / "lidar" / "suito.laz", plan, terrain, buildings, seed)
    progress("walk", 0.8)
    mall = make_mall(plan, terrain, seed)
    write_walk(folder / "walk", make_walk_graph(plan, terrain, bridges, mall), seed)
    progress("hazards", 0.87)
    write_hazards(folder / "hazard" / "A31a_flood.gpkg", plan, waters)
    progress("people", 0.93)
    write_shelters(folder / "shelters.gpkg", plan, terrain, buildings, waters)
    write_population(folder / "population.gpkg", buildings)
    write_mall(folder / "underground.gpkg", mall)
    write_infrastructure(folder / "infrastructure.gpkg", plan, bridges, seed)
    write_airspace(folder / "airspace", plan, terrain, buildings, waters)
    progress("catalogue", 0.98)
    write_catalogue(folder / "catalog.yaml")


def write_sample_city(
    folder: Path,
    seed: int = 7,
    progress: Callable[[str, float], None] | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Generate the fictional ward 水都区 into `folder`.

    Parameters
    ----------
    folder : Path
        Target; made whole or not at all (written under a temporary name beside it, then renamed).
    seed : int
        The same seed gives the same city, byte for byte where the format allows it.
    progress : callable, optional
        Called with the stage's name and the share of the work done, 0 to 1.
    overwrite : bool
        Replace an existing folder.

    Returns
    -------
    Path
        The catalogue, ``folder/catalog.yaml``.

    Raises
    ------
    StoreError
        If `folder` exists and `overwrite` is False, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not overwrite:
        raise StoreError(f"{folder} exists", where="sample", remedy="Choose another folder or allow overwriting.")
    report = progress or _silent
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise StoreError(
            f"cannot write beside {folder} ({error.strerror})",
            where="sample",
            remedy="Choose a folder you may write to.",
        ) from error
    try:
        _write_all(temporary, seed, report)
        temporary.chmod(0o755)
        if folder.exists():
            aside = temporary.with_name(temporary.name + "-old")
            folder.rename(aside)
            temporary.rename(folder)
            shutil.rmtree(aside)
        else:
            temporary.rename(folder)
    except OSError as error:
        raise StoreError(
            f"cannot write {folder} ({error.strerror})",
            where="sample",
            remedy="Free some space or choose another folder.",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    report("done", 1.0)
    return folder / "catalog.yaml"
