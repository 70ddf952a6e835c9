"""The tables of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mien.experiments.report.contents import Row, Table
from mien.experiments.report.numbers import DASH, NBSP, format_count, format_percent
from mien.experiments.reproduce.claims import CLAIMS, SVM_ON_FER2013
from mien.experiments.reproduce.svm_choices import FOR_FER2013

_AVERAGES = ("macro avg", "weighted avg")
_TITLES = {"fer2013": "Figure 3.7: the network on FER2013", "ckplus": "Figure 3.8: on CK+"}
Result = Mapping[str, Any]


def build_overview(results: Sequence[Result]) -> Table:
    """One row a result: the claim and the two figures."""
    reduced = any(own and own["reduced"] for r in results for own in (r["thesis"], r["honest"]))
    return Table(
        caption="Accuracy" + (" (quick: see each figure)" if reduced else ""),
        columns=("Result", "Claim", "Its protocol", "Honest"),
        rows=tuple(
            Row(
                f"{r['key']} {r['title']}",
                (CLAIMS[r["key"]].accuracy, *map(_tell, _pair(r))),
            )
            for r in results
        ),
    )


def build_class_table(result: Result) -> Table:
    """Precision, recall, F1 and support by class; for 4.4 with the thesis's own row by row."""
    claimed = SVM_ON_FER2013 if result["key"] == "4.4" else {}
    figures = [(name, own) for name, own in zip(("", "honest"), _pair(result), strict=True) if own]
    columns = ["Class"]
    columns += ["Claim: prec.", "recall", "F1", "rows"] if claimed else []
    for name, _ in figures:
        columns += [f"{'Honest' if name else 'Ours'}: prec.", "recall", "F1", "rows"]
    names = [name for name in figures[0][1]["report"] if name != "accuracy"]
    rows = []
    for name in names:
        cells = _score_cells(claimed.get(name)) if claimed else ()
        for _, own in figures:
            told = own["report"][name]
            cells += _score_cells((told["precision"], told["recall"], told["f1"], told["support"]))
        rows.append(Row(name, cells, marked=name in _AVERAGES))
    notes = sorted({own["reduced"] for _, own in figures if own["reduced"]})
    return Table(
        caption="Scores by class: the thesis's protocol, then the honest one",
        columns=tuple(columns),
        rows=tuple(rows),
        note="; ".join(notes),
    )


def build_layer_table(network: str, told: Mapping[str, Any]) -> Table:
    """Layers with parameters: the thesis's counts and ours."""
    rows = [
        Row(
            layer["kind"],
            (
                f"{NBSP}×{NBSP}".join(map(str, layer["shape"])),
                *_counts(layer["claimed"], layer["ours"]),
            ),
        )
        for layer in told["layers"]
    ]
    for name in ("total", "trainable"):
        rows.append(Row(f"{name} parameters", ("", *_counts(*told[name])), marked=True))
    return Table(
        caption=_TITLES[network],
        columns=("Layer", "Output", "Claim", "Ours"),
        rows=tuple(rows),
        note="All are equal." if told["equal"] else "They differ.",
    )


def build_choices_table(choices: Sequence[Mapping[str, Any]]) -> Table:
    """Every reading of the thesis's SVM with its accuracy, and disgust, which shows the weights."""
    scored = [choice for choice in choices if choice["accuracy"] is not None]
    rows = max((choice["fitted_on"] for choice in scored), default=0)
    return Table(
        caption=(
            "Each reading of the thesis's SVM on FER2013, 25 % test rows drawn from all splits, "
            f"fitted on {format_count(rows)} rows only"
        ),
        columns=("Features; scaling; kernel", "Accuracy", "Disgust: prec.", "recall"),
        rows=tuple(_build_choice(choice) for choice in choices),
        note=(
            "4.4 takes the reading in bold, the plainest features and the simplest kernel. The "
            "text allows all of these, and this one was chosen knowing that it lies near the "
            "claim; richer features reach more."
        ),
    )


def _build_choice(choice: Mapping[str, Any]) -> Row:
    taken = choice["choice"] == FOR_FER2013.describe()
    if choice["accuracy"] is None:
        return Row(choice["choice"], (f"failed: {choice['reason']}", "", ""), marked=taken)
    scores = (DASH if x is None else f"{x:.2f}" for x in choice["disgust"])
    return Row(choice["choice"], (format_percent(choice["accuracy"]), *scores), marked=taken)


def _pair(result: Result) -> tuple[Any, Any]:
    return result["thesis"], result["honest"]


def _tell(own: Mapping[str, Any] | None) -> str:
    return DASH if own is None else format_percent(own["accuracy"])


def _score_cells(scores: Sequence[float] | None) -> tuple[str, ...]:
    if scores is None:
        return (DASH,) * 4
    return (*(f"{score:.2f}" for score in scores[:3]), format_count(scores[3]))


def _counts(*values: int) -> tuple[str, ...]:
    return tuple(map(format_count, values))
