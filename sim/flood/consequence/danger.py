"""How dangerous the water has been: tables of limits, and the worst that each cell saw at the samples of a run."""

from __future__ import annotations

import itertools
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.findings import findings_of
from sim.flood.consequence.kernels import PIECE, Limits, Worst, judge_discharge, judge_velocity
from sim.flood.fields import ARRIVAL_DEPTHS
from sim.flood.ranks import Rank, RankTable
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sim.flood.kernels import Active

__all__ = ["Danger", "DangerTables", "read_danger"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Named(_Strict):
    color: Color
    ja: str
    en: str

    def rank(self, lower: float) -> Rank:
        return Rank(lower, self.color, {"ja": self.ja, "en": self.en})


class RatingClass(_Named):
    """A class of the hazard to people; `from_` is its lowest rating."""

    from_: Annotated[float, Field(alias="from", ge=0)]


class Rating(_Strict):
    """Hazard to people, d (v + offset) + debris factor."""

    source: str
    offset: NotNegative
    debris: Annotated[tuple[tuple[NotNegative, NotNegative], ...], Field(min_length=1)]
    debris_speed: Positive
    classes: Annotated[tuple[RatingClass, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ascend(self) -> Rating:
        _require_ascending([depth for depth, _ in self.debris], "depths of debris")
        _require_ascending([one.from_ for one in self.classes], "ratings of the classes")
        return self


class VulnerabilityClass(_Named):
    """A class that holds up to its three limits; the last one has none."""

    dv: Positive = float("inf")
    d: Positive = float("inf")
    v: Positive = float("inf")


class Vulnerability(_Strict):
    """Combined hazard curves."""

    source: str
    classes: Annotated[tuple[VulnerabilityClass, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _grow(self) -> Vulnerability:
        for before, after in zip(self.classes[:-1], self.classes[1:], strict=True):
            if after.dv < before.dv or after.d < before.d or after.v < before.v:
                raise ValueError(f"the limits of {after.en!r} lie below those of {before.en!r}; let them grow")
        return self


class CollapseClass(_Named):
    """A class of the collapse of houses: where u^2 h reaches `force`, or u the `curve`."""

    force: Positive | None = None
    curve: tuple[tuple[NotNegative, Positive], ...] = ()

    @model_validator(mode="after")
    def _one(self) -> CollapseClass:
        if (self.force is None) == (not self.curve):
            raise ValueError("give exactly one of force and curve")
        _require_ascending([depth for depth, _ in self.curve], "depths of the curve")
        return self


class Collapse(_Strict):
    """Where houses collapse in the current."""

    source: str
    classes: Annotated[tuple[CollapseClass, ...], Field(min_length=1)]


class DangerTables(_Strict):
    """Contents of ``danger.yaml``."""

    rating: Rating
    vulnerability: Vulnerability
    collapse: Collapse

    def limits(self) -> Limits:
        """The tables as the kernels take them."""
        depth, factor = np.array(self.rating.debris, dtype=np.float32).T
        collapse = self.collapse.classes
        curves = [np.array(one.curve, dtype=np.float32).reshape(-1, 2) for one in collapse]
        points = np.concatenate(curves)
        return Limits(
            least=np.float32(ARRIVAL_DEPTHS[0]),
            offset=np.float32(self.rating.offset),
            debris_depth=np.ascontiguousarray(depth),
            debris_rise=np.diff(factor, prepend=np.float32(0.0)),
            debris_speed=np.float32(self.rating.debris_speed),
            debris_most=np.float32(factor[-1]),
            vulnerability=np.array([[c.dv, c.d, c.v] for c in self.vulnerability.classes[:-1]], dtype=np.float32),
            force=np.array([np.inf if c.force is None else c.force for c in collapse], dtype=np.float32),
            curve_first=np.cumsum([0, *map(len, curves)], dtype=np.int64),
            curve_depth=np.ascontiguousarray(points[:, 0]),
            curve_speed=np.ascontiguousarray(points[:, 1]),
        )

    def rank_tables(self) -> dict[str, RankTable]:
        """``rating`` by its value; ``vulnerability`` and ``collapse`` by the number of the class."""
        return {
            "rating": RankTable(
                {"ja": "歩行者等の危険度", "en": "Hazard to people"}, "1", self.rating.source,
                tuple(one.rank(one.from_) for one in self.rating.classes),
            ),
            "vulnerability": RankTable(
                {"ja": "水深・流速による危険度", "en": "Combined hazard"}, "1", self.vulnerability.source,
                tuple(one.rank(number) for number, one in enumerate(self.vulnerability.classes, start=1)),
            ),
            "collapse": RankTable(
                {"ja": "家屋倒壊等氾濫想定区域（氾濫流）", "en": "Collapse of houses in the current"}, "1",
                self.collapse.source,
                tuple(one.rank(number) for number, one in enumerate(self.collapse.classes, start=1)),
            ),
        }  # fmt: skip


def _require_ascending(values: list[float], what: str) -> None:
    if any(b <= a for a, b in itertools.pairwise(values)):
        raise ValueError(f"the {what} do not increase: {values}")


def read_danger(path: Path | None = None) -> DangerTables:
    """The tables that come with the twin (``danger.yaml``), or others of the same form.

    Raises
    ------
    LayerError
        If the file is not of that form.
    """
    where = "sim/flood/consequence/danger.yaml" if path is None else str(path)
    source = files("sim.flood.consequence").joinpath("danger.yaml") if path is None else path
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
        return DangerTables.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        said = findings_of(error, content) if isinstance(error, ValidationError) else " ".join(str(error).split())
        raise LayerError(
            f"is no table of dangers ({said[:300]})",
            where=where,
            remedy="Start from a copy of sim/flood/consequence/danger.yaml.",
        ) from error


class Danger:
    """The worst of each cell over the samples of a run.

    Parameters
    ----------
    tables : DangerTables
    shape : tuple of int
        (ny, nx).
    """

    def __init__(self, tables: DangerTables, shape: tuple[int, int]) -> None:
        self.tables = tables
        self.worst = Worst(*(np.zeros(shape, dtype=np.float32) for _ in range(3)))
        self._limits = tables.limits()
        self._room = np.zeros((2, PIECE), dtype=np.float32)

    def judge_velocity(
        self, h: NDArray[Any], u: NDArray[Any], v: NDArray[Any], corner: tuple[int, int], active: Active
    ) -> None:
        """Take a sample of a scheme that keeps velocities; arrays as :func:`danger_kernels.judge_velocity` has them."""
        judge_velocity(h, u, v, corner, active, self._limits, self._room, self.worst)

    def judge_discharge(
        self, h: NDArray[Any], qx: NDArray[Any], qy: NDArray[Any], critical: float, active: Active
    ) -> None:
        """Take a sample of a scheme that keeps unit discharges; see :func:`danger_kernels.judge_discharge`."""
        judge_discharge(h, qx, qy, critical, active, self._limits, self._room, self.worst)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a restart needs."""
        return {f"worst_{name}": values for name, values in self.worst._asdict().items()}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what :meth:`arrays` gave."""
        for name, values in self.arrays().items():
            values[...] = arrays[name]

    def maps(self) -> dict[str, NDArray[np.float32]]:
        """By registered name: the largest rating, and the highest classes (0: none)."""
        return {
            "rating_max_cell": self.worst.rating,
            "vulnerability_cell": self.worst.vulnerability,
            "collapse_cell": self.worst.collapse,
        }
