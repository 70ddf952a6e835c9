"""A study's trials of an SVM: scored fold by fold, and pruned between folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import optuna

from mien.experiments.candidates import Candidate
from mien.experiments.folds import Folds
from mien.experiments.objective import name_study
from mien.experiments.row_data import RowData
from mien.experiments.search_space import SPACE, family_choices, suggest_svm, svm_grid
from mien.experiments.studies import enqueue_again, prune
from mien.experiments.svm_scorer import SvmScorer
from mien.models.cholesky import NotPositiveDefiniteError
from mien.models.weighted_families import family_names


class SvmObjective:
    """The mean accuracy of an SVM over folds.

    Parameters
    ----------
    candidate : Candidate
    data : RowData
    folds : Folds
    seed : int
    families : sequence of str, optional
        Families to choose from; all of the store by default.
    fixed : mapping, optional
        Parameters that are not searched but have this value.
    memory : int, optional
        Bytes that may be used.

    Raises
    ------
    MienError
        If a fixed parameter is unknown or not allowed, or the store lacks a family.
    """

    def __init__(
        self,
        candidate: Candidate,
        data: RowData,
        folds: Folds,
        *,
        seed: int,
        families: Sequence[str] | None = None,
        fixed: Mapping[str, Any] | None = None,
        memory: int | None = None,
    ) -> None:
        self._candidate = candidate
        self._data = data
        self._folds = folds
        self._seed = seed
        self._memory = memory
        self._fixed = candidate.check(fixed or {})
        self._choices = (
            [self._fixed["families"]]
            if "families" in self._fixed
            else family_choices(tuple(families or data.store.families))
        )
        for name in {name for choice in self._choices for name in family_names(choice)}:
            data.store.features(name)  # refuses a family that the store lacks
        self._components = _components(data, folds, self._choices)

    def name_study(self, *, grid: bool) -> str:
        """See :func:`study_name`."""
        return study_name(
            self._data, self._candidate, self._folds, self._choices, self._fixed, grid=grid
        )

    def make_grid(self) -> dict[str, list]:
        """Return what ``--sampler grid`` goes through."""
        return svm_grid(self._candidate, self._choices, self._components, self._fixed)

    def make_pruner(self) -> optuna.pruners.BasePruner:
        """Return a pruner that keeps the best quarter: a fold says much of the ones to come."""
        return optuna.pruners.PercentilePruner(25.0, n_startup_trials=5, n_min_trials=5)

    def run(self, trial: optuna.Trial, check: Callable[[], None]) -> float:
        """Score the parameters that are drawn; see :class:`mien.experiments.objective.Objective`.

        The mean over the folds so far is reported after each, numbered from 0.
        """
        drawn = suggest_svm(trial, self._candidate, self._choices, self._components, self._fixed)
        parameters = self._candidate.parameters(drawn)
        trial.set_user_attr("parameters", parameters)
        accuracies: list[float] = []
        for step, fold in enumerate(self._folds.folds):
            try:
                check()
                accuracies.append(self._scorer.score(fold, parameters))
            except NotPositiveDefiniteError as error:
                prune(trial, str(error))
            except KeyboardInterrupt:
                enqueue_again(trial)
                raise
            mean = float(np.mean(accuracies))
            trial.report(mean, step)
            if step + 1 < len(self._folds.folds) and trial.should_prune():
                raise optuna.TrialPruned
        return mean

    def close(self) -> None:
        """Keep what trials share: it is this process's own memory."""

    @cached_property
    def _scorer(self) -> SvmScorer:
        return SvmScorer(
            self._candidate, self._data, self._folds, seed=self._seed, memory=self._memory
        )


def study_name(
    data: RowData,
    candidate: Candidate,
    folds: Folds,
    choices: Sequence[str],
    fixed: Mapping[str, Any],
    *,
    grid: bool = False,
) -> str:
    """Name an SVM's study by all that its figures depend on, so that only equal ones are resumed.

    A grid is a study of its own, as trials drawn at random do not cover it.
    """
    manifest = data.store.manifest
    return name_study(
        candidate.name,
        [
            manifest["dataset_hash"], manifest["detector"], manifest["families"], folds.digest(),
            list(choices), fixed, grid, SPACE,
        ],
    )  # fmt: skip


def _components(data: RowData, folds: Folds, choices: Sequence[str]) -> list[int]:
    """Numbers of principal components that every choice of families and every fold allows."""
    rows = min(int(data.store.has_face[fold.train].sum()) for fold in folds.folds)
    families = data.store.manifest["families"]
    width = min(sum(families[f]["width"] for f in family_names(choice)) for choice in choices)
    return [0, *(n for n in (32, 128, 512) if n < min(rows, width))]
