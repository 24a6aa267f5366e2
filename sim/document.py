"""YAML files that people write: read whole, no key twice, errors with their line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

__all__ = ["read_document"]


class _Loader(yaml.SafeLoader):
    """YAML says that a key stands once in a mapping; PyYAML keeps the last one and drops what stood before."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        first: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in first:
                    line = first[key.value].start_mark.line + 1
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands there twice, first in line {line}", key.start_mark
                    )
                first[key.value] = key
        return super().construct_mapping(node, deep)


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
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(
            f"cannot be read ({error})", where=str(path), remedy=f"Give the path of the {kind} file (YAML, UTF-8)."
        ) from error
    try:
        content = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        where, what = str(path), " ".join(str(error).split())
        if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark is not None:
            where, what = f"{path}:{error.problem_mark.line + 1}", error.problem
        raise ScenarioError(f"is no YAML ({what})", where=where, remedy="Mend that line.") from error
    if not isinstance(content, dict):
        raise ScenarioError(f"is no {kind}", where=str(path), remedy="Start with 'schema: 1' and 'name: ...'.")
    return content
