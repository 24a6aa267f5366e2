"""Makes a scenario that anybody can run from a case and its published files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from sim.validation.source import FileSource
from twin.errors import ScenarioError
from twin.scenario import Area

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sim.validation.case import Case

__all__ = ["lay_out"]


def lay_out(case: Case, published: Path, folder: Path) -> Path:
    """Write the scenario of a case and the inputs it names into `folder`; returns the path of the scenario.

    Parameters
    ----------
    case : Case
    published : Path
        Folder of the case's files.
    folder : Path
        Made if it is not there.

    Raises
    ------
    ScenarioError, LayerError
        If a file is missing or the scenario names an input that the case does not make.
    """
    if not published.is_dir():
        raise ScenarioError(
            f"there is no folder {published}", where=f"case {case.name}", remedy="Name the folder of the cases."
        )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        grid = Area.model_validate(case.scenario["area"]).grid()
    except (KeyError, ValidationError) as error:
        raise ScenarioError(
            f"has no usable area ({error})", where=f"case {case.name}", remedy="Give scenario.area as in a scenario."
        ) from error
    values: dict[str, Any] = {}
    for name, source in case.inputs.items():
        if isinstance(source, FileSource):
            source.write(published, grid, folder / name)
        else:
            values[name] = source.value(published, grid)
    content = {"schema": 1, "name": case.name, "title": {"en": case.title}, **_filled(case.scenario, values, case.name)}
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _filled(part: Any, values: Mapping[str, Any], name: str) -> Any:
    if isinstance(part, dict):
        return {key: _filled(value, values, name) for key, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values, name) for value in part]
    if isinstance(part, str) and part.startswith("@"):
        if part[1:] not in values:
            raise ScenarioError(
                f"names {part}, which it does not make",
                where=f"case {name}",
                remedy=f"It makes: {', '.join(values) or 'no values'}.",
            )
        return values[part[1:]]
    return part
