"""Beds and water surfaces that a paper gives as a formula."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from twin.scenario import Finite, Point, Positive, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.grid import Grid

__all__ = ["GRAVITY", "AnyShape", "Bowl", "Cone", "Disc", "Polyline", "Solitary"]

GRAVITY = 9.81
"""[m s-2], as the flood simulator has it."""


class Polyline(Section):
    """Heights that vary along one axis, straight between the points and level beyond them.

    Parameters
    ----------
    along : {"x", "y"}
    points : tuple of (position, height)
        [m], positions ascending; two points at one position make a step.
    """

    shape: Literal["polyline"] = "polyline"
    along: Literal["x", "y"] = "x"
    points: Annotated[tuple[Point, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ascends(self) -> Polyline:
        if any(b[0] < a[0] for a, b in pairwise(self.points)):
            raise ValueError("positions do not ascend; give [[position, height], ...] from small to large")
        return self

    def on(self, grid: Grid) -> NDArray[np.float64]:
        """Heights at the cell centres (ny, nx) [m]."""
        at, height = np.array(self.points).T
        along = grid.x_cell[None, :] if self.along == "x" else grid.y_cell[:, None]
        return np.broadcast_to(np.interp(along, at, height), grid.shape).copy()


class Bowl(Section):
    """A paraboloid of revolution, or with `along` a parabolic cylinder: level + curvature r^2.

    Parameters
    ----------
    centre : (x, y)
    level : float
        Height at the centre [m].
    curvature : float
        [1/m], positive for a bowl.
    along : {"xy", "x"}
    """

    shape: Literal["bowl"] = "bowl"
    centre: Point
    level: Finite
    curvature: Finite
    along: Literal["xy", "x"] = "xy"

    def on(self, grid: Grid) -> NDArray[np.float64]:
        """Heights at the cell centres (ny, nx) [m]."""
        x = grid.x_cell[None, :] - self.centre[0]
        y = grid.y_cell[:, None] - self.centre[1]
        return self.level + self.curvature * (x**2 + (y**2 if self.along == "xy" else np.zeros_like(y)))


class Cone(Section):
    """A truncated cone on a plane.

    Parameters
    ----------
    centre : (x, y)
    base_radius, top_radius : float
        [m].
    floor, top : float
        Heights of the plane and of the cut [m].
    """

    shape: Literal["cone"] = "cone"
    centre: Point
    base_radius: Positive
    top_radius: Positive
    floor: Finite
    top: Finite

    def on(self, grid: Grid) -> NDArray[np.float64]:
        """Heights at the cell centres (ny, nx) [m]."""
        away = np.hypot(grid.x_cell[None, :] - self.centre[0], grid.y_cell[:, None] - self.centre[1])
        return np.interp(away, (self.top_radius, self.base_radius), (self.top, self.floor))


class Disc(Section):
    """One value inside a circle, another outside.

    Parameters
    ----------
    centre : (x, y)
    radius : float
        [m].
    inside, outside : float
    """

    shape: Literal["disc"] = "disc"
    centre: Point
    radius: Positive
    inside: Finite
    outside: Finite

    def on(self, grid: Grid) -> NDArray[np.float64]:
        """Values at the cell centres (ny, nx)."""
        away = np.hypot(grid.x_cell[None, :] - self.centre[0], grid.y_cell[:, None] - self.centre[1])
        return np.where(away < self.radius, self.inside, self.outside)


class Solitary(Section):
    """A solitary wave over a level bed, along x: H sech^2(sqrt(3 H / 4 d^3) (x - x0)) (Boussinesq 1872).

    Parameters
    ----------
    height, depth : float
        H and d [m].
    crest : float
        x0 [m].
    quantity : {"stage", "speed"}
        The surface above still water [m], or the velocity [m s-1] of the water in a wave that goes eastward.
    is_small : bool
        Velocity of a small wave, eta sqrt(g / d), in place of c eta / (d + eta) with c = sqrt(g (d + H)).
    power : {2, 1}
        Of sech. 1 is no solitary wave but a wider hump of the same height, which some models begin with.
    scale : float
        What the values are multiplied by: -1 for the velocity of a wave that goes westward.
    """

    shape: Literal["solitary"] = "solitary"
    height: Positive
    depth: Positive
    crest: Finite
    quantity: Literal["stage", "speed"]
    is_small: bool = False
    power: Literal[1, 2] = 2
    scale: Finite = 1.0

    def on(self, grid: Grid) -> NDArray[np.float64]:
        """Values at the cell centres (ny, nx)."""
        height, depth = self.height, self.depth
        eta = height / np.cosh(np.sqrt(0.75 * height / depth**3) * (grid.x_cell - self.crest)) ** self.power
        if self.quantity == "stage":
            row = eta
        elif self.is_small:
            row = eta * np.sqrt(GRAVITY / depth)
        else:
            row = np.sqrt(GRAVITY * (depth + height)) * eta / (depth + eta)
        return np.broadcast_to(self.scale * row, grid.shape).copy()


AnyShape = Annotated[Polyline | Bowl | Cone | Disc | Solitary, Field(discriminator="shape")]
"""A shape, told apart by its ``shape``."""
