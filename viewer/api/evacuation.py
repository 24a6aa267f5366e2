"""What an evacuation's run shows beside its people: shelters as they fill, streets as they crowd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.pack import point_arrays
from viewer.api.paths import FOREVER, path_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from layers.pack import Ground
    from viewer.api.group import Member

__all__ = ["LOAD", "link_pack", "shelter_pack"]

LOAD = "load_link"
GAUGE = "shelter:"
NONE = 255
"""Class of a street that nobody is on."""

Pack = tuple[dict[str, Any], dict[str, "NDArray[Any]"]]


def shelter_pack(member: Member, origin: tuple[float, float], ground: Ground | None) -> Pack:
    """Shelters: ``positions`` f4 (n, 3), ``capacity`` f4 (n,) (0: without limit), ``load`` f4 (T, n) persons at
    ``times`` f4 (T,), ``flooded`` f4 (n,) s; meta has the names as ``labels``."""  # noqa: D205, D209 - one sentence
    table = gpd.read_parquet(member.run.folder / "shelters.parquet")
    gauges = pd.read_csv(member.run.gauges_path())
    points = table.geometry.representative_point()
    xy = np.column_stack([points.x, points.y])
    placed = point_arrays(xy, np.full(len(xy), np.nan), np.zeros(len(xy), np.uint8), origin, ground)
    names = table["name"].astype(str)
    columns = [f"{GAUGE}{name}" for name in names]
    load = gauges.reindex(columns=columns).to_numpy(dtype=np.float32)
    capacity = table["capacity"].to_numpy(dtype=np.float64)
    flooded = table["flooded_s"].to_numpy(dtype=np.float64)
    return {"labels": [{"ja": name, "en": name} for name in names]}, {
        "positions": placed["positions"],
        "capacity": np.where(np.isfinite(capacity), capacity, 0).astype(np.float32),
        "times": gauges["time_s"].to_numpy(dtype=np.float32),
        "load": np.nan_to_num(load),
        "flooded": np.nan_to_num(flooded, nan=FOREVER, posinf=FOREVER).astype(np.float32),
    }


def link_pack(member: Member, style: Mapping[str, Any], origin: tuple[float, float], ground: Ground | None) -> Pack:
    """Streets that somebody walked: lines, and ``codes`` u1 (T, n) the class of crowding at ``times`` f4 (T,).

    Crowding is the load over the area of the link; a width that is not known counts as its class's least, 1 m.
    """
    table = gpd.read_parquet(member.run.folder / "links.parquet")
    fields = member.run.fields()
    load = fields[LOAD].to_numpy()
    used = np.flatnonzero(load.max(axis=0, initial=0.0) > 0)
    width = np.nan_to_num(table["width_m"].to_numpy(dtype=np.float64)[used], nan=1.0)
    area = np.maximum(width, 1.0) * np.maximum(table["length_m"].to_numpy(dtype=np.float64)[used], 1.0)
    density = load[:, used] / area
    codes = np.searchsorted(np.asarray(style["uppers"]), density, side="right").astype(np.uint8)
    codes[load[:, used] <= 0] = NONE
    arrays = path_arrays(table.geometry.to_numpy()[used], origin, ground)
    return {"rows": used.tolist()}, {
        **arrays,
        "times": fields["time"].to_numpy().astype(np.float32),
        "codes": codes,
    }
