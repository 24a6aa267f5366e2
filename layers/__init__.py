"""Reads the world into the twin's nouns; the only package that opens foreign files.

Importing it is light: every name below is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layers.catalog import Catalog, Entry, add_entry, read_catalog, write_catalog
    from layers.load import load_city

__all__ = ["Catalog", "Entry", "add_entry", "load_city", "read_catalog", "write_catalog"]

_HOME = {
    "Catalog": "layers.catalog",
    "Entry": "layers.catalog",
    "add_entry": "layers.catalog",
    "load_city": "layers.load",
    "read_catalog": "layers.catalog",
    "write_catalog": "layers.catalog",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'layers' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
