"""Tuning as a function: a study, and the file of its best parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mien.experiments import tune as tuning
from mien.experiments.api.arguments import (
    PathLike,
    StoreLike,
    assign_parameters,
    open_data,
    to_bytes,
    to_names,
)
from mien.experiments.parameters import write_parameters
from mien.experiments.study_place import study_file
from mien.experiments.tune import TuneResult, plan_folds
from mien.experiments.writable import check_writable


@dataclass(frozen=True)
class TunedResult(TuneResult):
    """The best parameters of a study, and where they and the study are.

    Attributes
    ----------
    model, parameters, accuracy, trials, pruned, study, rows, left_out
        See :class:`mien.experiments.tune.TuneResult`.
    scheme : str
        How the rows that judged the trials were split.
    storage : str
        The URL of the study's storage.
    path : Path
        The file of the parameters, which :func:`mien.compare` and :func:`mien.export` take.
    """

    scheme: str = ""
    storage: str = field(default="", repr=False)
    path: Path = Path("tuned.json")

    @property
    def score(self) -> float:
        """The accuracy, mean over the folds."""
        return self.accuracy

    def __fspath__(self) -> str:
        return os.fspath(self.path)


def tune(
    store: StoreLike,
    model: str = "svm-rbf",
    *,
    trials: int = 50,
    cv: str | None = None,
    sampler: str = "tpe",
    storage: str | None = None,
    out: PathLike = "tuned.json",
    families: str | Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    row_filter: PathLike | None = None,
    limit: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
    on_trial: Callable[[int, int, float], None] | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> TunedResult:
    """Search a model's parameters in an Optuna study, as ``mien tune`` does; again to go on.

    Parameters
    ----------
    store : FeatureStore, str or path
    model : str
        ``"svm-linear"``, ``"svm-poly"``, ``"svm-rbf"``, ``"cnn"``, ``"cnn-modern"`` or
        ``"cnn-compact"``.
    trials : int
        Finished trials that the study shall have.
    cv : str, optional
        Cross-validation scheme. By default five folds for an SVM, ``"holdout:0.2"`` for a network,
        of whole persons where they are known.
    sampler : {"tpe", "random", "grid"}
    storage : str, optional
        Optuna storage URL; a SQLite file beside ``out`` by default.
    out : str or path
        The file for the best parameters.
    families : str or sequence of str, optional
        An SVM's trials choose only from these.
    parameters : mapping, optional
        Parameters that are not searched but have this value: ``{"mirror": "average"}``.
    row_filter : str or path, optional
        Use only the rows that this file of ``mien audit`` keeps.
    limit : int, optional
        Judge on so many rows, with the shares of classes kept; 8,000 for a network by default.
    memory : int or str, optional
        Bytes that may be used, or ``"8GB"``; 60 % of the machine's by default.
    seed : int
    on_trial : callable, optional
        Called with (finished trials, trials in all, best accuracy).
    on_epoch : callable, optional
        Called with (epoch, values) by a network's trials.

    Returns
    -------
    TunedResult

    Raises
    ------
    MienError
        If there is no such model, sampler or scheme, the storage cannot be opened, ``out`` cannot
        be written, or no trial came to its end.

    Examples
    --------
    >>> import mien
    >>> tuned = mien.tune("store", "svm-linear", trials=2, cv="subject:2", families="blendshapes")
    >>> tuned.parameters["families"]
    'blendshapes'
    >>> 0 <= tuned.score <= 1
    True
    """
    target, data = Path(out), open_data(store, row_filter)
    check_writable(target)
    chosen, allowed = to_names(families), to_bytes(memory, "--memory")
    folds = plan_folds(
        data, model, scheme=cv, limit=limit, families=chosen, memory=allowed, seed=seed
    )
    url = storage or f"sqlite:///{study_file(target)}"
    result = tuning.tune(
        data,
        model,
        folds=folds,
        trials=trials,
        sampler=sampler,
        seed=seed,
        storage=url,
        families=chosen,
        fixed=assign_parameters(parameters, model).get(model, {}),
        memory=allowed,
        on_trial=on_trial,
        on_epoch=on_epoch,
    )
    write_parameters(target, result, data, folds)
    return TunedResult(**asdict(result), scheme=folds.scheme, storage=url, path=target)
