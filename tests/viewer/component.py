"""The 3D view alone in a page: no Dash server, no network; a test answers every request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dash
import numpy as np
import rasterio

from viewer.component import twin_view

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Page

BASE = "http://127.0.0.1:9"  # nothing listens there: every request is answered by `answer` below
PAGE = """<!doctype html><meta charset="utf-8"><style>html,body,#root{margin:0;height:100%}</style><div id="root"></div>
<script src="/react.js"></script><script src="/react-dom.js"></script><script src="/view.js"></script><script>
const root = ReactDOM.createRoot(document.getElementById("root"));
window.props = {}; window.reports = [];
window.show = (more) => {
  Object.assign(props, more);
  const view = window["viewer.component.twin_view"].TwinView;
  const setProps = (report) => { reports.push(report); show(report); };
  root.render(React.createElement(view, {...props, setProps}));
};
window.hide = () => root.render(null);
</script>"""
DEPS = Path(dash.__file__).parent / "deps"
SCRIPTS = {
    "/view.js": Path(twin_view.__file__).with_name("twin_view.min.js"),
    "/react.js": DEPS / "react@18.3.1.min.js",
    "/react-dom.js": DEPS / "react-dom@18.3.1.min.js",
}


def show(page: Page, **props: Any) -> None:
    """Sets properties and waits until the picture shows them."""
    page.evaluate("props => show(props)", props)
    page.wait_for_function("window.__view && (__view.ready || __view.lastError)")


def picture(page: Page) -> NDArray[np.int64]:
    """The page as (height, width, 3) sRGB bytes."""
    with rasterio.MemoryFile(page.screenshot()) as file, file.open() as image:
        pixels: NDArray[np.int64] = np.moveaxis(image.read()[:3], 0, -1).astype(np.int64)
    return pixels
