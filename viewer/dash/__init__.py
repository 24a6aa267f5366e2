"""The page: Dash on the same FastAPI server as the API."""

from viewer.dash.page import add_page

__all__ = ["add_page"]
