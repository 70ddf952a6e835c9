import os
import subprocess
import sys

import numpy as np
import pytest

from mien.errors import MienError
from mien.models.cnn.checkpoint import Checkpoint, read_checkpoint, write_checkpoint


def make_checkpoint(value):
    return Checkpoint(
        fingerprint="abc",
        progress={"history": {"loss": [value]}, "waited": 2},
        variables=[np.full((2, 3), value + i, dtype=np.float32) for i in range(12)],
        best_weights=[np.float32(value)],
    )


def test_what_is_written_is_read_in_the_same_order(tmp_path):
    path = tmp_path / "new" / "fold.npz"

    write_checkpoint(path, make_checkpoint(0.5))
    read = read_checkpoint(path)

    assert (read.fingerprint, read.progress) == ("abc", make_checkpoint(0.5).progress)
    assert [array[0, 0] for array in read.variables] == [0.5 + i for i in range(12)]
    assert read.variables[0].dtype == np.float32
    assert read.best_weights == [0.5]
    assert [file.name for file in path.parent.iterdir()] == ["fold.npz"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "fold.npz"
    write_checkpoint(path, make_checkpoint(1))

    def fail(_descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_checkpoint(path, make_checkpoint(2))

    assert read_checkpoint(path).progress["history"] == {"loss": [1]}
    assert [file.name for file in tmp_path.iterdir()] == ["fold.npz"]


def test_no_file_is_no_checkpoint(tmp_path):
    assert read_checkpoint(tmp_path / "none.npz") is None


@pytest.mark.parametrize("content", [b"", b"my notes", b"PK\x03\x04 cut off"])
def test_another_file_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)

    with pytest.raises(MienError, match=r"Expected a checkpoint.*notes\.txt"):
        read_checkpoint(path)

    assert path.read_bytes() == content


def test_another_archive_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))

    with pytest.raises(MienError, match="Expected a checkpoint"):
        read_checkpoint(tmp_path / "other.npz")


def test_a_killed_training_goes_on_and_ends_as_if_it_had_not_been(support, tmp_path):
    path = tmp_path / "fold.npz"
    code = f"import sys; sys.path.insert(0, {os.path.dirname(support.__file__)!r}); "  # noqa: PTH120
    code += f"import cnn_support; cnn_support.train_and_hang({str(path)!r}, hang_after=2)"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as child:
        assert child.stdout.readline() == b"ready\n"
        child.kill()
        assert child.stderr.read() == b"", "TensorFlow is not quiet"
    pictures, labels = support.make_pictures(60)
    settings = {"epochs": 5, "patience": 5}
    epochs = []

    resumed = support.TinyClassifier(**settings).fit(
        pictures, labels, checkpoint=path, on_epoch=lambda epoch, _logs: epochs.append(epoch)
    )
    straight = support.TinyClassifier(**settings).fit(pictures, labels)

    assert epochs == [3, 4, 5]
    assert resumed.n_epochs_ == 5
    for key, values in straight.history_.items():
        assert np.allclose(resumed.history_[key], values, rtol=1e-4), key
    assert np.allclose(resumed.predict_proba(pictures), straight.predict_proba(pictures), atol=1e-4)


def test_a_finished_training_is_taken_and_another_one_is_not(support, tmp_path):
    path = tmp_path / "fold.npz"
    pictures, labels = support.make_pictures(60)
    epochs = []

    def fit(**settings):
        epochs.clear()
        return support.TinyClassifier(**({"epochs": 2} | settings)).fit(
            pictures, labels, checkpoint=path, on_epoch=lambda epoch, _logs: epochs.append(epoch)
        )

    first = fit()
    again = fit()
    assert epochs == []
    assert np.array_equal(first.predict_proba(pictures), again.predict_proba(pictures))

    fit(learning_rate=0.02)
    assert epochs == [1, 2]
    pictures[0, 0, 0] += 1
    fit(learning_rate=0.02)
    assert epochs == [1, 2]
