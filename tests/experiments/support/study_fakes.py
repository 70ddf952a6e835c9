"""A network that learns nothing, for studies in this process and in others."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from mien.experiments.candidates import Candidate

EPOCH_FILE = "MIEN_TEST_EPOCHS"
HANG_FILE = "MIEN_TEST_HANGS"


class FakeNetwork:
    """Its dropout says everything: 1 - dropout is its last validation accuracy.

    Each epoch leaves a line with the dropout, the epoch and the process in the file that
    ``MIEN_TEST_EPOCHS`` names. It predicts the first ``2 * dropout`` of the rows rightly, and the
    others all alike. While the file exists that ``MIEN_TEST_HANGS`` names, no second epoch ends.
    """

    def __init__(self, parameters):
        self.parameters = parameters

    def fit(self, _, y, *, on_epoch, **__):
        self.classes_ = np.unique(y)
        dropout, epochs = self.parameters["dropout"], self.parameters["epochs"]
        loss = float("nan") if self.parameters["learning_rate"] > 1 else 1.0
        for epoch in range(1, epochs + 1):
            with Path(os.environ[EPOCH_FILE]).open("a") as file:
                file.write(f"{dropout} {epoch} {os.getpid()}\n")
            while epoch > 1 and os.path.exists(os.environ.get(HANG_FILE, "")):  # noqa: PTH110
                time.sleep(0.01)
            accuracy = (1 - dropout) * epoch / epochs
            logs = {"loss": loss, "accuracy": accuracy, "val_loss": loss}
            on_epoch(epoch, {**logs, "val_accuracy": accuracy, "seconds_left": 1.0})
        self.history_ = {}

    def predict_proba(self, X):
        bands = X.reshape(len(X), 3, -1).mean(axis=2)
        right = bands.argmax(axis=1)
        right[round(2 * self.parameters["dropout"] * len(X)) :] = 0
        return np.eye(len(self.classes_), dtype=np.float32)[right]


def build_fake(_, parameters, **__):
    """Stands for :meth:`Candidate.build`."""
    return FakeNetwork(dict(parameters))


def build_fakes():
    """Have every candidate of this process build a fake."""
    Candidate.build = build_fake
