import pytest

from mien.models.cnn import precision as module
from mien.models.cnn.precision import choose_precision, probe_precision


@pytest.mark.parametrize(
    ("single", "brain", "expected"),
    [(3.0, 1.0, "bfloat16"), (1.25, 1.0, "bfloat16"), (1.1, 1.0, "float32"), (1, 9, "float32")],
)
def test_the_faster_format_is_taken_when_it_is_clearly_faster(monkeypatch, single, brain, expected):
    import tensorflow as tf

    times = {tf.float32: single, tf.bfloat16: brain}
    monkeypatch.setattr(module, "_time_convolution", lambda _, kind: times[kind])
    probe_precision.cache_clear()
    try:
        assert choose_precision("auto") == expected
    finally:
        probe_precision.cache_clear()


def test_what_is_named_is_not_measured(monkeypatch):
    monkeypatch.setattr(module, "probe_precision", lambda: pytest.fail("measured"))
    assert choose_precision("float32") == "float32"
    assert choose_precision("bfloat16") == "bfloat16"


def test_the_real_probe_answers():
    assert choose_precision("auto") in ("float32", "bfloat16")
