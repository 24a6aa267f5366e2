"""Files that people write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.document import read_document
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "flood:\n  rain: 5\n  breaches: []\n  rain: 6\n",
            ":4: is no YAML (the key 'rain' stands there twice, first in line 2)",
        ),
        ("name: x\n\tflood: 3\n", ":2: is no YAML (found character '\\t' that cannot start any token)"),
        ("name: x\nstart: 2025-13-20\n", ":2: is no YAML ('2025-13-20' cannot be: month must be in 1..12)"),
        ("- 1\n", "is no scenario"),
        ("", "is no scenario"),
    ],
)
def test_the_line_that_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_document(path, "scenario")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_anchors_and_merged_keys_are_no_repetition(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n", encoding="utf-8-sig")
    assert read_document(path, "scenario")["b"] == {"x": 3, "y": 2}


def test_a_file_in_another_encoding_or_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes("name: 水".encode("cp932"))
    for wrong, said in (
        (path, r"not UTF-8 .* Save the scenario file"),
        (tmp_path, r"cannot be read \(Is a directory\)"),
        (tmp_path / "none.yaml", r"cannot be read \(No such file or directory\)"),
    ):
        with pytest.raises(ScenarioError, match=said):
            read_document(wrong, "scenario")
