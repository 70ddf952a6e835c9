"""A scikit-learn classifier that trains one of the networks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from mien.models.cnn.archive import network_from_bytes, network_to_bytes
from mien.models.cnn.augmentation import Augmentation
from mien.models.cnn.engine import Plan, get_engine
from mien.models.cnn.inputs import PICTURE_SHAPE, check_pictures, encode_groups, encode_labels
from mien.models.cnn.networks import (
    DEFAULT_DENSE_DROPOUT,
    DEFAULT_DROPOUT,
    DEFAULT_MOMENTUM,
    Architecture,
    get_network,
)
from mien.models.cnn.precision import choose_precision
from mien.models.cnn.presets import TrainingSettings, get_preset
from mien.models.cnn.runtime import load_keras, seeded
from mien.models.cnn.training import EpochCallback, Rows, StepCallback, train
from mien.models.cnn.validation import split_validation

PREDICT_BATCH = 256


class CNNClassifier(ClassifierMixin, BaseEstimator):
    """A convolutional network on 48 x 48 grey faces, trained with early stopping.

    A part of the training rows is held back to watch the loss: stratified by class and, with
    ``groups``, no group on both sides. The network ends with the weights of its best epoch.

    Parameters
    ----------
    network : str, default="fer2013"
        Name in :data:`mien.models.cnn.networks.NETWORKS`: ``"fer2013"`` or ``"ckplus"``.
    learning_rate : float, default=0.01
        Step size of Adam.
    batch_size : int, default=32
        Pictures in one step.
    epochs : int, default=25
        Upper limit of epochs.
    min_delta : float, default=0.0001
        Smallest fall of the validation loss that counts as an improvement.
    patience : int, default=5
        Epochs in a row without improvement after which training stops.
    validation_fraction : float, default=0.2
        Share of the training rows held back.
    dropout : float, default=0.25
        Share of the values dropped after each convolutional block.
    dense_dropout : float, default=0.5
        Share of the values dropped after each dense layer.
    momentum : float, default=0.99
        Of the moving averages in batch normalisation.
    width, schedule, warmup, weight_decay, time_budget, label_smoothing, class_weight, flip, \
shift, rotation, zoom, erasing, averaging, mirror, precision
        See :class:`mien.models.cnn.presets.TrainingSettings`; the defaults are its own.
    random_state : int, RandomState or None, default=0
        Seed of the first weights, the order of the pictures, dropout and the validation part.
    verbose : int, default=0
        1 prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Class labels, sorted; the columns of :meth:`predict_proba`.
    history_ : dict of list of float
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy``, a value an epoch.
    n_epochs_ : int
        Epochs trained.
    best_epoch_ : int
        The epoch whose weights were kept, from 1.
    n_parameters_ : int
        Parameters of the network, trainable or not.
    n_validation_ : int
        Rows that were held back.
    validation_rows_ : ndarray of int64, shape (n_validation_,)
        Their positions in ``X``.
    validation_probabilities_ : ndarray of float32, shape (n_validation_, n_classes)
        Their probabilities, of the weights that were kept.
    training_ : dict
        ``epochs``, ``best_epoch``, ``pictures`` (seen in all), ``seconds``, ``stopped``
        (``epochs``, ``patience``, ``time budget`` or ``diverged``), ``precision`` and
        ``parameters``.

    Notes
    -----
    The loss is sparse categorical cross-entropy on class codes, which equals categorical
    cross-entropy on one-hot labels.

    The same seed, versions, processor and number of threads give the same network: the order of
    the pictures is drawn by numpy, the rest by Keras after ``set_random_seed``. TensorFlow's
    ``enable_op_determinism`` is not switched on, as it holds for the whole process and makes other
    code fail; on a CPU the results were the same without it. Python's and numpy's global generators
    are put back as they were after :meth:`fit`.

    A pickle holds the network as the bytes of a ``.keras`` file. TensorFlow is loaded by the first
    call that needs the network, not by unpickling.
    """

    _model: Any
    _forward: Any
    _archive: bytes

    def __init__(
        self,
        *,
        network: str = "fer2013",
        width: float = 1.0,
        learning_rate: float = 0.01,
        schedule: str = "constant",
        warmup: float = 0.0,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        epochs: int = 25,
        time_budget: float = 0.0,
        min_delta: float = 0.0001,
        patience: int = 5,
        validation_fraction: float = 0.2,
        dropout: float = DEFAULT_DROPOUT,
        dense_dropout: float = DEFAULT_DENSE_DROPOUT,
        momentum: float = DEFAULT_MOMENTUM,
        label_smoothing: float = 0.0,
        class_weight: str = "none",
        flip: float = 0.0,
        shift: float = 0.0,
        rotation: float = 0.0,
        zoom: float = 0.0,
        erasing: float = 0.0,
        averaging: float = 0.0,
        mirror: str = "none",
        precision: str = "float32",
        random_state: int | np.random.RandomState | None = 0,
        verbose: int = 0,
    ) -> None:
        self.network = network
        self.width = width
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.time_budget = time_budget
        self.min_delta = min_delta
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.dense_dropout = dense_dropout
        self.momentum = momentum
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.flip = flip
        self.shift = shift
        self.rotation = rotation
        self.zoom = zoom
        self.erasing = erasing
        self.averaging = averaging
        self.mirror = mirror
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    @classmethod
    def from_preset(cls, name: str = "thesis", **overrides: Any) -> CNNClassifier:
        """Make a classifier with a preset's settings.

        Parameters
        ----------
        name : str
            Name in :data:`mien.models.cnn.presets.PRESETS`.
        **overrides
            Parameters that differ from the preset, ``network="ckplus"``.

        Raises
        ------
        MienError
            When there is no such preset.
        """
        return cls(**(asdict(get_preset(name)) | overrides))

    def settings(self) -> TrainingSettings:
        """Return the training settings as one checked value.

        Raises
        ------
        ValueError
            When a parameter is out of its range.
        """
        names = TrainingSettings.__dataclass_fields__
        return TrainingSettings(**{name: getattr(self, name) for name in names})

    def fit(
        self,
        X: np.ndarray,
        y: Any,
        groups: Any = None,
        *,
        checkpoint: str | Path | None = None,
        on_epoch: EpochCallback | None = None,
        on_step: StepCallback | None = None,
    ) -> CNNClassifier:
        """Train the network.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, 48, 48) or (n, 48, 48, 1)
            Grey pictures; a memory-mapped array stays on disk until an epoch reads it.
        y : array-like of str or int, shape (n,)
            Labels, at least two classes.
        groups : array-like, shape (n,), optional
            Group of each picture (the person), kept on one side of the validation split.
        checkpoint : path, optional
            File that every epoch's state replaces. When it holds a training on the same data with
            the same parameters, that one is gone on with; a training already finished is taken
            from it as it is. The file is left in place.
        on_epoch : callable, optional
            ``on_epoch(epoch, logs)`` after each epoch: epochs done, the epoch's four values and
            ``seconds_left``.
        on_step : callable, optional
            ``on_step(share, logs)`` every few seconds: the share of the training that is done, and
            the epoch's ``loss`` and ``accuracy`` so far and ``seconds_left``.

        Returns
        -------
        CNNClassifier
            Itself.

        Raises
        ------
        ValueError
            For pictures of another shape or type, fewer than two classes, or a parameter out of
            range.
        """
        settings = self.settings()
        get_network(settings.network)
        pictures = check_pictures(X)
        classes, codes = encode_labels(y, len(pictures))
        grouping = None if groups is None else encode_groups(groups, len(pictures))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        training, validation = split_validation(
            codes, fraction=settings.validation_fraction, groups=grouping, seed=seed
        )
        plan = _make_plan(settings, len(classes))
        with seeded(seed):
            state = train(
                get_engine(plan),
                training=Rows(pictures[training], codes[training]),
                validation=Rows(pictures[validation], codes[validation]),
                settings=settings,
                seed=seed,
                fingerprint=_fingerprint(
                    settings, plan.precision, seed, classes, pictures, codes, validation
                )
                if checkpoint is not None
                else "",
                checkpoint=None if checkpoint is None else Path(checkpoint),
                on_epoch=_reporter(self.verbose, on_epoch),
                on_step=on_step,
            )
            network = plan.architecture.build()
        network.set_weights(state.best_weights)
        self._set_network(network)
        self.classes_ = classes
        self.history_ = state.history
        self.n_epochs_ = state.epochs
        self.best_epoch_ = state.best_epoch
        self.n_parameters_ = int(network.count_params())
        self.n_validation_ = len(validation)
        self.validation_rows_ = validation
        self.validation_probabilities_ = self.predict_proba(pictures[validation])
        self.training_ = {
            "epochs": state.epochs,
            "best_epoch": state.best_epoch,
            "pictures": state.pictures,
            "seconds": state.seconds,
            "stopped": state.stopped,
            "precision": plan.precision,
            "parameters": self.n_parameters_,
        }
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Estimate class probabilities.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, 48, 48) or (n, 48, 48, 1)
            Grey pictures.

        Returns
        -------
        ndarray of float32, shape (n, n_classes)
            Rows sum to 1; columns in the order of ``classes_``.
        """
        check_is_fitted(self, "classes_")
        pictures = check_pictures(X)
        forward = self._forward_function()
        probabilities = np.empty((len(pictures), len(self.classes_)), dtype=np.float32)
        for start in range(0, len(pictures), PREDICT_BATCH):
            batch = slice(start, start + PREDICT_BATCH)
            probabilities[batch] = forward(np.ascontiguousarray(pictures[batch])).numpy()
        return probabilities

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict the label of each picture.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, 48, 48) or (n, 48, 48, 1)
            Grey pictures.

        Returns
        -------
        ndarray, shape (n,)
            Labels of the type given to :meth:`fit`.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    @property
    def model_(self) -> Any:
        """The trained ``keras.Model``, loaded on first use after unpickling."""
        check_is_fitted(self, "classes_")
        if self._model is None:
            self._model = network_from_bytes(self._archive)
        return self._model

    def _set_network(self, network: Any) -> None:
        self._model = network
        self._forward = None
        self._archive = b""

    def _forward_function(self) -> Any:
        """Return the inference function, traced once for any number of pictures."""
        network = self.model_
        if self._forward is None:
            import tensorflow as tf

            signature = [tf.TensorSpec((None, *PICTURE_SHAPE, 1), tf.uint8)]
            self._forward = tf.function(
                lambda pictures: _predict(network, pictures, mirror=self.mirror == "average"),
                input_signature=signature,
            )
        return self._forward

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "classes_" in state:
            state["_archive"] = self._archive or network_to_bytes(self._model)
            state["_model"] = state["_forward"] = None
        return state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def _predict(network: Any, pictures: Any, *, mirror: bool) -> Any:
    probabilities = network(pictures, training=False)
    if not mirror:
        return probabilities
    return (probabilities + network(pictures[:, :, ::-1], training=False)) / 2


def _make_plan(settings: TrainingSettings, n_classes: int) -> Plan:
    return Plan(
        architecture=Architecture(
            network=settings.network,
            n_classes=n_classes,
            width=settings.width,
            dropout=settings.dropout,
            dense_dropout=settings.dense_dropout,
            momentum=settings.momentum,
        ),
        precision=choose_precision(settings.precision),
        weight_decay=settings.weight_decay,
        label_smoothing=settings.label_smoothing,
        augmentation=Augmentation.of(settings),
        mirror=settings.mirror == "average",
    )


def _fingerprint(
    settings: TrainingSettings,
    precision: str,
    seed: int,
    classes: np.ndarray,
    pictures: np.ndarray,
    codes: np.ndarray,
    validation: np.ndarray,
) -> str:
    """Hash everything that the course of a training depends on."""
    text = json.dumps(
        [asdict(settings), precision, seed, classes.tolist(), load_keras().__version__]
    )
    digest = hashlib.sha256(text.encode())
    for array in (pictures, codes, validation):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _reporter(verbose: int, on_epoch: EpochCallback | None) -> EpochCallback | None:
    """Print a line an epoch before calling ``on_epoch``, when asked to."""
    if not verbose:
        return on_epoch

    def report(epoch: int, logs: dict[str, float]) -> None:
        values = ", ".join(f"{name} {value:.4f}" for name, value in logs.items())
        print(f"epoch {epoch}: {values}", flush=True)
        if on_epoch is not None:
            on_epoch(epoch, logs)

    return report
