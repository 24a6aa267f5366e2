"""An ensemble's results in a folder: maps, tables, an overview, the report."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sim.export import written
from twin.errors import StoreError
from viewer.api.group import group_of
from viewer.document.ensemble import overview_png
from viewer.document.findings import Findings
from viewer.document.report import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from sim.service import Service
    from viewer.strings import Lang

__all__ = ["require_free", "write_ensemble"]

OVERVIEW = "overview.png"


def require_free(folder: Path) -> None:
    """Check, before anything is computed, that no other ensemble lies in a folder.

    Raises
    ------
    StoreError
        If one does.
    """
    if (folder / OVERVIEW).exists():
        raise StoreError(
            "holds an ensemble already", where=str(folder), remedy="Choose another --out, or say --overwrite."
        )


def write_ensemble(service: Service, key: str, to: Path, lang: Lang, *, overwrite: bool = False) -> list[Path]:
    """Write the maps (Cloud Optimized GeoTIFF), the tables (Parquet), ``overview.png`` and the report.

    Returns
    -------
    list of Path
        The folder, the overview, the report as Markdown and as PDF.

    Raises
    ------
    StoreError
        If a file is there and may not be replaced, or the folder cannot be written.
    """
    run = service.open_run(key)
    for source in sorted([*run.folder.glob("*.tif"), *run.folder.glob("*.parquet")]):
        with written(to / source.name, overwrite=overwrite) as draft:
            shutil.copyfile(source, draft)
    with written(to / OVERVIEW, overwrite=overwrite) as draft:
        draft.write_bytes(overview_png(Findings(lang, group_of(service, run.key))))
    return [to, to / OVERVIEW, *write_report(service, run.key, to, lang, overwrite=overwrite)]
