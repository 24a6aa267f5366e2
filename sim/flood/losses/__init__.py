"""Water that goes into the ground and into the drains."""
