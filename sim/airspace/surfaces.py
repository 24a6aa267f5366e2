"""Obstacle limitation surfaces of an aerodrome (航空法 第2条, 第56条), exactly: planes and cones over plan outlines.

An aerodrome is given by its runways: lines between the runway's ends in a vector layer, with the columns ``aerodrome``
(name), ``elevation`` (of the reference point [m T.P.]), ``landing_class`` (着陸帯の等級, A to H), ``strip_width`` [m],
and where they differ from the table's defaults ``is_precision``, ``has_outer`` (extended approach, conical and outer
horizontal surface), ``is_busy`` (below the approach and transitional surfaces too), ``start_height`` and ``end_height``
(of the strip's ends [m T.P.]), ``reference_x`` and ``reference_y`` [m in the city's frame].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray
    from shapely import Geometry

__all__ = ["Runway", "Slope", "Surface", "runway_surfaces", "runways_of"]

_CORNERS = 360
_REQUIRED = ("aerodrome", "elevation", "landing_class", "strip_width")


@dataclass(frozen=True, slots=True)
class Slope:
    """A height that varies with the place: a plane or a cone.

    Parameters
    ----------
    is_cone : bool
    x, y, z : float
        A point of the plane; the cone's axis, and its height where it begins [m].
    a, b : float
        Plane: gradient towards east and north. Cone: gradient outwards, and the radius where it begins [m]; inside it
        is level.
    """

    is_cone: bool
    x: float
    y: float
    z: float
    a: float = 0.0
    b: float = 0.0

    def at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Height [m T.P.] at places [m in the city's frame]."""
        east, north = np.asarray(x, dtype=np.float64) - self.x, np.asarray(y, dtype=np.float64) - self.y
        if self.is_cone:
            return np.asarray(self.z + self.a * np.maximum(np.hypot(east, north) - self.b, 0.0))
        return np.asarray(self.z + self.a * east + self.b * north)

    def lowest(self, footprint: Geometry) -> float:
        """Lowest height over an outline [m T.P.]."""
        import shapely

        if self.is_cone:
            near = float(shapely.distance(footprint, shapely.Point(self.x, self.y)))
            return self.z + self.a * max(near - self.b, 0.0)
        corners = shapely.get_coordinates(footprint)
        return float(self.at(corners[:, 0], corners[:, 1]).min())


@dataclass(frozen=True, slots=True)
class Runway:
    """A runway and the strip about it.

    Parameters
    ----------
    aerodrome : str
    start, end : tuple of float
        Ends of the runway (x, y) [m].
    elevation : float
        Of the aerodrome's reference point [m T.P.].
    landing_class : str
        A to H.
    strip_width : float
        Of the landing strip (着陸帯) [m].
    is_precision : bool
        Precision approaches.
    has_outer : bool
        Extended approach, conical and outer horizontal surfaces are designated.
    is_busy : bool
        One of those where the air below the approach and transitional surfaces is restricted too.
    start_height, end_height : float
        Of the strip's ends [m T.P.].
    reference : tuple of float
        The aerodrome's reference point (標点) (x, y) [m].
    """

    aerodrome: str
    start: tuple[float, float]
    end: tuple[float, float]
    elevation: float
    landing_class: str
    strip_width: float
    is_precision: bool
    has_outer: bool
    is_busy: bool
    start_height: float
    end_height: float
    reference: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """One surface of an aerodrome.

    Parameters
    ----------
    kind : str
        ``approach``, ``extended_approach``, ``transitional``, ``horizontal``, ``conical``, ``outer_horizontal``.
    footprint : Geometry
        Polygon [m].
    slope : Slope
        Height of the surface.
    circle : tuple of float or None
        (x, y, radius, hole) where the outline is round.
    """

    kind: str
    footprint: Geometry
    slope: Slope
    circle: tuple[float, float, float, float] | None = None


def runways_of(table: gpd.GeoDataFrame, where: str) -> list[Runway]:
    """Runways from a layer of lines.

    Raises
    ------
    LayerError
        If a column is missing or a value impossible; names the row.
    """
    missing = [c for c in _REQUIRED if c not in table.columns]
    if missing:
        raise LayerError(f"has no column {missing[0]!r}", where=where, remedy=f"A runway needs {', '.join(_REQUIRED)}.")
    ends = []
    for row, shape in enumerate(table.geometry):
        if shape.geom_type != "LineString":
            raise LayerError(
                f"is a {shape.geom_type}", where=f"{where}: row {row}", remedy="Give each runway as one line."
            )
        ends.append((shape.coords[0][:2], shape.coords[-1][:2]))
    middle = {
        name: np.mean([np.add(*ends[i]) / 2 for i in np.flatnonzero(table["aerodrome"] == name)], axis=0)
        for name in table["aerodrome"].unique()
    }
    return [
        _runway(form, ends[row], middle[form["aerodrome"]], f"{where}: row {row}")
        for row, form in enumerate(table.drop(columns=table.geometry.name).to_dict("records"))
    ]


def _runway(form: Mapping[Any, Any], ends: Any, middle: NDArray[np.float64], where: str) -> Runway:
    def value(column: str, default: float | None = None) -> float:
        given = form.get(column)
        try:
            found = math.nan if given is None else float(given)
        except (TypeError, ValueError):
            raise LayerError(f"{given!r} is no number", where=f"{where}: {column}", remedy="Give metres.") from None
        if math.isnan(found):
            if default is None:
                raise LayerError("is missing", where=f"{where}: {column}", remedy="Give metres.")
            return default
        return found

    elevation, width = value("elevation"), value("strip_width")
    if not width > 0:
        raise LayerError(f"is {width} m", where=f"{where}: strip_width", remedy="Give a positive width.")
    return Runway(
        aerodrome=str(form["aerodrome"]),
        start=(float(ends[0][0]), float(ends[0][1])),
        end=(float(ends[1][0]), float(ends[1][1])),
        elevation=elevation,
        landing_class=str(form["landing_class"]).strip().upper(),
        strip_width=width,
        is_precision=bool(value("is_precision", 1.0)),
        has_outer=bool(value("has_outer", 0.0)),
        is_busy=bool(value("is_busy", 0.0)),
        start_height=value("start_height", elevation),
        end_height=value("end_height", elevation),
        reference=(value("reference_x", float(middle[0])), value("reference_y", float(middle[1]))),
    )


def runway_surfaces(runway: Runway, table: Mapping[str, Any], where: str) -> list[Surface]:
    """Surfaces of one runway.

    Parameters
    ----------
    runway : Runway
    table : mapping
        ``surfaces`` of the table of rules: slopes, lengths and radii with their sources.
    where : str

    Raises
    ------
    LayerError
        If the table does not know the runway's class, or the runway has no length.
    """
    radii = table["horizontal"]["radius"]
    if runway.landing_class not in radii:
        raise LayerError(
            f"landing_class {runway.landing_class!r} is unknown",
            where=f"{where}: {runway.aerodrome}",
            remedy=f"Known: {', '.join(radii)}.",
        )
    along = np.subtract(runway.end, runway.start)
    length = float(np.hypot(*along))
    if length == 0.0:
        raise LayerError("the runway has no length", where=f"{where}: {runway.aerodrome}", remedy="Give both its ends.")
    out = _round_surfaces(runway, table, float(radii[runway.landing_class]))
    ahead = along / length
    beyond = float(table["strip_beyond_end"])
    out += _sloped_surfaces(runway, table, np.subtract(runway.start, beyond * ahead), -ahead, runway.start_height)
    out += _sloped_surfaces(runway, table, np.add(runway.end, beyond * ahead), ahead, runway.end_height)
    return out + _strip_sides(runway, table, ahead, length + 2 * beyond, beyond)


def _round_surfaces(runway: Runway, table: Mapping[str, Any], radius: float) -> list[Surface]:
    x, y = runway.reference
    height = runway.elevation + float(table["horizontal"]["height"])
    out = [Surface("horizontal", _ring(x, y, radius, 0.0), Slope(True, x, y, height, 0.0, radius), (x, y, radius, 0.0))]
    if runway.has_outer:
        conical, outer = table["conical"], table["outer_horizontal"]
        reach, slope = float(conical["radius"]), float(conical["slope"])
        cone = Slope(True, x, y, height, slope, radius)
        out.append(Surface("conical", _ring(x, y, reach, radius), cone, (x, y, reach, radius)))
        level = Slope(True, x, y, height + slope * (reach - radius), 0.0, reach)
        far = float(outer["radius"])
        out.append(Surface("outer_horizontal", _ring(x, y, far, reach), level, (x, y, far, reach)))
    return out


def _sloped_surfaces(
    runway: Runway, table: Mapping[str, Any], foot: NDArray[np.float64], ahead: NDArray[np.float64], height: float
) -> list[Surface]:
    """Approach beyond one end of the strip, its extension, and the transitional surfaces at its sides."""
    import shapely

    form = table["approach"]["precision" if runway.is_precision else "non_precision"]
    slope = form["slope"]
    slope = float(slope[runway.landing_class] if isinstance(slope, dict) else slope)
    length, half = float(table["approach"]["length"]), runway.strip_width / 2
    spread = (float(form["outer_width"]) / 2 - half) / length
    side = np.array([-ahead[1], ahead[0]])
    plane = Slope(False, foot[0], foot[1], height, slope * ahead[0], slope * ahead[1])

    def outline(near: float, far: float) -> Geometry:
        a, b = half + spread * near, half + spread * far
        low, high = foot + near * ahead, foot + far * ahead
        return shapely.Polygon([low - a * side, high - b * side, high + b * side, low + a * side])

    out = [Surface("approach", outline(0.0, length), plane)]
    if runway.has_outer:
        out.append(Surface("extended_approach", outline(length, float(table["extended_approach"]["reach"])), plane))
    rise = runway.elevation + float(table["horizontal"]["height"]) - height
    if rise <= 0:
        return out
    steep = float(table["transitional"]["slope"])
    top = min(rise / slope, length)  # where the approach's edge meets the horizontal surface
    for sign in (-1.0, 1.0):
        near, far = half, half + spread * top
        width, end_width = rise / steep, (rise - slope * top) / steep
        corners = [
            foot + sign * near * side,
            foot + top * ahead + sign * far * side,
            foot + top * ahead + sign * (far + end_width) * side,
            foot + sign * (near + width) * side,
        ]
        # along the centre line the edge rises by `slope` and moves out by `spread`; across it the slope is `steep`
        gradient = (slope - steep * spread) * ahead + sign * steep * side
        through = Slope(False, corners[0][0], corners[0][1], height, gradient[0], gradient[1])
        out.append(Surface("transitional", shapely.Polygon(corners), through))
    return out


def _strip_sides(
    runway: Runway, table: Mapping[str, Any], ahead: NDArray[np.float64], length: float, beyond: float
) -> list[Surface]:
    """Transitional surfaces along the strip's long sides."""
    import shapely

    steep = float(table["transitional"]["slope"])
    level = runway.elevation + float(table["horizontal"]["height"])
    first, last = np.subtract(runway.start, beyond * ahead), np.add(runway.end, beyond * ahead)
    rise = level - runway.start_height, level - runway.end_height
    if min(rise) <= 0:
        return []
    tilt = (runway.end_height - runway.start_height) / length
    out = []
    for sign in (-1.0, 1.0):
        side = sign * np.array([-ahead[1], ahead[0]])
        near = runway.strip_width / 2
        corners = [
            first + near * side,
            last + near * side,
            last + (near + rise[1] / steep) * side,
            first + (near + rise[0] / steep) * side,
        ]
        gradient = tilt * ahead + steep * side
        plane = Slope(False, corners[0][0], corners[0][1], runway.start_height, gradient[0], gradient[1])
        out.append(Surface("transitional", shapely.Polygon(corners), plane))
    return out


def _ring(x: float, y: float, radius: float, hole: float) -> Geometry:
    """A polygon that covers the ring: its outer edges touch the circle from outside, its hole lies in the hole."""
    import shapely

    angle = 2 * np.pi * np.arange(_CORNERS) / _CORNERS
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    outer = np.array([x, y]) + circle * radius / np.cos(np.pi / _CORNERS)
    return shapely.Polygon(outer, [np.array([x, y]) + circle * hole] if hole > 0 else [])
