"""The string tables are complete, and the language is the reader's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import viewer
from viewer.api.building import ATTRIBUTES
from viewer.dash.layout import BINDINGS
from viewer.strings import LANGUAGES, language_of, say, table

BARE = re.compile(r"""["'](\w+)["']""")
KEY = re.compile(r"""(?<![\w./])["'](\w+\.\w+)["']""")


def test_both_tables_have_the_same_keys_and_no_empty_text() -> None:
    ja, en = (table(lang) for lang in LANGUAGES)
    assert ja.keys() == en.keys()
    assert all(text.strip() for lang in LANGUAGES for text in table(lang).values())


def test_both_languages_fill_the_same_places() -> None:
    ja, en = (table(lang) for lang in LANGUAGES)
    for key in ja:
        assert sorted(re.findall(r"{(\w+)", ja[key])) == sorted(re.findall(r"{(\w+)", en[key])), key


def test_japanese_text_is_japanese_and_english_text_is_not() -> None:
    japanese = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
    assert not [key for key, text in table("en").items() if japanese.search(text)]
    latin = {key for key, text in table("ja").items() if not japanese.search(text)}
    assert latin <= {"page.api", "attribute.id", "report.area_size", "report.clock"}


def test_every_key_that_the_page_uses_exists_and_every_key_is_used() -> None:
    used = {key for _, _, key in BINDINGS} | {f"attribute.{column}" for column, _ in ATTRIBUTES}
    groups = {key.partition(".")[0] for key in table("ja")}
    for folder in ("dash", "api", "document"):
        for path in (Path(next(iter(viewer.__path__))) / folder).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            used |= {key for key in KEY.findall(text) if key.partition(".")[0] in groups}
            if folder == "document":  # titles of columns stand there without their group
                used |= {f"report.{name}" for name in BARE.findall(text)} & table("ja").keys()
    used -= {"layers.pack", "charts.yaml", "report.md", "report.pdf"}  # a package and files, no sentences
    assert used <= table("ja").keys()
    by_value = {
        "status", "hazard", "scale", "stage", "limits", "cause", "mission", "restriction", "conflict", "group",
        "effect", "distribution",
    }  # fmt: skip
    left = {key for key in table("ja").keys() - used if key.partition(".")[0] not in by_value}
    assert {key for key in left if not key.startswith("layers.by_")} == set()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "ja"),
        ("en-US,en;q=0.9,ja;q=0.8", "en"),
        ("fr,ja;q=0.5,en;q=0.4", "ja"),
        ("de", "ja"),
        ("en;q=0,ja", "ja"),
        ("en;q=x", "ja"),
    ],
)
def test_the_language_follows_the_browser(accept: str, expected: str) -> None:
    assert language_of(accept, "ja") == expected


def test_places_are_filled() -> None:
    assert say("en", "time.hours_minutes", hours=2, minutes=5) == "2 h 05 min"
