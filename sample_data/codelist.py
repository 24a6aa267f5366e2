"""The code lists that the sample's CityGML refers to, in the layout of PLATEAU's dictionaries.

Codes and labels are those of the PLATEAU standard (MLIT, 3D都市モデル標準製品仕様書); only entries that a reader of
this sample may meet are kept. The river, storm surge and tsunami maps are the sample's own.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

__all__ = ["CODE_LISTS", "dictionary"]

_DEPTH = {"1": "0.5m未満", "2": "0.5m以上3m未満", "3": "3m以上5m未満", "4": "5m以上10m未満", "5": "10m以上20m未満",
          "6": "20m以上"}  # fmt: skip

CODE_LISTS: dict[str, dict[str, str]] = {
    "Building_class": {"3001": "普通建物", "3002": "堅ろう建物", "3003": "普通無壁舎", "3004": "堅ろう無壁舎",
                       "3000": "分類しない建物", "9999": "不明"},
    "Building_usage": {"401": "業務施設", "402": "商業施設", "403": "宿泊施設", "404": "商業系複合施設", "411": "住宅",
                       "412": "共同住宅", "413": "店舗等併用住宅", "414": "店舗等併用共同住宅", "415": "作業所併用住宅",
                       "421": "官公庁施設", "422": "文教厚生施設", "431": "運輸倉庫施設", "441": "工場",
                       "451": "農林漁業用施設", "452": "供給処理施設", "453": "防衛施設", "454": "その他",
                       "461": "不明"},
    "BuildingDetailAttribute_buildingStructureType": {
        "601": "木造・土蔵造", "602": "鉄骨鉄筋コンクリート造", "603": "鉄筋コンクリート造", "604": "鉄骨造",
        "605": "軽量鉄骨造", "606": "レンガ造・コンクリートブロック造・石造", "610": "非木造", "611": "不明"},
    "BuildingDetailAttribute_fireproofStructureType": {"1001": "耐火", "1002": "準耐火造", "1003": "その他",
                                                       "1011": "不明"},
    "BuildingDetailAttribute_detailedUsage": {
        "401101": "事務所", "401102": "銀行", "402101": "百貨店", "402102": "小売店", "402201": "食堂",
        "403101": "ホテル",
        "404": "商業系複合施設", "4111": "専用住宅（住宅に付随する物置、車庫を含む）", "412101": "アパート",
        "412102": "マンション", "412103": "長屋", "413": "店舗等併用住宅", "414": "店舗等併用共同住宅",
        "415": "作業所併用住宅", "421101": "国県市町村庁舎", "421104": "警察署", "421105": "消防署",
        "422201": "小・中・高等学校", "422202": "保育所", "422304": "集会所", "422401": "体育館",
        "4225": "文教厚生施設5（病院）", "422601": "診療所", "422701": "神社", "422702": "寺院", "431101": "駅舎",
        "431104": "港湾・空港施設", "431202": "倉庫", "431203": "トラックターミナル",
        "441201": "原動機を使用する 150 ㎡を超える工場", "441301": "原動機を使用する 50 ㎡を超える工場",
        "452": "供給処理施設"},
    "Common_localPublicAuthorities": {"27": "大阪府", "27100": "大阪府大阪市", "27199": "大阪府水都区（架空）"},
    "Common_districtsAndZonesType": {"5": "第1種住居地域", "9": "近隣商業地域", "10": "商業地域", "11": "準工業地域",
                                     "12": "工業地域"},
    "DataQualityAttribute_geometrySrcDesc": {"000": "公共測量成果又は基本測量成果", "700": "その他の資料",
    "901": "推定",
                                             "999": "未作成"},
    "DataQualityAttribute_thematicSrcDesc": {"201": "都市計画基礎調査", "700": "その他の資料", "999": "未作成"},
    "DataQualityAttribute_lod1HeightType": {"1": "点群から取得_最高高さ", "2": "点群から取得_中央値", "98": "不明"},
    "RiverFloodingRiskAttribute_description": {"1": "水都川水系水都川"},
    "RiverFloodingRiskAttribute_rank": _DEPTH,
    "RiverFloodingRiskAttribute_adminType": {"1": "国", "2": "都道府県"},
    "RiverFloodingRiskAttribute_scale": {"1": "L1（計画規模）", "2": "L2（想定最大規模）"},
    "HighTideRiskAttribute_description": {"1": "水都区高潮浸水想定区域図（架空）"},
    "HighTideRiskAttribute_rank": _DEPTH,
    "TsunamiRiskAttribute_description": {"1": "水都区津波浸水想定（架空）"},
    "TsunamiRiskAttribute_rank": _DEPTH,
    "KeyValuePairAttribute_key": {"100": "防火地域"},
    "KeyValuePairAttribute_key100": {"24": "防火地域", "25": "準防火地域"},
    "TransportationComplex_class": {"1040": "道路"},
    "Road_function": {"1": "高速自動車国道", "2": "一般国道", "3": "都道府県道", "4": "市町村道", "9020": "不明"},
    "TrafficArea_function": {"1000": "車道部", "1020": "車道交差部", "2000": "歩道部"},
    "RoadStructureAttribute_sectionType": {"1": "土工区間・通常区間", "2": "高架橋", "3": "橋梁", "4": "交差部",
                                           "5": "アンダーパス", "9": "不明"},
    "RoadStructureAttribute_widthType": {"1": "15m以上", "2": "6m以上15m未満", "3": "4m以上6m未満", "4": "4m未満"},
    "Bridge_class": {"01": "桁橋", "02": "トラス橋", "03": "アーチ橋", "04": "ラーメン橋", "05": "吊橋",
    "06": "斜張橋"},
    "Bridge_function": {"01": "道路橋", "02": "鉄道橋", "07": "横断歩道橋", "08": "ペデストリアンデッキ"},
}  # fmt: skip


def dictionary(name: str) -> str:
    """XML of one code list."""
    entries = "".join(
        "\t<gml:dictionaryEntry>\n"
        f'\t\t<gml:Definition gml:id="{name}_{k}">\n'
        f"\t\t\t<gml:description>{escape(label)}</gml:description>\n"
        f"\t\t\t<gml:name>{code}</gml:name>\n"
        "\t\t</gml:Definition>\n"
        "\t</gml:dictionaryEntry>\n"
        for k, (code, label) in enumerate(CODE_LISTS[name].items(), start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<gml:Dictionary xmlns:gml="http://www.opengis.net/gml" gml:id="cl_{name}">\n'
        f"\t<gml:name>{name}</gml:name>\n{entries}</gml:Dictionary>\n"
    )
