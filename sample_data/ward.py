"""The hand-drawn facts of the fictional ward 水都区: coast, river, railway, roads, districts, sites and names.

Everything here is data. Drawing coordinates are metres east and north of the south-west corner; `place` moves them
to plane-rectangular zone VI, where all other modules work.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "AREA",
    "BREAKWATERS",
    "CITY_CODE",
    "DISTRICTS",
    "LAND_HEIGHT_ANCHORS",
    "ORIGIN",
    "RAILWAY",
    "RIVER",
    "RIVER_NAME",
    "ROADS",
    "SEA",
    "SITES",
    "WARD",
    "WARD_EN",
    "DistrictSpec",
    "Kind",
    "RoadSpec",
    "SiteSpec",
    "place",
]

Points = tuple[tuple[float, float], ...]

ORIGIN = (-53000.0, -146300.0)
"""South-west corner in EPSG:6674 [m]."""
AREA = (-53000.0, -146300.0, -51000.0, -144700.0)
"""(west, south, east, north) in EPSG:6674 [m]."""
WARD, WARD_EN = "水都区", "Suito ward"
CITY_CODE = "27199"
"""A municipality code that is not assigned to any ward of Osaka."""
RIVER_NAME = "水都川"


def place(points: Points) -> list[tuple[float, float]]:
    """Drawing coordinates -> plane-rectangular metres."""
    return [(x + ORIGIN[0], y + ORIGIN[1]) for x, y in points]


class Kind(StrEnum):
    """What a district or a site is made of; decides streets, lots, heights and usages."""

    HARBOUR = "harbour"
    OLD = "old"
    LOW = "low"
    CENTRE = "centre"
    GRID = "grid"
    MID = "mid"
    SOUTH = "south"
    DANCHI = "danchi"
    HOUSES = "houses"
    SCHOOL = "school"
    PARK = "park"
    SHRINE = "shrine"
    HOSPITAL = "hospital"
    WARD_OFFICE = "ward_office"
    TANKS = "tanks"
    YARD = "yard"
    PLAZA = "plaza"


@dataclass(frozen=True, slots=True)
class RoadSpec:
    """A road drawn by hand: `points` are interpolated by a smooth curve."""

    name: str
    width: float
    function: str
    """Code of Road_function.xml: 2 national, 3 prefectural, 4 municipal road."""
    points: Points
    has_sidewalk: bool = True
    bridge: str = ""
    """Name of the bridge where the road crosses the river."""
    is_underpass: bool = False
    """Whether the road dips below the railway."""


@dataclass(frozen=True, slots=True)
class DistrictSpec:
    """A district; the first of the list that covers a place owns it."""

    name: str
    kind: Kind
    outline: Points
    angle: float = 0.0
    """Direction of its streets [deg, counter-clockwise from east] where they are regular."""


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """A site that no local street crosses: centre, size along and across [m], direction [deg]."""

    name: str
    kind: Kind
    centre: tuple[float, float]
    size: tuple[float, float]
    angle: float


SEA: Points = (
    (-100, 1700), (118, 1700), (140, 1440), (166, 1190), (390, 1172), (383, 1080), (174, 1096), (206, 760),
    (262, 640), (330, 545), (392, 470), (535, 330), (505, 236), (592, 128), (694, 212), (764, 138), (672, 48),
    (726, -100), (-100, -100),
)  # fmt: skip
BREAKWATERS: tuple[Points, ...] = (((52, 420), (70, 300), (140, 190)), ((250, 100), (330, 70), (470, 60)))

RIVER: tuple[tuple[float, float, float], ...] = (
    (2140, 1408, 84), (1900, 1338, 86), (1660, 1238, 90), (1440, 1096, 92), (1210, 968, 96), (960, 878, 98),
    (760, 756, 104), (610, 602, 110), (496, 440, 124), (390, 300, 140), (290, 150, 150),
)  # fmt: skip
"""Centre line and width (x, y, width)."""

RAILWAY: Points = (
    (1782, -100), (1702, 80), (1612, 290), (1500, 500), (1370, 740), (1262, 940), (1130, 1190), (1020, 1420),
    (930, 1700),
)  # fmt: skip

ROADS: tuple[RoadSpec, ...] = (
    RoadSpec("水都大通", 30, "2", (
        (290, 720), (335, 622), (420, 545), (510, 479), (600, 418), (705, 392), (850, 420), (1000, 470), (1200, 540),
        (1435, 620), (1700, 690), (1900, 722), (2120, 738)), bridge="みなと水都大橋"),
    RoadSpec("国道499号", 25, "2", (
        (890, -100), (900, 120), (940, 320), (985, 480), (965, 640), (908, 762), (836, 884), (774, 1000), (738, 1150),
        (720, 1340), (690, 1700)), bridge="澪標橋"),
    RoadSpec("府道水都東線", 22, "3", (
        (1832, -100), (1802, 150), (1772, 400), (1775, 680), (1802, 900), (1796, 1100), (1746, 1274), (1692, 1400),
        (1662, 1484), (1650, 1700)), bridge="葦原橋"),
    RoadSpec("潮路通", 22, "3", (
        (655, 404), (690, 300), (762, 232), (905, 206), (1150, 200), (1400, 190), (1655, 195), (1800, 212),
        (2120, 252)), is_underpass=True),
    RoadSpec("北港通", 20, "3", (
        (330, 1292), (480, 1290), (722, 1320), (1022, 1396), (1300, 1442), (1662, 1484), (2120, 1532))),
    RoadSpec("臨港道路", 18, "4", (
        (290, 720), (332, 850), (436, 985), (458, 1120), (424, 1225), (330, 1292), (252, 1450), (226, 1700))),
    RoadSpec("葦原中央線", 12, "4", ((332, 850), (500, 884), (640, 962), (770, 1012))),
    RoadSpec("堤下通", 12, "4", ((738, 1142), (900, 1152), (1130, 1184), (1330, 1272), (1500, 1332), (1692, 1400))),
    RoadSpec("団地中央通", 12, "4", ((1330, 1272), (1300, 1442), (1246, 1700))),
    RoadSpec("川口筋", 14, "4", ((1040, 484), (1092, 640), (1136, 806))),
    RoadSpec("駅西通", 16, "4", ((1400, 190), (1372, 380), (1330, 588), (1246, 780), (1180, 892))),
    RoadSpec("駅東通", 14, "4", ((1796, 236), (1716, 306), (1664, 400), (1600, 660), (1504, 850), (1420, 1000))),
    RoadSpec("区役所通", 14, "4", ((938, 310), (1160, 398), (1372, 400), (1560, 462), (1772, 505), (2120, 562))),
    RoadSpec("水門通", 14, "4", ((1246, 780), (1504, 850), (1802, 900), (2120, 964))),
    RoadSpec("汐見商店街", 7, "4", ((700, 392), (742, 500), (828, 596), (968, 622)), has_sidewalk=False),
)  # fmt: skip

DISTRICTS: tuple[DistrictSpec, ...] = (
    DistrictSpec("北港町", Kind.HARBOUR, (
        (-100, 1700), (226, 1700), (252, 1450), (330, 1292), (424, 1225), (458, 1120), (436, 985), (332, 850),
        (290, 720), (335, 622), (400, 500), (-100, 300)), -6),
    DistrictSpec("築港町", Kind.HARBOUR, (
        (400, 520), (600, 418), (655, 404), (690, 300), (762, 232), (800, -100), (300, -100), (300, 300)), 38),
    DistrictSpec("汐見町", Kind.OLD, (
        (480, 500), (600, 418), (705, 392), (850, 420), (985, 470), (965, 640), (908, 762), (880, 830), (560, 690)),
        18),
    DistrictSpec("汐見南町", Kind.MID, (
        (655, 404), (705, 392), (850, 420), (985, 480), (940, 320), (905, 206), (762, 232), (690, 300)), 10),
    DistrictSpec("水都駅前", Kind.CENTRE, (
        (1000, 470), (1340, 540), (1372, 400), (1560, 462), (1772, 505), (1775, 715), (1600, 660), (1504, 850),
        (1246, 780), (1136, 806), (1092, 640)), 16),
    DistrictSpec("東水都", Kind.GRID, (
        (1630, -100), (1702, 80), (1700, 204), (1664, 400), (1664, 484), (1772, 505), (1775, 715), (1600, 660),
        (1504, 850), (1802, 900), (2140, 964), (2140, -100)), 28),
    DistrictSpec("区役所町", Kind.MID, (
        (900, 206), (1400, 190), (1372, 400), (1340, 560), (1000, 470), (940, 320)), 8),
    DistrictSpec("南津守町", Kind.SOUTH, ((680, 240), (905, 206), (1400, 190), (1700, 195), (1800, -100), (640,
    -100)), 2),
    DistrictSpec("西駅前", Kind.MID, (
        (1372, 400), (1400, 190), (1700, 195), (1664, 400), (1664, 484), (1560, 462)), 12),
    DistrictSpec("水都団地", Kind.DANCHI, ((722, 1330), (1022, 1396), (1300, 1442), (1246, 1700), (690, 1700)), 12),
    DistrictSpec("葦原", Kind.LOW, (
        (332, 850), (500, 884), (640, 962), (770, 1012), (738, 1142), (1130, 1184), (1022, 1396), (722, 1320),
        (330, 1292), (424, 1225), (458, 1120), (436, 985)), 9),
    DistrictSpec("北葦原流通町", Kind.SOUTH, ((226, 1700), (252, 1450), (330, 1292), (470, 1290), (465, 1700)), -4),
    DistrictSpec("北葦原", Kind.HOUSES, ((465, 1700), (470, 1290), (722, 1320), (700, 1700)), 4),
    DistrictSpec("川岸町", Kind.LOW, ((270, 760), (500, 520), (960, 950), (1240, 1080), (1130, 1184), (738, 1142),
                                    (770, 1012), (332, 850)), 33),
    DistrictSpec("水門町", Kind.MID, ((985, 470), (1040, 484), (1092, 640), (1136, 806), (1246, 780), (1504,
    850), (1802, 900), (2140, 964), (2140, 1450),
                                    (1600, 1200), (880, 800), (965, 640)), 18),
    DistrictSpec("北水都", Kind.HOUSES, ((1000, 1000), (2140, 1300), (2140, 1700), (1000, 1700)), 14),
    DistrictSpec("水都本町", Kind.MID, ((-100, -100), (2140, -100), (2140, 1700), (-100, 1700)), 15),
)  # fmt: skip

SITES: tuple[SiteSpec, ...] = (
    SiteSpec("水都市立葦原小学校", Kind.SCHOOL, (905, 1240), (118, 84), 9),
    SiteSpec("水都市立東水都中学校", Kind.SCHOOL, (1915, 410), (124, 96), 28),
    SiteSpec("水都市立区役所町小学校", Kind.SCHOOL, (1165, 305), (112, 84), 8),
    SiteSpec("府立水門高等学校", Kind.SCHOOL, (1640, 1010), (136, 96), 18),
    SiteSpec("汐見神社", Kind.SHRINE, (745, 600), (74, 54), 30),
    SiteSpec("水都中央公園", Kind.PARK, (1178, 660), (120, 96), 74),
    SiteSpec("川岸緑地", Kind.PARK, (1395, 1205), (150, 40), 31),
    SiteSpec("水都スポーツ公園", Kind.PARK, (1860, 1455), (170, 66), 12),
    SiteSpec("北港公園", Kind.PARK, (560, 1420), (120, 90), 4),
    SiteSpec("団地中央公園", Kind.PARK, (1120, 1500), (110, 60), 12),
    SiteSpec("津守公園", Kind.PARK, (1290, 90), (110, 80), 2),
    SiteSpec("水都総合病院", Kind.HOSPITAL, (1470, 1392), (104, 76), 13),
    SiteSpec("水都区役所", Kind.WARD_OFFICE, (1238, 462), (84, 58), 8),
    SiteSpec("水都駅前広場", Kind.PLAZA, (1376, 578), (62, 84), 16),
    SiteSpec("北港油槽所", Kind.TANKS, (196, 1330), (90, 150), -6),
    SiteSpec("北港コンテナ埠頭", Kind.YARD, (265, 985), (130, 150), -6),
)  # fmt: skip

LAND_HEIGHT_ANCHORS: tuple[tuple[float, float, float], ...] = (
    (200, 900, 3.0), (230, 1450, 2.8), (300, 1240, 2.6), (300, 700, 3.0), (420, 1300, 1.6), (420, 1130, 2.4),
    (400, 900, 1.5), (560, 300, 2.9), (480, 650, 1.6), (660, 160, 2.7), (620, 1060, -0.8), (560, 1180, -0.7),
    (700, 1180, -0.9), (850, 1220, -0.6), (560, 800, 0.0), (720, 900, -0.2), (900, 1060, -0.6), (1020, 1160, -0.1),
    (1000, 1280, 0.1), (1000, 1550, 0.9), (850, 1480, 0.4), (600, 1400, 0.8), (420, 1480, 1.4), (1200, 1300, 0.7),
    (1500, 1400, 1.5), (1900, 1550, 2.0), (1300, 1200, 0.8), (1900, 1420, 1.9), (750, 560, 1.9), (880, 650, 1.6),
    (660, 470, 2.3), (850, 760, 1.8), (1150, 330, 1.2), (1200, 80, 0.8), (850, 100, 1.3), (1430, 620, 2.3),
    (1250, 650, 2.1), (1420, 300, 1.5), (1655, 195, 1.5), (1900, 300, 1.7), (1900, 700, 2.5), (1750, 60, 1.3),
    (2050, 100, 1.4), (1600, 1000, 2.6), (2000, 1100, 3.0), (1300, 880, 2.3), (1080, 760, 2.0),
)  # fmt: skip
"""(x, y, height T.P. [m]) of the natural and reclaimed ground; blended smoothly by `sample_data.terrain`."""
