import dataclasses

import pytest

from mien.errors import MienError
from mien.models.cnn.classifier import CNNClassifier
from mien.models.cnn.presets import PRESETS, TrainingSettings, get_preset


def test_the_thesis_preset_is_what_the_thesis_says():
    thesis = get_preset("thesis")

    assert (thesis.learning_rate, thesis.batch_size, thesis.epochs) == (0.01, 32, 25)
    assert (thesis.min_delta, thesis.validation_fraction) == (0.0001, 0.2)


def test_an_unknown_preset_is_a_user_error():
    with pytest.raises(MienError, match=r"'thseis'.*Presets: thesis"):
        get_preset("thseis")


def test_every_setting_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"learning_rate .* got 0; dropout .* got 1\."):
        TrainingSettings(learning_rate=0, dropout=1)


def test_the_classifier_defaults_to_the_thesis_and_takes_every_setting():
    assert CNNClassifier().settings() == PRESETS["thesis"]
    assert {field.name for field in dataclasses.fields(TrainingSettings)} <= set(
        CNNClassifier().get_params()
    )
    assert CNNClassifier.from_preset("thesis", network="ckplus").settings() == dataclasses.replace(
        PRESETS["thesis"], network="ckplus"
    )
