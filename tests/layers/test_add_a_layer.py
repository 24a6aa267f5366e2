"""The reader of docs/add-a-layer.md works as the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from layers import registry
from layers.load import load_city
from twin import LayerError, VectorLayer

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-layer.md"


def _block(language: str, number: int) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[number]


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A catalogue with the page's entry, and its reader registered."""
    (tmp_path / "rain_gauges.py").write_text(_block("python", 0), encoding="utf-8")
    (tmp_path / "gauges.txt").write_text("大阪 135.42 34.69 55\n西淀川 135.43 34.70 3\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(registry.READERS, "rain_gauges", registry.Reader("rain_gauges:read_rain_gauges"))
    content = yaml.safe_load(_block("yaml", 0)) | yaml.safe_load(_block("yaml", 1))
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    yield path
    sys.modules.pop("rain_gauges", None)


def test_the_page_s_reader_loads_its_layer(catalog: Path) -> None:
    rain = load_city(catalog).require("rain", VectorLayer)
    assert rain.table["name"].tolist() == ["大阪"]
    assert rain.table.geometry.x.iloc[0] == pytest.approx(-53200, abs=300)
    assert rain.provenance.licence == "CC0"


def test_a_bad_line_is_named_with_its_number(catalog: Path) -> None:
    (catalog.parent / "gauges.txt").write_text("大阪 135.42 34.69 55\n西淀川 135.43\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"gauges\.txt:2: .* has 2 words"):
        load_city(catalog)


def test_an_option_of_the_wrong_kind_is_refused(catalog: Path) -> None:
    text = catalog.read_text(encoding="utf-8").replace("minimum_mm: 10", "minimum_mm: many")
    catalog.write_text(text, encoding="utf-8")
    with pytest.raises(LayerError, match="minimum_mm"):
        load_city(catalog)
