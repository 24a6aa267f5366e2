"""What an ensemble shows: how probable water is at every place and on every street."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely

from layers.pack import surface_arrays
from sim.ensemble.fields import centimetres, probability_name
from viewer.api.paths import path_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from layers.pack import Ground
    from viewer.api.group import Member

__all__ = ["link_pack", "probability_class", "probability_pack", "shown_first", "thresholds"]

Pack = tuple[dict[str, Any], dict[str, "NDArray[Any]"]]
FIRST_SHOWN = {"ensemble.probability": 0.5, "ensemble.links": 0.3}
"""Depth [m] that is shown at first: water at the floor of a house; water in which a car stops."""


def thresholds(member: Member) -> list[float]:
    """Depths whose probability the run has [m]."""
    return [float(depth) for depth in member.manifest["ensemble"]["thresholds"]]


def shown_first(member: Member, overlay: str) -> float:
    """The threshold nearest to the one that is shown at first [m]."""
    return min(thresholds(member), key=lambda depth: abs(depth - FIRST_SHOWN[overlay]))


def probability_class(probability: NDArray[Any], style: Mapping[str, Any]) -> NDArray[np.int64]:
    """Number of the class of each probability, -1 where it is zero or nothing is known."""
    # in single precision, as it is stored: nine of ten members are 90 %
    lowers = np.array([entry["lower"] for entry in style["classes"]], dtype=np.float32)
    known = np.nan_to_num(probability, nan=0.0).astype(np.float32)
    return np.where(known > 0, np.searchsorted(lowers, known, side="right") - 1, -1)


def probability_pack(
    member: Member, depth: float, style: Mapping[str, Any], origin: tuple[float, float], ground: Ground | None
) -> Pack:
    """Areas of equal class, draped on the ground: triangles with ``vclass`` u1; meta has the classes."""
    from affine import Affine
    from rasterio.features import shapes

    grid = member.run.grid
    with rasterio.open(member.run.map_path(probability_name(depth))) as source:
        code = (probability_class(source.read(1), style) + 1).astype(np.uint8)
    found = list(shapes(code, mask=code > 0, connectivity=4, transform=Affine(*grid.affine)))
    areas = [shapely.geometry.shape(outline) for outline, _ in found]
    kinds = np.array([int(value) - 1 for _, value in found], dtype=np.uint8)
    classes = [{"name": entry["name"], "color": entry["color"]} for entry in style["classes"]]
    return {"classes": classes}, surface_arrays(areas, kinds, origin, ground)


def link_pack(
    member: Member, depth: float, style: Mapping[str, Any], origin: tuple[float, float], ground: Ground | None
) -> Pack:
    """Streets that some member floods: lines, ``vclass`` u1 (n,) the class of the probability."""
    table = gpd.read_parquet(member.run.folder / "links.parquet")
    kind = probability_class(table[f"probability_{centimetres(depth)}"].to_numpy(), style)
    used = np.flatnonzero(kind >= 0)
    arrays = path_arrays(table.geometry.to_numpy()[used], origin, ground)
    return {"rows": used.tolist()}, {**arrays, "vclass": kind[used].astype(np.uint8)}
