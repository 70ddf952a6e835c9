import dataclasses

import pytest

from mien.errors import MienError
from mien.models.cnn.classifier import CNNClassifier
from mien.models.cnn.presets import PRESETS, TrainingSettings, get_preset


def test_the_thesis_preset_is_what_the_thesis_says():
    thesis = get_preset("thesis")

    assert (thesis.learning_rate, thesis.batch_size, thesis.epochs) == (0.01, 32, 25)
    assert (thesis.min_delta, thesis.validation_fraction) == (0.0001, 0.2)


def test_the_thesis_preset_has_nothing_that_the_thesis_has_not():
    thesis = get_preset("thesis")

    assert (thesis.schedule, thesis.weight_decay, thesis.label_smoothing) == ("constant", 0, 0)
    assert (thesis.flip, thesis.shift, thesis.rotation, thesis.zoom, thesis.erasing) == (0,) * 5
    assert (thesis.averaging, thesis.mirror, thesis.class_weight) == (0, "none", "none")


def test_the_modern_preset_is_the_same_network_trained_otherwise():
    assert get_preset("modern").network == get_preset("thesis").network
    assert get_preset("modern").width == get_preset("thesis").width == 1


def test_an_unknown_preset_is_a_user_error():
    with pytest.raises(MienError, match=r"'thseis'.*Presets: compact, modern, thesis"):
        get_preset("thseis")


def test_every_setting_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"learning_rate .* got 0; dropout .* got 1\."):
        TrainingSettings(learning_rate=0, dropout=1)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("schedule", "linear", "one of constant, cosine"),
        ("class_weight", "yes", "one of none, balanced"),
        ("precision", "float16", "one of auto, float32, bfloat16"),
        ("mirror", True, "one of none, average"),
        ("flip", 1.5, "from 0 to 1"),
        ("shift", -1, "from 0 to 24"),
        ("averaging", 1, "from 0 to below 1"),
        ("time_budget", -1, "at least 0"),
        ("width", 0, "above 0"),
    ],
)
def test_what_a_setting_must_be(name, value, rule):
    with pytest.raises(ValueError, match=f"^{name} must be {rule}, got {value!r}.$"):
        TrainingSettings(**{name: value})


def test_the_classifier_defaults_to_the_thesis_and_takes_every_setting():
    assert CNNClassifier().settings() == PRESETS["thesis"]
    assert {field.name for field in dataclasses.fields(TrainingSettings)} <= set(
        CNNClassifier().get_params()
    )
    assert CNNClassifier.from_preset("thesis", network="ckplus").settings() == dataclasses.replace(
        PRESETS["thesis"], network="ckplus"
    )
