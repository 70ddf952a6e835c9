"""The files of an ablation: a table as CSV, JSON and Markdown, and a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from mien.experiments.ablate import Ablation
from mien.files import atomic_path, writing

_ROW, _LEFT, _BAR, _TOP = 44, 190, 330, 58
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1b222a } .small { font-size: 11px; fill: #56616d }
.page { fill: #ffffff } .alone { fill: #6b8fb5 } .around { fill: #d9772b } .line { stroke: #c8d0d8 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6ebf0 } .small { fill: #a3adb8 } .page { fill: #15191e } .alone { fill: #5d87b3 }
  .line { stroke: #3a434d } }
"""


def describe_ablation(ablation: Ablation, costs: dict[str, float | None]) -> dict[str, Any]:
    """Return the result as JSON has it.

    Parameters
    ----------
    ablation : Ablation
    costs : dict of str to float or None
        Milliseconds a face by family.
    """
    best = ablation.best
    return {
        "model": ablation.model,
        "scheme": ablation.folds.scheme,
        "folds_digest": ablation.folds.digest(),
        "fitted_rows": [len(fold.train) for fold in ablation.folds.folds],
        "scored_rows": [len(fold.test) for fold in ablation.folds.folds],
        "best": {"families": list(best.families), "accuracy": best.accuracy},
        "steps": [{"added": s.families[-1], "accuracy": s.accuracy} for s in ablation.steps],
        "families": [
            {
                "family": alone.families[0],
                "ms_a_face": costs.get(alone.families[0]),
                "alone": alone.accuracy,
                "in_best": alone.families[0] in best.families,
                "with_best_toggled": None if around is None else around.accuracy,
            }
            for alone, around in zip(ablation.alone, ablation.around, strict=True)
        ],
    }


def tabulate(told: dict[str, Any]) -> pd.DataFrame:
    """Return the table: a row a family, accuracies in per cent."""
    best = told["best"]["accuracy"]
    return pd.DataFrame(
        {
            "family": row["family"],
            "alone": 100 * row["alone"],
            "best set": "in" if row["in_best"] else "",
            "worth to the best set": _tell_worth(row, best),
            "ms a face": row["ms_a_face"],
        }
        for row in told["families"]
    )


def _tell_worth(row: dict[str, Any], best: float) -> float:
    """Return points; NaN for a family that is the whole best set."""
    toggled = row["with_best_toggled"]
    if toggled is None:
        return float("nan")
    return 100.0 * (best - toggled if row["in_best"] else toggled - best)


def state_protocol(told: dict[str, Any]) -> str:
    """Say in a few sentences how the figures came about."""
    fitted, scored = sum(told["fitted_rows"]), sum(told["scored_rows"])
    many = len(told["fitted_rows"])
    shared = f"{fitted:,} rows fitted on" if many == 1 else f"{many} folds"
    return (
        f"{told['model']} with its default parameters, {told['scheme']}: {shared}, {scored:,} "
        f"scored. Best set: {' + '.join(told['best']['families'])}, "
        f"{100 * told['best']['accuracy']:.1f} %, chosen by these scores and so a little too good. "
        "Copies of one picture, near ones too, and frames of one sequence are never both fitted on "
        "and scored. Worth: points that a family adds to the best set, or that the set loses "
        "without it."
    )


def write_ablation(told: dict[str, Any], out: Path) -> None:
    """Write ``ablation.csv``, ``.json``, ``.md`` and ``.svg`` into a folder.

    Raises
    ------
    MienError
        If they cannot be written.
    """
    table = tabulate(told)
    files = {
        "ablation.csv": table.to_csv(index=False, float_format="%.2f"),
        "ablation.json": json.dumps(told, indent=1),
        "ablation.md": f"{state_protocol(told)}\n\n{_to_markdown(table)}\n",
        "ablation.svg": draw_ablation(told),
    }
    with writing(out, "Choose another folder with --out."):
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with atomic_path(out / name) as path:
                path.write_text(text, encoding="utf-8")


def _to_markdown(table: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(table.columns) + " |", "|---" * len(table.columns) + "|"]
    for row in table.itertuples(index=False):
        cells = (
            "" if pd.isna(cell) else f"{cell:.2f}" if isinstance(cell, float) else str(cell)
            for cell in row
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw_ablation(told: dict[str, Any]) -> str:
    """Draw two bars a family, its score alone and the best set's with it or without it, as SVG."""
    rows = told["families"]
    drawn = [r[k] for r in rows for k in ("alone", "with_best_toggled")]
    values = [value for value in drawn if value is not None]
    longest = max(*values, told["best"]["accuracy"])
    height = _TOP + _ROW * len(rows) + 26
    best = _LEFT + _BAR * told["best"]["accuracy"] / longest
    parts = [
        Markup('<line class="line" x1="{x}" x2="{x}" y1="{}" y2="{}"/>').format(
            _TOP - 8, height - 24, x=round(best, 1)
        ),
        Markup(
            '<text class="small" x="{}" y="{}" text-anchor="middle">best set {} %</text>'
        ).format(round(best, 1), height - 8, f"{100 * told['best']['accuracy']:.1f}"),
    ]
    for number, row in enumerate(rows):
        parts += _draw_family(row, _TOP + _ROW * number, longest)
    body = Markup("").join(parts)
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {h}" width="640" height="{h}" '
        'role="img" aria-label="Accuracy of feature families"><style>{}</style>'
        '<rect class="page" width="640" height="{h}"/>'
        '<rect class="alone" x="16" y="14" width="12" height="12"/>'
        '<text x="34" y="25">alone</text>'
        '<rect class="around" x="96" y="14" width="12" height="12"/>'
        '<text x="114" y="25">best set with it, or without it if it is in (*)</text>'
        '<text class="small" x="624" y="25" text-anchor="end">accuracy, %; ms a face</text>{}</svg>'
    ).format(Markup(_STYLE), body, h=height)


def _draw_family(row: dict[str, Any], y: int, longest: float) -> list[Markup]:
    cost = "" if row["ms_a_face"] is None else f"{row['ms_a_face']:.2f} ms"
    name = row["family"] + (" *" if row["in_best"] else "")
    parts = [
        Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(_LEFT - 10, y + 14, name),
        Markup('<text class="small" x="{}" y="{}" text-anchor="end">{}</text>').format(
            _LEFT - 10, y + 30, cost
        ),
    ]
    for kind, key, top in (("alone", "alone", 2), ("around", "with_best_toggled", 18)):
        accuracy = row[key]
        if accuracy is None:
            continue
        width = round(_BAR * accuracy / longest, 1)
        bar = '<rect class="{}" x="{}" y="{}" width="{}" height="14"/>'
        parts.append(Markup(bar).format(kind, _LEFT, y + top, width))
        number = Markup('<text class="small" x="{}" y="{}">{}</text>')
        parts.append(number.format(_LEFT + width + 6, y + top + 11, f"{100 * accuracy:.1f}"))
    return parts
