"""Structures: what moves water between cells, the outside and stores."""
