"""Small stores that look like CK+ and FER2013, and a network that answers at once."""

import pytest

from mien.experiments.reproduce import reproduce as module
from mien.experiments.reproduce.claims import LAYERS, TOTALS
from mien.experiments.reproduce.plan import FAMILIES
from mien.experiments.reproduce.svm_choices import list_choices


def make_layers(network):
    """What :func:`describe_layers` gives, without building a network."""
    return {
        "layers": [
            {"kind": kind, "shape": list(shape), "claimed": count, "ours": count}
            for kind, shape, count in LAYERS[network]
        ],
        "total": [TOTALS[network][0]] * 2,
        "trainable": [TOTALS[network][1]] * 2,
        "equal": True,
    }


@pytest.fixture
def light(monkeypatch):
    """Leave out what needs TensorFlow or the landmarker bundle, and most readings of the SVM."""
    monkeypatch.setattr(module, "describe_layers", make_layers)
    monkeypatch.setattr(module, "_draw_landmarks", lambda *_: None)
    monkeypatch.setattr(module, "list_choices", lambda families: list_choices(families)[2:4])


@pytest.fixture
def ck_store(make_store):
    """Six persons with a sequence of three frames of each of three classes."""
    return make_store(families=FAMILIES["ck"], faceless=0, damaged=0, twins=0)


@pytest.fixture
def fer_store(make_store):
    """Pictures of nobody in particular, with splits."""
    return make_store(
        persons=10,
        families=FAMILIES["fer2013"],
        classes=("angry", "disgust", "happy"),
        known_persons=False,
        splits=("Training", "Training", "PublicTest"),
        separation=0.4,
        twins=2,
    )
