"""Ways to the nearest open shelter: one search from all shelters backwards along the links."""
