"""A network without a network: it answers one class, which its seed tells, for child processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np


class FakeNetwork:
    """Answers class ``seed % n_classes``; ``network`` says how its fit ends.

    One that is to be killed is not when it goes on from a checkpoint.
    """

    def __init__(self, parameters, random_state):
        self.parameters = parameters
        self.seed = random_state

    def fit(self, X, y, groups=None, *, on_epoch, on_step, checkpoint=None):  # noqa: ARG002
        ending = self.parameters["network"]
        resumed = checkpoint is not None and Path(checkpoint).exists()
        if checkpoint is not None:
            Path(checkpoint).write_text(str(self.seed))
        on_step(0.25, {"loss": 1.5, "accuracy": 0.25, "seconds_left": 720.0})
        if ending == f"killed at {self.seed}" and not resumed:
            os.kill(os.getpid(), signal.SIGKILL)
        logs = {"loss": 1.0, "accuracy": 0.5, "val_loss": 2.0, "val_accuracy": 0.375}
        on_epoch(1, {**logs, "seconds_left": 100.0})
        self.classes_ = np.unique(y)
        self.history_ = {key: [value] for key, value in logs.items()}
        self.training_ = {
            "epochs": 1 + self.seed,
            "best_epoch": 1,
            "pictures": len(X),
            "seconds": 0.5,
            "stopped": "diverged" if ending == f"diverged at {self.seed}" else "epochs",
            "precision": "float32",
            "parameters": 7,
            "process": os.getpid(),
        }

    def predict_proba(self, X):
        answer = np.eye(len(self.classes_), dtype=np.float32)[self.seed % len(self.classes_)]
        return np.tile(answer, (len(X), 1))
