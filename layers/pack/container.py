"""The pack: one JSON header and aligned little-endian arrays, as the browser takes them without a copy.

::

    u32 N | N bytes of JSON, padded with spaces so that 4 + N is a multiple of 8 | arrays, each at a multiple of 8

The header is ``{"meta": {...}, "arrays": {name: {"dtype", "shape", "offset"}}}``; offsets count from the first byte
after the header.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["DTYPES", "read_pack", "write_pack"]

DTYPES = frozenset({"f4", "u4", "u2", "i2", "u1", "i4"})
"""What WebGL takes as a vertex attribute, an index or a texture."""
ALIGNMENT = 8


def write_pack(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Bytes of a pack.

    Parameters
    ----------
    meta : mapping
        Anything that JSON holds; no NaN.
    arrays : mapping of str to ndarray
        Of a type in :data:`DTYPES`.

    Raises
    ------
    LayerError
        If an array has another type.
    """
    table: dict[str, dict[str, Any]] = {}
    parts: list[bytes] = []
    offset = 0
    for name, values in arrays.items():
        code = f"{values.dtype.kind}{values.dtype.itemsize}"
        if code not in DTYPES:
            raise LayerError(
                f"array {name!r} is {values.dtype}", where="pack", remedy=f"Convert it to one of {sorted(DTYPES)}."
            )
        content = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
        table[name] = {"dtype": code, "shape": list(values.shape), "offset": offset}
        padding = -len(content) % ALIGNMENT
        parts += [content, b"\0" * padding]
        offset += len(content) + padding
    header = json.dumps({"meta": meta, "arrays": table}, ensure_ascii=False, allow_nan=False).encode()
    header += b" " * (-(4 + len(header)) % ALIGNMENT)
    return b"".join([struct.pack("<I", len(header)), header, *parts])


def read_pack(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Inverse of :func:`write_pack`: meta and arrays (views of `content`).

    Raises
    ------
    LayerError
        If the bytes are no pack.
    """
    try:
        (size,) = struct.unpack_from("<I", content)
        header = json.loads(content[4 : 4 + size])
        arrays = {}
        for name, entry in header["arrays"].items():
            dtype = np.dtype(f"<{entry['dtype']}")
            count = int(np.prod(entry["shape"], dtype=np.int64))
            flat = np.frombuffer(content, dtype=dtype, count=count, offset=4 + size + int(entry["offset"]))
            arrays[name] = flat.reshape(entry["shape"])
        return dict(header["meta"]), arrays
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise LayerError(f"is no pack ({error})", where="pack", remedy="Fetch it again.") from error
