"""``aria-`` and ``data-`` attributes, whose names are no Python identifiers."""

from __future__ import annotations

from typing import Any

__all__ = ["attributes"]


def attributes(**values: str) -> dict[str, Any]:
    """Keyword arguments for a Dash component.

    Examples
    --------
    >>> attributes(aria_label="Close", data_key="7")
    {'aria-label': 'Close', 'data-key': '7'}
    """
    return {name.replace("_", "-"): value for name, value in values.items()}
