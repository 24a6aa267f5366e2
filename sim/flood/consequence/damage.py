"""Direct damage in money, after the form of the Japanese manual of flood-control economics (治水経済調査マニュアル)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.findings import findings_of
from sim.flood.fields import ARRIVAL_DEPTHS
from twin.errors import LayerError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from sim.flood.consequence.exposed import Exposed
    from sim.flood.consequence.exposure import Classified
    from sim.flood.ground import Ground

__all__ = ["DamageTables", "damage_table", "read_damage", "slope_class"]

SLOPE_CLASSES = ("A", "B", "C")
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asset(_Strict):
    """A kind of asset: what it is worth, and which share is lost by depth and slope of the ground.

    Parameters
    ----------
    ja, en : str
    per : {"floor", "household", "worker"}
        What `value` counts [JPY/m2, JPY/household]; a worker's stands in the table of usages.
    value : float
    rates : mapping of {"A", "B", "C"} to tuple of float
        Below the floor, then by the bounds of the table; a slope class that is missing has the rates of A.
    """

    ja: str
    en: str
    per: Literal["floor", "household", "worker"]
    value: NotNegative = 0.0
    rates: dict[Literal["A", "B", "C"], tuple[Share, ...]]

    @model_validator(mode="after")
    def _ascend(self) -> Asset:
        if "A" not in self.rates:
            raise ValueError("there are no rates for slope class A")
        for slope, rates in self.rates.items():
            if any(b < a for a, b in itertools.pairwise(rates)):
                raise ValueError(f"the rates of class {slope} fall with depth: {rates}")
        return self


class Use(_Strict):
    """What a square metre of gross floor of a usage holds: see ``damage.yaml``."""

    home: Share
    workers: NotNegative
    fixed: NotNegative
    stock: NotNegative


class DamageTables(_Strict):
    """Contents of ``damage.yaml``."""

    source: str
    floor_height: NotNegative
    bounds: Annotated[tuple[NotNegative, ...], Field(min_length=1)]
    storey: Positive
    whole_storeys: Annotated[int, Field(ge=1)]
    slopes: tuple[Positive, Positive]
    slope_over: Positive
    household_floor: Positive
    depth_error: NotNegative
    assets: Annotated[dict[str, Asset], Field(min_length=1)]
    default: Use
    usage: dict[str, Use]

    @model_validator(mode="after")
    def _fits(self) -> DamageTables:
        if self.bounds[0] != 0.0 or any(b <= a for a, b in zip(self.bounds[:-1], self.bounds[1:], strict=True)):
            raise ValueError(f"bounds {self.bounds} do not increase from 0")
        if self.slopes[0] >= self.slopes[1]:
            raise ValueError(f"slopes {self.slopes} do not increase")
        for name, asset in self.assets.items():
            for slope, rates in asset.rates.items():
                if len(rates) != len(self.bounds) + 1:
                    raise ValueError(
                        f"assets.{name}.rates.{slope} has {len(rates)} rates; one below the floor and one a bound are "
                        f"{len(self.bounds) + 1}"
                    )
            if asset.per == "worker" and name not in Use.model_fields:
                raise ValueError(f"assets.{name} counts workers; it must be called fixed or stock")
        return self

    def rate(self, asset: Asset, depth: NDArray[np.float64], slope: NDArray[np.int8]) -> NDArray[np.float64]:
        """Share that is lost at `depth` above the ground [m] (n,), by slope class 0 to 2 (n,)."""
        rates = np.array([asset.rates.get(name, asset.rates["A"]) for name in ("A", "B", "C")])
        number = np.searchsorted(self.bounds, depth - self.floor_height, side="right")
        return np.where(depth >= ARRIVAL_DEPTHS[0], rates[slope, number], 0.0)

    def rate_of_storeys(
        self, asset: Asset, depth: NDArray[np.float64], storeys: NDArray[np.float64], slope: NDArray[np.int8]
    ) -> NDArray[np.float64]:
        """Share of a whole building that is lost: high ones storey by storey, a storey's floor being the ground's."""
        out = self.rate(asset, depth, slope)
        high = storeys > self.whole_storeys
        if not high.any():
            return out
        total = np.zeros(int(high.sum()))
        for k in range(int(np.ceil(storeys[high].max()))):
            above = depth[high] - k * self.storey
            if not (above > 0).any():
                break
            # upper storeys have no crawl space: water on their floor is above it
            level = above if k == 0 else np.where(above > 0, above + self.floor_height, 0.0)
            total += np.where(k < storeys[high], self.rate(asset, level, slope[high]), 0.0)
        out[high] = total / storeys[high]
        return out


def read_damage(path: Path | None = None) -> DamageTables:
    """The table that comes with the twin (``damage.yaml``), or another of the same form.

    Raises
    ------
    LayerError
        If the file is not of that form.
    """
    where = "sim/flood/consequence/damage.yaml" if path is None else str(path)
    source = files("sim.flood.consequence").joinpath("damage.yaml") if path is None else path
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
        return DamageTables.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        said = findings_of(error, content) if isinstance(error, ValidationError) else " ".join(str(error).split())
        raise LayerError(
            f"is no table of damage ({said[:300]})",
            where=where,
            remedy="Start from a copy of sim/flood/consequence/damage.yaml.",
        ) from error


def slope_class(ground: Ground, tables: DamageTables) -> NDArray[np.int8]:
    """Class of the ground's slope at each cell, 0 = A, 1 = B, 2 = C (ny, nx).

    The slope is that of the plane through the land of a square of ``slope_over``: a single kerb is no hillside. A
    square with fewer than three known cells counts as flat.
    """
    ny, nx = ground.grid.shape
    side = max(1, round(tables.slope_over / ground.grid.cell_size))
    out = np.zeros((ny, nx), dtype=np.int8)
    known = ground.is_land & np.isfinite(ground.bed)
    for top in range(0, ny, side):
        for left in range(0, nx, side):
            part = np.s_[top : top + side, left : left + side]
            row, col = np.nonzero(known[part])
            if len(row) < 3:
                continue
            x, y = (col - col.mean()) * ground.grid.cell_size, (row - row.mean()) * ground.grid.cell_size
            plane, *_ = np.linalg.lstsq(np.c_[x, y], ground.bed[part][row, col] - ground.bed[part][row, col].mean())
            out[part] = np.searchsorted(tables.slopes, float(np.hypot(*plane)), side="right")
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Holdings:
    """What stands in the buildings that get wet."""

    value: dict[str, NDArray[np.float64]]
    """[JPY] by asset (n,)."""
    depth: NDArray[np.float64]
    storeys: NDArray[np.float64]
    slope: NDArray[np.int8]
    rank: NDArray[np.int64]


def damage_table(found: Classified, exposed: Exposed, ground: Ground, tables: DamageTables) -> pd.DataFrame:
    """A row an asset and class of depth (the table ``depth`` of the exposure).

    Columns: ``asset``, ``name_ja``, ``name_en``, ``rank``, ``buildings`` (that are wet), ``value_jpy`` (what stands in
    them), ``damage_jpy``, and ``low_jpy``, ``high_jpy`` with depths shallower and deeper by ``depth_error``. The range
    says how much the depth matters; rates and values of assets are uncertain by about a factor of two on top of it.
    """
    import pandas as pd

    held = _holdings(found, exposed, ground, tables)
    rows = []
    for name, asset in tables.assets.items():
        lost = {
            key: held.value[name]
            * tables.rate_of_storeys(asset, np.maximum(held.depth + by, 0.0), held.storeys, held.slope)
            for key, by in (("damage_jpy", 0.0), ("low_jpy", -tables.depth_error), ("high_jpy", tables.depth_error))
        }  # fmt: skip
        for number in range(1, len(found.tables["depth"].ranks) + 1):
            here = held.rank == number
            rows.append(
                {
                    "asset": name, "name_ja": asset.ja, "name_en": asset.en, "rank": number,
                    "buildings": int((here & (held.value[name] > 0)).sum()),
                    "value_jpy": float(held.value[name][here].sum()),
                    **{key: float(values[here].sum()) for key, values in lost.items()},
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _holdings(found: Classified, exposed: Exposed, ground: Ground, tables: DamageTables) -> _Holdings:
    wet = np.flatnonzero(found.building_class["depth"] > 0)
    uses = [tables.usage.get(str(code), tables.default) for code in exposed.usage[wet]]
    home, workers, fixed, stock = (
        np.array([getattr(use, name) for use in uses], dtype=np.float64) for name in Use.model_fields
    )
    floor = exposed.floor[wet]
    known = found.households[wet]
    households = np.where(np.isfinite(known), known, home * floor / tables.household_floor)
    per_worker = {"fixed": fixed, "stock": stock}
    value = {}
    for name, asset in tables.assets.items():
        if asset.per == "floor":
            value[name] = floor * asset.value
        elif asset.per == "household":
            value[name] = households * asset.value
        else:
            value[name] = floor * workers * per_worker[name]
    slope = slope_class(ground, tables).reshape(-1)
    order = np.argsort(found.buildings.feature, kind="stable")
    first = np.searchsorted(found.buildings.feature[order], wet)
    middle = found.buildings.cell[order][first]
    depth = found.buildings.mean_where(found.depth, ARRIVAL_DEPTHS[0])[wet]
    return _Holdings(
        value, depth, exposed.storeys[wet], slope[middle], found.building_class["depth"][wet].astype(np.int64)
    )
