"""Above what a file's heights are, and how they become heights of the city. Nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError

from twin.errors import FrameError, LayerError
from twin.frame import DATUM_OFFSETS, ELLIPSOIDAL, TP, Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HeightUnit", "Heights", "crs_of", "heights_of", "horizontal_code", "vertical_code", "with_heights"]

HeightUnit = Literal["m", "ft", "us-ft"]
"""Unit of a file's heights: metre, international foot, US survey foot."""

_METRES: dict[HeightUnit, float] = {"m": 1.0, "ft": 0.3048, "us-ft": 1200 / 3937}


@dataclass(frozen=True, slots=True)
class Heights:
    """How heights of a file become heights above the city's datum: factor, offset, geoid.

    Parameters
    ----------
    frame : Frame
        The city's frame.
    factor : float
        Metres per unit of the file.
    offset : float
        Added to the heights [m].
    geoid : str or None
        Raster of geoid heights that is subtracted from ellipsoidal heights.
    where : str
        For messages.
    """

    frame: Frame
    factor: float
    offset: float
    geoid: str | None
    where: str

    def to_city(self, x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights above the city's datum [m] of points (x, y) [m in the city's frame] with the file's heights `z`.

        NaN where the geoid raster has no value.
        """
        out = z if self.factor == 1.0 and self.offset == 0.0 else z * self.factor + self.offset
        if self.geoid is None:
            return out
        from layers.raster import sample

        return out - sample(self.geoid, self.frame, x, y, f"{self.where}: options.geoid")

    @property
    def is_identity(self) -> bool:
        """Whether heights stay as they are."""
        return self.factor == 1.0 and self.offset == 0.0 and self.geoid is None


def heights_of(
    *,
    stated: str | None,
    file_crs: CRS | None,
    frame: Frame,
    height_datum: str | None,
    height_unit: HeightUnit | None,
    geoid: str | None,
    where: str,
) -> Heights:
    """Decide above what a file's heights are: the catalogue says it, else the file's compound system; nothing else.

    Parameters
    ----------
    stated : str or None
        ``vertical`` of the catalogue.
    file_crs : CRS or None
        System that the file itself states.
    frame : Frame
        The city's.
    height_datum : str or None
        Local datum of :data:`twin.frame.DATUM_OFFSETS`, e.g. ``"O.P."``.
    height_unit : str or None
        Unit of the heights; by default that of the vertical system.
    geoid : str or None
        Raster of geoid heights [m], for ellipsoidal heights.
    where : str

    Raises
    ------
    LayerError
        If nothing says above what the heights are, or two statements contradict each other.
    FrameError
        If the heights are above another datum than the city's and nothing brings them there.
    """
    datum = _code_of(stated, where) if stated is not None else vertical_code(file_crs)
    offset = 0.0
    if height_datum is not None:
        offset = _local_offset(height_datum, stated, frame, where)
        datum = TP
    if datum is None:
        raise LayerError(
            "nothing says above what its heights are",
            where=where,
            remedy="State it in the catalogue: `vertical: EPSG:6695` (T.P.), `vertical: ellipsoidal` with"
            " `options: {geoid: file}`, or `options: {height_datum: O.P.}`.",
        )
    if datum == ELLIPSOIDAL != frame.vertical and geoid is None:
        raise FrameError(
            f"its heights are above the ellipsoid, the city's above {frame.vertical}",
            where=where,
            remedy="Name a raster of geoid heights in `options: {geoid: file}` (Japan: GSIGEO2011); it is subtracted.",
        )
    if geoid is not None and datum != ELLIPSOIDAL:
        raise LayerError(
            f"a geoid is named, but the heights are above {datum}",
            where=where,
            remedy="Remove options.geoid, or state `vertical: ellipsoidal`.",
        )
    if geoid is None and not _is_same(datum, frame.vertical):
        raise FrameError(
            f"heights above {datum} meet the city's, above {frame.vertical}",
            where=where,
            remedy="Convert the file, or state its real datum in `vertical`.",
        )
    factor = _METRES[height_unit] if height_unit else _unit_of(stated, file_crs)
    return Heights(frame, factor, offset, geoid, where)


def crs_of(text: str, where: str) -> CRS:
    """Coordinate system from anything that PROJ reads.

    Raises
    ------
    FrameError
        If PROJ does not know it.
    """
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise FrameError(
            f"{text[:60]!r} is no coordinate system that PROJ knows", where=where, remedy="Give an EPSG code."
        ) from error


def horizontal_code(crs: CRS) -> str:
    """Code (or WKT where there is none) of the horizontal part of `crs`, for a Frame."""
    flat = next((part for part in crs.sub_crs_list if not part.is_vertical), crs) if crs.is_compound else crs.to_2d()
    # 70 is PROJ's usual confidence for the same system under another spelling
    code = flat.to_epsg(min_confidence=70)
    return f"EPSG:{code}" if code else str(flat.to_wkt())


def vertical_code(crs: CRS | None) -> str | None:
    """Height datum that `crs` states: a code, ``"ellipsoidal"`` for a 3D geographic system, None for none."""
    if crs is None:
        return None
    # PROJ calls a compound system vertical too
    part = next((p for p in crs.sub_crs_list or [crs] if p.is_vertical), None)
    if part is None:
        return ELLIPSOIDAL if len(crs.axis_info) == 3 else None
    code = part.to_epsg(min_confidence=70)
    return f"EPSG:{code}" if code else str(part.to_wkt())


def with_heights(stated: CRS | None, own: CRS | None) -> CRS | None:
    """Which of two systems says above what heights are: the catalogue's if it has a height part, else the file's."""
    return stated if vertical_code(stated) is not None else own


def _code_of(stated: str, where: str) -> str:
    return (
        ELLIPSOIDAL if stated == ELLIPSOIDAL else (vertical_code(crs_of(stated, where)) or _not_vertical(stated, where))
    )


def _not_vertical(stated: str, where: str) -> str:
    raise LayerError(
        f"vertical is {stated}, which is no height system",
        where=where,
        remedy="Give a vertical code: EPSG:6695 (T.P.) or `ellipsoidal`.",
    )


def _local_offset(name: str, stated: str | None, frame: Frame, where: str) -> float:
    if name not in DATUM_OFFSETS:
        raise LayerError(
            f"option 'height_datum' is {name!r}", where=where, remedy=f"Known: {', '.join(sorted(DATUM_OFFSETS))}."
        )
    if frame.vertical != TP or stated not in (None, TP):
        raise LayerError(
            f"height_datum {name} is tied to T.P., but heights above {stated or frame.vertical} are stated",
            where=where,
            remedy="Give either `vertical` or `options.height_datum`.",
        )
    return DATUM_OFFSETS[name]


def _is_same(one: str, other: str | None) -> bool:
    if other is None or one == other:
        return True
    return ELLIPSOIDAL not in (one, other) and CRS.from_user_input(one) == CRS.from_user_input(other)


def _unit_of(stated: str | None, file_crs: CRS | None) -> float:
    crs = file_crs if stated is None else (None if stated == ELLIPSOIDAL else CRS.from_user_input(stated))
    if crs is None or len(crs.axis_info) == 2:  # no height axis
        return 1.0
    return float(crs.axis_info[-1].unit_conversion_factor)
