"""The files of a CityGML data set: a zip archive (read in place), a folder with udx/, or a single document."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import zipfile
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from layers.source import is_url, opened
from twin.errors import LayerError
from twin.frame import GEOGRAPHIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from types import TracebackType

    from twin.frame import Frame

__all__ = ["CitySource", "mesh_bounds"]

Bounds = tuple[float, float, float, float]
Result = TypeVar("Result")

_FILE_NAME = re.compile(r"(?P<mesh>\d{6,10})_(?P<kind>[a-z]+)_")
_MARGIN = 300.0
"""A building stands in the file of the mesh that it begins in and may reach out of it: longest plausible reach [m]."""

_AHEAD = 1
"""Documents in work ahead of the caller; each more would take the memory of one more document."""


def mesh_bounds(code: str) -> Bounds:
    """West, south, east, north [deg] of a JIS X 0410 mesh: 4, 6, 8, 9 or 10 digits (80 km, 10 km, 1 km, 500 m, 250 m).

    Raises
    ------
    LayerError
        If `code` is no such mesh.
    """
    if not re.fullmatch(r"\d{4}(?:[0-7]{2}(?:\d{2}(?:[1-4]{1,2})?)?)?", code):
        raise LayerError(f"{code!r} is no mesh code", where="mesh", remedy="Give 4, 6, 8, 9 or 10 digits (JIS X 0410).")
    south, west, height, width = int(code[:2]) / 1.5, int(code[2:4]) + 100.0, 2 / 3, 1.0
    for k, parts in ((4, 8), (6, 10)):
        if len(code) > k:
            height, width = height / parts, width / parts
            south, west = south + int(code[k]) * height, west + int(code[k + 1]) * width
    for digit in code[8:]:
        height, width = height / 2, width / 2
        south, west = south + (digit in "34") * height, west + (digit in "24") * width
    return west, south, west + width, south + height


class CitySource:
    """A CityGML data set, opened for reading; a context manager.

    Parameters
    ----------
    uri : str
        A ``.zip``, a folder that holds ``udx/``, or a single ``.gml``; a path or an fsspec URL (fetched first).

    Attributes
    ----------
    uri : str
    members : tuple of str
        Every file, with ``/`` between the parts of its path.
    lists : tuple of str
        Those in a folder ``codelists``.

    Raises
    ------
    LayerError
        If it does not exist or is not one of these.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._stack = ExitStack()
        self._archive: zipfile.ZipFile | None = None
        self._folder = Path()
        self._digest = hashlib.sha256()
        self._whole = ""
        path = Path(uri.removeprefix("file://"))
        self.single = ""
        with ExitStack() as stack:
            if not (is_url(uri) and not uri.startswith("file://")) and path.is_dir():
                self._folder = path
                self.members = tuple(_walk(path))
            else:
                source = stack.enter_context(opened(uri, uri))
                self._whole = source.sha256
                path = source.path
                if zipfile.is_zipfile(path):
                    self._archive = stack.enter_context(_archive(path, uri))
                    self.members = tuple(n for n in self._archive.namelist() if not n.endswith("/"))
                elif path.suffix.lower() in (".gml", ".xml"):
                    self._folder, self.single = _root_of(path)
                    self.members = (self.single,)
                else:
                    raise LayerError(
                        "this is neither a whole zip archive nor a .gml file",
                        where=uri,
                        remedy="Give a PLATEAU zip, a folder with udx/, or a .gml; fetch the file again if it was cut.",
                    )
            self._stack = stack.pop_all()
        self._names = frozenset(self.members)
        self.lists = tuple(self._lists())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def sha256(self) -> str:
        """Digest of the archive or the document; of a folder, digest of the digests of the documents read, in order."""
        return self._whole or self._digest.hexdigest()

    def documents(
        self, kind: str, *, frame: Frame, area: Bounds | None = None, meshes: Sequence[str] | None = None
    ) -> list[str]:
        """Documents of one kind (``bldg``, ``tran``), by file name, sorted.

        Parameters
        ----------
        kind : str
            Folder below udx/ and part of the file name.
        frame : Frame
            Frame of `area`.
        area : tuple of float, optional
            West, south, east, north; only files whose mesh comes within 300 m of it.
        meshes : sequence of str, optional
            Only files of these meshes; a 6-digit mesh stands for all the 8-digit ones in it.

        Raises
        ------
        LayerError
            If there is none.
        """
        if self.single:
            if meshes is not None and not self.single.rpartition("/")[2].startswith(tuple(meshes)):
                raise LayerError(
                    f"is one document, not one of the meshes {', '.join(meshes)}",
                    where=self.uri,
                    remedy="Leave the meshes out, or give the zip or the folder that holds them.",
                )
            return [self.single]
        found = []
        for member in self.members:
            parts = member.split("/")
            if not member.lower().endswith(".gml"):
                continue
            name = _FILE_NAME.match(parts[-1])
            if kind not in parts[:-1] and not (name and name["kind"] == kind):
                continue
            mesh = name["mesh"] if name else ""
            if mesh and meshes is not None and not any(mesh.startswith(m) or m.startswith(mesh) for m in meshes):
                continue
            if mesh and area is not None and not _touches(mesh, frame, area):
                continue
            found.append(member)
        if not found:
            wanted = f" for meshes {', '.join(meshes)}" if meshes is not None else ""
            wanted += f" within {area}" if area is not None else ""
            raise LayerError(
                f"there is no {kind} document{wanted}",
                where=self.uri,
                remedy=f"Give a data set with udx/{kind}/*.gml, another area or other meshes.",
            )
        return sorted(found)

    def find(self, path: str) -> str | None:
        """Member at `path`, None where there is none."""
        if self._archive is None:
            target = self._folder / path
            return path if target.is_file() else None
        return path if path in self._names else None

    def read(self, member: str) -> bytes:
        """Bytes of a member.

        Raises
        ------
        LayerError
            If it cannot be read or unpacked.
        """
        where = self.where(member)
        try:
            if self._archive is None:
                return (self._folder / member).read_bytes()
            return self._archive.read(member)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise LayerError(
                f"the archive is damaged here ({error})", where=where, remedy="Fetch the archive again."
            ) from error
        except OSError as error:
            raise LayerError(f"cannot be read ({error.strerror})", where=where, remedy="Check the file.") from error

    def work(self, members: Sequence[str], task: Callable[[bytes, str], Result]) -> Iterator[tuple[str, Result]]:
        """``task(data, where)`` of each member, in order; a thread is one member ahead of the caller.

        Unpacking and scanning leave Python's lock alone, so they run beside the caller's work. Memory does not grow
        with the data set.
        """

        def run(member: str) -> tuple[bytes, Result]:
            data = self.read(member)
            digest = b"" if self._whole else hashlib.sha256(data).digest()
            return digest, task(data, self.where(member))

        queue: deque[tuple[str, Future[tuple[bytes, Result]]]] = deque()
        rest = iter(members)
        with ThreadPoolExecutor(max_workers=_AHEAD) as pool:
            try:
                queue.extend((m, pool.submit(run, m)) for m in islice(rest, _AHEAD))
                while queue:
                    member, future = queue.popleft()
                    digest, result = future.result()
                    queue.extend((m, pool.submit(run, m)) for m in islice(rest, 1))
                    self._digest.update(digest)
                    yield member, result
                    del future, result
            finally:
                pool.shutdown(cancel_futures=True)

    def missing(self, member: str, names: Sequence[str]) -> list[str]:
        """Those of the files `names` (relative to `member`) that are not there."""
        folder = posixpath.dirname(member)
        return [n for n in names if self.find(posixpath.normpath(posixpath.join(folder, n))) is None]

    def where(self, member: str) -> str:
        """Name of a member for messages."""
        return self.uri if member == self.single else f"{self.uri}: {member}"

    def _lists(self) -> Iterator[str]:
        if self.single:
            folder = self._folder / "codelists"
            yield from (f"codelists/{p.name}" for p in sorted(folder.glob("*.xml")))
        else:
            yield from (m for m in self.members if "codelists" in m.split("/")[:-1])


def _touches(mesh: str, frame: Frame, area: Bounds) -> bool:
    west, south, east, north = mesh_bounds(mesh)
    x, y, _ = frame.from_(GEOGRAPHIC, [west, east, west, east], [south, south, north, north])
    return bool(
        x.min() - _MARGIN <= area[2]
        and x.max() + _MARGIN >= area[0]
        and y.min() - _MARGIN <= area[3]
        and y.max() + _MARGIN >= area[1]
    )


def _walk(folder: Path) -> Iterator[str]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        inside = posixpath.join(*Path(root).relative_to(folder).parts) if Path(root) != folder else ""
        for name in sorted(names):
            yield posixpath.join(inside, name)


def _root_of(path: Path) -> tuple[Path, str]:
    """Folder of the data set that a document lies in (the one above udx/), and the document's path below it."""
    whole = path.resolve()
    for parent in whole.parents:
        if parent.name == "udx":
            return parent.parent, whole.relative_to(parent.parent).as_posix()
    return whole.parent, whole.name


@contextmanager
def _archive(path: Path, uri: str) -> Iterator[zipfile.ZipFile]:
    try:
        # names without the UTF-8 flag in Japanese archives are in cp932
        archive = zipfile.ZipFile(path, metadata_encoding="cp932")
    except zipfile.BadZipFile as error:
        raise LayerError(f"the archive is damaged ({error})", where=uri, remedy="Fetch it again.") from error
    with archive:
        yield archive
