"""A point cloud thinned to what a browser draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from layers.pack.terrain import quantise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.layer import CloudLayer

__all__ = ["MOST_POINTS", "cloud_arrays"]

MOST_POINTS = 600_000
"""Points that are sent: about 5 MB compressed."""


def cloud_arrays(
    layer: CloudLayer, origin: tuple[float, float], most: int = MOST_POINTS
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Meta and arrays of the cloud pack: at most `most` points, an even share of every stretch of the file.

    Survey files are ordered by flight line, so every k-th point thins all places alike.
    """
    n = len(layer.xyz)
    chosen = np.linspace(0, n - 1, min(n, most)).round().astype(np.int64) if n else np.zeros(0, dtype=np.int64)
    positions = quantise(layer.xyz[chosen] - np.array([*origin, 0.0]))
    meta = {"n": len(chosen), "n_source": n}
    return meta, {"positions": positions, "class": layer.classification[chosen].astype(np.uint8)}
