"""Tables of codes and rules that come with the twin (``layers/tables``) and that a user may replace."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from layers.source import read_text
from twin.errors import LayerError

__all__ = ["TablePart", "read_replaceable_table"]


class TablePart(BaseModel):
    """A table or a part of one: immutable, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Table = TypeVar("Table", bound=TablePart)


def read_replaceable_table(form: type[Table], name: str, uri: str | None, what: str) -> Table:
    """The table that comes with the twin, or another of the same form.

    Parameters
    ----------
    form : type of TablePart
    name : str
        File in ``layers/tables``.
    uri : str or None
        File that replaces it.
    what : str
        What it is a table of, for the error: ``hazard ranks``.

    Raises
    ------
    LayerError
        If the file is not of that form.
    """
    source = uri or Path(__file__).with_name("tables") / name
    try:
        return form.model_validate(yaml.safe_load(read_text(source, str(source))))
    except (yaml.YAMLError, ValidationError) as error:
        raise LayerError(
            f"is no table of {what} ({' '.join(str(error).splitlines()[:3])})",
            where=str(source),
            remedy=f"Start from a copy of layers/tables/{name}.",
        ) from error
