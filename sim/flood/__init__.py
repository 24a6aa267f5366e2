"""Flood on the surface of the city."""
