"""Japanese names of the fictional ward: town parts, buildings, shops. Any likeness to a real place is accidental."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["building_name", "chome"]

_KANJI_NUMBER = "一二三四五六七八"
_SURNAMES = (
    "浜崎",
    "葦田",
    "川瀬",
    "汐見",
    "水口",
    "磯村",
    "江原",
    "津田",
    "沖本",
    "渡辺",
    "堀江",
    "島津",
    "舟木",
    "岸部",
)
_HEAD = ("グラン", "メゾン", "ロイヤル", "パーク", "リバー", "ハーバー", "プレミア", "サン", "シティ", "ベイ")
_TAIL = ("コート", "ハイツ", "レジデンス", "テラス", "ヒルズ", "スクエア", "ガーデン", "ビュー", "アベニュー")
_OFFICE = ("水都駅前", "水都", "澪標", "東水都", "みなと", "葦原", "汐見", "水門", "川口")
_OFFICE_TAIL = ("ビル", "センタービル", "第一ビル", "第二ビル", "スクエアビル", "トラストビル", "会館")
_TRADE = ("鉄工", "紙器", "化成", "金属", "製作所", "食品", "電機", "造船", "木材", "運輸", "倉庫", "冷蔵")
_TOWER = ("水都ベイタワー", "澪標タワー水都", "水都ステーションタワー", "ホテル・ミオツクシ水都", "水都グランドタワー",
          "葦辺スカイコート", "水都中央ビルディング", "みおつくしプラザ")  # fmt: skip


def chome(district: str, part: int) -> str:
    """Town part such as 汐見町二丁目 (`part` counts from 0)."""
    return f"{district}{_KANJI_NUMBER[part % len(_KANJI_NUMBER)]}丁目"


def building_name(usage: str, storeys: int, district: str, rng: Generator, tower: int | None = None) -> str:
    """Name of a building, "" where such a building usually has none.

    Parameters
    ----------
    usage : str
        Code of Building_usage.xml.
    storeys : int
        Storeys above ground.
    district : str
        Name of the district.
    rng : Generator
        Source of the choice.
    tower : int, optional
        Number of the tower in the centre.
    """

    def one(of: tuple[str, ...]) -> str:
        return str(of[int(rng.integers(len(of)))])

    if tower is not None:
        return _TOWER[tower % len(_TOWER)]
    match usage:
        case "412" | "414" if storeys >= 3:
            return f"{one(_HEAD)}{one(_TAIL)}{district.removesuffix('町')}"
        case "401" | "402" | "404" if storeys >= 4:
            return f"{one(_OFFICE)}{one(_OFFICE_TAIL)}" if rng.random() < 0.7 else f"{one(_SURNAMES)}ビル"
        case "403":
            return f"ホテル{one(_HEAD)}{district.removesuffix('町')}"
        case "441" | "431":
            return f"{one(_SURNAMES)}{one(_TRADE)}{'' if rng.random() < 0.5 else '水都工場'}"
        case _:
            return ""
