"""Bridges as PLATEAU writes them: udx/brid/<mesh8>_brid_6697_op.gml, LOD1 and LOD2 solids of the decks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sample_data.citygml import CREATED, Writer, code, file_name, solid_by_reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sample_data.bridges import Deck

__all__ = ["bridge_files", "deck_faces"]

_ROLE = {"top": ("OuterFloorSurface", "ofs"), "below": ("OuterCeilingSurface", "ocs"), "side": ("WallSurface", "wall")}


def _edges(deck: Deck) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Left and right edge of the deck (n, 3)."""
    tangent = np.gradient(deck.xyz[:, :2], axis=0)
    tangent /= np.hypot(tangent[:, 0], tangent[:, 1])[:, None]
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0], np.zeros(len(tangent))]) * deck.width / 2
    return deck.xyz + normal, deck.xyz - normal


def deck_faces(deck: Deck, *, is_block: bool) -> list[tuple[str, list[NDArray[np.float64]]]]:
    """Faces of the closed deck; as a block (LOD1) from its lowest to its highest point."""
    left, right = _edges(deck)
    drop = np.array([0.0, 0.0, deck.thickness])
    low_l, low_r = left - drop, right - drop
    if is_block:
        low, high = float(low_l[:, 2].min()), float(left[:, 2].max())
        left, right, low_l, low_r = (np.column_stack([e[:, :2], np.full(len(e), z)]) for e, z in (
            (left, high), (right, high), (low_l, low), (low_r, low)))  # fmt: skip
    faces: list[tuple[str, list[NDArray[np.float64]]]] = []
    for k in range(len(left) - 1):
        m = k + 1
        faces += [
            ("top", [np.array([right[k], right[m], left[m], left[k]])]),
            ("below", [np.array([low_l[k], low_l[m], low_r[m], low_r[k]])]),
            ("side", [np.array([low_r[k], low_r[m], right[m], right[k]])]),
            ("side", [np.array([low_l[m], low_l[k], left[k], left[m]])]),
        ]
    faces += [
        ("side", [np.array([low_l[0], low_r[0], right[0], left[0]])]),
        ("side", [np.array([low_r[-1], low_l[-1], left[-1], right[-1]])]),
    ]
    return faces


def _bridge(deck: Deck, writer: Writer) -> str:
    text = f'<brid:Bridge gml:id="{writer.new_id("brid")}">\n<gml:name>{deck.name}</gml:name>\n'
    text += f"<core:creationDate>{CREATED}</core:creationDate>\n"
    text += (
        f"{code('brid:class', 'Bridge_class', deck.form)}\n{code('brid:function', 'Bridge_function', deck.function)}\n"
    )
    block = [writer.polygon(rings) for _, rings in deck_faces(deck, is_block=True)]
    text += f"<brid:lod1Solid>\n{writer.solid(block)}</brid:lod1Solid>\n"
    faces = [(role, rings, writer.new_id("poly")) for role, rings in deck_faces(deck, is_block=False)]
    text += f"<brid:lod2Solid>\n{solid_by_reference(i for _, _, i in faces)}</brid:lod2Solid>\n"
    for role, rings, polygon_id in faces:
        element, prefix = _ROLE[role]
        surface = writer.multi_surface([writer.polygon(rings, polygon_id)])
        text += (
            f'<brid:boundedBy>\n<brid:{element} gml:id="{writer.new_id(prefix)}">\n'
            f"<brid:lod2MultiSurface>\n{surface}</brid:lod2MultiSurface>\n</brid:{element}>\n</brid:boundedBy>\n"
        )
    quality = code("uro:geometrySrcDescLod1", "DataQualityAttribute_geometrySrcDesc", "700")
    return (
        f"{text}<uro:bridDataQualityAttribute>\n<uro:DataQualityAttribute>\n{quality}\n"
        "</uro:DataQualityAttribute>\n</uro:bridDataQualityAttribute>\n</brid:Bridge>\n"
    )


def bridge_files(bridges: list[Deck], seed: int) -> dict[str, str]:
    """Text of every bridge file by its name."""
    rng = np.random.default_rng([seed, 6])
    writers: dict[str, Writer] = {}
    for deck in bridges:
        c = deck.line.interpolate(0.5, normalized=True)
        writer = writers.setdefault(file_name(c.x, c.y, "brid"), Writer(rng))
        writer.add(_bridge(deck, writer))
    return {name: writers[name].text() for name in sorted(writers)}
