"""Tuning: an Optuna study over a model's parameters, judged by cross-validation."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import mien
from mien.errors import MienError
from mien.experiments.candidates import (
    Candidate,
    family_choices,
    get_candidate,
    grid_size,
    suggest_svm,
    svm_grid,
)
from mien.experiments.evaluate import RowData, limit_usable, most_frequent, read_features
from mien.experiments.folds import Fold, Folds, make_folds, rows_for_tuning
from mien.files import write_json
from mien.models.kernels import compute_dot_products, compute_squared_norms

if TYPE_CHECKING:
    import optuna

PARAMETERS_SCHEMA = "mien.parameters/1"
SAMPLERS: tuple[str, ...] = ("tpe", "random", "grid")
_CACHE_BYTES = 6 * 1024**3


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
    """

    model: str
    parameters: dict[str, Any]
    accuracy: float
    trials: int
    pruned: int
    study: str


class SvmScorer:
    """Accuracy of an SVM on folds; dot products are kept and reused over C, gamma, degree, coef0.

    Parameters
    ----------
    candidate : Candidate
    data : RowData
    seed : int
    """

    def __init__(self, candidate: Candidate, data: RowData, *, seed: int) -> None:
        self._candidate = candidate
        self._data = data
        self._seed = seed
        self._kept: OrderedDict[tuple, _FoldProducts] = OrderedDict()

    def score(self, fold: Fold, parameters: dict[str, Any]) -> float:
        """Fit on the fold's training rows and return the accuracy on its test rows."""
        products = self._products(fold, parameters)
        svm = self._candidate.build(parameters, seed=self._seed).named_steps["svm"]
        svm.fit_dot_products(products.train, products.train_codes)
        predicted = np.full(len(fold.test), most_frequent(products.train_codes))
        if products.visible.any():
            predicted[products.visible] = svm.predict_dot_products(
                products.test, products.test_norms
            )
        return float((predicted == self._data.codes[fold.test]).mean())

    def _products(self, fold: Fold, parameters: dict[str, Any]) -> _FoldProducts:
        key = (fold.name, *(parameters[name] for name in ("families", "centre", "scaler", "pca")))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._make(fold, parameters)
        self._kept[key] = made
        while len(self._kept) > 1 and sum(p.bytes for p in self._kept.values()) > _CACHE_BYTES:
            self._kept.popitem(last=False)
        return made

    def _make(self, fold: Fold, parameters: dict[str, Any]) -> _FoldProducts:
        families = self._candidate.families(parameters)
        centre = parameters["centre"]
        train, present = read_features(self._data, families, fold.train, centre=centre)
        test, visible = read_features(self._data, families, fold.test, centre=centre)
        fitted = self._candidate.build(parameters, seed=self._seed)[:-1]
        if len(fitted):
            train = np.asarray(fitted.fit_transform(train), dtype=np.float32)
            test = np.asarray(fitted.transform(test), np.float32) if len(test) else test[:, :1]
        return _FoldProducts(
            train=compute_dot_products(train, train),
            test=compute_dot_products(test, train) if visible.any() else np.empty((0, 0)),
            test_norms=compute_squared_norms(test),
            train_codes=self._data.codes[fold.train][present],
            visible=visible,
        )


@dataclass(frozen=True)
class _FoldProducts:
    train: np.ndarray
    test: np.ndarray
    test_norms: np.ndarray
    train_codes: np.ndarray
    visible: np.ndarray

    @property
    def bytes(self) -> int:
        return self.train.nbytes + self.test.nbytes


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
    from optuna.study import MaxTrialsCallback
    from optuna.trial import TrialState

    candidate = get_candidate(model)
    if candidate.kind != "svm":
        raise MienError(f"{model} cannot be tuned yet.", "Tune svm-linear, svm-poly or svm-rbf.")
    choices = family_choices(tuple(families or data.store.families))
    components = _components(data, folds, choices)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    fixed = dict(fixed or {})
    candidate.parameters(fixed)
    name = study_name(data, candidate, folds, choices, fixed)
    study = optuna.create_study(
        study_name=name,
        storage=open_storage(storage),
        sampler=_make_sampler(sampler, candidate, choices, components, seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_min_trials=5),
        direction="maximize",
        load_if_exists=True,
    )
    done_states = (TrialState.COMPLETE, TrialState.PRUNED)
    wanted = trials
    if sampler == "grid":
        wanted = min(trials, grid_size(svm_grid(candidate, choices, components)))

    def finished() -> int:
        return len(study.get_trials(deepcopy=False, states=done_states))

    def tell(_: optuna.Study, __: optuna.trial.FrozenTrial) -> None:
        if on_trial:
            complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            on_trial(finished(), wanted, study.best_value if complete else float("nan"))

    if finished() < wanted:
        scorer = SvmScorer(candidate, data, seed=seed)
        study.optimize(
            lambda trial: _run_trial(
                trial, scorer, folds, suggest_svm(trial, candidate, choices, components) | fixed
            ),
            callbacks=[MaxTrialsCallback(wanted, states=done_states), tell],
        )
    best = study.best_trial
    return TuneResult(
        model=model,
        parameters=candidate.parameters(best.user_attrs["parameters"]),
        accuracy=float(best.values[0]),
        trials=finished(),
        pruned=len(study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))),
        study=name,
    )


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


def choose_rows(data: RowData, limit: int | None, seed: int) -> np.ndarray:
    """Choose the rows to judge trials on.

    Parameters
    ----------
    data : RowData
    limit : int or None
        At most so many, with the shares of classes kept.
    seed : int

    Returns
    -------
    ndarray of bool, shape (n,)
        Never a dataset's own test rows.
    """
    return limit_usable(data, data.usable & rows_for_tuning(data.store.rows), limit, seed)


def study_name(
    data: RowData,
    candidate: Candidate,
    folds: Folds,
    choices: Sequence[str],
    fixed: Mapping[str, Any],
) -> str:
    """Name a study by all that its figures depend on, so that only equal studies are resumed."""
    manifest = data.store.manifest
    told = json.dumps(
        [manifest["dataset_hash"], manifest["families"], folds.digest(), list(choices), fixed],
        sort_keys=True,
    )
    return f"{candidate.name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def open_storage(url: str | None) -> optuna.storages.BaseStorage | None:
    """Open an Optuna storage: a database URL, or ``journal:PATH`` for a journal file.

    Trials of a killed process are noticed by their silence, set to failed, and done again.

    Raises
    ------
    MienError
        If the storage cannot be opened.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.exc import SQLAlchemyError

    if url is None:
        return None
    try:
        if url.startswith("journal:"):
            return optuna.storages.JournalStorage(JournalFileBackend(url.removeprefix("journal:")))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.storages.RDBStorage(
                url,
                heartbeat_interval=30,
                grace_period=120,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
            )
    except (SQLAlchemyError, ImportError, OSError, ValueError) as error:
        raise MienError(
            f"The study's storage {url!r} cannot be opened ({str(error).splitlines()[0]}).",
            "Write for example sqlite:///study.db, journal:study.log or postgresql://user@host/db.",
        ) from error


def _run_trial(
    trial: optuna.Trial, scorer: SvmScorer, folds: Folds, parameters: dict[str, Any]
) -> float:
    import optuna

    trial.set_user_attr("parameters", parameters)
    accuracies: list[float] = []
    for step, fold in enumerate(folds.folds):
        accuracies.append(scorer.score(fold, parameters))
        mean = float(np.mean(accuracies))
        trial.report(mean, step)
        if step + 1 < len(folds.folds) and trial.should_prune():
            raise optuna.TrialPruned
    return mean


def _components(data: RowData, folds: Folds, choices: Sequence[str]) -> list[int]:
    """Numbers of principal components that every choice of families and every fold allows."""
    rows = min(len(fold.train) for fold in folds.folds)
    families = data.store.manifest["families"]
    width = min(sum(families[f]["width"] for f in choice.split("+")) for choice in choices)
    return [0, *(n for n in (32, 128, 512) if n < min(rows, width))]


def _make_sampler(
    sampler: str, candidate: Candidate, choices: list[str], components: list[int], seed: int
) -> optuna.samplers.BaseSampler:
    import optuna

    if sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    if sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if sampler == "grid":
        return optuna.samplers.GridSampler(svm_grid(candidate, choices, components), seed=seed)
    raise MienError(f"There is no sampler {sampler!r}.", f"Use one of: {', '.join(SAMPLERS)}.")


def write_parameters(target: Path, result: TuneResult, data: RowData, folds: Folds) -> None:
    """Write tuned parameters with where they come from, for ``compare`` and ``export``."""
    write_json(
        target,
        {
            "schema": PARAMETERS_SCHEMA,
            "mien": mien.__version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": result.model,
            "parameters": result.parameters,
            "accuracy": result.accuracy,
            "scheme": folds.scheme,
            "folds_digest": folds.digest(),
            "seed": folds.seed,
            "trials": result.trials,
            "pruned": result.pruned,
            "study": result.study,
            "dataset": data.store.manifest["name"],
            "dataset_hash": data.store.manifest["dataset_hash"],
        },
    )


@dataclass(frozen=True)
class StoredParameters:
    """What ``mien tune`` wrote: model, parameters, and the hash of the dataset they come from."""

    model: str
    parameters: dict[str, Any]
    dataset_hash: str


def read_parameters(source: Path) -> StoredParameters:
    """Read tuned parameters.

    Raises
    ------
    MienError
        If the file is missing or was not written by ``mien tune``.
    """
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MienError(
            f"The parameters {source} cannot be read ({error}).", "Make them with mien tune."
        ) from error
    if not isinstance(content, dict) or content.get("schema") != PARAMETERS_SCHEMA:
        raise MienError(
            f"{source} does not hold parameters of the schema {PARAMETERS_SCHEMA}.",
            "Make them with mien tune.",
        )
    candidate = get_candidate(content["model"])
    return StoredParameters(
        model=candidate.name,
        parameters=candidate.parameters(content["parameters"]),
        dataset_hash=content["dataset_hash"],
    )
