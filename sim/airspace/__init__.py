"""Airspace over the city: rules as volumes, paths, conflicts, missions."""
