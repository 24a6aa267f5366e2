"""What a document is made of; the writers know nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viewer.strings import Lang

__all__ = ["Block", "Document", "Heading", "Paragraph", "Picture", "Steps", "Table"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 begins a chapter on a new page."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; `is_note` for what is set smaller: a remark, a source."""

    text: str
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """Numbered lines."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Parameters
    ----------
    head : tuple of str
        Column titles.
    rows : sequence of tuple of str
    numeric : frozenset of int
        Columns that are set flush right.
    widths : tuple of float
        Share of each column; empty: all the same.
    caption : str
    strong : frozenset of int
        Rows that stand out (also without colour).
    """

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: frozenset[int] = frozenset()
    widths: tuple[float, ...] = ()
    caption: str = ""
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing.

    Parameters
    ----------
    name : str
        Name of its file, without ending.
    png : bytes
    caption : str
    size : tuple of float
        Width and height, in any unit.
    """

    name: str
    png: bytes = field(repr=False)
    caption: str = ""
    size: tuple[float, float] = (1.0, 1.0)


Block = Heading | Paragraph | Steps | Table | Picture


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document.

    Parameters
    ----------
    lang : {"ja", "en"}
    title, subtitle : str
    blocks : sequence of Block
    """

    lang: Lang
    title: str
    subtitle: str
    blocks: Sequence[Block]
