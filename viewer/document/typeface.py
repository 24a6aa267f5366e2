"""The typeface of drawings and pages: IPAexGothic, which has Japanese and Latin letters."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from twin.errors import StoreError

__all__ = ["typeface"]

PACKAGE = "matplotlib_fontja"


@cache
def typeface() -> Path:
    """Path of the file (TrueType, IPA Font License 1.0).

    Raises
    ------
    StoreError
        If the package that carries it is not installed.
    """
    # found without importing: the package changes matplotlib's settings when it is imported
    spec = find_spec(PACKAGE)
    path = Path(spec.origin).parent / "fonts" / "ipaexg.ttf" if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise StoreError(
            "the Japanese typeface is not there", where=PACKAGE, remedy="Install the package matplotlib-fontja."
        )
    return path
