"""YAML that people write: no key twice in a mapping, and a value that cannot be is an error with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["DocumentLoader"]


class DocumentLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys and drops what stood before, and lets a ValueError out for month 13."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping; a key that stands there twice is an error."""
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

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A value; one that looks like a date or a number and is none is an error."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(
                None, None, f"{node.value!r} cannot be: {error}", node.start_mark
            ) from error
