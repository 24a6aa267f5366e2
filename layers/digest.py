"""Digest of what a part of a catalogue says and of the bytes behind it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from layers.catalog import read_catalog
from layers.load import reading_order
from layers.registry import reader_named
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
        where = f"layer {layer_id}"
        named = [entry.uri, *(entry.options.get(option) for option in reader_named(entry.reader, where).files)]
        for uri in named:
            if isinstance(uri, str) and uri:
                total.update(_digest_uri(found.resolve(uri), where).encode())
    return total.hexdigest()


def _digest_uri(uri: str, where: str) -> str:
    parts = [] if is_url(uri) else _parts(Path(uri))
    if not parts:
        with opened(uri, where) as source:
            return source.sha256
    total = hashlib.sha256()
    for path in parts:
        with opened(path, where) as source:
            total.update(f"{path.relative_to(Path(uri).parent)}:{source.sha256}".encode())
    return total.hexdigest()


def _parts(path: Path) -> list[Path]:
    """Files of a data set that is more than one file: a folder's, or those that a shapefile consists of."""
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file())
    if path.suffix.lower() == ".shp":
        return sorted(p for p in path.parent.iterdir() if p.stem == path.stem and p.is_file())
    return []
