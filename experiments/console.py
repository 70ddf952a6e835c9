"""What the command line shows: progress, summaries, tables."""

from __future__ import annotations

import csv as csv_module
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, RenderableType
from rich.markup import escape as escape_markup
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from mien.errors import MienError
from mien.files import atomic_path, writing
from mien.pipeline.reasons import EXPLANATIONS, Reason

if TYPE_CHECKING:
    from mien.experiments.api.tune import TunedResult
    from mien.experiments.comparison_options import Progress as ComparisonProgress
    from mien.experiments.tune import TuneResult
    from mien.models.bundle import Bundle
    from mien.models.checked_file import Agreement
    from mien.pipeline.extract import ExtractSummary
    from mien.pipeline.predict import Prediction
    from mien.pipeline.store import FeatureStore
    from mien.pipeline.video.frame_predictions import FramePrediction

OUT = Console(highlight=False, soft_wrap=True, emoji=False)
ERR = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def escape(text: str, *, lines: bool = False) -> str:
    """Make text harmless on a terminal: no markup, no control characters, one line.

    Parameters
    ----------
    text : str
    lines : bool
        Whether line ends stay.
    """
    kept = "\n" if lines else ""
    shown = (c if c.isprintable() or c in kept else ascii(c)[1:-1] for c in text)
    return escape_markup("".join(shown))


def print_ablation(told: dict[str, Any], out: Path) -> None:
    """Print an ablation's table and how it came about."""
    from pandas import isna

    from mien.experiments.ablation_files import state_protocol, tabulate

    frame = tabulate(told)
    table = Table()
    for column in frame.columns:
        table.add_column(column, justify="left" if column in ("family", "best set") else "right")
    for row in frame.itertuples(index=False):
        cells = ("" if isna(x) else f"{x:.2f}" if isinstance(x, float) else str(x) for x in row)
        table.add_row(*map(escape, cells))
    OUT.print(table)
    OUT.print(escape(state_protocol(told)))
    OUT.print(f"Table and picture: {escape(str(out))}")


def print_error(error: MienError) -> None:
    """Print a user's error: what happened, then what to do."""
    ERR.print(f"[bold red]Error:[/] {escape(error.message, lines=True)}")
    if error.hint:
        ERR.print(escape(error.hint, lines=True))


def print_interrupted(*, goes_on: bool) -> None:
    """Say, after Ctrl-C, whether the command goes on where it was when it is run again."""
    ERR.print(
        "Interrupted. Run the same command again: it goes on where it was."
        if goes_on
        else "Interrupted."
    )


_NOTE = TextColumn("{task.fields[note]}")


class _Bar:
    """A progress bar on standard error that goes away at the end."""

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _NOTE,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )

    kind: type[Progress] = Progress

    def __init__(self, description: str) -> None:
        self._progress = self.kind(*self.columns, console=ERR, transient=True)
        self._task = self._progress.add_task(escape(description), total=None, note="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar away, if it is still there."""
        if self._progress.live.is_started:
            self._progress.stop()

    def _set(self, done: int, total: int, note: str, description: str | None = None) -> None:
        self._progress.update(
            self._task, completed=done, total=total, note=escape(note), description=description
        )

    def _note(self, note: str) -> None:
        self._progress.update(self._task, note=escape(note))


class ExtractProgress(_Bar):
    """Rows done, rows a second, time left."""

    def __init__(self) -> None:
        super().__init__("faces")
        self._first: tuple[int, float] | None = None

    def update(self, done: int, total: int) -> None:
        """Show ``done`` of ``total`` rows."""
        elapsed = self._progress.tasks[0].elapsed or 0.0
        if self._first is None:
            self._first = (done, elapsed)
        before, since = self._first
        rate = (done - before) / (elapsed - since) if elapsed > since else 0.0
        self._set(done, total, f"{rate:.0f}/s" if rate else "")


class ClipProgress(_Bar):
    """Frames done, and what is seen in the last one."""

    def __init__(self) -> None:
        super().__init__("frames")

    def update(self, prediction: FramePrediction, declared: int) -> None:
        """Show a frame of so many; 0 if their number is not known."""
        told = (
            f"{own.label or own.reason} {own.probabilities.max():.2f}" for own in prediction.faces
        )
        done = prediction.frame + 1
        self._set(done, max(declared, done), ", ".join(told) or "no face")


class TuneProgress(_Bar):
    """Trials done, the best accuracy so far, and what a network's trial is at."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self._best = ""

    def update(self, done: int, total: int, best: float) -> None:
        """Show ``done`` of ``total`` trials."""
        self._best = f"best {best:.1%}" if best == best else ""
        self._set(done, total, self._best)

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Show a network's epoch."""
        now = f"epoch {epoch}, validation accuracy {values['val_accuracy']:.1%}"
        self._note(", ".join(filter(None, (self._best, now))))


class _AboveNote(Progress):
    """A bar with its note on lines of its own, which may be longer than a terminal is wide."""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        for task in self.tasks:
            note = Text.from_markup(task.fields["note"], overflow="fold")
            note.no_wrap = False
            yield note


class CompareProgress(_Bar):
    """Fits done, and what the current one is at."""

    columns = tuple(column for column in _Bar.columns if column is not _NOTE)
    kind = _AboveNote

    def __init__(self) -> None:
        super().__init__("fits")

    def update(self, progress: ComparisonProgress) -> None:
        """Show where the comparison stands."""
        note = f"{progress.fold} {progress.note}".strip()
        self._set(progress.done, progress.total, note, progress.model)


class _Told:
    def __init__(self, status: Any, text: str) -> None:
        self._status = status
        self._text = text

    def step(self, text: str) -> None:
        """Show which step is being done."""
        self._status.update(f"{self._text}: {text}")


@contextmanager
def working(text: str) -> Iterator[_Told]:
    """Show that something is being done."""
    text = escape(text)
    with ERR.status(text) as status:
        yield _Told(status, text)


def print_extract_summary(name: str, out: Path, summary: ExtractSummary) -> None:
    """Print rows, faces, failures by reason, rate and memory."""
    share = summary.faces_found / summary.rows
    OUT.print(
        f"{escape(name)}: {summary.rows:,} rows, {summary.faces_found:,} faces found ({share:.1%})"
        + (f", landmarks placed in {summary.placed:,} others" if summary.placed else "")
    )
    _print_reasons(summary.reasons)
    if summary.rows_computed:
        rate = summary.rows_computed / summary.seconds
        OUT.print(
            f"{summary.rows_computed:,} rows in {summary.seconds:.0f} s ({rate:.0f}/s) with "
            f"{summary.workers} workers, at most {summary.peak_memory_mb:,.0f} MB each"
        )
    elif not summary.mended:
        OUT.print("All rows were in the store already.")
    for told in summary.mended:
        OUT.print(f"Mended: {escape(told)}")
    OUT.print(f"Store: {escape(str(out))}")


def _print_reasons(reasons: Mapping[str, int]) -> None:
    for code, count in reasons.items():
        OUT.print(f"  {count:>7,}  {code}: {EXPLANATIONS[Reason(code)]}")


def print_info(store: FeatureStore) -> None:
    """Print a store's contents."""
    manifest = store.manifest
    OUT.print(f"[bold]{escape(manifest['name'])}[/] from {escape(manifest['source'])}")
    OUT.print(f"{manifest['rows']:,} rows, {manifest['faces_found']:,} faces found")
    _print_reasons(manifest["reasons"])
    counts = store.rows["label"].value_counts()
    told = ", ".join(f"{escape(c)} {counts.get(c, 0):,}" for c in store.classes)
    OUT.print(f"Classes: {told}")
    splits = store.rows.loc[store.rows["split"] != "", "split"].value_counts()
    if len(splits):
        OUT.print("Splits: " + ", ".join(f"{escape(str(k))} {v:,}" for k, v in splits.items()))
    persons = store.rows.loc[store.rows["subject"] != "", "subject"].nunique()
    OUT.print(f"Persons: {persons:,}" if persons else "Persons: not known")
    table = Table("family", "width", "version")
    for name, told in manifest["families"].items():
        table.add_row(name, f"{told['width']:,}", str(told["version"]))
    OUT.print(table)
    for note in manifest["notes"]:
        OUT.print(f"Note: {escape(note)}")
    if store.checksums is None:
        OUT.print("Without checksums: the same mien extract command again makes them.")


def print_audit(summary: Mapping[str, Any], out: Path, filter_file: Path | None) -> None:
    """Print an audit's reasons by class, the balance of classes, and where the files are."""
    OUT.print(
        f"{escape(summary['dataset'])}: {summary['rows']:,} rows, "
        f"{summary['rows_with_reasons']:,} with a reason"
    )
    filtered, whole = summary["filter"], summary["balance"]["all"]
    _print_reasons_by_class(summary, list(whole["counts"]))
    if ratio := whole["largest_to_smallest"]:
        OUT.print(f"The largest class has {ratio:.1f} times the pictures of the smallest.")
    for code, told in summary["reasons"].items():
        OUT.print(f"  {code}: {told['explanation']}")
    twins = summary["twins"]
    OUT.print(
        f"Twins: {twins['rows']:,} rows in {twins['groups']:,} groups; {twins['mirrored']:,} rows "
        f"mirror another; {twins['groups_across_splits']:,} groups lie in several splits."
    )
    OUT.print(
        f"Without {', '.join(filtered['excluded']) or 'any of them'}: "
        f"{filtered['rows_kept']:,} rows."
    )
    if filter_file:
        OUT.print(f"Filter: {escape(str(filter_file))}")
    OUT.print(f"Look at the contact sheets before you use one: {escape(str(out / 'sheets'))}")


def _print_reasons_by_class(summary: Mapping[str, Any], classes: Sequence[str]) -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for title in ("rows", "share", *classes):
        table.add_column(escape(title), justify="right", no_wrap=True)
    for code, told in summary["reasons"].items():
        counts = (f"{told['by_class'][name]:,}" for name in classes)
        table.add_row(code, f"{told['rows']:,}", f"{told['share']:.1%}", *counts)
    balance = summary["balance"]
    parts = {"all rows": balance["all"], **balance["splits"], "kept": summary["filter"]["balance"]}
    for title, part in parts.items():
        total = sum(part["counts"].values())
        counts = (f"{part['counts'][name]:,}" for name in classes)
        share = total / max(1, summary["rows"])
        table.add_row(escape(title), f"{total:,}", f"{share:.1%}", *counts)
    OUT.print(table)


def print_tuned(result: TunedResult) -> None:
    """Print a study's best trial."""
    OUT.print(
        f"{result.model}: {result.accuracy:.1%} by {result.scheme} over {result.trials} trials "
        f"({result.pruned} cut short)"
    )
    if result.left_out:
        OUT.print(
            f"Judged on {result.rows:,} rows; {result.left_out:,} more were left out by --limit"
            f"{_tell_limit(result.model)}."
        )
    _print_epochs(result)
    for name, value in result.parameters.items():
        OUT.print(f"  {name} = {value:.4g}" if isinstance(value, float) else f"  {name} = {value}")
    OUT.print(f"Parameters: {escape(str(result.path))}")


def _tell_limit(model: str) -> str:
    from mien.experiments.candidates import get_candidate
    from mien.experiments.tune import CNN_LIMIT

    if get_candidate(model).kind == "cnn":
        return f", which is {CNN_LIMIT:,} for a network when it is not given"
    return ", or do not fit into --memory"


def _print_epochs(result: TuneResult) -> None:
    """Say how short a network's trials were, and how it is trained for longer."""
    from mien.experiments.candidates import get_candidate

    usual = get_candidate(result.model).defaults.get("epochs", 0)
    if result.parameters.get("epochs", usual) < usual:
        OUT.print(
            f"Trials were trained for {result.parameters['epochs']} epochs at most, which is what "
            "these parameters say. To train for longer with them, add "
            f"--set {result.model}.epochs={usual} to mien compare or export."
        )


def print_comparison(results: Mapping[str, Any], out: Path) -> None:
    """Print the models' accuracies, the warnings, and where the report is."""
    from mien.experiments.training_summary import tell_attempts, tell_divergence

    protocol = results["protocol"]
    diverged = filter(None, map(tell_divergence, results["models"].values()))
    for warning in (*protocol["warnings"], *diverged):
        OUT.print(f"[bold yellow]Note:[/] {escape(warning)}")
    OUT.print(escape(protocol["statement"]))
    table = Table("model", "accuracy", "macro F1", "fit, s a fold", "ms a face")
    for model in results["models"].values():
        if model["status"] == "failed":
            error = escape(model["error"], lines=True)
            table.add_row(model["title"], f"failed: {error}", "", "", "")
            continue
        timing = model["timing"]
        table.add_row(
            model["title"], *_told_scores(model), f"{timing['fit_seconds']:.1f}",
            f"{timing['predict_ms_per_face']:.2f}",
        )  # fmt: skip
    OUT.print(table)
    for model in results["models"].values():
        if model.get("attempts"):
            OUT.print(escape(tell_attempts(model)))
    for pair in results["comparisons"]:
        OUT.print(escape(pair["sentence"]))
    OUT.print(f"Report: {escape(str(out / 'report.html'))}")


def _told_scores(model: Mapping[str, Any]) -> tuple[str, str]:
    split = model.get("reported_split")
    if split is not None:
        told = "; ".join(f"{s} {v['accuracy']:.1%}" for s, v in model["splits"].items())
        return told, f"{model['splits'][split]['f1_macro']:.3f}"
    accuracy, f1 = model["summary"]["accuracy"], model["summary"]["f1_macro"]
    return f"{accuracy['mean']:.1%} ± {accuracy['std']:.1%}", f"{f1['mean']:.3f}"


def print_note(note: str) -> None:
    """Print what a user should know, on standard error."""
    ERR.print(f"[bold yellow]Note:[/] {escape(note)}")


def print_exported(bundle: Bundle, out: Path, card: Path | None = None) -> None:
    """Print what was fitted, how good it is, and the file's size."""
    size = out.stat().st_size / 1e6
    OUT.print(f"{bundle.model} fitted on {bundle.training['rows']:,} rows")
    if evaluation := bundle.scores.get("evaluation"):
        accuracy = evaluation["classification_report"]["accuracy"]
        OUT.print(f"{accuracy:.1%} right of {evaluation['rows']:,} held-out rows")
    if told := bundle.scores.get("abstaining"):
        right = "" if told["accuracy"] is None else f", {told['accuracy']:.1%} of them right"
        OUT.print(
            f"Abstains below {told['threshold']:.4g}: answers {told['coverage']:.1%} of held-out "
            f"rows{right}"
        )
    OUT.print(f"Model: {escape(str(out))} ({size:.1f} MB)")
    if card:
        OUT.print(f"Model card: {escape(str(card))}")


def print_agreement(agreement: Agreement) -> None:
    """Print how far a model's file, read again, predicts what the model does."""
    labels = (
        f"{agreement.other_labels} other labels, where two probabilities are as good as equal"
        if agreement.other_labels
        else "the same labels"
    )
    OUT.print(
        f"Read again and compared on {agreement.rows:,} faces of the store: {labels}; "
        f"probabilities differ by {agreement.difference:.0e} at most"
    )


class PredictionPrinter:
    """Prints each prediction as it comes, or all as JSON at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._json: list[dict[str, Any]] | None = [] if as_json else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._json is not None and kind is None:
            print(json.dumps(self._json, indent=1, ensure_ascii=False))

    def show(self, prediction: Prediction) -> None:
        """Print one prediction."""
        if self._json is not None:
            fields = vars(prediction).items()
            self._json.append({name: own for name, own in fields if name != "landmarks"})
            return
        name = escape(prediction.picture)
        ranked = sorted(prediction.probabilities.items(), key=lambda item: -item[1])
        if prediction.reason:
            told = EXPLANATIONS[Reason(prediction.reason)]
            OUT.print(f"{name}: no label, {told}{_tell_likeliest(ranked[:3])}")
            return
        label, probability = ranked[0]
        others = _tell_likeliest(ranked[1:4])
        OUT.print(f"{name}: [bold]{escape(label)}[/] {probability:.2f}{others}")


def _tell_likeliest(ranked: Sequence[tuple[str, float]]) -> str:
    """Say classes and probabilities in brackets; nothing without any."""
    told = ", ".join(f"{escape(label)} {p:.2f}" for label, p in ranked)
    return f" ({told})" if told else ""


def write_predictions(
    target: Path, classes: Sequence[str], predictions: Sequence[Prediction]
) -> None:
    """Write a CSV: picture, label, reason, and a probability a class.

    Raises
    ------
    MienError
        If the file cannot be written.
    """
    lines = [["picture", "label", "reason", *classes]]
    for p in predictions:
        row = [f"{p.probabilities[c]:.6f}" if p.probabilities else "" for c in classes]
        lines.append([p.picture, p.label, p.reason, *row])
    with (
        writing(target, "Choose another file with --csv."),
        atomic_path(target) as path,
        path.open("w", newline="", encoding="utf-8") as file,
    ):
        csv_module.writer(file).writerows(lines)
