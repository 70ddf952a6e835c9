"""Tuning: an Optuna study over a model's parameters, judged by cross-validation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import MienError
from mien.experiments.candidates import Candidate, get_candidate
from mien.experiments.evaluate import limit_usable
from mien.experiments.folds import Folds, make_folds, rows_for_tuning
from mien.experiments.memory import rows_for_trials
from mien.experiments.row_data import RowData
from mien.experiments.search_space import (
    SPACE,
    family_choices,
    grid_size,
    suggest_svm,
    svm_grid,
)
from mien.experiments.svm_scorer import SvmScorer
from mien.features.registry import canonical_spec
from mien.models.cholesky import NotPositiveDefiniteError
from mien.models.weighted_families import family_names

if TYPE_CHECKING:
    import optuna

_DONE = ("COMPLETE", "PRUNED")


@dataclass(frozen=True)
class TuneResult:
    """The best parameters of a study.

    Attributes
    ----------
    model : str
    parameters : dict
    accuracy : float
        Mean over the folds.
    trials, pruned : int
        Finished trials of the study, and how many of them were cut short.
    study : str
        The study's name in its storage.
    rows : int
        How many rows judged each trial.
    left_out : int
        How many rows could have, but were left out by a limit or for lack of memory.
    """

    model: str
    parameters: dict[str, Any]
    accuracy: float
    trials: int
    pruned: int
    study: str
    rows: int = 0
    left_out: int = 0


def tune(
    data: RowData,
    model: str,
    *,
    folds: Folds,
    trials: int = 50,
    sampler: str = "tpe",
    seed: int = 0,
    storage: str | None = None,
    families: Sequence[str] | None = None,
    fixed: Mapping[str, Any] | None = None,
    memory: int | None = None,
    on_trial: Callable[[int, int, float], None] | None = None,
) -> TuneResult:
    """Run or resume a study.

    Parameters
    ----------
    data : RowData
    model : str
        ``svm-linear``, ``svm-poly`` or ``svm-rbf``.
    folds : Folds
        From :func:`make_tuning_folds`; judged by mean accuracy, pruned by fold.
    trials : int
        Finished trials that the study shall have in all, from this and other processes.
    sampler : {"tpe", "random", "grid"}
    seed : int
    storage : str, optional
        Optuna storage URL; in memory by default.
    families : sequence of str, optional
        Families to choose from; all of the store by default.
    fixed : mapping, optional
        Parameters that are not searched but have this value.
    memory : int, optional
        Bytes that may be used; see :func:`choose_rows` for rows that do not fit.
    on_trial : callable, optional
        Called with (finished trials, trials in all, best accuracy).

    Returns
    -------
    TuneResult

    Raises
    ------
    MienError
        If the model cannot be tuned, the sampler is unknown, or the storage cannot be opened.
    """
    import optuna

    from mien.experiments.storages import open_storage
    from mien.experiments.studies import make_sampler

    candidate = get_candidate(model)
    if candidate.kind != "svm":
        raise MienError(f"{model} cannot be tuned yet.", "Tune svm-linear, svm-poly or svm-rbf.")
    if trials < 1:
        raise MienError(f"--trials must be at least 1, not {trials}.")
    fixed = candidate.check(fixed or {})
    names = tuple(families or data.store.families)
    choices = [fixed["families"]] if "families" in fixed else family_choices(names)
    for name in {name for choice in choices for name in family_names(choice)}:
        data.store.features(name)  # refuses a family that the store lacks
    components = _components(data, folds, choices)
    grid = svm_grid(candidate, choices, components, fixed)
    name = study_name(data, candidate, folds, choices, fixed, grid=sampler == "grid")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with open_storage(storage) as opened:
        study = optuna.create_study(
            study_name=name,
            storage=opened,
            sampler=make_sampler(sampler, seed=seed, grid=grid),
            pruner=optuna.pruners.PercentilePruner(25.0, n_startup_trials=5, n_min_trials=5),
            direction="maximize",
            load_if_exists=True,
        )
        scorer = SvmScorer(candidate, data, folds, seed=seed, memory=memory)
        wanted = min(trials, grid_size(grid)) if sampler == "grid" else trials

        def objective(trial: optuna.Trial, check: Callable[[], None]) -> float:
            drawn = suggest_svm(trial, candidate, choices, components, fixed)
            return _run_trial(trial, scorer, folds, candidate.parameters(drawn), check)

        _optimise(study, objective, wanted, on_trial)
        return TuneResult(
            model=model,
            parameters=candidate.parameters(study.best_trial.user_attrs["parameters"]),
            accuracy=study.best_value,
            trials=_count_trials(study, *_DONE),
            pruned=_count_trials(study, "PRUNED"),
            study=name,
            **_count_rows(data, folds),
        )


def _count_rows(data: RowData, folds: Folds) -> dict[str, int]:
    sides = [side for fold in folds.folds for side in (fold.train, fold.test)]
    used = np.unique(np.concatenate(sides))
    usable = data.usable & rows_for_tuning(data.store.rows)
    return {"rows": len(used), "left_out": int(np.delete(usable, used).sum())}


def _optimise(
    study: optuna.Study,
    objective: Callable[[optuna.Trial, Callable[[], None]], float],
    wanted: int,
    on_trial: Callable[[int, int, float], None] | None,
) -> None:
    """Run trials until the study has as many as wanted, from all processes together."""
    from mien.experiments.studies import HeldInterrupt

    interrupt = HeldInterrupt()

    def tell(_: optuna.Study, __: optuna.trial.FrozenTrial) -> None:
        done = _count_trials(study, *_DONE)
        if done >= wanted:
            study.stop()
        if on_trial:
            complete = _count_trials(study, "COMPLETE")
            on_trial(done, wanted, study.best_value if complete else float("nan"))
        interrupt.check()

    if _count_trials(study, *_DONE) < wanted:
        with interrupt:
            study.optimize(lambda trial: objective(trial, interrupt.check), callbacks=[tell])


def _count_trials(study: optuna.Study, *states: str) -> int:
    """Count parameter sets: at a grid's end, two processes may do the same last point."""
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in states]
    return len({tuple(sorted(trial.params.items())) for trial in trials})


def make_tuning_folds(
    data: RowData, *, scheme: str, seed: int = 0, rows: np.ndarray | None = None
) -> Folds:
    """Make the folds that judge trials, never of rows that are a dataset's own test rows.

    Parameters
    ----------
    data : RowData
    scheme : str
    seed : int
    rows : ndarray of bool, shape (n,), optional
        Only these rows: a fold's training part, or a subset.
    """
    usable = choose_rows(data, None, seed) if rows is None else data.usable & rows
    return make_folds(data.store.rows, scheme=scheme, seed=seed, usable=usable)


def choose_rows(
    data: RowData,
    limit: int | None,
    seed: int,
    *,
    families: Sequence[str] | None = None,
    among: np.ndarray | None = None,
    memory: int | None = None,
) -> np.ndarray:
    """Choose the rows to judge trials on.

    Parameters
    ----------
    data : RowData
    limit : int or None
        At most so many, with the shares of classes kept.
    seed : int
    families : sequence of str, optional
        What trials read; all families of the store by default.
    among : ndarray of bool, shape (n,), optional
        Only these rows, as a fold's training part. By default all but a dataset's own test rows.
    memory : int, optional
        Bytes that may be used. Of rows whose matrices do not fit a subset is drawn, as for a limit.

    Returns
    -------
    ndarray of bool, shape (n,)
        Never a dataset's own test rows, unless they are named.
    """
    usable = data.usable & (rows_for_tuning(data.store.rows) if among is None else among)
    held = data.store.manifest["families"]
    names = held if families is None else map(canonical_spec, families)
    columns = sum(held[name]["width"] for name in names if name in held)
    most = rows_for_trials(columns, memory)
    return limit_usable(data, usable, most if limit is None else min(limit, most), seed)


def study_name(
    data: RowData,
    candidate: Candidate,
    folds: Folds,
    choices: Sequence[str],
    fixed: Mapping[str, Any],
    *,
    grid: bool = False,
) -> str:
    """Name a study by all that its figures depend on, so that only equal studies are resumed.

    A grid is a study of its own, as trials drawn at random do not cover it.
    """
    manifest = data.store.manifest
    told = json.dumps(
        [
            manifest["dataset_hash"], manifest["detector"], manifest["families"], folds.digest(),
            list(choices), fixed, grid, SPACE,
        ],
        sort_keys=True,
    )  # fmt: skip
    return f"{candidate.name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _run_trial(
    trial: optuna.Trial,
    scorer: SvmScorer,
    folds: Folds,
    parameters: dict[str, Any],
    check: Callable[[], None],
) -> float:
    import optuna

    from mien.experiments.studies import enqueue_again

    trial.set_user_attr("parameters", parameters)
    accuracies: list[float] = []
    for step, fold in enumerate(folds.folds):
        try:
            check()
            accuracies.append(scorer.score(fold, parameters))
        except NotPositiveDefiniteError as error:
            raise optuna.TrialPruned(str(error)) from error
        except KeyboardInterrupt:
            enqueue_again(trial)
            raise
        mean = float(np.mean(accuracies))
        trial.report(mean, step)
        if step + 1 < len(folds.folds) and trial.should_prune():
            raise optuna.TrialPruned
    return mean


def _components(data: RowData, folds: Folds, choices: Sequence[str]) -> list[int]:
    """Numbers of principal components that every choice of families and every fold allows."""
    rows = min(int(data.store.has_face[fold.train].sum()) for fold in folds.folds)
    families = data.store.manifest["families"]
    width = min(sum(families[f]["width"] for f in family_names(choice)) for choice in choices)
    return [0, *(n for n in (32, 128, 512) if n < min(rows, width))]
