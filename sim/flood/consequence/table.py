"""What a finished flood means: classes, people, buildings, money; the tables for it are read before the run begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.flood.consequence.damage import DamageTables, damage_table, read_damage
from sim.flood.consequence.exposed import Exposed, list_exposed
from sim.flood.consequence.exposure import Classified, classify_flood, exposure_table
from sim.flood.fields import DURATION_DEPTH
from sim.flood.ranks import RankTable, rank_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from sim.flood.scenario import FloodSection
    from sim.flood.surface import SurfaceModel
    from sim.stage import StageInput

__all__ = ["Assessment", "Consequence"]


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """Results: a map, tables, figures, and the classes by building.

    Parameters
    ----------
    depth : ndarray of float32 (ny, nx)
        Map ``flood_depth_cell``.
    tables : mapping of str to DataFrame
        ``exposure``, ``damage`` (where the city has buildings).
    summary : mapping of str to float
    found : Classified
    """

    depth: NDArray[np.float32]
    tables: Mapping[str, pd.DataFrame]
    summary: Mapping[str, float]
    found: Classified


@dataclass(frozen=True, slots=True, eq=False)
class Consequence:
    """Tables and exposed things of a scenario.

    Parameters
    ----------
    exposed : Exposed
    ranks : mapping of str to RankTable
    damage : DamageTables
    """

    exposed: Exposed = field(default_factory=Exposed)
    ranks: Mapping[str, RankTable] = field(default_factory=rank_tables)
    damage: DamageTables = field(default_factory=read_damage)

    @classmethod
    def prepare(cls, stage: StageInput, section: FloodSection) -> Consequence:
        """Read everything that the evaluation needs.

        Raises
        ------
        LayerError, ScenarioError
            If a table or the population is not as it must be.
        """
        ranks, damage = (
            None if path is None else stage.files.path(path)
            for path in (section.evaluation.ranks, section.evaluation.damage)
        )
        return cls(list_exposed(stage, section), rank_tables(ranks), read_damage(damage))

    def assess(self, model: SurfaceModel, maps: Mapping[str, NDArray[np.float32]]) -> Assessment:
        """Classes, tables and figures of a finished run; `maps` are its statistics."""
        exposed, cell_area = self.exposed, model.grid.cell_area
        found = classify_flood(model, maps, exposed, self.ranks)
        exposure = exposure_table(found, exposed, cell_area)
        tables = {"exposure": exposure}
        by_depth = exposure[exposure["table"] == "depth"]
        collapse = exposure[exposure["table"] == "collapse"]
        standing = model.ground.is_land & (model.fields()["h_cell"] >= DURATION_DEPTH)
        summary = {
            "flooded_zone_ha": float(by_depth["area_ha"].sum()),
            "collapse_area_ha": float(collapse["area_ha"].sum()),
            "collapse_buildings_count": float(collapse["buildings"].sum()),
            "standing_at_end_ha": float(standing.sum() * cell_area / 1e4),
        }
        if exposed.squares is not None:
            summary["flooded_people_count"] = float(by_depth["people"].sum())
            deep = by_depth[by_depth["lower"] >= DURATION_DEPTH]
            summary["flooded_people_over_0.5m_count"] = float(deep["people"].sum())
            summary["collapse_people_count"] = float(collapse["people"].sum())
        if len(exposed.outline):
            damage = damage_table(found, exposed, model.ground, self.damage)
            tables["damage"] = damage
            summary["damage_depth_error_m"] = self.damage.depth_error
            for name in ("damage", "low", "high"):
                figure = "damage_jpy" if name == "damage" else f"damage_{name}_jpy"
                summary[figure] = float(damage[f"{name}_jpy"].sum())
        return Assessment(found.depth, tables, summary, found)
