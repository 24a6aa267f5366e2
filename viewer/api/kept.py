"""Packs kept in memory: what was asked for last stays."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Kept"]


class Kept:
    """Bytes by name, up to a total size; the oldest go first.

    Parameters
    ----------
    most : int
        Bytes that are kept; the newest entry always is.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._entries: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
        """The bytes of that name, made when they are not there."""
        with self._lock:
            if name in self._entries:
                self._entries.move_to_end(name)
                return self._entries[name]
        content = make()
        with self._lock:
            self._size += len(content) - len(self._entries.get(name, b""))
            self._entries[name] = content
            while self._size > self._most and len(self._entries) > 1:
                self._size -= len(self._entries.popitem(last=False)[1])
        return content
