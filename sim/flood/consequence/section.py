"""What is made of a finished flood: the part ``evaluation:`` of the section ``flood:``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from twin.scenario import Section

__all__ = ["Evaluation", "River"]


class River(Section):
    """Whose inundation zone the run computes: attributes of the national data set A31a and of PLATEAU ``fld``.

    Parameters
    ----------
    code : str
        River's number (河川番号), ten digits.
    name : str
    manager_code : str
        Code of who administers it (河川管理者コード, product specification of A31a).
    manager : str
    scale : {"maximum", "planned"}
        想定最大規模 or 計画規模.
    """

    code: Annotated[str, Field(max_length=40)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    manager_code: Annotated[str, Field(max_length=40)] = ""
    manager: Annotated[str, Field(max_length=200)] = ""
    scale: Literal["maximum", "planned"] = "maximum"


class Evaluation(Section):
    """Tables that turn water into classes, people, buildings and money; each can be replaced by a file.

    Parameters
    ----------
    ranks : Path or None
        Ranks and colours in place of ``sim/flood/ranks.yaml``.
    danger : Path or None
        Limits for people, vehicles and buildings, and the curves of 家屋倒壊等氾濫想定区域 (氾濫流), in place of
        ``sim/flood/consequence/danger.yaml``.
    exposure : Path or None
        Floor areas and how people lie over buildings, in place of ``sim/flood/consequence/exposure.yaml``.
    damage : Path or None
        Damage rates and asset values in place of ``sim/flood/consequence/damage.yaml``.
    population : str or None
        Layer of population squares; it is taken where the city has it. None: nobody is counted.
    column : str
        Its column of persons; ``auto``: `night` from 18 to 6 o'clock and where no start is given, else `day`.
    spread : {"buildings", "area"}
        How the people of a square lie in it: over its buildings by floor area (squares without one evenly), or evenly.
    river : River
        What the official formats say beside the polygons.
    """

    ranks: Path | None = None
    danger: Path | None = None
    exposure: Path | None = None
    damage: Path | None = None
    population: str | None = "population"
    column: str = "auto"
    spread: Literal["buildings", "area"] = "buildings"
    river: River = River()
