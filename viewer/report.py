"""A city, a run and published cases in a few lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.flood.official import summarise_difference
from viewer.message import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sim.flood.official import Comparison
    from sim.validation import Result
    from twin.city import CityModel
    from twin.layer import Layer
    from twin.store import Run

__all__ = ["case_lines", "city_lines", "comparison_lines", "run_lines"]


def city_lines(city: CityModel) -> Iterator[str]:
    """Name, frame, area, and a line a layer with its size, access class, licence and notes."""
    west, south, east, north = city.area
    yield " / ".join(city.name.values())
    yield f"  {city.frame.horizontal} + {city.frame.vertical}, {east - west:,.0f} m x {north - south:,.0f} m"
    for layer in city.layers.values():
        origin = layer.provenance
        yield f"  {layer.id:16} {_size(layer):34} {origin.access:9} {origin.licence}"
        for note in origin.notes:
            yield f"  {'':16} - {note}"


def run_lines(job: Run) -> Iterator[str]:
    """What came out of a run, with its cost."""
    manifest = job.manifest()
    yield f"{manifest['stage']}: {manifest['name']}  [{job.status}]"
    yield f"  {job.folder}"
    if reason := manifest.get("reason"):
        yield f"  {reason}"
    if grid := manifest.get("grid"):
        ny, nx = grid["shape"]
        yield f"  {nx:,} x {ny:,} cells of {grid['cell_size']:g} m, {len(manifest['times'])} outputs"
    if "solve_s" in manifest:
        spent = f"{manifest['solve_s']:.1f} s{_speed(manifest)}, all in {manifest['wall_s']:.1f} s"
        yield f"  {manifest['steps']:,} steps in {spent}"
        if (error := manifest["budget"].get("relative_error")) is not None:
            yield f"  relative error of the budget {error:.1e}"
    for name, value in manifest.get("summary", {}).items():
        form = ",.0f" if name.endswith(("_count", "_jpy")) else ".2g" if name.endswith("_1") else ",.3f"
        yield f"  {name:36} {value:{form}}"


def case_lines(results: Sequence[Result], lang: str) -> Iterator[str]:
    """How each published case went, what misses its bar, and the sum of it."""
    for result in results:
        name = f"{result.case:40} {result.scheme:15}"
        if result.reason:
            yield f"{name} {say('case_failed', lang)}: {result.reason}"
            continue
        how = "; ".join(f"{figure} {result.figures[figure]:.3g}, {bar}" for figure, bar in result.missed.items())
        verdict = f"{say('case_missed', lang)} {how}" if how else say("case_good", lang)
        cost = say("case_cost", lang, cells=result.cells, steps=result.steps, solve_s=result.solve_s)
        yield f"{name} {verdict} ({cost})"
    failed = sum(bool(result.reason) for result in results)
    missed = sum(bool(result.missed) for result in results)
    yield say("cases", lang, count=len(results), good=len(results) - failed - missed, missed=missed, failed=failed)


def _speed(manifest: Mapping[str, Any]) -> str:
    """How fast it went, in brackets; only a flood's work is counted in cells."""
    if "resumed_at" in manifest:
        return " (last part of a resumed run)"  # only that was timed: no rate
    if manifest["stage"] != "flood":
        return ""
    ny, nx = manifest["grid"]["shape"]
    return f" ({ny * nx * manifest['steps'] / max(manifest['solve_s'], 1e-9) / 1e6:.0f} Mcell/s)"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Simulated minus official water level: all buildings, then mesh by mesh."""
    yield "mesh          buildings   dry   bias [m]   median [m]   p90 [m]   same rank"
    groups = [("all", comparison.table), *comparison.table.groupby("mesh")]
    for name, table in groups:
        s = summarise_difference(table)
        yield (
            f"{name:12} {s['buildings_count']:10.0f} {s['dry_count']:5.0f} {s['bias_m']:10.3f} "
            f"{s['median_m']:12.3f} {s['p90_m']:9.3f} {s['rank_agreement_1']:11.1%}"
        )


def _size(layer: Layer) -> str:
    from twin.layer import CloudLayer, MeshLayer, NetworkLayer, RasterLayer, VectorLayer

    if isinstance(layer, RasterLayer):
        return f"{layer.grid.shape[1]:,} x {layer.grid.shape[0]:,} cells of {layer.grid.cell_size:g} m"
    if isinstance(layer, MeshLayer):
        return f"{len(layer.table):,} features, {layer.mesh.n_polygons:,} faces"
    if isinstance(layer, VectorLayer):
        return f"{len(layer.table):,} features"
    if isinstance(layer, CloudLayer):
        return f"{len(layer.xyz):,} points"
    if isinstance(layer, NetworkLayer):
        return f"{layer.network.n_nodes:,} nodes, {layer.network.n_links:,} links"
    return ""
