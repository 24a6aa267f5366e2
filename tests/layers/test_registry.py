from __future__ import annotations

import inspect
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from layers import registry
from layers.catalog import Catalog, Entry
from layers.registry import READERS, Reader, read_entry
from twin import Access, Frame, FrameError, LayerError, Provenance, VectorLayer

BOUNDS = (0.0, 0.0, 100.0, 100.0)


def _catalog(**layers: Entry) -> Catalog:
    return Catalog(name={"en": "test"}, area=BOUNDS, layers=layers)


def _read(entry: Entry, **loaded: VectorLayer) -> VectorLayer:
    layer = read_entry("gauges", entry, catalog=_catalog(gauges=entry), area=BOUNDS, loaded=loaded)
    assert isinstance(layer, VectorLayer)
    return layer


def read_probe(
    uri: str,
    *,
    frame: Frame,
    licence: str = "",
    access: Access = Access.OPEN,
    size: float = 1.0,
    table: str = "",
    other: VectorLayer | None = None,
) -> VectorLayer:
    """A reader that reports what it was given."""
    import geopandas as gpd

    notes = (uri, str(size), table, other.id if other else "")
    empty = gpd.GeoDataFrame(geometry=[], crs=frame.wkt())
    return VectorLayer(
        id="probe", frame=frame, provenance=Provenance("file", licence, notes=notes, access=access), table=empty
    )


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "probe", Reader(read_probe, layers=("other",), files=("table",)))


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_reader_can_be_imported_and_its_options_have_resolvable_kinds(name: str) -> None:
    reader = READERS[name]
    function = reader.function()
    parameters = inspect.signature(function).parameters
    assert {"frame", "licence", "access"} <= parameters.keys()
    assert {*reader.layers, *reader.files} <= parameters.keys()
    options = [p for p in parameters if p not in registry._STANDARD and p not in ("uri", *reader.layers)]
    assert registry._hints(function, options).keys() == set(options)


def test_a_reader_gets_its_options_in_their_kind_and_files_from_the_catalogue_s_place() -> None:
    entry = Entry(reader="probe", uri="a.csv", options={"size": "2.5", "table": "t.yaml"}, access=Access.CLOSED)
    catalog = _catalog(gauges=entry).at("memory://city/catalog.yaml")
    layer = read_entry("gauges", entry, catalog=catalog, area=None, loaded={})
    assert layer.id == "gauges"
    assert layer.provenance.notes[:3] == ("memory://city/a.csv", "2.5", "memory://city/t.yaml")
    assert layer.provenance.access is Access.CLOSED


def test_the_body_that_made_the_data_is_named_in_the_provenance() -> None:
    assert _read(Entry(reader="probe", uri="a", source="大阪市")).provenance.source == "大阪市: file"


def test_a_layer_that_another_is_computed_from_is_handed_over() -> None:
    first = _read(Entry(reader="probe", uri="a"))
    second = _read(Entry(reader="probe", uri="b", options={"other": "first"}), first=first)
    assert second.provenance.notes[3] == "gauges"


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        (Entry(reader="nosuch", uri="a"), LayerError, "no reader 'nosuch'.*probe"),
        (Entry(reader="probe", uri="a", options={"sise": 1}), LayerError, "no option 'sise'.*size"),
        (Entry(reader="probe", uri="a", options={"size": "big"}), LayerError, "'size' is 'big'"),
        (Entry(reader="probe", uri="a", options={"frame": "x"}), LayerError, "no option 'frame'"),
        (Entry(reader="probe"), LayerError, "has no uri"),
        (Entry(reader="probe", uri="a", vertical="ellipsoidal"), FrameError, "states heights above ellipsoidal"),
        (Entry(reader="probe", uri="a", crs="EPSG:6668"), FrameError, "states EPSG:6668"),
        (Entry(reader="building_bases"), LayerError, "option 'buildings' is missing"),
    ],
)
def test_a_bad_entry_is_named(entry: Entry, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"layer gauges: .*{message}"):
        _read(entry)


def test_a_statement_that_agrees_with_what_the_reader_fixes_is_fine() -> None:
    assert _read(Entry(reader="probe", uri="a", vertical="EPSG:6695")).id == "gauges"


def test_a_package_can_add_a_reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "plugin_reader.py").write_text("from tests_probe import read_probe as read\n", encoding="utf-8")
    points = {
        "good": EntryPoint("good", "plugin_good:read", registry.ENTRY_POINTS),
        "broken": EntryPoint("broken", "plugin_reader:read", registry.ENTRY_POINTS),
    }
    (tmp_path / "plugin_good.py").write_text(
        "from layers.registry import READERS\nread = READERS['probe']\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        registry, "entry_points", lambda name=None, **_: [p for n, p in points.items() if name in (None, n)]
    )
    assert _read(Entry(reader="good", uri="a", options={"size": 3})).provenance.notes[1] == "3.0"
    with pytest.raises(LayerError, match=r"'broken'.*cannot be imported"):
        _read(Entry(reader="broken", uri="a"))
    assert {"good", "broken", "vector"} <= set(registry.reader_names())
