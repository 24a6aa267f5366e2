"""A document as PDF: A4, page numbers, the Japanese typeface embedded."""

from __future__ import annotations

import io
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, assert_never

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import FontFace

from viewer.document.blocks import Block, Document, Heading, Paragraph, Picture, Steps, Table
from viewer.document.typeface import typeface
from viewer.strings import say

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_pdf"]

FACE = "body"
MARGIN = 18.0
"""Left and right [mm]."""
BODY, NOTE, CELL = 10.0, 8.5, 8.5
"""Sizes [pt]."""
HEADINGS = {1: 15.0, 2: 12.0, 3: 10.5}
INK, SOFT = (31, 41, 51), (82, 96, 109)
HIGHEST = 0.62
"""Largest share of a page's height that a picture takes."""


def write_pdf(document: Document, path: Path) -> None:
    """Write a document to `path`."""
    paper = _Paper(document)
    paper.add_page()
    paper.cover()
    for block, after in zip_longest(document.blocks, document.blocks[1:]):
        paper.put(block, after)
    paper.output(str(path))


class _Paper(FPDF):
    """Sheets with a running title and page numbers."""

    def __init__(self, document: Document) -> None:
        super().__init__(format="A4")
        self._document = document
        # words of Japanese have no spaces between them
        self._wrap = WrapMode.CHAR if document.lang == "ja" else WrapMode.WORD
        self._is_fresh = True
        self.set_lang(document.lang)
        self.set_title(document.title)
        self.set_creator("osaka-twin")
        self.add_font(FACE, fname=typeface())
        self.set_margins(MARGIN, 20.0, MARGIN)
        self.set_auto_page_break(True, margin=18.0)
        self.set_text_color(*INK)
        self.set_draw_color(*SOFT)

    def header(self) -> None:
        """The title on every page but the first."""
        if self.page_no() > 1:
            self._face(NOTE, SOFT)
            self.set_y(10)
            self.cell(0, 5, self._document.title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.set_y(20)

    def footer(self) -> None:
        """Page number and number of pages."""
        self.set_y(-13)
        self._face(NOTE, SOFT)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="C")

    def cover(self) -> None:
        """Title and subtitle."""
        self._face(20.0, INK)
        self._text(self._document.title, 9.5)
        self.ln(1)
        self._face(BODY, SOFT)
        self._text(self._document.subtitle, 5.5)
        self.set_line_width(0.5)
        self.line(MARGIN, self.get_y() + 2, self.w - MARGIN, self.get_y() + 2)
        self.ln(6)

    def put(self, block: Block, after: Block | None) -> None:
        """Set a block; a heading stays on the page of what comes after it."""
        match block:
            case Heading(level, text):
                self._heading(level, text, 40.0 if not isinstance(after, Picture) else self._size(after)[1] + 25.0)
            case Paragraph(text, is_note):
                self._face(NOTE if is_note else BODY, SOFT if is_note else INK)
                self._text(text, 4.4 if is_note else 5.4)
                self.ln(1.5)
            case Steps(items):
                self._face(BODY, INK)
                for number, item in enumerate(items, start=1):
                    self._text(f"{number}.  {item}", 5.2)
                self.ln(2)
            case Table():
                self._table(block)
            case Picture():
                self._picture(block)
            case _:
                assert_never(block)
        self._is_fresh = False

    def _heading(self, level: int, text: str, room: float) -> None:
        is_chapter = level == 1 and not self._is_fresh
        if is_chapter or self.will_page_break(room):
            self.add_page()
        else:
            self.ln(3)
        self._face(HEADINGS[level], INK)
        if level == 1:
            self.start_section(text)  # an entry of the outline
        self._text(text, HEADINGS[level] * 0.52)
        if level == 1:
            self.set_line_width(0.3)
            self.line(MARGIN, self.get_y() + 0.8, self.w - MARGIN, self.get_y() + 0.8)
        self.ln(2.5)

    def _table(self, block: Table) -> None:
        if block.caption:
            if self.will_page_break(20.0):
                self.add_page()
            self._face(NOTE, INK)
            self._text(block.caption, 4.8)
        self._face(CELL, INK)
        self.set_line_width(0.15)
        aligns = ["RIGHT" if column in block.numeric else "LEFT" for column in range(len(block.head))]
        grey = FontFace(color=INK, fill_color=(232, 237, 242))
        # IPAexGothic has no bold: what stands out is underlined and stands on grey
        strong = FontFace(emphasis="UNDERLINE", fill_color=(232, 237, 242))
        widths: Any = block.widths or (1.0,) * len(block.head)
        with self.table(
            line_height=4.6,
            padding=(0.6, 1.2),
            borders_layout="HORIZONTAL_LINES",
            headings_style=grey,
            text_align=tuple(aligns),
            col_widths=widths,
            wrapmode=self._wrap,
        ) as table:
            table.row(block.head)
            for number, row in enumerate(block.rows):
                table.row(row, style=strong if number in block.strong else None)
        self.ln(3)

    def _picture(self, block: Picture) -> None:
        width, height = self._size(block)
        if self.will_page_break(height + 8.0):
            self.add_page()
        self.image(io.BytesIO(block.png), x=MARGIN + (self.epw - width) / 2, w=width, h=height, alt_text=block.caption)
        self._face(NOTE, SOFT)
        self.ln(1)
        self._text(say(self._document.lang, "report.figure", caption=block.caption), 4.4)
        self.ln(2.5)

    def _size(self, block: Picture) -> tuple[float, float]:
        """Width and height on the page [mm]."""
        ratio = block.size[1] / block.size[0]
        width = min(self.epw, HIGHEST * self.eph / ratio)
        return width, width * ratio

    def _face(self, size: float, color: tuple[int, int, int]) -> None:
        self.set_font(FACE, size=size)
        self.set_text_color(*color)

    def _text(self, text: str, height: float) -> None:
        self.multi_cell(0, height, text, align="L", wrapmode=self._wrap, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
