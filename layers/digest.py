"""Digest of what a part of a catalogue says and of the bytes behind it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from layers.catalog import read_catalog
from layers.load import reading_order
from layers.source import is_url, opened

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["digest_layers", "present_layers"]


def present_layers(catalog: str | Path, wanted: Collection[str]) -> tuple[str, ...]:
    """Those of the `wanted` layers that the catalogue has, in the order wanted."""
    layers = read_catalog(catalog).layers
    return tuple(layer_id for layer_id in wanted if layer_id in layers)


def digest_layers(catalog: str | Path, wanted: Collection[str]) -> str:
    """Sha256 over the entries of the `wanted` layers, what they are computed from, and their files' bytes.

    Parameters
    ----------
    catalog : str or Path
        Catalogue file or URL.
    wanted : collection of str
        Layer ids; those that the catalogue lacks are passed over.

    Raises
    ------
    LayerError
        If the catalogue or a file cannot be read.
    """
    found = read_catalog(catalog)
    total = hashlib.sha256(json.dumps([found.frame, found.vertical, list(found.area)]).encode())
    for layer_id in reading_order(found, present_layers(catalog, wanted)):
        entry = found.layers[layer_id]
        total.update(entry.model_dump_json().encode())
        if entry.uri:
            total.update(_digest_uri(found.resolve(entry.uri), f"layer {layer_id}").encode())
    return total.hexdigest()


def _digest_uri(uri: str, where: str) -> str:
    folder = Path(uri)
    if is_url(uri) or not folder.is_dir():
        with opened(uri, where) as source:
            return source.sha256
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with opened(path, where) as source:
            total.update(f"{path.relative_to(folder)}:{source.sha256}".encode())
    return total.hexdigest()
