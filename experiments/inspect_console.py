"""What `mien inspect` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mien.experiments.console import OUT, escape
from mien.experiments.model_card.build import name_model
from mien.experiments.model_card.figures import read_abstaining, read_evaluation, tell_accuracy
from mien.experiments.report.numbers import (
    NBSP,
    format_count,
    format_percent,
    format_points,
    format_value,
)
from mien.models.bundle_check import TOLERANCE

Told = Mapping[str, Any]


def print_model(told: Told) -> None:
    """Print what a model tells of itself, a line each.

    Parameters
    ----------
    told : mapping
        From :func:`mien.experiments.inspect_model.describe_model`.
    """
    for term, value in list_facts(told):
        OUT.print(f"[bold]{term}:[/] {escape(value.replace(NBSP, ' '))}")


def print_check(difference: float | None) -> None:
    """Print how far the reference predictions are off."""
    if difference is None:
        OUT.print("[bold]Reference predictions:[/] none in the file")
        return
    same = "same as" if difference <= TOLERANCE else "NOT the same as"
    OUT.print(
        f"[bold]Reference predictions:[/] {same} where it was made; a probability differs by "
        f"{difference:.1g} at most"
    )


def list_facts(told: Told) -> Iterator[tuple[str, str]]:
    """List terms and values; arguments as :func:`print_model` has."""
    training, file = told.get("training") or {}, told["file"]
    yield "Model", f"{told.get('model')} ({name_model(str(told.get('model')))})"
    yield "Classes", format_value(told.get("classes"))
    yield "Features", _tell_features(told)
    yield "Parameters", format_value(told.get("parameters"))
    yield (
        "Training data",
        f"{training.get('rows', 0):,} rows of {training.get('dataset')}, "
        f"{training.get('split') or 'all splits'}, hash {str(training.get('dataset_hash'))[:16]}",
    )
    yield "Rows by class", format_value(training.get("class_counts"))
    yield "Fitted by", format_value(training.get("solver"))
    yield "Figures", _tell_figures(told)
    yield "Abstains", _tell_threshold(told)
    yield "Versions", format_value(told.get("versions"))
    yield "Differs here", _tell_differences(told)
    yield "Licence", format_value(told.get("licence"))
    yield "Schema", format_value(told.get("schema"))
    yield "File", f"{file['path']}, {file['bytes'] / 1e6:.2f} MB, SHA-256 {file['sha256']}"
    yield "Checksum", f"DAMAGED: {file['damage']}" if file["damage"] else "OK"


def _tell_features(told: Told) -> str:
    families = told.get("families") or {}
    named = ", ".join(f"{name} (version {n})" for name, n in families.items())
    pixels = "48 x 48 pixels" if told.get("with_pixels") or not families else ""
    return " and ".join(filter(None, (named, pixels)))


def _tell_figures(told: Told) -> str:
    evaluation = read_evaluation(told)
    if not evaluation:
        return "none"
    text = (
        f"right on {tell_accuracy(evaluation)} of {format_count(evaluation['rows'])} held-out rows "
        f"({evaluation['source']})"
    )
    if calibration := evaluation.get("calibration"):
        text += (
            f", log loss {calibration['log_loss']:.3f}, calibration error "
            f"{format_points(calibration['expected_error'])} points"
        )
    return text


def _tell_threshold(told: Told) -> str:
    if not (threshold := told.get("threshold")):
        return "never"
    measured = read_abstaining(told)
    text = f"where the highest probability is below {threshold:.4g}"
    if measured:
        text += f"; answers {format_percent(measured['coverage'])} of held-out rows"
        if measured["accuracy"] is not None:
            text += f", right on {format_percent(measured['accuracy'])} of these"
    return text


def _tell_differences(told: Told) -> str:
    named = [
        f"{name} {own['then']} there, {own['here']} here"
        for name, own in told["differences"].items()
    ]
    return "; ".join(filter(None, [*named, told["problem"]])) or "nothing"
