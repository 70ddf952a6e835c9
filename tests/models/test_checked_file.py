from dataclasses import replace

import numpy as np
import pytest

from mien.errors import MienError
from mien.models.checked_file import Agreement, compare_models, write_checked


class Fixed:
    """Answers the same whatever it is asked."""

    classes_ = np.arange(3)

    def __init__(self, rows):
        self.rows = np.array(rows)

    def predict_proba(self, X):
        return self.rows[: len(X)]


@pytest.fixture
def models(make_bundle):
    bundle = make_bundle("linear", {"families": "blendshapes"})

    def answer(*rows):
        return replace(bundle, estimator=Fixed(rows))

    return answer


X = np.zeros((2, 3), dtype=np.float32)


def test_labels_and_probabilities_are_compared(models):
    one = models([0.5, 0.4, 0.1], [0.2, 0.7, 0.1])
    other = models([0.4, 0.5, 0.1], [0.2, 0.45, 0.35])
    assert compare_models(one, one, X) == Agreement(2, 0, 0.0)
    found = compare_models(one, other, X)
    assert (found.rows, found.other_labels) == (2, 1)
    assert found.difference == pytest.approx(0.25)


@pytest.mark.parametrize(("shift", "written"), [(0.9e-4, True), (1.1e-4, False), (np.nan, False)])
def test_a_file_counts_only_if_it_predicts_the_same(models, tmp_path, shift, written):
    one, other = models([0.5, 0.4, 0.1]), models([0.5 - shift, 0.4 + shift, 0.1])
    target = tmp_path / "new" / "model"

    def save():
        return write_checked(
            one, target, X[:1], write=lambda path: path.touch(), load=lambda _: other
        )

    if written:
        assert save().difference == pytest.approx(shift)
        assert [path.name for path in target.parent.iterdir()] == ["model"]
    else:
        with pytest.raises(MienError, match="was not written: read again"):
            save()
        assert list(target.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(models, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(MienError, match=r"cannot be written \(.+\)\. Choose another file"):
        write_checked(
            models([1, 0, 0]), tmp_path / "file" / "model", X[:1],
            write=lambda path: path.touch(), load=lambda _: None,
        )  # fmt: skip
