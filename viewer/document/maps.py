"""Maps of the report: the city in grey, what was computed on top, scale and north."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from viewer.document.findings import Findings, Flooding
    from viewer.strings import Lang

__all__ = [
    "MAP_WIDTH",
    "base_map",
    "bounds_around",
    "draw_classes",
    "draw_depth",
    "draw_lines",
    "draw_polygons",
    "draw_water",
    "map_height",
    "seal",
]

MAP_WIDTH = 17.0
"""Width of a map on the page [cm]."""
LEGEND_WIDTH, KEY_WIDTH = 120, 7
"""Letters that fit under a map, and what a coloured key takes of them."""
PAPER, BLOCK, STREET, WATER = "#ffffff", "#d9dde2", "#b7bec7", "#dcebf5"


def map_height(found: Findings) -> float:
    """Height [cm] of a map of the area, with room for its legend below."""
    west, south, east, north = found.bounds
    return float(np.clip(MAP_WIDTH * (north - south) / (east - west), 6.0, 17.0)) + 2.0


def bounds_around(found: Findings, shapes: NDArray[np.object_]) -> tuple[float, float, float, float]:
    """A part of the area, in its proportions, with everything of `shapes` well inside; at least a fifth of it."""
    import shapely

    west, south, east, north = found.bounds
    x0, y0, x1, y1 = shapely.total_bounds(shapes)
    if not np.isfinite([x0, y0, x1, y1]).all():
        return found.bounds
    width, height = east - west, north - south
    share = float(np.clip(1.4 * max((x1 - x0) / width, (y1 - y0) / height), 0.2, 1.0))
    x = float(np.clip((x0 + x1) / 2, west + share * width / 2, east - share * width / 2))
    y = float(np.clip((y0 + y1) / 2, south + share * height / 2, north - share * height / 2))
    return x - share * width / 2, y - share * height / 2, x + share * width / 2, y + share * height / 2


def base_map(axes: Axes, found: Findings, bounds: tuple[float, float, float, float] | None = None) -> None:
    """Buildings, streets, sea and rivers in pale colours; of the whole area where no `bounds` are given."""
    west, south, east, north = bounds or found.bounds
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor(PAPER)
    if found.flooding is not None:
        draw_water(axes, found.flooding)
    draw_polygons(axes, found.buildings, facecolor=BLOCK, linewidth=0, zorder=2)
    draw_lines(axes, found.streets, color=STREET, linewidth=0.4, zorder=2)


def draw_water(axes: Axes, flooding: Flooding) -> None:
    """Sea and rivers."""
    _raster(axes, flooding, np.where(flooding.is_water, 1.0, np.nan), [WATER], [0.0, 2.0], zorder=1)


def draw_depth(
    axes: Axes,
    found: Findings,
    flooding: Flooding,
    *,
    alpha: float = 1.0,
    classes: Sequence[Mapping[str, Any]] | None = None,
) -> list[Any]:
    """Maximum depth on land with lines at 0.5 m and 3 m, in the official classes or in `classes` of the same form.

    Returns handles for the legend.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    from viewer.api.classes import DRY, depth_classes

    classes = classes or depth_classes()
    depth = np.where(flooding.is_water, np.nan, flooding.depth)
    edges = [DRY, *(entry["upper"] or 1e6 for entry in classes)]
    colors = [entry["color"] for entry in classes]
    _raster(axes, flooding, np.where(depth >= DRY, depth, np.nan), colors, edges, zorder=3, alpha=alpha)
    grid = flooding.grid
    # no lines around buildings: water that ends at a wall is no contour
    filled = np.ma.masked_where(~(depth >= DRY), depth)
    handles: list[Any] = []
    lines: tuple[tuple[float, Any], ...] = ((0.5, ":"), (3.0, "-"))
    for level, dash in lines:
        if (filled >= level).any() and (filled < level).any():
            axes.contour(
                grid.x_cell, grid.y_cell, filled, levels=[level], colors="#1f2933", linewidths=0.5, linestyles=[dash],
                zorder=4,
            )  # fmt: skip
            handles.append(Line2D([], [], color="#1f2933", linewidth=0.7, linestyle=dash, label=f"{level:g} m"))
    deepest = float(np.nanmax(depth, initial=0.0))
    shown = [entry for entry, low in zip(classes, edges, strict=False) if low <= deepest]
    patches = [Patch(facecolor=entry["color"], edgecolor="#52606d", linewidth=0.4, label=entry["name"][found.lang])
               for entry in shown]  # fmt: skip
    return [*patches, *handles]


def draw_lines(axes: Axes, shapes: NDArray[np.object_], **style: Any) -> None:
    """Lines in one style, or one colour or width a line."""
    import shapely
    from matplotlib.collections import LineCollection

    known = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)] if len(shapes) else shapes
    if len(known):
        flat, owner = shapely.get_parts(known, return_index=True)
        style = {name: [value[k] for k in owner] if isinstance(value, list) else value for name, value in style.items()}
        axes.add_collection(LineCollection([shapely.get_coordinates(line) for line in flat], **style))


def draw_polygons(axes: Axes, shapes: NDArray[np.object_], **style: Any) -> None:
    """Outer rings of polygons in one style."""
    import shapely
    from matplotlib.collections import PolyCollection

    known = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)] if len(shapes) else shapes
    if len(known):
        rings = [shapely.get_coordinates(part.exterior) for part in shapely.get_parts(known)]
        axes.add_collection(PolyCollection(rings, **style))


def seal(axes: Axes, lang: Lang, handles: Sequence[Any]) -> None:
    """Scale, north and legend."""
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    length = _round_length((east - west) * 0.2)
    x, y = west + 0.03 * (east - west), south + 0.03 * (north - south)
    axes.plot([x, x + length], [y, y], color="#1f2933", linewidth=2.0, solid_capstyle="butt", zorder=20)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    white: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.8}
    axes.text(x + length / 2, y + 0.012 * (north - south), text, ha="center", va="bottom", zorder=20, bbox=white)
    axes.annotate(
        say(lang, "report.north"), xy=(0.965, 0.975), xytext=(0.965, 0.90), xycoords="axes fraction", ha="center",
        va="center", arrowprops={"arrowstyle": "-|>", "color": "#1f2933", "linewidth": 1.0}, zorder=20, bbox=white,
    )  # fmt: skip
    if handles:
        widest = max(_width(handle.get_label()) for handle in handles)
        columns = int(np.clip(LEGEND_WIDTH // (widest + KEY_WIDTH), 1, 4))
        axes.legend(
            handles=list(handles), loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=columns, borderaxespad=0.2
        )  # fmt: skip


def _width(text: str) -> int:
    """Width of a label in Latin letters; a Japanese one is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _raster(
    axes: Axes,
    flooding: Flooding,
    values: NDArray[Any],
    colors: Sequence[str],
    edges: Sequence[float],
    **style: Any,
) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    west, south, east, north = flooding.grid.bounds
    shown = (*axes.get_xlim(), *axes.get_ylim())
    axes.imshow(
        np.ma.masked_invalid(values), extent=(west, east, south, north), origin="upper", interpolation="nearest",
        cmap=ListedColormap(list(colors)), norm=BoundaryNorm(list(edges), len(colors)), aspect="equal", **style,
    )  # fmt: skip
    axes.axis(shown)  # a raster is larger than a part of it


def draw_classes(
    axes: Axes, flooding: Flooding, values: NDArray[Any], colors: Sequence[str], edges: Sequence[float]
) -> None:
    """A raster in classes: `edges` has one more than `colors`; NaN stays clear."""
    _raster(axes, flooding, values, colors, edges, zorder=3)


def _round_length(most: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is at most `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most))
