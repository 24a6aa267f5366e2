"""What ``run``, ``batch``, ``ensemble`` and ``report`` do at the terminal: compute behind a bar, say what came out."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sim.batch import run_batch
from sim.ensemble import read_ensemble, run_ensemble
from sim.executor import DaskExecutor, SerialExecutor
from sim.export import written
from sim.service import Service
from sim.sweep import read_sweep
from viewer.bar import Bar, clock
from viewer.message import language, say
from viewer.report import run_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

    from sim.batch import BatchProgress
    from sim.driver import Watch
    from sim.protocol import Model
    from viewer.strings import Lang

    Tell = Callable[[float, str], None]

__all__ = ["compute_batch", "compute_ensemble", "compute_scenario", "save_report"]


def compute_scenario(path: Path, store: Path, scheduler: str = "", *, with_report: bool = True) -> None:
    """Run a scenario in this process or on a Dask scheduler; where it has several stages, write its report."""
    with Bar(say("run", scenario=path.stem)) as tell:
        service = Service(store, executor=DaskExecutor(scheduler) if scheduler else SerialExecutor(_Follow(tell)))
        try:
            keys = service.run_scenario(path)
        finally:
            service.close()
        tell(1.0, say("done"))
    for key in keys:
        typer.echo("\n".join(run_lines(service.open_run(key))))
    if with_report and len(keys) > 1:
        save_report(service, keys[-1], None, language(), overwrite=True)


def compute_batch(path: Path, store: Path, scheduler: str, workers: int, out: Path, *, overwrite: bool) -> None:
    """Run the members of a sweep on workers and write their table.

    Raises
    ------
    typer.Exit
        With status 1, if a member failed.
    """
    sweep = read_sweep(path)
    title = say("batch", sweep=path.stem, members=len(sweep))
    with written(out, overwrite=overwrite) as draft:
        with _on_workers(store, scheduler, workers, title) as (service, tell):
            table = run_batch(service, sweep, path.absolute().parent, lambda now: tell(now.fraction, _counted(now)))
        table.to_parquet(draft, index=False)
    typer.echo(say("written", path=out))
    _end_with(table)


def compute_ensemble(path: Path, store: Path, scheduler: str, workers: int, out: Path, *, overwrite: bool) -> None:
    """Run the members of an ensemble on workers, gather their statistics, write its report.

    Raises
    ------
    typer.Exit
        With status 1, if a member failed.
    """
    from viewer.document import require_free, write_ensemble

    wanted = read_ensemble(path)
    if not overwrite:
        require_free(out)
    title = say("ensemble", ensemble=path.stem, members=wanted.members)
    with _on_workers(store, scheduler, workers, title) as (service, tell):
        done = run_ensemble(
            service,
            wanted,
            path.absolute().parent,
            lambda now: tell(0.98 * now.fraction, _counted(now)),
            lambda part: tell(0.98 + 0.02 * part, say("statistics")),
        )
    typer.echo("\n".join(run_lines(service.open_run(done.key))))
    _say_written(write_ensemble(service, done.key, out, language(), overwrite=overwrite))
    _end_with(done.members)


def save_report(service: Service, key: str, folder: Path | None, lang: Lang, *, overwrite: bool) -> None:
    """Write the report of a run's scenario, by default into ``reports/<name>-<key>``."""
    from viewer.document import write_report

    folder = folder or Path("reports") / f"{service.status(key).name}-{key[:8]}"
    _say_written(write_report(service, key, folder, lang, overwrite=overwrite))


@contextmanager
def _on_workers(store: Path, scheduler: str, workers: int, title: str) -> Iterator[tuple[Service, Tell]]:
    """A service whose Dask workers have started and are closed at the end, and a bar to say how far it is."""
    executor = DaskExecutor(scheduler or None, workers)
    service = Service(store, executor=executor)
    try:
        with Bar(title) as tell:
            executor.start()
            yield service, tell
    finally:
        service.close()


def _counted(now: BatchProgress) -> str:
    text = say("members", done=now.done, members=now.members, failed=now.failed)
    return text if now.seconds_left is None else f"{text}, {say('left', time=clock(now.seconds_left))}"


def _say_written(paths: Iterable[Path]) -> None:
    for path in paths:
        typer.echo(say("written", path=path))


def _end_with(members: pd.DataFrame) -> None:
    """Say which members failed and why; then the command ends with status 1."""
    bad = members[members["status"] != "done"]
    for number, reason in zip(bad["member"], bad["reason"], strict=True):
        typer.echo(say("member_failed", number=number, reason=reason), err=True)
    if len(bad):
        raise typer.Exit(1)


class _Follow:
    """Moves the bar, from the start again with every stage; a stop comes as KeyboardInterrupt."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def progress(self, model: Model, fraction: float) -> None:
        stage = type(model).__name__.removesuffix("Model").lower()
        now = say("model_time", time=clock(model.clock.time), steps=f"{model.clock.step:,}")
        self._tell(fraction, f"{stage}: {now}")

    def is_cancelled(self) -> bool:
        return False


if TYPE_CHECKING:
    _follows: type[Watch] = _Follow
