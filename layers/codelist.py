"""Code lists (gml:Dictionary) of PLATEAU: what a code in an attribute means."""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING

from twin.errors import LayerError

if TYPE_CHECKING:
    from layers.citygml_source import CitySource

__all__ = ["CodeLists", "read_codelist"]


def read_codelist(data: bytes, where: str) -> dict[str, str]:
    """Code -> label of a gml:Dictionary (gml:name holds the code, gml:description the label), any GML version.

    Raises
    ------
    LayerError
        If it is not XML.
    """
    from lxml import etree

    labels: dict[str, str] = {}
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise LayerError(f"the code list is not XML ({error})", where=where, remedy="Fetch it again.") from error
    for definition in root.iter("{*}Definition"):
        code = definition.findtext("{*}name")
        if code is not None:
            label = definition.findtext("{*}description") or ""
            labels.setdefault(code.strip(), label.strip() or code.strip())
    return labels


class CodeLists:
    """The code lists of a data set, read when they are first asked for.

    Parameters
    ----------
    source : CitySource
        The data set.
    strict : bool
        Raise where a list or a code is missing.

    Attributes
    ----------
    missing, unknown : Counter
        Values without their list, and values that their list does not hold, by list.
    moved : dict of str to str
        Lists that do not lie where codeSpace says but were found by their name.
    """

    def __init__(self, source: CitySource, *, strict: bool) -> None:
        self._source = source
        self._strict = strict
        self._lists: dict[str, dict[str, str] | None] = {}
        self._paths: dict[tuple[str, str], str] = {}
        self.missing: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.moved: dict[str, str] = {}

    def path(self, member: str, code_space: str) -> str:
        """Path of the list that `code_space` in document `member` means ("" for a code without codeSpace)."""
        if not code_space:
            return ""
        key = (posixpath.dirname(member), code_space)
        if key not in self._paths:
            self._paths[key] = posixpath.normpath(posixpath.join(*key))
        return self._paths[key]

    def label(self, path: str, code: str) -> tuple[str, bool]:
        """Label of `code` in the list at `path`, and whether it was found; the code itself where it was not.

        Raises
        ------
        LayerError
            If strict, and the list or the code is missing.
        """
        if not path:
            return code, True
        if path not in self._lists:
            self._lists[path] = self._read(path)
        labels = self._lists[path]
        if labels is not None and code in labels:
            return labels[code], True
        if self._strict:
            what = "code list is missing" if labels is None else f"code {code!r} is not in the list"
            raise LayerError(
                what,
                where=f"{self._source.uri}: {path}",
                remedy="Add the code list (folder codelists/ beside udx/), or read without strict.",
            )
        return code, False

    def count(self, path: str, n: int) -> None:
        """Count `n` values that stay without a label."""
        (self.missing if self._lists.get(path) is None else self.unknown)[posixpath.basename(path)] += n

    def notes(self) -> list[str]:
        """What to tell the user."""
        return [
            *(f"code list {name} is missing: {n} values stay undecoded" for name, n in sorted(self.missing.items())),
            *(f"code list {name} lacks the codes of {n} values" for name, n in sorted(self.unknown.items())),
            *(f"code list {path} was found as {found}" for path, found in sorted(self.moved.items())),
        ]

    def _read(self, path: str) -> dict[str, str] | None:
        found = self._source.find(path)
        if found is None:
            name = posixpath.basename(path)
            found = next((m for m in self._source.lists if posixpath.basename(m) == name), None)
            if found is None:
                return None
            self.moved[path] = found
        return read_codelist(self._source.read(found), f"{self._source.uri}: {found}")
