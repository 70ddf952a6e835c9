"""Classifiers without a network, whose fit ends in every way, for child processes."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np

from mien.errors import MienError


def _raise(error):
    raise error


def _vanish():
    print("the disk is on fire", file=sys.stderr, flush=True)
    os._exit(0)


ENDINGS = {
    "well": lambda: None,
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "vanished": _vanish,
    "asleep": lambda: time.sleep(120),
    "key error": lambda: _raise(KeyError("no such layer")),
    "user error": lambda: _raise(MienError("Expected a checkpoint.", "Remove it.")),
}


class FakeClassifier:
    """Predicts without learning; its fit reports its process and ends as it is told."""

    def __init__(self, ending="well"):
        self.ending = ending
        self.classes_ = np.array(["a", "b"])

    def fit(self, X, y, groups=None, *, on_epoch, checkpoint=None):
        self.checkpoint = checkpoint
        self.fitted_on = (type(X).__name__, X.shape, list(y), list(groups))
        print("a library prints this to standard output", flush=True)
        on_epoch(os.getpid(), {"loss": 0.5})
        ENDINGS[self.ending]()

    def predict_proba(self, X):
        return np.tile(np.float32([0.25, 0.75]), (len(X), 1))


class FakeNetwork(FakeClassifier):
    """Tells steps, and what a network tells of its training."""

    def fit(self, X, y, groups=None, *, on_epoch, on_step, checkpoint=None):
        on_step(0.125, {"loss": np.float32(0.75), "seconds_left": 700.0})
        super().fit(X, y, groups, on_epoch=on_epoch, checkpoint=checkpoint)
        self.history_ = {"loss": [0.5]}
        self.training_ = {"epochs": 1, "stopped": "epochs"}
        self.validation_rows_ = np.array([4, 1])
        self.validation_probabilities_ = np.float32([[0.5, 0.5], [0.25, 0.75]])


class FakeGlutton(FakeClassifier):
    """Keeps 200 MiB in pieces that the C library takes from its heap."""

    def fit(self, X, y, groups=None, **options):
        self.kept = [np.ones(8000) for _ in range(3350)]
        super().fit(X, y, groups, **options)
