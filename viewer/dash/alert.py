"""An error in the page: what, where, remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import html

from viewer.strings import say

if TYPE_CHECKING:
    from twin.errors import TwinError
    from viewer.strings import Lang

__all__ = ["error_alert"]


def error_alert(lang: Lang, error: TwinError) -> Any:
    """A red box with the three parts of an error."""
    rows = [html.P(error.what, className="alert-what")]
    for key, text in (("page.where", error.where), ("page.remedy", error.remedy)):
        if text:
            rows.append(html.P([html.B(f"{say(lang, key)}: "), text], className="note"))
    return dmc.Alert(rows, title=say(lang, "page.error"), color="red", variant="light", className="form-alert")
