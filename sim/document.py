"""YAML files that people write: read whole, no key twice, errors with their line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from layers.yaml_document import DocumentLoader
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_document"]


def read_document(path: Path, kind: str) -> dict[str, Any]:
    """Content of a YAML file.

    Parameters
    ----------
    path : Path
    kind : str
        What the file is (``scenario``), for the message.

    Raises
    ------
    ScenarioError
        If it cannot be read, is no YAML, has a key twice, or is no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ScenarioError(
            f"cannot be read ({error.strerror})", where=str(path), remedy=f"Give the path of the {kind} file (YAML)."
        ) from error
    except UnicodeDecodeError as error:
        raise ScenarioError(
            f"is not UTF-8 text (byte {error.start})", where=str(path), remedy=f"Save the {kind} file as UTF-8."
        ) from error
    try:
        content = yaml.load(text, Loader=DocumentLoader)
    except yaml.YAMLError as error:
        where, what = str(path), " ".join(str(error).split())
        if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark is not None:
            where, what = f"{path}:{error.problem_mark.line + 1}", error.problem
        raise ScenarioError(f"is no YAML ({what})", where=where, remedy="Mend that line.") from error
    if not isinstance(content, dict):
        raise ScenarioError(f"is no {kind}", where=str(path), remedy="Start with 'schema: 1' and 'name: ...'.")
    return content
