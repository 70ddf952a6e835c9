"""Tuning: an Optuna study over a model's parameters, judged on held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import MienError
from mien.experiments.candidates import get_candidate
from mien.experiments.evaluate import limit_usable
from mien.experiments.folds import Folds, inner_scheme, make_folds, rows_for_tuning
from mien.experiments.memory import rows_for_trials
from mien.experiments.row_data import RowData
from mien.experiments.search_space import grid_size
from mien.features.registry import canonical_spec

if TYPE_CHECKING:
    import optuna

    from mien.experiments.objective import Objective

CNN_LIMIT = 8000
"""Rows that judge a network's trials, where no limit is given."""
CNN_SCHEME = "holdout:0.2"
"""How they are split, where no scheme is given: a network is too dear to be fitted five times."""
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
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> TuneResult:
    """Run or resume a study.

    Parameters
    ----------
    data : RowData
    model : str
        ``svm-rbf``, ``cnn``: any name of :data:`mien.experiments.candidates.CANDIDATE_NAMES`.
    folds : Folds
        From :func:`plan_folds` or :func:`make_tuning_folds`; judged by mean accuracy. An SVM's
        trials are pruned by fold, a network's by epoch.
    trials : int
        Finished trials that the study shall have in all, from this and other processes.
    sampler : {"tpe", "random", "grid"}
    seed : int
    storage : str, optional
        Optuna storage URL; in memory by default.
    families : sequence of str, optional
        Families that an SVM's trials choose from; all of the store by default.
    fixed : mapping, optional
        Parameters that are not searched but have this value.
    memory : int, optional
        Bytes that an SVM may use; see :func:`choose_rows` for rows that do not fit.
    on_trial : callable, optional
        Called with (finished trials, trials in all, best accuracy).
    on_epoch : callable, optional
        Called with (epoch, values) by a network's trials.

    Returns
    -------
    TuneResult

    Raises
    ------
    MienError
        If there is no such model or sampler, a fixed parameter is not allowed, the storage cannot
        be opened, or no trial came to its end.
    """
    import optuna

    from mien.experiments.storages import open_storage
    from mien.experiments.studies import make_sampler

    candidate = get_candidate(model)
    if candidate.kind == "fusion":
        raise MienError(
            f"{model} is not tuned as a whole.",
            "Tune its SVM and its network, and give both files to mien compare with --params.",
        )
    if trials < 1:
        raise MienError(f"--trials must be at least 1, not {trials}.")
    objective: Objective
    if candidate.kind == "cnn":
        from mien.experiments.cnn_objective import CnnObjective

        if families is not None:
            raise MienError(f"{model} reads pixels, no families.", "Leave --families out.")
        objective = CnnObjective(candidate, data, folds, seed=seed, fixed=fixed, on_epoch=on_epoch)
    else:
        from mien.experiments.svm_objective import SvmObjective

        objective = SvmObjective(
            candidate, data, folds, seed=seed, families=families, fixed=fixed, memory=memory
        )
    grid = objective.make_grid()
    name = objective.name_study(grid=sampler == "grid")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with closing(objective), open_storage(storage) as opened:
        study = optuna.create_study(
            study_name=name,
            storage=opened,
            sampler=make_sampler(sampler, seed=seed, grid=grid),
            pruner=objective.make_pruner(),
            direction="maximize",
            load_if_exists=True,
        )
        wanted = min(trials, grid_size(grid)) if sampler == "grid" else trials
        _optimise(study, objective, wanted, on_trial)
        _require_complete(study)
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
    objective: Objective,
    wanted: int,
    on_trial: Callable[[int, int, float], None] | None,
) -> None:
    """Run trials until the study has as many as wanted, from all processes together."""
    from mien.experiments.studies import HeldInterrupt, enqueue_failed

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
        enqueue_failed(study)
        with interrupt:
            study.optimize(lambda trial: objective.run(trial, interrupt.check), callbacks=[tell])


def _count_trials(study: optuna.Study, *states: str) -> int:
    """Count parameter sets: at a grid's end, two processes may do the same last point."""
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in states]
    return len({tuple(sorted(trial.params.items())) for trial in trials})


def _require_complete(study: optuna.Study) -> None:
    from mien.experiments.study_summary import count_reasons

    if _count_trials(study, "COMPLETE"):
        return
    reasons = count_reasons(study.get_trials(deepcopy=False))
    told = "; ".join(f"in {count}, {reason}" for reason, count in reasons.items())
    raise MienError(
        f"No trial of the study {study.study_name} came to its end ({told}).",
        "Run more --trials, or leave to the study what --set fixed.",
    )


def plan_folds(
    data: RowData,
    model: str,
    *,
    scheme: str | None = None,
    limit: int | None = None,
    families: Sequence[str] | None = None,
    memory: int | None = None,
    seed: int = 0,
) -> Folds:
    """Choose the rows that judge a model's trials, and split them.

    Parameters
    ----------
    data : RowData
    model : str
    scheme : str, optional
        By default, five folds for an SVM, by person where persons are known; for a network
        :data:`CNN_SCHEME`, of whole persons where they are known.
    limit : int, optional
        At most so many rows, with the shares of classes kept; by default :data:`CNN_LIMIT` for a
        network, and all for an SVM.
    families, memory
        See :func:`choose_rows`; of no account to a network.
    seed : int

    Returns
    -------
    Folds
        Never of a dataset's own test rows.
    """
    if get_candidate(model).kind == "cnn":
        usable = data.usable & rows_for_tuning(data.store.rows)
        rows = limit_usable(data, usable, limit or CNN_LIMIT, seed)
        scheme = scheme or CNN_SCHEME
    else:
        rows = choose_rows(data, limit, seed, families=families, memory=memory)
        together = data.keep_together(rows)
        scheme = scheme or inner_scheme(data.store.rows, rows.nonzero()[0], 5, together)
    return make_tuning_folds(data, scheme=scheme, seed=seed, rows=rows)


def make_tuning_folds(
    data: RowData, *, scheme: str, seed: int = 0, rows: np.ndarray | None = None
) -> Folds:
    """Make the folds that judge trials, never of rows that are a dataset's own test rows.

    Twins and frames of one sequence are kept in one fold; see
    :meth:`mien.experiments.row_data.RowData.groups`.

    Parameters
    ----------
    data : RowData
    scheme : str
    seed : int
    rows : ndarray of bool, shape (n,), optional
        Only these rows: a fold's training part, or a subset.
    """
    usable = choose_rows(data, None, seed) if rows is None else data.usable & rows
    together = data.keep_together(usable)
    return make_folds(data.store.rows, scheme=scheme, seed=seed, usable=usable, groups=together)


def choose_rows(
    data: RowData,
    limit: int | None,
    seed: int,
    *,
    families: Sequence[str] | None = None,
    among: np.ndarray | None = None,
    memory: int | None = None,
) -> np.ndarray:
    """Choose the rows to judge an SVM's trials on.

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
