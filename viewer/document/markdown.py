"""A document as Markdown with its pictures beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from viewer.document.blocks import Block, Document, Heading, Paragraph, Picture, Steps, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PICTURES", "markdown", "write_markdown"]

PICTURES = "figures"
"""Folder of the pictures beside the text."""


def write_markdown(document: Document, path: Path) -> None:
    """Write the text to `path` and the pictures into the folder ``figures`` beside it."""
    folder = path.parent / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    for block in document.blocks:
        if isinstance(block, Picture):
            (folder / f"{block.name}.png").write_bytes(block.png)
    path.write_text(markdown(document), encoding="utf-8")


def markdown(document: Document) -> str:
    """The text of a document."""
    head = [f"# {_safe(document.title)}", _safe(document.subtitle)]
    return "\n\n".join([*head, *(text for block in document.blocks for text in _lines(block))]) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"{'#' * (level + 1)} {_safe(text)}"
        case Paragraph(text, is_note):
            yield f"*{_safe(text)}*" if is_note else _safe(text)
        case Steps(items):
            yield "\n".join(f"{number}. {_safe(item)}" for number, item in enumerate(items, start=1))
        case Table():
            if block.caption:
                yield f"**{_safe(block.caption)}**"
            yield _table(block)
        case Picture(name, _, caption):
            yield f"![{_safe(caption)}]({PICTURES}/{name}.png)"
            yield f"*{_safe(caption)}*"
        case _:
            assert_never(block)


def _table(table: Table) -> str:
    rule = ["---:" if column in table.numeric else "---" for column in range(len(table.head))]
    rows = [
        tuple(f"**{_safe(cell)}**" if cell else "" for cell in row) if number in table.strong else map(_safe, row)
        for number, row in enumerate(table.rows)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (map(_safe, table.head), rule, *rows))


def _safe(text: str) -> str:
    """Text that Markdown shows as it stands."""
    return re.sub(r"([\\`*_\[\]|<>#])", r"\\\1", text).replace("\n", " ")
