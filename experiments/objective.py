"""What a study needs of a kind of model, and the name by which only equal studies are resumed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import optuna


class Objective(Protocol):
    """One kind of model as a study sees it: what is drawn, how a trial is scored and cut short."""

    def name_study(self, *, grid: bool) -> str:
        """Name the study by all that its figures depend on."""

    def make_grid(self) -> dict[str, list]:
        """Return what ``--sampler grid`` goes through."""

    def make_pruner(self) -> optuna.pruners.BasePruner:
        """Return what decides which trials are cut short."""

    def run(self, trial: optuna.Trial, check: Callable[[], None]) -> float:
        """Draw a trial's parameters, keep them as its attribute ``parameters``, and score them.

        Parameters
        ----------
        trial : optuna.Trial
        check : callable
            To be called where the trial can be interrupted; raises the interrupt that came.

        Returns
        -------
        float
            Accuracy.

        Raises
        ------
        optuna.TrialPruned
            When the trial is cut short.
        KeyboardInterrupt
            When it was interrupted; the next process that asks for a trial then gets this one.
        """

    def close(self) -> None:
        """Give back what trials share: a training process."""


def name_study(model: str, told: Sequence[Any]) -> str:
    """Name a study by its model and a hash of what its figures depend on (JSON values)."""
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    return f"{model}-{digest.hexdigest()[:12]}"
