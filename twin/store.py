"""Runs on disk: a folder a run, whole or not there.

A run is written under a hidden name (``.<key>.partial``) and renamed when it is whole. Its ``manifest.json`` is the
one truth about the job; beside it lie the marks that several processes set: ``claim`` (who made it computes the run),
``heartbeat`` (its time stamp says that the job lives) and ``cancel``. A job that failed or was cancelled keeps its
manifest under the hidden name and nothing else::

    runs/
      3f9c…/            manifest.json  fields.zarr/  gauges.csv  h_max_cell.tif  buildings.parquet
      .81aa….partial/   manifest.json  fields.zarr/  gauges.csv  checkpoint.npz          (running)
      .c0de….partial/   manifest.json                                                   (failed, cancelled)
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import StoreError
from twin.run import CANCEL, CLAIM, HEARTBEAT, LAYOUT, MANIFEST, STALE_AFTER, Run, Status
from twin.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


__all__ = ["Run", "RunWriter", "Status", "Store"]


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of runs.

    Parameters
    ----------
    root : Path
        Made when the first run is written.
    """

    root: Path

    def __iter__(self) -> Iterator[Run]:
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            if (folder / MANIFEST).is_file():
                yield Run(folder.name.removeprefix(".").removesuffix(".partial"), self.root)

    def find(self, key: str) -> Run | None:
        """The run of that key, finished or not, or None."""
        job = Run(key, self.root)
        return job if (job.folder / MANIFEST).is_file() else None

    def open(self, key: str) -> Run:
        """The run of that key; a unique beginning of the key is enough, and so is the path of its folder.

        Raises
        ------
        StoreError
            If there is none, or several begin so.
        """
        folder = Path(key)
        if folder.name != key and folder.resolve().parent == self.root.resolve():
            key = folder.name
        if key and (exact := self.find(key)) is not None:
            return exact
        found = [run for run in self if run.key.startswith(key)] if key else []
        if len({run.key for run in found}) != 1:
            many = f"{len(found)} runs begin with {key!r}" if found else f"there is no run {key!r}"
            raise StoreError(many, where=str(self.root), remedy="`osaka-twin info --runs` lists the runs.")
        return found[0]

    def begin(self, key: str, manifest: Mapping[str, Any]) -> RunWriter:
        """Start writing a run; what an interrupted attempt left (checkpoint, outputs) is there to be taken up.

        Raises
        ------
        StoreError
            If the store cannot be written, or the run is being computed elsewhere.
        """
        writer = self.try_begin(key, manifest)
        if writer is None:
            raise StoreError(
                "is being computed by another process",
                where=f"run {key}",
                remedy="Wait for it, or cancel it first.",
            )
        return writer

    def try_begin(self, key: str, manifest: Mapping[str, Any]) -> RunWriter | None:
        """As :meth:`begin`, but None if another living process has claimed the run: of many callers one gets it.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        status = self._status_now(key)
        job = self._make_folder(key)
        claim = self.partial(key) / CLAIM
        try:
            claim.touch(exist_ok=False)
        except FileExistsError:
            is_new = time.time() - claim.stat().st_mtime < STALE_AFTER
            if status is Status.RUNNING or (is_new and status in (None, Status.QUEUED)):
                return None
            claim.touch()
        return RunWriter(self, job, dict(manifest))

    def announce(self, key: str, manifest: Mapping[str, Any]) -> Run:
        """Note a job that waits for its turn, so that everybody sees it; one that is under way stays as it is.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        status = self._status_now(key)
        job = self._make_folder(key)
        if status is not Status.RUNNING:
            (self.partial(key) / CANCEL).unlink(missing_ok=True)
            # what an interrupted attempt wrote can be taken up only with its layout
            laid = {} if status is None else {k: v for k, v in job.manifest().items() if k in LAYOUT}
            RunWriter(self, job, {**laid, **manifest}).note(status=Status.QUEUED)
        return job

    def discard_claim(self, key: str) -> None:
        """Give back what :meth:`try_begin` claimed: the run was whole already."""
        shutil.rmtree(self.partial(key), ignore_errors=True)

    def _status_now(self, key: str) -> Status | None:
        """Status before anything here touches the run: a new mark must not revive a lost one."""
        existing = self.find(key)
        return None if existing is None else existing.status

    def _make_folder(self, key: str) -> Run:
        folder = self.partial(key)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / HEARTBEAT).touch()
        except OSError as error:
            raise StoreError(
                f"cannot be written ({error.strerror})",
                where=str(self.root),
                remedy="Choose another folder with --store, or free the disk.",
            ) from error
        return Run(key, self.root)

    def remove(self, key: str) -> None:
        """Delete a run."""
        for folder in (self.root / key, self.partial(key)):
            shutil.rmtree(folder, ignore_errors=True)

    def partial(self, key: str) -> Path:
        """Hidden folder of a run that is not whole."""
        return self.root / f".{key}.partial"
