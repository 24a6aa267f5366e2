"""Where stages are computed: in this process, or by the workers of a Dask cluster."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sim.pipeline import Stage, compute_stage
from twin.errors import SimulationError, TwinError
from twin.store import Run, Status, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sim.driver import Watch

__all__ = ["DaskExecutor", "Executor", "SerialExecutor"]


class Executor(Protocol):
    """Computes stages; the store tells how far they are."""

    def submit(self, stages: Sequence[Stage]) -> None:
        """Compute these stages, each after those that it needs; may return before they are done."""

    def close(self) -> None:
        """Let go of everything that was started."""


class SerialExecutor:
    """Computes in this process and returns when all is done.

    Parameters
    ----------
    watch : Watch, optional
        Told about progress.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        self._watch = watch

    def submit(self, stages: Sequence[Stage]) -> None:
        """Compute the stages one after the other; the first error ends it."""
        for stage in stages:
            compute_stage(stage, self._watch)

    def close(self) -> None:
        """Nothing was started."""


class DaskExecutor:
    """Hands stages to Dask: a cluster on this machine, or one that is there already.

    Parameters
    ----------
    scheduler : str or None
        Address of a scheduler (``tcp://...``); None starts a LocalCluster of worker processes at the first job.
    workers : int or None
        Worker processes of the local cluster; one a core by default.

    Notes
    -----
    A worker that dies is replaced and its stage goes on from the last checkpoint. Each worker computes one stage at a
    time and uses its share of the cores for numba.
    """

    def __init__(self, scheduler: str | None = None, workers: int | None = None) -> None:
        self._scheduler = scheduler
        self._workers = workers or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._client: Any = None
        self._cluster: Any = None
        self._futures: dict[str, Any] = {}
        self._attempts = itertools.count()
        self._waiting: dict[str, Run] = {}
        self._closed = threading.Event()
        self._beating: threading.Thread | None = None

    def start(self) -> None:
        """Bring the workers up now instead of at the first job."""
        self._connect()

    def submit(self, stages: Sequence[Stage]) -> None:
        """Queue the stages and return; a stage that is under way already is not queued twice."""
        self._keep_alive(stages)  # workers may take longer to start than a job without a heartbeat counts as alive
        try:
            client = self._connect()
        except SimulationError:
            with self._lock:
                for stage in stages:
                    self._waiting.pop(stage.key, None)
            raise
        with self._lock:
            for stage in stages:
                before = [self._futures[key] for key in stage.upstream.values() if key in self._futures]
                known = self._futures.get(stage.key)
                if known is not None and not known.done():
                    continue
                self._futures[stage.key] = client.submit(
                    _compute_after, stage, before, key=f"{stage.simulator}-{stage.key}-{next(self._attempts)}"
                )

    def close(self) -> None:
        """Close the client, and the cluster if it was started here."""
        self._closed.set()
        with self._lock:
            self._futures.clear()
            self._waiting.clear()
        with self._connecting:
            for part in (self._client, self._cluster):
                if part is not None:
                    part.close()
            self._client = self._cluster = None

    def _keep_alive(self, stages: Sequence[Stage]) -> None:
        """Beat from now on for jobs that wait."""
        with self._lock:
            if self._beating is None:
                self._beating = threading.Thread(target=self._keep_queue_alive, name="queue-heartbeat", daemon=True)
                self._beating.start()
            for stage in stages:
                known = self._futures.get(stage.key)
                if known is not None and known.done():
                    del self._futures[stage.key]  # an earlier attempt: this one waits anew
                job = Store(Path(stage.store)).find(stage.key)
                if job is not None:
                    self._waiting[stage.key] = job

    def _connect(self) -> Any:
        with self._connecting:
            if self._client is None:
                from distributed import Client, LocalCluster

                try:
                    if self._scheduler is None:
                        threads = max(1, (os.cpu_count() or 1) // self._workers)
                        with _late_interrupt():
                            self._cluster = LocalCluster(
                                n_workers=self._workers,
                                threads_per_worker=1,
                                host="127.0.0.1",
                                dashboard_address="127.0.0.1:0",
                                env={"NUMBA_NUM_THREADS": str(threads)},
                                preload=["sim.worker"],
                            )
                        self._client = Client(self._cluster)
                    else:
                        self._client = Client(self._scheduler, timeout=10)
                except (OSError, TimeoutError, ValueError) as error:
                    raise SimulationError(
                        f"no scheduler answers ({error})",
                        where=self._scheduler or "local cluster",
                        remedy="Start `dask scheduler` and `dask worker`, or leave --scheduler away.",
                    ) from error
            return self._client

    def _keep_queue_alive(self) -> None:
        """Beat for the jobs that wait for a worker; those that run beat themselves."""
        while not self._closed.wait(5.0):
            with self._lock:
                for key, job in list(self._waiting.items()):
                    future = self._futures.get(key)
                    if (future is not None and future.done()) or job.status is Status.DONE:
                        del self._waiting[key]
                    else:
                        job.beat()


@contextmanager
def _late_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back until the end: a cluster that is half started cannot be closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


def _compute_after(stage: Stage, before: list[str]) -> str:
    """What a worker runs; `before` makes Dask wait for the upstream stages.

    An error of the twin is in the manifest: the task ends, for Dask shall not try again what cannot succeed.
    """
    del before
    with suppress(TwinError):
        compute_stage(stage)
    return stage.key
