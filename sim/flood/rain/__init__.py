"""Rain in space and time."""
