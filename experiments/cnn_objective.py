"""A study's trials of a network: short trainings, pruned between epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

import numpy as np
import optuna

from mien.errors import MienError
from mien.experiments.candidates import Candidate
from mien.experiments.cnn_search_space import CNN_SPACE, cnn_grid, suggest_cnn
from mien.experiments.evaluate import evaluate_folds
from mien.experiments.folds import Folds
from mien.experiments.objective import name_study
from mien.experiments.row_data import RowData
from mien.experiments.studies import enqueue_again, prune
from mien.models.cnn.isolated import TrainingProcess
from mien.models.cnn.jobs import IsolatedError
from mien.models.cnn.networks import get_network
from mien.models.cnn.presets import TrainingSettings
from mien.models.cnn.training import DIVERGED_MESSAGE, EpochCallback

TRIAL_EPOCHS = 12
"""Epochs of a trial at most, where ``epochs`` is not fixed."""
DIVERGED = "the training diverged: its loss became infinite, not a number, or far above a guess's"


class CnnObjective:
    """The accuracy of a network on held-out rows, of the weights that early stopping chose.

    Early stopping watches a part of the fold's training rows, and so does the pruner: the rows
    that score a trial decide nothing inside it.

    Parameters
    ----------
    candidate : Candidate
    data : RowData
    folds : Folds
        Usually a single holdout; with several the score is the mean.
    seed : int
        Of every trial's first weights and order of pictures, so that trials differ in their
        parameters alone.
    fixed : mapping, optional
        Parameters that are not searched but have this value. ``epochs`` is the smaller of
        :data:`TRIAL_EPOCHS` and the candidate's own when it is not among them.
    on_epoch : callable, optional
        Called with (epoch, values) after each epoch.

    Raises
    ------
    MienError
        If a fixed parameter is unknown or out of its range.

    Notes
    -----
    All trials have the same epochs, and a cosine schedule is fitted to them: every trial that is
    not cut short ends its schedule, and is compared at its best. For a longer training, raise
    ``epochs`` and keep the rest. A tuned ``learning_rate`` is the schedule's largest; the schedule
    stretches with the epochs and its largest step carries over nearly as it is (a constant rate,
    which never falls, carries over less well: a longer training wants a smaller one). What holds
    a network back from fitting its rows by heart, which are augmentation, dropout, label smoothing
    and weight decay, is chosen for the short training, where less of it is better; where the
    final training is many times as long, tune with ``epochs`` nearer to it.
    """

    def __init__(
        self,
        candidate: Candidate,
        data: RowData,
        folds: Folds,
        *,
        seed: int,
        fixed: Mapping[str, Any] | None = None,
        on_epoch: EpochCallback | None = None,
    ) -> None:
        self._candidate = candidate
        self._data = data
        self._folds = folds
        self._seed = seed
        self._on_epoch = on_epoch
        self._process = TrainingProcess()
        epochs = min(TRIAL_EPOCHS, candidate.defaults["epochs"])
        self._fixed = {"epochs": epochs, **candidate.check(fixed or {})}
        self._base = candidate.parameters(self._fixed)
        self._epochs = int(self._base["epochs"])
        _check_settings(candidate, self._base)

    def name_study(self, *, grid: bool) -> str:
        """Name the study by its pictures, folds, fixed and default parameters, seed and space."""
        manifest = self._data.store.manifest
        return name_study(
            self._candidate.name,
            [
                manifest["dataset_hash"], manifest["detector"], self._folds.digest(), self._base,
                sorted(self._fixed), self._seed, grid, CNN_SPACE,
            ],
        )  # fmt: skip

    def make_grid(self) -> dict[str, list]:
        """Return what ``--sampler grid`` goes through."""
        return cnn_grid(self._candidate, self._fixed)

    def make_pruner(self) -> optuna.pruners.BasePruner:
        """Return a pruner that stops what is below the median of finished trials at its epoch.

        It looks at a trial's best epoch so far, so that one noisy value ends nothing, and only
        after a third of the epochs, when a schedule's rise is over: strong augmentation and small
        steps begin slowly. Half is kept, not the quarter that folds leave of SVMs, as an early
        epoch says less of the last one than a fold says of another. Hyperband would stop more, but
        deals trials out to brackets of which each needs about ten before it learns anything: more
        than a network's study usually has.
        """
        return optuna.pruners.MedianPruner(
            n_startup_trials=5, n_warmup_steps=max(2, self._epochs // 3), n_min_trials=3
        )

    def run(self, trial: optuna.Trial, check: Callable[[], None]) -> float:
        """Score the parameters that are drawn; see :class:`mien.experiments.objective.Objective`.

        The validation accuracy of each epoch is reported, numbered from 1 and on through the
        folds. Trials share a training process; one that is cut short, or interrupted, ends it.
        """
        parameters = suggest_cnn(trial, self._candidate, self._fixed)
        trial.set_user_attr("parameters", parameters)
        try:
            accuracies = [
                self._score(trial, number, parameters, check)
                for number in range(len(self._folds.folds))
            ]
        except KeyboardInterrupt:
            enqueue_again(trial)
            raise
        return float(np.mean(accuracies))

    def close(self) -> None:
        """End the training process that the trials share."""
        self._process.close()

    def _score(
        self,
        trial: optuna.Trial,
        number: int,
        parameters: dict[str, Any],
        check: Callable[[], None],
    ) -> float:
        """Fit on a fold's training rows and return the accuracy on its test rows."""

        def watch(epoch: int, values: dict[str, float]) -> None:
            check()
            if self._on_epoch:
                self._on_epoch(epoch, values)
            self._report(trial, number * self._epochs + epoch, values)

        check()
        fold = self._folds.folds[number]
        try:
            (result,) = evaluate_folds(
                self._candidate, self._data, [fold], parameters, seed=self._seed,
                on_epoch=watch, on_step=lambda *_: check(), process=self._process,
            )  # fmt: skip
        except IsolatedError as error:
            check()  # Ctrl-C in a terminal ends the training process, too
            raise MienError(
                f"Trial {trial.number} failed. {error}",
                "Finished trials are kept: run the same command again to go on.",
            ) from error
        except ValueError as error:
            if str(error).startswith(DIVERGED_MESSAGE):
                prune(trial, DIVERGED)
            raise MienError(f"{self._candidate.name} cannot be fitted: {error}") from error
        if result.training and result.training.get("stopped") == "diverged":
            prune(trial, DIVERGED)
        return result.scores["accuracy"]

    def _report(self, trial: optuna.Trial, step: int, values: Mapping[str, float]) -> None:
        if not (isfinite(values["loss"]) and isfinite(values["val_loss"])):
            prune(trial, DIVERGED)
        trial.report(values["val_accuracy"], step)
        if step < len(self._folds.folds) * self._epochs and trial.should_prune():
            raise optuna.TrialPruned


def _check_settings(candidate: Candidate, parameters: Mapping[str, Any]) -> None:
    """Refuse what no training could begin with, before a trial is drawn."""
    try:
        get_network(parameters["network"])
        TrainingSettings(**parameters)
    except ValueError as error:
        raise MienError(f"{candidate.name}: {error}", "Change it with --set.") from error
