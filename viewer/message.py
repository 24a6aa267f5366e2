"""What the command line says, in the user's language."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viewer.strings import Lang

__all__ = ["MESSAGES", "language", "say"]

MESSAGES: dict[str, tuple[str, str]] = {
    "sample": ("サンプル都市を生成しています", "Generating the sample ward"),
    "sample_there": ("サンプル都市は {folder} にあります", "The sample ward is in {folder}"),
    "run": ("シナリオ {scenario} を計算しています", "Running scenario {scenario}"),
    "batch": ("一括計算 {sweep}（{members} 件）", "Batch {sweep}, {members} variants"),
    "ensemble": ("アンサンブル {ensemble}（{members} ケース）", "Ensemble {ensemble}, {members} members"),
    "statistics": ("確率を計算しています", "Computing probabilities"),
    "members": ("{members} 件中 {done} 件完了、失敗 {failed} 件", "{done} of {members} done, {failed} failed"),
    "left": ("残り約 {time}", "about {time} left"),
    "validate": ("検証事例を計算しています", "Running the published cases"),
    "case_good": ("基準をすべて満たします", "keeps to every bar"),
    "case_missed": ("未達", "misses"),
    "case_failed": ("計算できません", "cannot be run"),
    "case_cost": (
        "{cells:,} 格子、{steps:,} ステップ、{solve_s:.1f} 秒",
        "{cells:,} cells, {steps:,} steps, {solve_s:.1f} s",
    ),
    "cases": (
        "{count} 件中 {good} 件が基準を満たし、{missed} 件が未達、{failed} 件が計算不可",
        "{count} cases: {good} keep to every bar, {missed} miss one, {failed} cannot be run",
    ),
    "member_failed": ("{number} 番は失敗しました: {reason}", "Variant {number} failed: {reason}"),
    "model_time": ("計算時刻 {time}、{steps} ステップ", "model time {time}, {steps} steps"),
    "done": ("完了", "done"),
    "not_run": ("未計算", "not run yet"),
    "no_runs": ("{store} に計算結果はありません", "There are no runs in {store}"),
    "written": ("書き出しました: {path}", "Written: {path}"),
    "serving": (
        "ビューアを開いてください: {url}  (終了は Ctrl-C)",
        "The page is at {url}  (Ctrl-C ends it)",
    ),
    "ended": ("終了しました", "Ended"),
    "cancelled": ("中止しました", "Cancelled"),
    "interrupted": (
        "中断しました。同じ命令で続きから計算します。",
        "Interrupted. The same command goes on from the last checkpoint.",
    ),
    "TwinError": ("エラー", "Error"),
    "FrameError": ("座標系・高さ基準のエラー", "Coordinate frame"),
    "LayerError": ("データのエラー", "Data"),
    "ScenarioError": ("シナリオのエラー", "Scenario"),
    "SimulationError": ("計算のエラー", "Simulation"),
    "Unstable": ("計算が不安定です", "Unstable"),
    "BudgetError": ("収支が合いません", "Budget"),
    "StoreError": ("保存先のエラー", "Store"),
}
"""Key -> (Japanese, English)."""


def language() -> Lang:
    """``ja`` or ``en``: OSAKA_TWIN_LANG, else the locale."""
    for variable in ("OSAKA_TWIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return "ja" if value.lower().startswith("ja") else "en"
    return "en"


def say(key: str, lang: str = "", /, **values: object) -> str:
    """Message `key` with its values filled in, in `lang` or the user's language."""
    japanese, english = MESSAGES[key]
    return (japanese if (lang or language()) == "ja" else english).format(**values)
