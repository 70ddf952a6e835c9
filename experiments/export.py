"""Export: the model fitted on all rows, with calibrated probabilities, as one file."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import MienError
from mien.experiments.calibration_splits import split_for_calibration
from mien.experiments.candidates import Candidate, get_candidate
from mien.experiments.evaluate import HeldOut, read_features, require_two_classes
from mien.experiments.export_bundle import (
    CardOptions,
    FittedModel,
    find_comparison,
    make_bundle,
)
from mien.experiments.folds import Fold
from mien.experiments.fuse import predict_inside
from mien.experiments.held_out import calibrate_held_out, combine_held_out, read_held_back
from mien.experiments.memory import plan_landmarks
from mien.experiments.model_size import plan_compact
from mien.experiments.row_data import RowData
from mien.models.bundle import Bundle
from mien.models.calibrated import CalibratedClassifier
from mien.models.class_columns import spread_probabilities
from mien.models.cnn.isolated import TrainingProcess
from mien.models.fused_machine import FusedMachine
from mien.models.fusion import FusionClassifier, score_readable

if TYPE_CHECKING:
    from mien.models.cnn.isolated import IsolatedResult
    from mien.models.cnn.jobs import NewsCallback


def fit_bundle(
    data: RowData,
    model: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    split: str | None = None,
    seed: int = 0,
    memory: int | None = None,
    max_size: int | None = None,
    card: CardOptions | None = None,
    on_epoch: NewsCallback | None = None,
    on_step: NewsCallback | None = None,
) -> Bundle:
    """Fit a model on all labelled rows that it can read.

    Parameters
    ----------
    data : RowData
    model : str
    parameters : mapping, optional
        The candidate's defaults where missing.
    split : str, optional
        Fit only on the dataset's rows of this split.
    seed : int
    memory : int, optional
        Bytes that may be used; if an SVM's kernel matrix does not fit, it is approximated, and the
        bundle's ``training`` says so.
    max_size : int, optional
        Bytes that the file may have. An SVM that would be larger is fitted as a compact
        least-squares one, and the bundle's ``training`` says so; a fusion's has what its network
        leaves.
    card : CardOptions, optional
        Where figures come from, when the model abstains, its licence.
    on_epoch : callable, optional
        Called with (epoch, values) by networks.
    on_step : callable, optional
        Called with (share of the training done, values) by networks, inside an epoch.

    Returns
    -------
    Bundle
        An SVM's probabilities are calibrated on cross-validated scores, with persons, sequences
        and exact twins held out together; see :mod:`mien.experiments.calibration_splits`. What
        combines a fusion's SVM and network is fitted as in a comparison; see
        :mod:`mien.experiments.fuse`.

    Raises
    ------
    MienError
        If there are no such rows, the parameters ask for what a single picture cannot give, no
        model is small enough, the figures are of something else, or the target accuracy cannot be
        reached.
    """
    candidate = get_candidate(model)
    complete = candidate.parameters(parameters)
    used = [complete, *(part.parameters for part in candidate.parts(complete))]
    if centred := [own["centre"] for own in used if own.get("centre", "none") != "none"]:
        raise MienError(
            f"A model with centre={centred[0]} needs several pictures of a person; it "
            "cannot be exported to predict single pictures.",
            "Tune or choose parameters with centre=none.",
        )
    card = card or CardOptions()
    compared = find_comparison(card, data, candidate, complete)
    rows = np.flatnonzero(data.usable & _in_split(data, split))
    if len(set(data.codes[rows].tolist())) < 2:
        raise MienError(
            "There are no labelled rows of two classes to fit on"
            + (f" in the split {split!r}." if split else ".")
        )
    with TrainingProcess() as process:
        fitter = _Fitter(data, rows, seed, memory, max_size, process, on_epoch, on_step)
        fit = {"svm": fitter.fit_svm, "cnn": fitter.fit_cnn, "fusion": fitter.fit_fusion}
        fitted = fit[candidate.kind](candidate, complete)
    return make_bundle(
        data, candidate, complete, fitted, card=card, compared=compared, split=split, seed=seed
    )


def _in_split(data: RowData, split: str | None) -> np.ndarray:
    splits = data.store.rows["split"].to_numpy(dtype=object)
    if split is None:
        return np.ones(len(splits), dtype=bool)
    if split not in splits:
        known = ", ".join(sorted(set(splits.tolist()) - {""})) or "none"
        raise MienError(f"The store has no split {split!r}.", f"It has: {known}.")
    return splits == split


@contextmanager
def _telling(candidate: Candidate, rows: np.ndarray) -> Iterator[None]:
    """Tell a failure of a fit as the user's choice of parameters."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise MienError(
            f"{candidate.name} cannot be fitted on these {len(rows):,} rows ({error}).",
            "Choose other parameters with --set.",
        ) from error


@dataclass(frozen=True)
class _Fitter:
    """Fits a model on rows, in the ways that the kinds of models need."""

    data: RowData
    rows: np.ndarray
    seed: int
    memory: int | None
    max_size: int | None
    process: TrainingProcess
    on_epoch: NewsCallback | None
    on_step: NewsCallback | None

    def fit_svm(self, candidate: Candidate, parameters: dict[str, Any]) -> FittedModel:
        """Fit and calibrate an SVM on the rows that have features."""
        rows, features = self._read(candidate, parameters)
        plan = self._plan(candidate, parameters, features, self.max_size)
        splits = split_for_calibration(self.data, rows, seed=self.seed)
        with _telling(candidate, rows):
            machine = FusedMachine(candidate.build(parameters, seed=self.seed, **plan))
            calibrated = CalibratedClassifier(machine)
            scores = calibrated.score_held_out(features, self.data.codes[rows], splits=splits)
            calibrated.fit_scored(features, self.data.codes[rows], scores)
        held_out = calibrate_held_out(self.data, rows, scores, splits)
        solver = candidate.solver(parameters, **plan)
        return FittedModel(calibrated, rows, solver, features, held_out)

    def fit_cnn(self, candidate: Candidate, parameters: dict[str, Any]) -> FittedModel:
        """Train a network on all rows."""
        trained = self._train(candidate, parameters, self.rows)
        held_out = read_held_back(self._find_held_back(trained))
        solver = candidate.solver(parameters)
        return FittedModel(trained.estimator, self.rows, solver, None, held_out)

    def fit_fusion(self, candidate: Candidate, parameters: dict[str, Any]) -> FittedModel:
        """Fit an SVM and a network on all rows, and what combines them on inner predictions."""
        (svm, own), (cnn, settings) = candidate.parts(parameters)
        rows, features = self._read(svm, own)
        plan = self._plan(svm, own, features, self.max_size)
        trained = self._train(cnn, settings, self.rows)
        if self.max_size is not None:
            plan = self._plan_beside(trained.estimator, svm, own, features)
        with _telling(svm, rows):
            pipeline = svm.build(own, seed=self.seed, **plan)
        codes, n_classes = self.data.codes, len(self.data.classes)

        def score_svm(fold: Fold) -> np.ndarray:
            used = np.isin(rows, fold.train)
            with _telling(svm, rows[used]):
                machine = FusedMachine(pipeline).fit(features[used], codes[rows[used]])
            unseen = self.data.store.view(svm.families(own), fold.test)
            return score_readable(machine, unseen, n_classes)

        def score_cnn(fold: Fold) -> np.ndarray:
            found = self._train(cnn, settings, fold.train, fold.test)
            return spread_probabilities(found.probabilities[0], found.classes, n_classes)

        inside = predict_inside(
            self.data,
            Fold("all rows", 0, None, self.rows, np.empty(0, dtype=np.int64)),
            inner=parameters["inner"],
            seed=self.seed,
            held_out=self._find_held_back(trained),
            score_svm=score_svm,
            score_cnn=score_cnn,
        )
        combiner = candidate.build(parameters, seed=self.seed)
        combiner.fit(inside.svm, inside.cnn, codes[inside.rows])
        with _telling(svm, rows):
            machine = FusedMachine(pipeline).fit(features, codes[rows])
        fused = FusionClassifier(machine, trained.estimator, combiner, n_classes)
        held_out = combine_held_out(
            self.data, combiner, inside, inner=parameters["inner"], seed=self.seed
        )
        solver = candidate.solver(parameters, **plan)
        return FittedModel(fused, self.rows, solver, features, held_out)

    def _find_held_back(self, trained: IsolatedResult) -> HeldOut:
        """Return what a network says of the rows that it held back for early stopping."""
        probabilities = trained.validation_probabilities
        return HeldOut(
            self.rows[trained.validation_rows],
            spread_probabilities(probabilities, trained.classes, len(self.data.classes)),
        )

    def _read(
        self, candidate: Candidate, parameters: dict[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that have features, and these."""
        features, present = read_features(self.data, candidate.families(parameters), self.rows)
        rows = self.rows[present]
        require_two_classes(self.data.codes[rows], "The rows to fit on")
        return rows, features

    def _plan(
        self,
        candidate: Candidate,
        parameters: dict[str, Any],
        features: np.ndarray,
        size: int | None,
    ) -> dict[str, Any]:
        """Choose what is left out of an SVM, for lack of memory or to make its file small."""
        rows, columns = features.shape
        landmarks = plan_landmarks(rows, columns, parameters["solver"], self.memory)
        compact = None
        if size is not None:
            compact = plan_compact(
                parameters, kernel=candidate.kernel, rows=rows, classes=len(self.data.classes),
                size=size, all_rows=not landmarks,
            )  # fmt: skip
        return {"landmarks": 0 if compact else landmarks, "compact": compact}

    def _plan_beside(
        self, network: Any, svm: Candidate, parameters: dict[str, Any], features: np.ndarray
    ) -> dict[str, Any]:
        """Plan an SVM for the room that a network leaves in the file."""
        allowed, taken = self.max_size or 0, len(pickle.dumps(network))
        try:
            return self._plan(svm, parameters, features, max(allowed - taken, 0))
        except MienError as error:
            raise MienError(
                f"The network takes {taken / 1e6:.2f} MB of --max-size {allowed / 1e6:.2f}MB. "
                f"{error.message}",
                "Raise --max-size, or choose a narrower network.",
            ) from error

    def _train(
        self,
        candidate: Candidate,
        parameters: dict[str, Any],
        rows: np.ndarray,
        test: np.ndarray | None = None,
    ) -> IsolatedResult:
        """Train a network on some rows; bring it back, or its probabilities of others."""
        from mien.models.cnn.isolated import fit_predict_isolated

        with _telling(candidate, rows):
            return fit_predict_isolated(
                candidate.build(parameters, seed=self.seed),
                np.asarray(self.data.store.pixels[rows]),
                self.data.codes[rows],
                [] if test is None else [np.asarray(self.data.store.pixels[test])],
                groups=self.data.groups(rows),
                return_estimator=test is None,
                on_progress=self.on_epoch,
                on_step=self.on_step,
                process=self.process,
            )
