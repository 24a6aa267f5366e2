"""Computing an ensemble: its members as a batch, then what they say together as a run of its own."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.batch import run_members
from sim.ensemble.cells import DEPTH, cell_statistics, common_sea
from sim.ensemble.definition import draw_members
from sim.ensemble.places import building_statistics, link_statistics, people_on_cells
from sim.ensemble.statistics import convergence, exceedance
from sim.pipeline import fate, heartbeat
from sim.scenario import read_scenario, scenario_content
from twin.errors import ScenarioError, SimulationError
from twin.layer import NetworkLayer, VectorLayer
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from sim.batch import BatchProgress
    from sim.ensemble.cells import CellStatistics
    from sim.ensemble.definition import Ensemble, People
    from sim.service import Service
    from twin.layer import Layer
    from twin.scenario import ScenarioBase
    from twin.store import Run, RunWriter

__all__ = ["STAGE", "EnsembleResult", "run_ensemble"]

STAGE = "ensemble"
"""What its run is called beside those of the simulators."""
FLOOD = "flood"
HECTARE = 1e4


@dataclass(frozen=True, slots=True)
class EnsembleResult:
    """A finished ensemble.

    Parameters
    ----------
    key : str
        Of its run in the store.
    members : DataFrame
        As :func:`sim.batch.run_batch` gives it.
    """

    key: str
    members: pd.DataFrame


def run_ensemble(
    service: Service,
    ensemble: Ensemble,
    folder: Path,
    tell: Callable[[BatchProgress], None] | None = None,
    tell_statistics: Callable[[float], None] | None = None,
) -> EnsembleResult:
    """Compute the members that are not in the store, and the statistics of those that are done.

    Parameters
    ----------
    service : Service
        Its executor computes the members; the statistics are made in this process.
    ensemble : Ensemble
    folder : Path
        Folder of the ensemble file.
    tell : callable, optional
        Called with the progress of the members.
    tell_statistics : callable, optional
        Called with the share of the statistics that is done.

    Returns
    -------
    EnsembleResult
        Its run has the maps of :mod:`sim.ensemble.fields` and the tables ``members`` (a row a member, failed ones
        with their reason, and the flooded area and the people of each threshold), ``exceedance``, ``convergence``,
        ``buildings``, ``links`` and ``uncertain``.

    Raises
    ------
    ScenarioError
        If the ensemble or a member's scenario is wrong: nothing is computed then.
    SimulationError
        If no member could be computed.
    """
    path = folder / ensemble.scenario
    members = draw_members(ensemble, folder)
    base, place = read_scenario(path), path.absolute().parent
    layers = _layers(ensemble, base, place)
    table = run_members(service, members, place, tell)
    done = table[table["status"] == str(Status.DONE)]
    if done.empty:
        raise SimulationError(
            f"none of {len(table)} members is done; the first says: {table['reason'].iloc[0]}",
            where=ensemble.name,
            remedy="Mend the scenario, or narrow what is uncertain.",
        )
    runs = [service.open_run(key) for key in done[f"{FLOOD}.key"]]
    key = _key(ensemble, base, place, table, layers)
    known = service.store.find(key)
    if known is None or known.status is not Status.DONE:
        writer = service.store.begin(key, _manifest(key, ensemble, base, place, layers))
        with fate(writer), heartbeat(writer.run):
            _write(writer, ensemble, runs, table, layers, tell_statistics or (lambda _: None))
    return EnsembleResult(key, table)


def _write(
    writer: RunWriter,
    ensemble: Ensemble,
    runs: Sequence[Run],
    table: pd.DataFrame,
    layers: dict[str, Layer],
    tell: Callable[[float], None],
) -> None:
    started = time.time()
    grid = runs[0].grid
    writer.note(status=Status.RUNNING, started=started, grid=grid.as_dict(), times=[], fields=[], phase="statistics")
    drafts = writer.folder / "drafts"
    drafts.mkdir(exist_ok=True)
    sea = common_sea(runs)
    is_open = np.isfinite(runs[0].map(DEPTH)) & (True if sea is None else ~sea)
    people = None
    if ensemble.people is not None and isinstance(layer := layers.get(ensemble.people.layer), VectorLayer):
        people = people_on_cells(layer, ensemble.people.column, grid, is_open)

    def progress(part: float) -> None:
        writer.note(progress=0.9 * part)
        tell(0.9 * part)

    cells = cell_statistics(runs, ensemble, sea, people, drafts, progress)
    for name, values in cells.maps.items():
        writer.write_map(name, grid, values)
    tables: dict[str, pd.DataFrame | None] = {
        "members": _with_extent(table, ensemble, cells),
        "exceedance": _exceedance(ensemble, cells),
        "convergence": _convergence(ensemble, cells),
        "uncertain": _uncertain(ensemble),
        "buildings": building_statistics(runs, ensemble, drafts),
    }
    streets = layers.get(ensemble.streets or "")
    if isinstance(streets, NetworkLayer):
        tables["links"] = link_statistics(runs, ensemble, streets, is_open, drafts)
    for name, rows in tables.items():
        if rows is not None:
            writer.write_table(name, rows)
    shutil.rmtree(drafts)
    tell(1.0)
    summary = _summary(ensemble, table, cells, tables["buildings"])
    writer.finish(phase="done", summary=summary, budget={}, wall_s=time.time() - started)


def _manifest(
    key: str, ensemble: Ensemble, base: ScenarioBase, place: Path, layers: dict[str, Layer]
) -> dict[str, Any]:
    title = ensemble.title or scenario_content(base).get("title", {})
    content = {**scenario_content(base), "name": ensemble.name, "title": title}
    return {
        "key": key,
        "stage": STAGE,
        "name": ensemble.name,
        "title": title,
        "scenario": content,
        "folder": str(place),
        "seed": ensemble.seed,
        "upstream": {},
        "siblings": {STAGE: key},
        "layers": list(layers),
        "ensemble": ensemble.model_dump(mode="json", by_alias=True, exclude_none=True),
        "versions": {"osaka-twin": version("osaka-twin"), "python": platform.python_version()},
    }


def _layers(ensemble: Ensemble, base: ScenarioBase, place: Path) -> dict[str, Layer]:
    """The layers that are asked for and there.

    Raises
    ------
    ScenarioError
        If one is missing that is not named by default.
    """
    from layers.digest import present_layers
    from layers.load import load_city

    usual, wanted = type(ensemble).model_fields, {}
    if ensemble.streets is not None:
        wanted["streets"] = (ensemble.streets, usual["streets"].default)
    if ensemble.people is not None:
        wanted["people.layer"] = (ensemble.people.layer, usual["people"].default.layer)
    if base.city is None:
        there: tuple[str, ...] = ()
    else:
        there = present_layers(place / base.city, tuple(name for name, _ in wanted.values()))
    for field, (name, default) in wanted.items():
        if name not in there and name != default:
            raise ScenarioError(
                f"the city has no layer {name!r}", where=f"{ensemble.name}: {field}", remedy="See `osaka-twin info`."
            )
    if base.city is None or not there:
        return {}
    west, south, east, north = base.area.grid().bounds
    city = load_city(place / base.city, area=(west, south, east, north), only=there)
    found = {name: city.layers[name] for name in there}
    _require_kinds(ensemble, found)
    return found


def _require_kinds(ensemble: Ensemble, found: dict[str, Layer]) -> None:
    people: People | None = ensemble.people
    streets = found.get(ensemble.streets or "")
    if streets is not None and not isinstance(streets, NetworkLayer):
        raise ScenarioError(
            f"layer {streets.id!r} is no network", where=f"{ensemble.name}: streets", remedy="Name a street network."
        )
    layer = None if people is None else found.get(people.layer)
    if people is None or layer is None:
        return
    if not isinstance(layer, VectorLayer):
        raise ScenarioError(
            f"layer {layer.id!r} holds no polygons", where=f"{ensemble.name}: people", remedy="Name a population layer."
        )
    layer.numbers(people.column)  # a column that is not there is said before anything runs


def _key(ensemble: Ensemble, base: ScenarioBase, place: Path, table: pd.DataFrame, layers: dict[str, Layer]) -> str:
    """Digest of everything that determines the statistics: which members are done, and what is asked of them."""
    from layers.digest import digest_layers

    asked = ensemble.model_dump(mode="json", by_alias=True)
    parts = {
        "asked": {name: asked[name] for name in ("name", "title", "thresholds", "percentiles", "streets", "people")},
        "uncertain": asked["uncertain"],
        "drawn": table[["member", *ensemble.uncertain]].astype(str).to_numpy().tolist(),
        "members": table[[f"{FLOOD}.key", "status", "reason"]].astype(str).to_numpy().tolist(),
        "area": base.area.model_dump(mode="json"),
        "layers": digest_layers(place / base.city, tuple(layers)) if base.city is not None and layers else "",
        "code": _code_digest(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _code_digest() -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256(f"numpy {version('numpy')}".encode())
    for path in [*sorted(here.glob("*.py")), here.parent / "coupling.py"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _with_extent(table: pd.DataFrame, ensemble: Ensemble, cells: CellStatistics) -> pd.DataFrame:
    """The members' table with area and people of each threshold; empty for those that are not done."""
    out = table.copy()
    is_done = (out["status"] == str(Status.DONE)).to_numpy()
    for k, threshold in enumerate(ensemble.thresholds):
        out.loc[is_done, f"flooded_area_{threshold:g}m_ha"] = cells.area[:, k] / HECTARE
        if cells.people is not None:
            out.loc[is_done, f"people_{threshold:g}m_count"] = cells.people[:, k]
    return out


def _extents(ensemble: Ensemble, cells: CellStatistics) -> list[tuple[str, float, NDArray[np.float64]]]:
    """(quantity, threshold, value of each member): areas [ha], then people."""
    out = [("area_ha", t, cells.area[:, k] / HECTARE) for k, t in enumerate(ensemble.thresholds)]
    if cells.people is not None:
        out += [("people_count", t, cells.people[:, k]) for k, t in enumerate(ensemble.thresholds)]
    return out


def _exceedance(ensemble: Ensemble, cells: CellStatistics) -> pd.DataFrame:
    """``quantity``, ``threshold_m``, ``value`` descending, ``probability`` that a member reaches it."""
    import pandas as pd

    parts = []
    for quantity, threshold, values in _extents(ensemble, cells):
        value, share = exceedance(values)
        parts.append(
            pd.DataFrame({"quantity": quantity, "threshold_m": threshold, "value": value, "probability": share})
        )
    return pd.concat(parts, ignore_index=True)


def _convergence(ensemble: Ensemble, cells: CellStatistics) -> pd.DataFrame:
    """``quantity``, ``threshold_m``, ``members``: mean of the first members and its standard error."""
    import pandas as pd

    parts = []
    for quantity, threshold, values in _extents(ensemble, cells):
        mean, error = convergence(values)
        parts.append(
            pd.DataFrame(
                {
                    "quantity": quantity,
                    "threshold_m": threshold,
                    "members": np.arange(1, len(values) + 1),
                    "mean": mean,
                    "standard_error": error,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _uncertain(ensemble: Ensemble) -> pd.DataFrame:
    """What was varied, as the file says: ``label``, ``path``, ``effect``, ``distribution`` (JSON)."""
    import pandas as pd

    asked = ensemble.model_dump(mode="json", by_alias=True, exclude_none=True)["uncertain"]
    rows = [
        (label, ", ".join(one.path), one.effect, json.dumps(asked[label][one.effect], ensure_ascii=False))
        for label, one in ensemble.uncertain.items()
    ]
    return pd.DataFrame(rows, columns=["label", "path", "effect", "distribution"])


def _summary(
    ensemble: Ensemble, table: pd.DataFrame, cells: CellStatistics, buildings: pd.DataFrame | None
) -> dict[str, float]:
    from sim.ensemble.fields import centimetres

    done = float((table["status"] == str(Status.DONE)).sum())
    out = {"members_count": float(len(table)), "done_count": done, "failed_count": len(table) - done}
    for k, threshold in enumerate(ensemble.thresholds):
        mean, error = convergence(cells.area[:, k] / HECTARE)
        out[f"mean_area_{threshold:g}m_ha"] = float(mean[-1])
        if np.isfinite(error[-1]):
            out[f"standard_error_area_{threshold:g}m_ha"] = float(error[-1])
        if cells.people is not None:
            out[f"mean_people_{threshold:g}m_count"] = float(cells.people[:, k].mean())
        if buildings is not None:
            share = buildings[f"probability_{centimetres(threshold)}"]
            out[f"buildings_likely_{threshold:g}m_count"] = float((share >= 0.5).sum())
    return out
