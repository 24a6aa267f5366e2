"""The page's skeleton; every text that does not depend on data is bound to a key of the string tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import dcc, html

from viewer.component.twin_view import TwinView
from viewer.dash.attributes import attributes
from viewer.dash.link import COLOURS
from viewer.strings import LANGUAGES, say, table

if TYPE_CHECKING:
    from viewer.strings import Lang

__all__ = ["BINDINGS", "skeleton"]

BINDINGS: tuple[tuple[str, str, str], ...] = (
    ("language", "aria-label", "page.language"),
    ("controls", "aria-label", "page.controls"),
    ("stage", "aria-label", "page.view"),
    ("panel-button", "aria-label", "page.panel"),
    ("run", "aria-label", "runs.choose"),
    ("run", "placeholder", "runs.none"),
    ("tab-simulate", "children", "tab.simulate"),
    ("tab-charts", "children", "tab.charts"),
    ("tab-layers", "children", "tab.layers"),
    ("form-title", "children", "form.title"),
    ("scenario", "label", "form.scenario"),
    ("pick-note", "children", "form.pick_note"),
    ("submit", "children", "form.run"),
    ("runs-title", "children", "runs.title"),
    ("color-title", "children", "layers.color_by"),
    ("color", "aria-label", "layers.color_by"),
    ("layers-title", "children", "layers.title"),
    ("api-link", "children", "page.api"),
)
"""(component, property, key) of every fixed text."""

THEME: dict[str, Any] = {
    "primaryColor": "twin",
    "primaryShade": 7,
    "colors": {
        "twin": [
            "#eaf3fa", "#d3e4f2", "#a6c8e4", "#77abd6", "#5092ca", "#3883c3", "#2a7bc0", "#1769aa", "#12558a",
            "#0c3f68",
        ]
    },
    "fontFamily": (
        'Inter, "Helvetica Neue", "Segoe UI", "Hiragino Sans", "Noto Sans JP", "Noto Sans CJK JP", Meiryo, sans-serif'
    ),
    "headings": {"fontWeight": "700"},
    "defaultRadius": "md",
    "cursorType": "pointer",
}  # fmt: skip


def colour_choices(lang: Lang) -> list[dict[str, str]]:
    """What buildings can be coloured by."""
    return [{"value": value, "label": say(lang, f"layers.by_{value}")} for value in COLOURS]


def skeleton(lang: Lang) -> Any:
    """The page before any data have arrived."""
    return dmc.MantineProvider(
        forceColorScheme="light",
        theme=THEME,
        children=html.Div(
            id="page",
            className="page",
            children=[
                dcc.Location(id="url", refresh=False),
                dcc.Store(id="strings", data={name: table(name) for name in LANGUAGES}),
                dcc.Store(id="colour-choices", data={name: colour_choices(name) for name in LANGUAGES}),
                dcc.Store(id="bindings", data=[key for _, _, key in BINDINGS]),
                dcc.Store(id="layer-settings", data={}),
                dcc.Store(id="selection"),
                dcc.Store(id="scenario-content"),
                dcc.Store(id="submitted"),
                dcc.Store(id="cancelled"),
                dcc.Store(id="cards"),
                dcc.Store(id="advances"),
                dcc.Store(id="focused"),
                dcc.Store(id="run-state", data=""),
                dcc.Store(id="chart-state", data=""),
                dcc.Store(id="picking"),
                dcc.Store(id="origin"),
                dcc.Store(id="restored", data=False),
                dcc.Store(id="permalink"),
                dcc.Interval(id="poll", interval=1000, disabled=True),
                _header(lang),
                html.Div(className="body", children=[_controls(), _stage(lang), _details()]),
            ],
        ),
    )


def _header(lang: Lang) -> html.Header:
    return html.Header(
        className="header",
        children=[
            html.Button(html.Span(className="icon icon-menu"), id="panel-button", className="icon-button",
                        **attributes(aria_expanded="true", aria_controls="controls")),
            html.Div(className="brand", children=[html.H1(id="title"), html.Span(id="subtitle", className="subtitle")]),
            dmc.Select(id="run", className="run-select", data=[], clearable=True, searchable=False, size="sm",
                       comboboxProps={"width": 340, "position": "bottom-end"}),
            dmc.SegmentedControl(
                id="language", value=lang, size="sm",
                data=[{"value": "ja", "label": "日本語"}, {"value": "en", "label": "English"}],
            ),
        ],
    )  # fmt: skip


def _controls() -> html.Aside:
    return html.Aside(
        id="controls",
        className="controls",
        children=dmc.Tabs(
            id="tabs",
            value="simulate",
            keepMounted=True,
            className="tabs",
            children=[
                dmc.TabsList(
                    grow=True,
                    children=[
                        dmc.TabsTab(html.Span(id="tab-simulate"), value="simulate"),
                        dmc.TabsTab(html.Span(id="tab-charts"), value="charts"),
                        dmc.TabsTab(html.Span(id="tab-layers"), value="layers"),
                    ],
                ),
                dmc.TabsPanel(value="simulate", className="panel", children=[_form(), _runs()]),
                dmc.TabsPanel(html.Div(id="charts"), value="charts", className="panel"),
                dmc.TabsPanel(value="layers", className="panel", children=[_colours(), _layers()]),
            ],
        ),
    )


def _form() -> html.Section:
    return html.Section(
        className="section",
        children=[
            html.H2(id="form-title"),
            dmc.Select(id="scenario", data=[], allowDeselect=False, searchable=False, size="sm"),
            html.Div(id="fields"),
            html.P(id="pick-note", className="note pick-note", role="status"),
            dmc.Button(id="submit", fullWidth=True, size="sm", className="submit"),
            html.Div(id="form-error", role="alert"),
        ],
    )


def _runs() -> html.Section:
    return html.Section(className="section", children=[html.H2(id="runs-title"), html.Div(id="runs", className="runs")])


def _colours() -> html.Section:
    return html.Section(
        className="section",
        children=[
            html.H2(id="color-title"),
            dmc.SegmentedControl(
                id="color",
                value="usage",
                fullWidth=True,
                size="sm",
                data=colour_choices("ja"),
            ),
        ],
    )


def _layers() -> html.Section:
    return html.Section(
        className="section",
        children=[
            html.H2(id="layers-title"),
            html.Div(id="layers", className="layers"),
            html.A(id="api-link", href="/openapi.json", className="note api-link", target="_blank"),
        ],
    )


def _stage(lang: Lang) -> html.Main:
    return html.Main(id="stage", className="stage", children=TwinView(id="view", lang=lang, style={"height": "100%"}))


def _details() -> html.Aside:
    return html.Aside(
        id="details",
        className="details",
        hidden=True,
        children=html.Div(id="detail-body"),
    )
