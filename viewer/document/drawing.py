"""Drawings: one style, the Japanese typeface, PNG at print resolution."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from viewer.document.blocks import Picture
from viewer.document.typeface import typeface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DASHES", "HATCHES", "drawing", "picture"]

DPI = 160
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
"""Line styles in order: a curve is told apart without its colour."""
HATCHES = ("", "///", "\\\\\\", "xxx", "...", "+++")
"""Fillings in order, for the same reason."""


@cache
def _family() -> str:
    from matplotlib import font_manager

    path = typeface()
    font_manager.fontManager.addfont(str(path))
    return font_manager.FontProperties(fname=str(path)).get_name()


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A sheet of `width` x `height` [cm] with one pair of axes; draw inside the context."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {
        "font.family": _family(),
        "font.size": 8.0,
        "axes.unicode_minus": False,
        "axes.linewidth": 0.6,
        "axes.edgecolor": "#52606d",
        "axes.grid": False,
        "grid.linewidth": 0.4,
        "grid.color": "#c9d1d9",
        "legend.frameon": False,
        "legend.fontsize": 7.5,
        "hatch.linewidth": 0.5,
        "figure.constrained_layout.use": True,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(width / 2.54, height / 2.54), dpi=DPI)
        yield figure, figure.add_subplot()


def picture(figure: Figure, name: str, caption: str) -> Picture:
    """The sheet as a picture; call inside its context."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # a name in a script that the typeface lacks is drawn as boxes: it still stands in the tables
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format="png", metadata={"Software": "osaka-twin"})
    width, height = figure.get_size_inches()
    return Picture(name, stream.getvalue(), caption, (float(width), float(height)))
