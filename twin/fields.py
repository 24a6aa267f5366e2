"""One registry for every array that is stored or passed on: what it is, where it lives, in which unit."""

from __future__ import annotations

from dataclasses import dataclass

from twin.errors import StoreError

__all__ = ["FIELDS", "FieldSpec", "field_spec", "register_field"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What an array holds.

    Parameters
    ----------
    name : str
        Name in files and in code; says where the value lives (``h_cell``).
    dims : tuple of str
        Dimension names, slowest first.
    units : str
        UDUNITS, e.g. ``"m s-1"``.
    standard_name : str
        CF standard name, or "" where CF has none.
    doc : str
        One sentence.
    """

    name: str
    dims: tuple[str, ...]
    units: str
    standard_name: str
    doc: str

    def attributes(self) -> dict[str, str]:
        """CF attributes for a stored array."""
        out = {"units": self.units, "long_name": self.doc}
        if self.standard_name:
            out["standard_name"] = self.standard_name
        return out


FIELDS: dict[str, FieldSpec] = {}
"""Every registered field by name."""


def register_field(name: str, dims: tuple[str, ...], units: str, doc: str, *, standard_name: str = "") -> FieldSpec:
    """Add a field; the same name with another meaning is refused.

    Raises
    ------
    StoreError
        If the name is taken by a different field.
    """
    spec = FieldSpec(name, dims, units, standard_name, doc)
    if FIELDS.setdefault(name, spec) != spec:
        raise StoreError(f"field {name!r} is registered with another meaning", where="twin.fields")
    return spec


def field_spec(name: str) -> FieldSpec:
    """Look a field up.

    Raises
    ------
    StoreError
        If nobody registered it: stored arrays without units and a sentence do not exist here.
    """
    try:
        return FIELDS[name]
    except KeyError:
        raise StoreError(
            f"field {name!r} is not registered",
            where="twin.fields",
            remedy="Register it with its units and a sentence (register_field).",
        ) from None


register_field(
    "z_cell",
    ("y", "x"),
    "m",
    "Bed elevation above T.P. at cell centres, buildings and structures included",
    standard_name="surface_altitude",
)
