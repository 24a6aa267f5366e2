"""The catalogue of a city: one YAML file that says which layers there are, where they lie and who may see them."""

from __future__ import annotations

import math
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    ValidationError,
    field_validator,
)

from layers.bounds import Bounds
from layers.source import is_url, read_text
from layers.whole_file import whole_file
from layers.yaml_document import DocumentLoader
from twin.errors import FrameError, LayerError
from twin.frame import ELLIPSOIDAL, TP, Frame
from twin.layer import Access

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Catalog", "Entry", "add_entry", "catalog_schema", "read_catalog", "write_catalog"]


def _date_text(value: object) -> object:
    """YAML reads ``2024-03-31`` as a date and ``2024`` as a number; both are text here."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class Entry(_Strict):
    """One layer.

    Parameters
    ----------
    reader : str
        Name of the reader (:data:`layers.registry.READERS` or a plug-in's).
    uri : str
        Path (relative: from the catalogue) or fsspec URL; "" for a layer that is computed from others.
    name : mapping of str to str
        Name for people, by language.
    source : str
        Body that made the data, as it wants to be named.
    licence : str
    access : Access
        open, closed or personal.
    date : str
        Date of the data (ISO 8601).
    vertical : str, optional
        Height datum of the file where the file itself does not say it: ``EPSG:6695`` (T.P.) or ``ellipsoidal``.
    crs : str, optional
        Horizontal system of the file where the file itself does not say it, or says it wrongly.
    options : mapping
        What the reader takes besides.
    """

    reader: Annotated[str, Field(min_length=1)]
    uri: str = ""
    name: dict[str, str] = Field(default_factory=dict)
    source: str = ""
    licence: str = ""
    access: Access = Access.OPEN
    date: Annotated[str, BeforeValidator(_date_text)] = ""
    vertical: str | None = None
    crs: str | None = None
    options: dict[str, JsonValue] = Field(default_factory=dict)

    @field_validator("vertical", "crs")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value != ELLIPSOIDAL:
            _frame(value, None)
        return value


class Catalog(_Strict):
    """A city's layers.

    Parameters
    ----------
    schema_ : int
        Version of this format: 1 (``schema:`` in the file).
    name : mapping of str to str
        Name of the city by language, ``{ja: ..., en: ...}``.
    frame : str
        Horizontal system of the twin, in metres.
    vertical : str
        Height datum of the twin; T.P. unless the city lies elsewhere.
    area : tuple of float
        west, south, east, north [m in `frame`].
    layers : mapping of str to Entry
        By layer id.
    """

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    name: dict[str, str]
    frame: str = "EPSG:6674"
    vertical: str = TP
    area: Bounds
    layers: dict[str, Entry] = Field(default_factory=dict)
    _location: str = PrivateAttr("")

    @field_validator("frame")
    @classmethod
    def _is_metric(cls, value: str) -> str:
        frame = _frame(value, None)
        if not frame.is_projected:
            raise ValueError(f"{value} is in degrees; give a system in metres such as EPSG:6674")
        return value

    @field_validator("vertical")
    @classmethod
    def _is_datum(cls, value: str) -> str:
        _frame("EPSG:6674", value)
        return value

    @field_validator("area")
    @classmethod
    def _has_area(cls, value: Bounds) -> Bounds:
        west, south, east, north = value
        if not (west < east and south < north):
            raise ValueError(
                f"{list(value)} has no area; give west, south, east, north with west < east, south < north"
            )
        return value

    @field_validator("layers")
    @classmethod
    def _have_ids(cls, value: dict[str, Entry]) -> dict[str, Entry]:
        for layer_id in value:
            if not layer_id.isidentifier():
                raise ValueError(f"{layer_id!r} is no layer id; use letters, digits and _")
        return value

    @property
    def city_frame(self) -> Frame:
        """Frame of the twin."""
        return Frame(self.frame, self.vertical)

    @property
    def location(self) -> str:
        """File or URL that the catalogue was read from, "" if it was not."""
        return self._location

    def at(self, location: str) -> Catalog:
        """The same catalogue with relative uris meaning from `location`, the catalogue's own file or URL."""
        copy = self.model_copy()
        copy._location = location
        return copy

    def resolve(self, uri: str) -> str:
        """`uri` as it can be opened: a relative path is relative to the catalogue."""
        if not uri or is_url(uri) or Path(uri).is_absolute():
            return uri
        if is_url(self._location):
            return f"{self._location.rpartition('/')[0]}/{uri}"
        return os.path.normpath(Path(self._location).parent / uri)


def read_catalog(uri: str | Path) -> Catalog:
    """Catalogue from a YAML file.

    Parameters
    ----------
    uri : str or Path
        Path or fsspec URL.

    Raises
    ------
    LayerError
        If it cannot be read or says something that a catalogue cannot say; names file, line, key, value and remedy.
    """
    where = str(uri)
    text = read_text(uri, where)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        form = yaml.load(text, Loader=DocumentLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise LayerError(f"is not YAML ({problem})", where=where + line, remedy="Mend the syntax there.") from error
    if not isinstance(form, dict):
        raise LayerError(
            f"holds {type(form).__name__}, a mapping is needed",
            where=where,
            remedy="A catalogue starts with `schema: 1`, `name:`, `area:`, `layers:`.",
        )
    try:
        return Catalog.model_validate(form).at(where)
    except ValidationError as error:
        raise _explain(error, node, where) from error


def write_catalog(catalog: Catalog, path: Path) -> None:
    """Write `catalog` as YAML, whole or not at all; what is at its default is left out."""
    form = catalog.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    form = {"schema": catalog.schema_, "name": form.pop("name"), "frame": catalog.frame, **form}
    form["area"] = [int(v) if math.isfinite(v) and v == int(v) else v for v in catalog.area]
    text = yaml.safe_dump(form, allow_unicode=True, sort_keys=False, width=120)
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def add_entry(path: Path, layer_id: str, entry: Entry, *, replace: bool = False) -> Catalog:
    """Add a layer to the catalogue at `path` (comments in the file are lost: it is written anew).

    Raises
    ------
    LayerError
        If the id is taken and `replace` is false, or the id is unusable.
    """
    catalog = read_catalog(path)
    if layer_id in catalog.layers and not replace:
        raise LayerError(
            f"layer {layer_id!r} is there already", where=str(path), remedy="Choose another id, or replace it."
        )
    form = catalog.model_dump(by_alias=True)
    form["layers"][layer_id] = entry.model_dump(by_alias=True)
    try:
        changed = Catalog.model_validate(form).at(str(path))
    except ValidationError as error:
        raise _explain(error, None, str(path)) from error
    write_catalog(changed, path)
    return changed


def catalog_schema() -> dict[str, Any]:
    """JSON Schema of the catalogue format."""
    return Catalog.model_json_schema(by_alias=True)


def _frame(horizontal: str, vertical: str | None) -> Frame:
    try:
        return Frame(horizontal, vertical)
    except FrameError as error:
        raise ValueError(str(error)) from error


def _explain(error: ValidationError, node: yaml.Node | None, where: str) -> LayerError:
    """The first thing that is wrong, with its line; how many more there are."""
    first, *rest = error.errors(include_url=False)
    loc: Sequence[int | str] = first["loc"]
    line = _line_of(node, loc)
    given = "" if first["type"] == "missing" else f", given {first['input']!r}"[:160]
    remedies = {
        "extra_forbidden": f"Remove it or check its spelling. {_known_keys(loc)}",
        "missing": "Add it.",
        "enum": f"It must be {first.get('ctx', {}).get('expected', '')}.",
    }
    more = f" ({len(rest)} more like this)" if rest else ""
    return LayerError(
        f"{first['msg'].removeprefix('Value error, ')}{given}{more}",
        where=f"{where}{f' line {line}' if line else ''}: {'.'.join(map(str, loc))}",
        remedy=remedies.get(first["type"], _known_keys(loc)),
    )


def _known_keys(loc: Sequence[int | str]) -> str:
    if len(loc) > 1 and loc[0] == "layers":
        return f"A layer may say: {', '.join(Entry.model_fields)}."
    return f"A catalogue may say: schema, {', '.join(k for k in Catalog.model_fields if k != 'schema_')}."


def _line_of(node: yaml.Node | None, loc: Sequence[int | str]) -> int | None:
    line = node.start_mark.line + 1 if node is not None else None
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
