"""Ways out: travel time to an exit over a raster, and the direction in which it falls."""
