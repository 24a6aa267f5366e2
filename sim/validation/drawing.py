"""Draws panels into a PNG."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.validation.record import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["draw_panels"]

COLOURS = 64
"""Of a drawing."""

ROLES: dict[str, dict[str, Any]] = {
    "reference": {"color": "0.25", "linestyle": "none", "marker": ".", "markersize": 2.5},
    "ours": {"color": "#0072b2", "linewidth": 1.2},
    "ground": {"color": "#8c6d46", "linewidth": 1.0},
}
"""How the lines of each role look; blue and grey differ for colour-blind readers and on paper."""


def draw_panels(panels: Sequence[Panel], path: Path) -> None:
    """Write the panels, at most three in a row.

    Parameters
    ----------
    panels : sequence of Panel
        At least one.
    path : Path
        PNG to write; its folder is made.
    """
    from matplotlib.figure import Figure
    from PIL import Image

    cols = min(len(panels), 3)
    rows = math.ceil(len(panels) / cols)
    # a map that stands alone leaves half of a wide page blank
    width = 6.5 if len(panels) == 1 and panels[0].image is not None else 10.0
    figure = Figure(figsize=(width, 2.4 * rows if cols > 1 else 3.4), dpi=80, layout="constrained")
    axes = figure.subplots(rows, cols, squeeze=False).ravel()
    for panel, axis in zip(panels, axes, strict=False):
        _draw(panel, axis, figure)
    for axis in axes[len(panels) :]:
        axis.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    # few colours make a small file, which holds no date and no version: the same results give the same bytes
    Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _draw(panel: Panel, axis: Any, figure: Any) -> None:
    if panel.image is not None:
        shown = axis.imshow(panel.image, extent=panel.extent, cmap="viridis")
        figure.colorbar(shown, ax=axis)
    for line in panel.lines:
        style = dict(ROLES[line.role])
        if line.role == "ours" and "every" in line.label:
            style |= {"linestyle": "none", "marker": ",", "alpha": 0.6}
        axis.plot(line.x, line.y, label=line.label, **style)
    if any(line.role == "ground" for line in panel.lines):
        # a deep bed would leave nothing to see of the water
        seen = np.concatenate([line.y[np.isfinite(line.y)] for line in panel.lines if line.role != "ground"])
        low, high = float(seen.min()), float(seen.max())
        margin = 0.15 * (high - low) or 0.1
        axis.set_ylim(low - margin, high + margin)
    axis.set_title(panel.title, fontsize=9)
    axis.set_xlabel(panel.x_label, fontsize=8)
    axis.set_ylabel(panel.y_label, fontsize=8)
    axis.tick_params(labelsize=7)
    if len(panel.lines) > 1:
        axis.legend(fontsize=7)
