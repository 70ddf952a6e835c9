"""The comparison: every model on the same saved folds, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.experiments.bootstrap import DRAWS, LEVEL
from mien.experiments.candidates import Candidate, get_candidate
from mien.experiments.centring import exclude_references
from mien.experiments.comparison_options import ComparisonOptions, Progress
from mien.experiments.dataset_facts import describe_dataset
from mien.experiments.environment import describe_environment
from mien.experiments.evaluate import limit_usable
from mien.experiments.evidence import describe_evidence, draw_faces
from mien.experiments.fits import FAILURES, Fits, tell_error
from mien.experiments.folds import Folds, find_twins
from mien.experiments.independent_units import Units, find_units
from mien.experiments.leaks import check_folds
from mien.experiments.manifest import describe_options
from mien.experiments.protocol import describe_protocol, find_placed, score_without
from mien.experiments.report import write_report
from mien.experiments.report.schema import SCHEMA_ID
from mien.experiments.row_data import RowData
from mien.experiments.scores import compute_scores
from mien.experiments.statistics import compare_models
from mien.experiments.summary import choose_split, summarise_model
from mien.experiments.training_summary import summarise_attempt
from mien.files import write_json
from mien.locks import hold_folder
from mien.models.cnn.isolated import TrainingProcess

FOLDS_FILE = "folds.json"
_TUNED_INSIDE = {"tuned": "anew inside each fold; see the folds in results.json"}


def compare(
    data: RowData,
    options: ComparisonOptions,
    out: Path,
    *,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Evaluate every model on the same folds and write the report.

    Finished fits are kept in ``out`` and not repeated when the same comparison is started again.
    A model that fails is reported as failed; the others go on.

    Parameters
    ----------
    data : RowData
    options : ComparisonOptions
    out : Path
        Folder for ``results.json``, ``report.html``, ``report.md`` and ``folds.json``.
    on_progress : callable, optional

    Returns
    -------
    dict
        The results, of the schema ``mien.results/2``.

    Raises
    ------
    MienError
        If the scheme does not fit the data, a model or parameter is unknown, something leaks and
        was not to, every model failed, the folder cannot be written, or another process compares
        into it.
    """
    try:
        with ExitStack() as held:
            return _compare(data, options, out, on_progress, held)
    except OSError as error:
        raise MienError(
            f"{out} cannot be written ({error}).",
            "Make room, or choose another folder with --out. Finished fits are kept: the same "
            "command again goes on where it was.",
        ) from error


def _compare(
    data: RowData,
    options: ComparisonOptions,
    out: Path,
    on_progress: Callable[[Progress], None] | None,
    held: ExitStack,
) -> dict[str, Any]:
    candidates = [get_candidate(name) for name in dict.fromkeys(options.models)]
    if not candidates:
        raise MienError("No model was named.", "Name one or more with --models.")
    given = options.parameters or {}
    known = {name for c in candidates for name in (c.name, *c.part_names(given))}
    if stray := sorted(set(given) - known):
        raise MienError(
            f"Parameters were given for {', '.join(stray)}, which is not compared.",
            "Add it to --models.",
        )
    _check_attempts(options.attempts, candidates)
    complete = {c.name: c.parameters(c.gather(given)) for c in candidates}
    parts = [part for c in candidates for part in c.parts(complete[c.name])]
    if options.nested and parts:
        raise MienError(
            "fusion cannot be compared with nested tuning yet.", "Leave out fusion or --nested."
        )
    every = {part.candidate.name: part.parameters for part in parts} | complete
    rows = data.store.rows
    usable = data.usable
    if any(own.get("centre") == "neutral" for own in every.values()):
        usable = exclude_references(data, usable)
    held.enter_context(hold_folder(out, "mien compare"))
    checked = check_folds(
        data, limit_usable(data, usable, options.limit, options.seed), options, out
    )
    data, folds = checked.data, checked.folds
    _check_centring(folds, every)
    write_json(out / FOLDS_FILE, folds.to_json())
    left_out = {
        "without_twins": find_twins(folds, rows),
        "without_near_twins": checked.copies,
        "measured": find_placed(folds, data),
    }
    units = _find_units(data, folds)
    with TrainingProcess() as process:
        fits = Fits(data, folds, options, out, process, on_progress)
        run = {
            c.name: _run(fits, c, complete[c.name], data, left_out, units)
            for c in sorted(candidates, key=lambda c: c.kind == "fusion")
        }
    models = {c.name: run[c.name] for c in candidates}
    failed = [
        f"{n}: {model['error']}" for n, model in models.items() if model["status"] == "failed"
    ]
    if len(failed) == len(models):
        raise MienError("Every model failed: " + "; ".join(failed))
    results = {
        "schema": SCHEMA_ID,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": options.command,
        "dataset": describe_dataset(data, folds),
        "protocol": describe_protocol(
            data,
            folds,
            nested=options.nested,
            parameters=every,
            tuned_on={
                name: told
                for name, told in (options.tuned_on or {}).items()
                if not fits.is_nested(get_candidate(name))
            },
            models=models,
            copies=checked.copies,
            kept_together=checked.state(),
        )
        | checked.to_json()
        | {"bootstrap": units.describe(draws=DRAWS, level=LEVEL)},
        "models": models,
        "comparisons": compare_models(
            models,
            groups=units.numbers,
            unit=units.kind,
            seed=options.seed,
        ),
        "faces": draw_faces(data, models),
        "environment": describe_environment(),
        "options": describe_options(data, options),
    }
    write_report(results, out)
    return results


def _run(
    fits: Fits,
    candidate: Candidate,
    parameters: dict[str, Any],
    data: RowData,
    left_out: Mapping[str, Mapping[str, np.ndarray]],
    units: Units,
) -> dict[str, Any]:
    """Return a model of the results schema."""
    try:
        fitted = fits.fit_attempts(candidate, parameters)
        attempts = [_score_again(folds, len(data.classes)) for folds in fitted.attempts]
        solver = fits.describe_solver(candidate, parameters, attempts[0])
    except FAILURES as error:
        return {"title": candidate.title, "status": "failed", "error": tell_error(error)}
    results, n_classes = attempts[0], len(data.classes)
    return {
        "title": candidate.title,
        "status": "ok",
        "error": None,
        "view": candidate.view(parameters),
        "solver": solver,
        "parameters": _TUNED_INSIDE if fits.is_nested(candidate) else parameters,
        "folds": results,
        **summarise_model(results, classes=data.classes),
        **describe_evidence(data, results, fitted.outputs, units, seed=fits.seed),
        "remarks": list(fitted.remarks),
        **{key: score_without(results, rows, n_classes) for key, rows in left_out.items()},
        **_summarise_attempts(attempts, fits.seed, n_classes),
    }


def _score_again(folds: list[dict[str, Any]], n_classes: int) -> list[dict[str, Any]]:
    """Give kept folds the scores of this release: they may be of an earlier one."""
    return [
        {**fold, "scores": compute_scores(fold["true"], fold["predicted"], n_classes)}
        for fold in folds
    ]


def _find_units(data: RowData, folds: Folds) -> Units:
    """Find the units of the rows that are predicted, or of the split that decides."""
    split = choose_split([{"split": fold.split} for fold in folds.folds])
    return find_units(
        data, np.concatenate([f.test for f in folds.folds if split is None or f.split == split])
    )


def _summarise_attempts(
    attempts: list[list[dict[str, Any]]], seed: int, n_classes: int
) -> dict[str, Any]:
    """Return the key ``attempts``, where a network was fitted more than once."""
    if len(attempts) == 1:
        return {}
    told = [
        summarise_attempt(folds, seed=seed + i, n_classes=n_classes)
        for i, folds in enumerate(attempts)
    ]
    return {"attempts": told}


def _check_attempts(attempts: int, candidates: Sequence[Candidate]) -> None:
    if attempts < 1:
        raise MienError(f"A network needs one attempt at least, not {attempts}.")
    if attempts > 1 and not any(candidate.kind == "cnn" for candidate in candidates):
        raise MienError(
            f"Only networks are fitted in {attempts} attempts, and none is compared.",
            "Add one to --models, or leave --attempts out.",
        )


def _check_centring(folds: Folds, parameters: Mapping[str, Mapping[str, Any]]) -> None:
    centred = [name for name, own in parameters.items() if own.get("centre", "none") != "none"]
    if centred and folds.grouped_by != "subject":
        raise MienError(
            f"{', '.join(centred)}: centre needs whole persons on one side of each fold; "
            f"{folds.scheme} does not keep them together.",
            "Use --cv subject:10 or leave-one-subject-out.",
        )
