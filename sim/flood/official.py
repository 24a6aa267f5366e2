"""A run beside the official inundation records that PLATEAU buildings carry, building by building."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    import pandas as pd

    from twin.layer import MeshLayer

__all__ = ["Comparison", "compare_with_official", "summarise_difference"]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Simulated against official water level.

    Parameters
    ----------
    table : DataFrame
        One row a building with an official depth: ``feature``, ``id``, ``mesh`` (JIS mesh of the source file),
        ``base`` [m T.P.], ``official_depth`` [m], ``official_level`` = base + depth [m T.P.], ``simulated_level``
        [m T.P.], ``is_dry``, ``difference`` = simulated - official [m]. A building that stayed dry in the run has its
        base as simulated level.
    summary : dict
        ``buildings_count``, ``dry_count``, ``bias_m`` (median of the difference), ``median_m`` and ``p90_m`` (of its
        absolute value), ``rank_agreement_1`` (share of buildings in the same official class).
    """

    table: pd.DataFrame
    summary: dict[str, float]


def compare_with_official(buildings: MeshLayer, flooded: pd.DataFrame, *, hazard: str, scale: str = "") -> Comparison:
    """Join a run's buildings with their official records.

    Parameters
    ----------
    buildings : MeshLayer
        With ``records["risk"]``.
    flooded : DataFrame
        Table ``buildings`` of a flood run (``id``, ``max_stage``).
    hazard : str
        ``river_flood``, ``tsunami`` or ``storm_surge``.
    scale : str
        ``planned`` or ``maximum`` where the records tell; any by default, the deepest record a building counts.

    Raises
    ------
    LayerError
        If no building of the run has such a record.
    """
    import pandas as pd

    risk = buildings.records.get("risk")
    if risk is None:
        raise LayerError(
            "the buildings carry no risk records", where="layer buildings", remedy="Use PLATEAU buildings."
        )
    chosen = risk[(risk["hazard"] == hazard) & risk["depth"].notna() & ((risk["scale"] == scale) | (scale == ""))]
    deepest = chosen.groupby("feature", as_index=False)["depth"].max()
    table = buildings.table.loc[deepest["feature"], ["id", "base", "source_file"]].reset_index(drop=True)
    table.insert(0, "feature", deepest["feature"])
    table["mesh"] = table.pop("source_file").astype(str).str.extract(r"(\d{6,8})_[a-z]+_[^/]*$", expand=False)
    table["official_depth"] = deepest["depth"]
    table["official_level"] = table["base"] + table["official_depth"]
    table = table.merge(flooded[["id", "max_stage"]], on="id", how="inner").dropna(subset=["official_level"])
    if table.empty:
        there = ", ".join(sorted(set(risk["hazard"]))) or "none"
        raise LayerError(
            f"no building of the run has an official {hazard} depth",
            where="layer buildings",
            remedy=f"Records there are: {there}.",
        )
    table["is_dry"] = table["max_stage"].isna()
    table["simulated_level"] = table.pop("max_stage").where(~table["is_dry"], table["base"])
    table["difference"] = table["simulated_level"] - table["official_level"]
    return Comparison(pd.DataFrame(table), summarise_difference(table))


def summarise_difference(table: pd.DataFrame) -> dict[str, float]:
    """Figures of a part of a comparison's table: see :class:`Comparison`."""
    from sim.flood.ranks import rank_tables

    off = np.abs(table["difference"].to_numpy())
    classify = rank_tables()["standard"].classify
    same = classify(table["simulated_level"] - table["base"]) == classify(table["official_depth"])
    return {
        "buildings_count": float(len(table)),
        "dry_count": float(table["is_dry"].sum()),
        "bias_m": float(np.median(table["difference"])),
        "median_m": float(np.median(off)),
        "p90_m": float(np.quantile(off, 0.9)),
        "rank_agreement_1": float(same.mean()),
    }
