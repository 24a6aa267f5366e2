"""Where the bytes of a layer come from: a file here, any URL that fsspec opens, a member of a zip archive."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Source", "is_url", "member_names", "opened", "read_text", "unpacked"]

_COMPANIONS = (".shx", ".dbf", ".prj", ".cpg", ".aux.xml", ".tfw")
"""Files that belong to one of the same stem: a shapefile's parts, the ``.prj`` of an ASCII grid."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that lies on this machine while it is read.

    Parameters
    ----------
    path : Path
        Where it is.
    uri : str
        What the user calls it.
    sha256 : str
        Digest of its bytes (of a shapefile's parts one after the other).
    """

    path: Path
    uri: str
    sha256: str


def is_url(uri: str) -> bool:
    """Whether `uri` names a protocol (``memory://``, ``https://``), not a path."""
    return "://" in uri


@contextmanager
def opened(uri: str | Path, where: str) -> Iterator[Source]:
    """The file behind `uri`, on this machine: a local path as it is, anything else fetched for the time of reading.

    Parameters
    ----------
    uri : str or Path
        Path or fsspec URL.
    where : str
        Begins error messages and names the file, e.g. ``"layer terrain: dem.tif"``.

    Raises
    ------
    LayerError
        If it does not exist, is a folder, is empty or cannot be read.
    """
    text = str(uri)
    if is_url(text) and not text.startswith("file://"):
        with tempfile.TemporaryDirectory(prefix="osaka-twin-") as folder:
            path = _fetch(text, Path(folder), where)
            yield Source(path, text, _digest_of(path))
    else:
        path = Path(text.removeprefix("file://"))
        _require_file(path, where)
        yield Source(path, text, _digest_of(path))


def read_text(uri: str | Path, where: str) -> str:
    """All of a UTF-8 text file.

    Raises
    ------
    LayerError
        As :func:`opened`, and if it is not UTF-8.
    """
    with opened(uri, where) as source:
        try:
            return source.path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise LayerError(
                f"is not UTF-8 text (byte {error.start})", where=where, remedy="Save it as UTF-8."
            ) from error


def member_names(path: Path, suffixes: Sequence[str], where: str) -> list[str]:
    """Files in a zip archive whose names end in one of `suffixes`, sorted.

    Raises
    ------
    LayerError
        If the archive is damaged.
    """
    try:
        # names without the UTF-8 flag in Japanese archives are in cp932
        with zipfile.ZipFile(path, metadata_encoding="cp932") as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise _damaged(where, error) from error
    return sorted(n for n in names if not n.endswith("/") and n.lower().endswith(tuple(suffixes)))


@contextmanager
def unpacked(path: Path, member: str, where: str) -> Iterator[Path]:
    """One member of a zip archive and its companions (a shapefile's parts), as files for the time of reading.

    Raises
    ------
    LayerError
        If the archive is damaged.
    """
    stem = member.rpartition(".")[0]
    with tempfile.TemporaryDirectory(prefix="osaka-twin-") as folder:
        try:
            with zipfile.ZipFile(path, metadata_encoding="cp932") as archive:
                for name in archive.namelist():
                    is_companion = name.lower().startswith(stem.lower()) and name[len(stem) :].lower() in _COMPANIONS
                    if name == member or is_companion:
                        # a name of our own: GDAL trips over names that are not UTF-8, and no path leaves the folder
                        target = Path(folder) / f"member{name[len(stem) :].lower()}"
                        with archive.open(name) as source, target.open("wb") as out:
                            shutil.copyfileobj(source, out)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise _damaged(where, error) from error
        yield Path(folder) / f"member{member[len(stem) :].lower()}"


def _damaged(where: str, error: Exception) -> LayerError:
    return LayerError(
        f"cannot be unpacked ({error})",
        where=where,
        remedy="The archive is damaged, cut short or encrypted: fetch it again.",
    )


def _require_file(path: Path, where: str) -> None:
    try:
        if path.is_dir():
            raise LayerError("is a folder", where=where, remedy="Name a file in it.")
        if not path.exists():
            raise LayerError(
                "does not exist" if str(path) in where else f"does not exist ({path})",
                where=where,
                remedy="Check the path; a catalogue's `uri` is relative to the catalogue.",
            )
        if path.stat().st_size == 0:
            raise LayerError("is empty", where=where, remedy="Fetch the file again.")
        with path.open("rb"):
            pass
    except OSError as error:
        raise LayerError(
            f"cannot be read ({error.strerror})", where=where, remedy="Check the path and its permissions."
        ) from error


def _fetch(url: str, folder: Path, where: str) -> Path:
    import fsspec

    try:
        files, path = fsspec.url_to_fs(url)
    except (ValueError, ImportError, OSError) as error:
        raise LayerError(
            f"names a protocol that cannot be opened ({error})",
            where=where,
            remedy="Use a path or an fsspec URL, and install the protocol's package.",
        ) from error
    target = folder / (path.rstrip("/").rpartition("/")[2] or "file")
    try:
        if files.isdir(path):
            raise LayerError("is a folder", where=where, remedy="Name a file in it.")
        files.get_file(path, str(target))
        if path.lower().endswith((".shp", ".asc")):
            stem = path[: -len(target.suffix)]
            for companion in _COMPANIONS:
                if files.exists(stem + companion):
                    files.get_file(stem + companion, str(target.with_suffix(companion)))
    except OSError as error:
        raise LayerError(f"cannot be read ({error})", where=where, remedy="Check that it exists.") from error
    _require_file(target, where)
    return target


def _digest_of(path: Path) -> str:
    parts = [path]
    if path.suffix.lower() == ".shp":
        parts += [p for c in (".shx", ".dbf", ".prj", ".cpg") if (p := path.with_suffix(c)).exists()]
    return _digest(tuple((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in parts))


@lru_cache(maxsize=256)
def _digest(parts: tuple[tuple[str, int, int], ...]) -> str:
    """sha256 of the files one after the other; the same file unchanged is not read twice in a process."""
    total = hashlib.sha256()
    for path, _, _ in parts:
        with Path(path).open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()
