"""The command line: ``osaka-twin``. Thin: every command calls the service, the layers or the sample's generator."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer

from viewer.bar import Bar
from viewer.message import language, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.service import Service
    from twin.city import CityModel
    from viewer.strings import Lang

__all__ = ["app", "main"]

P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    name="osaka-twin",
    help="A 3D digital twin of a city and the simulators that run in it.  都市の3Dデジタルツインとシミュレータ",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SAMPLE = Path("sample_data/generated")
StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the runs.", envvar="OSAKA_TWIN_STORE")]
SchedulerOption = Annotated[
    str, typer.Option("--scheduler", help="Dask scheduler, e.g. tcp://host:8786; default: workers on this machine.")
]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, help="Workers on this machine; default: one a core.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
LangOption = Annotated[str, typer.Option("--lang", help="ja or en; default: the language of the messages.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
CORES = os.cpu_count() or 1


def main() -> None:
    """Entry point of the console script."""
    app()


def _told(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the twin's errors into one clear message and exit status 1: no traceback reaches a user."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        from twin.errors import Cancelled, TwinError

        try:
            return command(*args, **kwargs)
        except Cancelled as error:
            typer.echo(f"{say('cancelled')}: {error}", err=True)
            raise typer.Exit(130) from error
        except TwinError as error:
            typer.echo(f"{say(type(error).__name__)}: {error}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            typer.echo(say("interrupted"), err=True)
            raise typer.Exit(130) from error
        except BrokenPipeError as error:
            # the reader of our output (head, less) has gone: nothing is wrong
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error

    return wrapper


@app.command()
@_told
def sample(
    folder: Annotated[Path, typer.Argument(help="Where the city is written.")] = SAMPLE,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the generator.")] = 7,
    overwrite: OverwriteOption = False,
) -> None:
    """Generate the sample ward, in the real formats.  サンプル都市を生成."""
    _write_sample(folder, seed, overwrite=overwrite)


@app.command()
@_told
def demo(
    serve_page: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the page afterwards.")] = True,
    store: StoreOption = Path("runs"),
    port: PortOption = 8050,
) -> None:
    """Generate the sample ward if it is not there, run its scenario, serve the page.  デモ."""
    from viewer.computation import compute_scenario

    catalog = SAMPLE / "catalog.yaml"
    if catalog.is_file():
        typer.echo(say("sample_there", folder=SAMPLE))
    else:
        _write_sample(SAMPLE, 7, overwrite=False)
    compute_scenario(Path("sample_data/scenarios/levee-breach-night.yaml"), store)
    if serve_page:
        _serve(catalog, store, Path("sample_data/scenarios"), port=port, scheduler=None)


@app.command()
@_told
def ingest(
    source: Annotated[str, typer.Argument(help="PLATEAU CityGML: a zip, a folder with udx/, or one file.")],
    out: Annotated[Path, typer.Option("--out", help="Catalogue to write (YAML).")],
    meshes: Annotated[str, typer.Option(help="Only these JIS mesh codes, separated by commas.")] = "",
    name: Annotated[str, typer.Option(help="Name of the place.")] = "",
    crs: Annotated[str, typer.Option(help="Plane-rectangular system of the twin.")] = "EPSG:6674",
    dem: Annotated[str, typer.Option(help="Terrain: GeoTIFF, ASC or GSI base-map DEM (xml, zip).")] = "",
    dem_datum: Annotated[str, typer.Option(help="Height datum of the terrain file; EPSG:6695 is T.P.")] = "EPSG:6695",
    sea_bed: Annotated[
        float | None, typer.Option(help="Level [m T.P.] beyond the buildings, if there is no --dem.")
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option(help="One more layer, id=reader:path, e.g. hazard_flood=hazard:A31a.gpkg")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the source.")] = "CC BY 4.0 (MLIT Project PLATEAU)",
    overwrite: OverwriteOption = False,
) -> None:
    """Take a city in: read it, check it, write its catalogue.  都市データの取り込み."""
    from layers.ingest import ingest_city

    city = ingest_city(
        source,
        out,
        meshes=tuple(code.strip() for code in meshes.split(",") if code.strip()),
        name=name,
        crs=crs,
        dem=dem,
        dem_datum=dem_datum,
        sea_bed=sea_bed,
        more=tuple(add or ()),
        licence=licence,
        overwrite=overwrite,
    )
    _print_city(city)
    typer.echo(say("written", path=out))


@app.command()
@_told
def info(
    what: Annotated[str, typer.Argument(help="A catalogue, a scenario, or the key of a run.")] = "",
    store: StoreOption = Path("runs"),
    runs: Annotated[bool, typer.Option("--runs", help="List the runs.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a scenario.")] = False,
) -> None:
    """Say what a catalogue, a scenario, a run or the store holds.  情報表示."""
    if schema:
        from sim.scenario import scenario_schema

        typer.echo(json.dumps(scenario_schema(), ensure_ascii=False, indent=1))
    elif runs or not what:
        _print_runs(_service(store))
    elif not _is_file(what):
        from viewer.report import run_lines

        typer.echo("\n".join(run_lines(_service(store).open_run(what))))
    elif _is_catalog(Path(what)):
        from layers.load import load_city

        _print_city(load_city(what))
    else:
        for stage in _service(store).plan(Path(what)):
            known = _service(store).store.find(stage.key)
            typer.echo(f"{stage.simulator:12} {stage.key}  {known.status if known else say('not_run')}")


@app.command()
@_told
def run(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).")],
    store: StoreOption = Path("runs"),
    scheduler: Annotated[str, typer.Option(help="Dask scheduler, e.g. tcp://host:8786; default: this process.")] = "",
    with_report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write a report where a scenario has several stages.")
    ] = True,
) -> None:
    """Run a scenario; a run that was interrupted goes on, one that is there already is not run again.  実行."""
    from viewer.computation import compute_scenario

    compute_scenario(scenario, store, scheduler, with_report=with_report)


@app.command()
@_told
def report(
    what: Annotated[str, typer.Argument(help="Key of a run (a beginning is enough), or a scenario that was run.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write into; default: reports/<name>-<key>.")
    ] = None,
    lang: LangOption = "",
    store: StoreOption = Path("runs"),
    overwrite: OverwriteOption = False,
) -> None:
    """Write a scenario's report as Markdown and PDF.  報告書の作成."""
    from viewer.computation import save_report

    chosen = _lang(lang)
    service = _service(store)
    save_report(service, _reported(service, what), to, chosen, overwrite=overwrite)


@app.command()
@_told
def batch(
    sweep: Annotated[Path, typer.Argument(help="Sweep file (YAML): a scenario and what is varied in it.")],
    store: StoreOption = Path("runs"),
    scheduler: SchedulerOption = "",
    workers: WorkersOption = CORES,
    out: Annotated[
        Path | None, typer.Option("--out", help="Table to write (Parquet); default: the sweep's name.")
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Run every variant of a scenario; what is there is not run again. Table: a row a variant.  一括計算."""
    from viewer.computation import compute_batch

    compute_batch(sweep, store, scheduler, workers, out or Path(f"{sweep.stem}.parquet"), overwrite=overwrite)


@app.command()
@_told
def ensemble(
    file: Annotated[Path, typer.Argument(help="Ensemble file (YAML): a scenario and what is uncertain in it.")],
    store: StoreOption = Path("runs"),
    scheduler: SchedulerOption = "",
    workers: WorkersOption = CORES,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write into; default: ensembles/<name of the file>.")
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Run a scenario with uncertain quantities; maps of probability, percentiles, a report.  アンサンブル計算."""
    from viewer.computation import compute_ensemble

    compute_ensemble(file, store, scheduler, workers, out or Path("ensembles") / file.stem, overwrite=overwrite)


@app.command()
@_told
def serve(
    city: Annotated[Path, typer.Option(help="Catalogue of the city (YAML).")] = SAMPLE / "catalog.yaml",
    store: StoreOption = Path("runs"),
    scenarios: Annotated[Path, typer.Option(help="Folder of ready-made scenarios.")] = Path("sample_data/scenarios"),
    port: PortOption = 8050,
    scheduler: SchedulerOption = "",
) -> None:
    """Serve the page on 127.0.0.1.  ビューアの起動."""
    _serve(city, store, scenarios, port=port, scheduler=scheduler or None)


@app.command()
@_told
def export(
    run_key: Annotated[str, typer.Argument(help="Key of the run (a beginning is enough).")],
    to: Annotated[
        Path, typer.Argument(help="File: .nc, .tif, .csv, .gpkg, .parquet or .gml; a name without ending: all.")
    ],
    what: Annotated[
        str, typer.Option(help="Map or table, or a31a (zones, .gpkg); default: the maximum depth, or the buildings.")
    ] = "",
    store: StoreOption = Path("runs"),
    overwrite: OverwriteOption = False,
) -> None:
    """Write a run's result as NetCDF, GeoTIFF, CSV, GeoPackage, Parquet or CityGML.  結果の書き出し."""
    from sim.export import export_run

    export_run(_service(store).open_run(run_key), to, what=what, overwrite=overwrite)
    typer.echo(say("written", path=to))


@app.command()
@_told
def compare(
    run_key: Annotated[str, typer.Argument(help="Key of a flood run (a beginning is enough).")],
    hazard: Annotated[str, typer.Option(help="river_flood, storm_surge or tsunami.")] = "storm_surge",
    scale: Annotated[str, typer.Option(help="planned or maximum, where the records tell.")] = "",
    to: Annotated[Path | None, typer.Option("--to", help="Write the table, one row a building (CSV).")] = None,
    store: StoreOption = Path("runs"),
    overwrite: OverwriteOption = False,
) -> None:
    """Set a run's water levels beside the official records of the buildings.  公式の浸水想定との比較."""
    from sim.export import written
    from viewer.report import comparison_lines

    comparison = _service(store).compare_with_official(run_key, hazard=hazard, scale=scale)
    typer.echo("\n".join(comparison_lines(comparison)))
    if to is not None:
        with written(to, overwrite=overwrite) as draft:
            comparison.table.to_csv(draft, index=False)
        typer.echo(say("written", path=to))


@app.command()
@_told
def validate(
    cases: Annotated[
        Path, typer.Option("--cases", help="Folder of the published cases' files.", envvar="OSAKA_TWIN_CASES")
    ] = Path("cases"),
    case: Annotated[list[str] | None, typer.Option("--case", help="Only this one; may be given again.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only those that take seconds.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="Page to write (Markdown), drawings beside it.")] = None,
    work: Annotated[Path, typer.Option("--work", help="Folder for their scenarios and runs.")] = Path(
        "runs/validation"
    ),
    lang: LangOption = "",
    strict: Annotated[bool, typer.Option("--strict", help="A bar that is missed is an error.")] = False,
) -> None:
    """Run published flood cases and set the results beside what was observed.  検証事例の計算."""
    from sim.validation import validate as run_cases
    from viewer.report import case_lines

    chosen = _lang(lang)
    with Bar(say("validate")) as tell:
        results = run_cases(cases, names=case or (), quick=quick, work=work, page=to, lang=chosen, progress=tell)
        tell(1.0, say("done"))
    typer.echo("\n".join(case_lines(results, chosen)))
    if to is not None:
        typer.echo(say("written", path=to))
    if any(result.reason or (strict and result.missed) for result in results):
        raise typer.Exit(1)


def _service(store: Path, **options: Any) -> Service:
    from sim.service import Service

    return Service(store, **options)


def _write_sample(folder: Path, seed: int, *, overwrite: bool) -> None:
    from sample_data.generate import write_sample_city

    with Bar(say("sample")) as tell:
        catalog = write_sample_city(
            folder, seed=seed, progress=lambda what, part: tell(part, what), overwrite=overwrite
        )
    typer.echo(say("written", path=catalog))


def _reported(service: Service, what: str) -> str:
    """Key of a run: given, or of the last stage of a scenario that is in the store."""
    from twin.errors import StoreError

    if not _is_file(what):
        return service.open_run(what).key
    known = [stage.key for stage in service.plan(Path(what)) if service.store.find(stage.key) is not None]
    if not known:
        raise StoreError("has not been run", where=what, remedy=f"Run it first: `osaka-twin run {what}`.")
    return known[-1]


def _lang(given: str) -> Lang:
    """The language that is asked for, else that of the messages."""
    from twin.errors import TwinError

    if given not in ("", "ja", "en"):
        raise TwinError(f"{given!r} is no language", where="--lang", remedy="Use ja or en.")
    return "ja" if (given or language()) == "ja" else "en"


def _serve(city: Path, store: Path, scenarios: Path, *, port: int, scheduler: str | None) -> None:
    from sim.executor import DaskExecutor
    from viewer.server import serve as serve_page

    executor = DaskExecutor(scheduler)
    service = _service(store, catalog=city, scenario_folder=scenarios, executor=executor)
    service.list_layers()  # a catalogue that cannot be read is said before anything starts
    if scheduler:
        executor.start()  # a scheduler that does not answer is said now
    else:
        threading.Thread(target=executor.start, name="start-workers", daemon=True).start()
    # uvicorn hands the signal that ended it on: the workers are to be closed first
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        serve_page(service, host="127.0.0.1", port=port, ready=lambda url: typer.echo(say("serving", url=url)))
    except KeyboardInterrupt:
        typer.echo(say("ended"))
    finally:
        service.close()


def _is_file(what: str) -> bool:
    """Whether a file is named, not a run."""
    from twin.errors import TwinError

    path = Path(what)
    if path.suffix in (".yaml", ".yml") and not path.is_file():
        raise TwinError("there is no such file", where=what, remedy="Give the path of a file, or the key of a run.")
    return path.is_file()


def _is_catalog(path: Path) -> bool:
    from sim.document import read_document

    return "layers" in read_document(path, "catalogue or scenario")


def _print_city(city: CityModel) -> None:
    from viewer.report import city_lines

    typer.echo("\n".join(city_lines(city)))


def _print_runs(service: Service) -> None:
    jobs = service.list_runs()
    if not jobs:
        typer.echo(say("no_runs", store=service.store.root))
    for job in jobs:
        wall = "" if job.wall_s is None else f"{job.wall_s:8.1f} s"
        typer.echo(f"{job.key[:12]}  {job.stage:12} {job.name:32} {job.status:10} {job.progress:4.0%} {wall}")
