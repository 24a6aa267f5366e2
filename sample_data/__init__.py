"""Seeded generator of a small fictional ward of Osaka bay, written in the formats of the real open data."""
