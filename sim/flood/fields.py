"""Every array that the flood simulator stores: name, unit, CF name, sentence."""

from __future__ import annotations

from twin.fields import register_field

__all__ = ["ARRIVAL_DEPTHS", "DURATION_DEPTH", "SPEED_DEPTH"]

ARRIVAL_DEPTHS = (0.05, 0.30)
"""Depths whose first time is kept [m]: inland flooding is drawn from 5 cm; 30 cm stops cars and makes walking hard."""

DURATION_DEPTH = 0.5
"""Depth of the flood duration [m]: 浸水継続時間 of the Japanese flood inundation maps."""

SPEED_DEPTH = 0.01
"""Shallower water has no speed in the maps [m]: a film's speed is a quotient of two roundings."""

_CELL = ("y", "x")

register_field("h_cell", _CELL, "m", "Water depth", standard_name="flood_water_thickness")
register_field("u_cell", _CELL, "m s-1", "Depth-mean velocity eastward", standard_name="sea_water_x_velocity")
register_field("v_cell", _CELL, "m s-1", "Depth-mean velocity northward", standard_name="sea_water_y_velocity")
register_field("h_max_cell", _CELL, "m", "Largest water depth of the run")
register_field("stage_max_cell", _CELL, "m", "Highest water surface above T.P. of the run, missing where it stayed dry")
register_field("speed_max_cell", _CELL, "m s-1", "Largest flow speed of the run where at least 1 cm deep")
register_field("unit_discharge_max_cell", _CELL, "m2 s-1", "Largest depth times speed of the run")
register_field(
    "force_max_cell", _CELL, "m3 s-2", "Largest speed squared times depth of the run: the drag on a building"
)
register_field("arrival_cell", _CELL, "s", "First time with at least 0.05 m of water, missing where it never came")
register_field("arrival_030_cell", _CELL, "s", "First time with at least 0.30 m of water, missing where it never came")
register_field("time_max_cell", _CELL, "s", "Time of the largest depth (within 1 mm), missing where it stayed dry")
register_field("duration_cell", _CELL, "s", "Time with at least 0.5 m of water (浸水継続時間)")
register_field(
    "flood_depth_cell",
    _CELL,
    "m",
    "Largest water depth on land as flood maps show it: 0 below 0.05 m, in buildings that of the open ground beside "
    "them, missing on sea and rivers and outside",
)
register_field("rating_max_cell", _CELL, "1", "Largest hazard rating for people, depth (speed + 0.5) + debris factor")
register_field("vulnerability_cell", _CELL, "1", "Highest combined hazard class of the run, 1 to 6; 0 below 0.05 m")
register_field("collapse_cell", _CELL, "1", "Highest class of the collapse of houses in the current (氾濫流); 0: none")
