"""The page about all cases, made from their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.validation.case import Case
    from sim.validation.result import Result

__all__ = ["Lang", "write_page"]

Lang = Literal["en", "ja"]

WORDS: dict[Lang, dict[str, str]] = {
    "en": {
        "head": """\
# Validation of the flood simulator

Written by `osaka-twin validate --cases FOLDER --to {page}`; nothing here is typed by hand. Each case is a file in
`sim/validation/cases/`: the published inputs, our scenario, measures, bars and what others reach. A case runs through
the same service as every scenario; `osaka-twin run runs/validation/<case>/scenario.yaml` runs it again. The cases' own
files are not part of this repository; the sources say where they come from. Times are those of the machine that wrote
the page. Where it says "kept back" the observations are not among the files; such a case leaves its gauges and maps in
its run. The figures are in [{record}]({record}) too: a later call with `--case` takes those of the other cases from
there.

Figures: rmse, mae, l1 and worst in the unit of the quantity (m, m/s, N); l1_rel, peak (relative error of the largest
value), error and mae_range are shares of 1; nse is Nash and Sutcliffe's efficiency; volume.error is relative.
""",
        "columns": "| case | scheme | figure | ours | bar | others |",
        "missed": "missed",
        "kept back": "kept back",
        "not run": "not run",
        "source": "Source",
        "outputs only": "The observations are not among the files: outputs only.",
        "cost": "{scheme}, {cells:,} cells, {steps:,} steps, {solve_s:.1f} s in the solver (run {key}).",
        "figures": "| figure | ours |",
    },
    "ja": {
        "head": """\
# 浸水シミュレータの検証

`osaka-twin validate --cases FOLDER --to {page} --lang ja` が書いたものです。手で書いた数値はありません。
各事例は `sim/validation/cases/` のファイルで、公表された入力、シナリオ、評価指標、基準、他のモデルの値を持ちます。
計算は通常のシナリオと同じサービスを通り、`osaka-twin run runs/validation/<case>/scenario.yaml` で再計算できます。
事例の元データはこのリポジトリに含まれません（出典を参照）。時間はこのページを書いた計算機でのものです。
「非公開」は観測値が手元にない事例で、水位計と最大値の地図だけを残します。
数値は [{record}]({record}) にもあり、`--case` を付けて再実行すると他の事例の値はそこから取られます。

指標: rmse・mae・l1・worst は量の単位（m, m/s, N）、l1_rel・peak（最大値の相対誤差）・error・mae_range は割合、
nse は Nash-Sutcliffe 係数、volume.error は相対値です。
""",
        "columns": "| 事例 | 計算法 | 指標 | 計算値 | 基準 | 他のモデル |",
        "missed": "未達",
        "kept back": "非公開",
        "not run": "未計算",
        "source": "出典",
        "outputs only": "観測値は手元にないため、出力のみです。",
        "cost": "{scheme}、{cells:,} 格子、{steps:,} ステップ、計算 {solve_s:.1f} 秒（{key}）。",
        "figures": "| 指標 | 計算値 |",
    },
}
"""The page's own words; titles and notes of the cases are as in their files."""


def write_page(path: Path, shown: Sequence[tuple[Case, Result]], lang: Lang = "en") -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        Markdown file; drawings are looked for in ``images/<name>/`` beside it.
    shown : sequence of (Case, Result)
    lang : {"en", "ja"}
    """
    words = WORDS[lang]
    page = f"{path.parent.name}/{path.name}" if path.parent.name else path.name
    table = [words["columns"], "|---|---|---|---|---|---|"]
    table += [row for case, result in shown for row in _rows(case, result, words)]
    parts = [words["head"].format(page=page, record=path.with_suffix(".json").name), "\n".join(table)]
    parts += [_section(case, result, path, words) for case, result in shown]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts), encoding="utf-8")


def _rows(case: Case, result: Result, words: dict[str, str]) -> list[str]:
    link = f"[{case.name}](#{case.name})"
    if result.reason:
        return [f"| {link} | {result.scheme} | {words['not run']} | | | |"]
    told = list(case.bars) + [p.figure for p in case.peers if p.figure not in case.bars]
    rows = []
    for figure in dict.fromkeys(told) or ["volume.error"]:
        bar = case.bars.get(figure)
        value = result.figures.get(figure)
        ours = words["kept back"] if value is None else f"{value:.3g}"
        if figure in result.missed:
            ours = f"**{ours}** ({words['missed']})"
        others = ", ".join(f"{p.name} {p.value:g}" for p in case.peers if p.figure == figure)
        rows.append(f"| {link} | {result.scheme} | {figure} | {ours} | {bar or ''} | {others} |")
    return rows


def _section(case: Case, result: Result, page: Path, words: dict[str, str]) -> str:
    lines = [f"\n## {case.name}\n", f"{case.title}. {words['source']}: {case.source}."]
    lines += [f"{note.rstrip('.')}." for note in case.notes]
    if case.is_kept_back:
        lines.append(words["outputs only"])
    if result.reason:
        return "\n".join([*lines, f"\n{words['not run']}: {result.reason}\n"])
    cost = words["cost"].format(
        scheme=result.scheme, cells=result.cells, steps=result.steps, solve_s=result.solve_s, key=result.key[:8]
    )
    lines.append(f"\n{cost}\n")
    lines += [words["figures"], "|---|---|", *(f"| {k} | {v:.6g} |" for k, v in result.figures.items())]
    lines += [f"\n{peer.name}, {peer.figure}: {peer.value:g} ({peer.source})." for peer in case.peers]
    if (page.parent / "images" / page.stem / f"{case.name}.png").is_file():
        lines.append(f"\n![{case.title}](images/{page.stem}/{case.name}.png)")
    return "\n".join([*lines, ""])
