"""Where coordinates live: a horizontal reference system and a height datum that are never mixed silently."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from twin.errors import FrameError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["DATUM_OFFSETS", "ELLIPSOIDAL", "GEOGRAPHIC", "OSAKA", "TP", "Frame", "plane_rectangular_zone"]

TP = "EPSG:6695"
"""Height above Tokyo Peil, JGD2011 (vertical): the datum of every height inside the twin."""

ELLIPSOIDAL = "ellipsoidal"
"""Height above the GRS80 ellipsoid; about 37.5 m above T.P. in Osaka (geoid model GSIGEO2011)."""

DATUM_OFFSETS: dict[str, float] = {"T.P.": 0.0, "O.P.": -1.3}
"""Offset [m] to add to a height of the named local datum to get T.P.

O.P. (Osaka Peil): O.P. + 0 m = T.P. - 1.30 m, as used in Osaka's harbour and river plans (大阪湾最低潮位). Replace the
entry where a levelling record gives a finer figure.
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A horizontal coordinate reference system and a height datum.

    Parameters
    ----------
    horizontal : str
        Anything that PROJ reads; plane-rectangular metres inside the twin (Osaka: zone VI, ``EPSG:6674``).
    vertical : str or None
        ``"EPSG:6695"`` (T.P.), ``"ellipsoidal"``, another vertical code, or None where there are no heights.

    Raises
    ------
    FrameError
        If PROJ does not know the code.

    Notes
    -----
    Axes are always (x east, y north) whatever the authority says: EPSG:6674 itself is (north, east).

    Examples
    --------
    >>> x, y, z = OSAKA.from_(GEOGRAPHIC, 135.5, 34.7, 2.0)
    >>> round(float(x)), round(float(y)), float(z)
    (-45817, -144204, 2.0)
    """

    horizontal: str = "EPSG:6674"
    vertical: str | None = TP

    def __post_init__(self) -> None:
        _crs(self.horizontal)
        if self.vertical not in (None, ELLIPSOIDAL):
            _crs(str(self.vertical))

    @property
    def is_projected(self) -> bool:
        """Whether horizontal coordinates are metres."""
        return bool(_crs(self.horizontal).is_projected)

    def require_metres(self, where: str) -> None:
        """Raise FrameError unless horizontal coordinates are metres."""
        if not self.is_projected:
            raise FrameError(
                f"{self.horizontal} is in degrees, metres are needed",
                where=where,
                remedy="Use a plane-rectangular system such as EPSG:6674 (Osaka, zone VI).",
            )

    def require_same_datum(self, other: Frame, where: str) -> None:
        """Raise FrameError if both frames have heights and their datums differ (T.P. against ellipsoidal, say)."""
        if self.vertical != other.vertical and None not in (self.vertical, other.vertical):
            raise FrameError(
                f"heights above {other.vertical} meet heights above {self.vertical}",
                where=where,
                remedy="Convert the layer first (Frame.from_ with a geoid grid, or state its datum in the catalogue).",
            )

    def from_(
        self, other: Frame, x: ArrayLike, y: ArrayLike, z: ArrayLike | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
        """Transform coordinates given in `other` into this frame.

        Parameters
        ----------
        other : Frame
            The frame of the given coordinates.
        x, y : array_like
            East and north (longitude and latitude [deg] in a geographic frame).
        z : array_like, optional
            Heights [m] above `other.vertical`; they must share this frame's datum: a change of datum needs a geoid.

        Returns
        -------
        tuple of ndarray
            x, y, z (None where none was given), float64.

        Raises
        ------
        FrameError
            If the datums differ or a coordinate lies outside the systems' validity.
        """
        if z is not None:
            self.require_same_datum(other, where=f"{other.horizontal} -> {self.horizontal}")
        xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if self.horizontal != other.horizontal:
            xs, ys = _transform(other.horizontal, self.horizontal, xs, ys)
        return xs, ys, None if z is None else np.asarray(z, dtype=np.float64)

    def crs(self) -> CRS:
        """Horizontal system as pyproj has it."""
        return _crs(self.horizontal)

    def wkt(self) -> str:
        """Horizontal system as WKT2, for files that carry it."""
        return str(_crs(self.horizontal).to_wkt())

    def as_dict(self) -> dict[str, str | None]:
        """Plain form for manifests."""
        return {"horizontal": self.horizontal, "vertical": self.vertical}


@lru_cache(maxsize=64)
def _crs(code: str) -> CRS:
    try:
        return CRS.from_user_input(code)
    except CRSError as error:
        raise FrameError(
            f"{code!r} is no coordinate system that PROJ knows",
            remedy="Give an EPSG code, e.g. EPSG:6674 (plane-rectangular zone VI) or EPSG:6668 (JGD2011 degrees).",
        ) from error


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(_crs(source), _crs(target), always_xy=True)


def _transform(
    source: str, target: str, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        out = _transformer(source, target).transform(x, y, errcheck=True)
    except ProjError as error:
        raise FrameError(
            f"coordinates do not lie where {source} and {target} are defined ({error})",
            remedy="Check that the file's coordinate system and its axis order are the stated ones.",
        ) from error
    return np.asarray(out[0], dtype=np.float64), np.asarray(out[1], dtype=np.float64)


OSAKA = Frame()
"""Plane-rectangular zone VI and T.P.: the twin's own frame."""

GEOGRAPHIC = Frame("EPSG:6668", TP)
"""JGD2011 longitude, latitude [deg] and T.P. heights: PLATEAU's EPSG:6697 with the axes put right."""


def plane_rectangular_zone(prefecture_zone: int) -> Frame:
    """Frame of one of Japan's 19 plane-rectangular zones (JGD2011) with T.P. heights.

    Parameters
    ----------
    prefecture_zone : int
        1 to 19 (Osaka: 6, Tokyo: 9).

    Raises
    ------
    FrameError
        If the zone does not exist.
    """
    if not 1 <= prefecture_zone <= 19:
        raise FrameError(f"plane-rectangular zone {prefecture_zone} does not exist", remedy="Give 1 to 19.")
    return Frame(f"EPSG:{6668 + prefecture_zone}", TP)
