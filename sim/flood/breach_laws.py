"""How wide a breach becomes, and how fast: laws that a scenario can name in place of figures."""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from sim.flood.given import NotNegative
from twin.scenario import Finite, Positive, Section

__all__ = [
    "DamWidth",
    "ErosionWidth",
    "ManualWidth",
    "Overtopped",
    "ThunWidth",
    "WidthLaw",
    "breach_table",
    "erosion_rate",
    "widened_share",
]

GRAVITY = 9.81


@cache
def breach_table() -> dict[str, Any]:
    """``materials`` and ``laws`` (``levee_materials.yaml``)."""
    text = files("sim.flood").joinpath("levee_materials.yaml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


def widened_share(shape: str, x: float) -> float:
    """Share of the growth at the share `x` of its time, both 0 to 1."""
    x = min(max(x, 0.0), 1.0)
    match shape:
        case "sqrt":
            return math.sqrt(x)
        case "log":
            return math.log10(1.0 + 9.0 * x)
        case _:
            return x


def erosion_rate(head: float, time: float, critical_velocity: float) -> float:
    """Growth of the width [m/s] after Verheij & van der Knaap (2002).

    Parameters
    ----------
    head : float
        Difference of the water levels [m].
    time : float
        Since the breach is as deep as it gets [s].
    critical_velocity : float
        Of the material [m/s].
    """
    law = breach_table()["laws"]["verheij_van_der_knaap"]
    uc, hours = critical_velocity, time / 3600.0
    force = (GRAVITY * max(head, 0.0)) ** 1.5
    # the law counts in hours
    return (
        float(law["f1"] * law["f2"] / (math.log(10.0) * uc**2) * force / (1.0 + law["f2"] * GRAVITY / uc * hours))
        / 3600.0
    )


class ManualWidth(Section):
    """Width by the width of the river: the Japanese manual of flood inundation maps (浸水想定区域図作成マニュアル).

    Parameters
    ----------
    law : {"manual"}
    river_width : float
        [m].
    confluence : bool
        Whether another river joins there.
    """

    law: Literal["manual"]
    river_width: Annotated[float, Field(ge=1.0, allow_inf_nan=False)]
    confluence: bool = False

    def _row(self) -> dict[str, float]:
        row: dict[str, float] = breach_table()["laws"]["manual_confluence" if self.confluence else "manual"]
        return row

    @property
    def final(self) -> float:
        """Final width [m]."""
        row = self._row()
        return float(row["factor"] * math.log10(self.river_width) ** row["exponent"] + row["constant"])

    @property
    def growth(self) -> float:
        """Time until then [s]."""
        return float(self._row()["growth"])

    @property
    def at_once(self) -> float:
        """Share of the width that fails at once."""
        return float(self._row()["at_once"])


class ErosionWidth(Section):
    """Width that grows with the head over the breach (Verheij & van der Knaap 2002), after it has deepened.

    Parameters
    ----------
    law : {"verheij_van_der_knaap"}
    material : str or None
        Of ``levee_materials.yaml``.
    critical_velocity : float or None
        In its place [m/s].
    initial : float
        Width while it deepens [m].
    limit : float
        Largest width [m].
    head : float or None
        A constant difference of the water levels [m]; by default that of the model, at every step.
    """

    law: Literal["verheij_van_der_knaap"]
    material: str | None = None
    critical_velocity: Positive | None = None
    initial: Positive = 10.0
    limit: Positive = 200.0
    head: Positive | None = None

    @model_validator(mode="after")
    def _has_material(self) -> ErosionWidth:
        if (self.material is None) == (self.critical_velocity is None):
            raise ValueError("give exactly one of material, critical_velocity")
        _require_material(self.material)
        if self.limit < self.initial:
            raise ValueError(f"limit {self.limit} m is less than initial {self.initial} m")
        return self

    @property
    def final(self) -> float:
        """Largest width [m]."""
        return self.limit

    @property
    def velocity(self) -> float:
        """Critical velocity [m/s]."""
        if self.critical_velocity is not None:
            return self.critical_velocity
        return float(breach_table()["materials"][self.material]["critical_velocity"])


class DamWidth(Section):
    """Mean width and time of an earthen dam's breach (Froehlich 2008).

    Parameters
    ----------
    law : {"froehlich"}
    volume : float
        Of the water above the breach's invert [m3].
    height : float
        Of the breach, crest to invert [m].
    overtopping : bool
        Whether the water ran over the crest; else it piped through.
    """

    law: Literal["froehlich"]
    volume: Positive
    height: Positive
    overtopping: bool = True

    @property
    def final(self) -> float:
        """Final width [m]."""
        row = breach_table()["laws"]["froehlich"]
        kind = row["overtopping"] if self.overtopping else 1.0
        reach = self.volume ** row["volume_exponent"] * self.height ** row["height_exponent"]
        return float(row["factor"] * kind * reach)

    @property
    def growth(self) -> float:
        """Time until then [s]."""
        factor = breach_table()["laws"]["froehlich"]["time_factor"]
        return float(factor * math.sqrt(self.volume / GRAVITY) / self.height)


class ThunWidth(Section):
    """Mean width and time of an earthen dam's breach (Von Thun & Gillette 1990).

    Parameters
    ----------
    law : {"von_thun_gillette"}
    volume : float
        Of the water behind the dam [m3].
    depth : float
        Of the water over the breach's invert at the failure [m].
    material : str
        Of ``levee_materials.yaml``.
    """

    law: Literal["von_thun_gillette"]
    volume: Positive
    depth: Positive
    material: str

    @model_validator(mode="after")
    def _has_material(self) -> ThunWidth:
        _require_material(self.material)
        return self

    @property
    def final(self) -> float:
        """Final width [m]."""
        row = breach_table()["laws"]["von_thun_gillette"]
        offset = [value for volume, value in row["offsets"] if volume <= self.volume][-1]
        return float(row["factor"] * self.depth + offset)

    @property
    def growth(self) -> float:
        """Time until then [s]."""
        is_resistant = breach_table()["materials"][self.material]["is_resistant"]
        factor, constant = breach_table()["laws"]["von_thun_gillette"]["resistant" if is_resistant else "erodible"]
        return float(3600.0 * (factor * self.depth + constant))


class Overtopped(Section):
    """Begin of a failure when the water stands above the crest.

    Parameters
    ----------
    by : float
        Above the crest [m].
    lasting : float
        For so long without a break [s].
    crest : float or None
        [m T.P.]; by default the lowest crest of the levee and the walls within the breach.
    """

    by: NotNegative = 0.0
    lasting: NotNegative = 0.0
    crest: Finite | None = None


WidthLaw = Annotated[ManualWidth | ErosionWidth | DamWidth | ThunWidth, Field(discriminator="law")]


def _require_material(name: str | None) -> None:
    known = breach_table()["materials"]
    if name is not None and name not in known:
        raise ValueError(f"there is no levee material {name!r}; there is {', '.join(known)}")
