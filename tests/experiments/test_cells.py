"""What is kept of a fit, and what is taken of it when its files are damaged."""

import numpy as np
import pytest

from mien.experiments.cells import Cell, read_cell, write_cell


@pytest.fixture
def cell(tmp_path):
    """A written cell of two folds."""
    path = tmp_path / "cells" / "svm-rbf-1.json"
    outputs = [np.full((3, 2), i, np.float32) for i in range(2)]
    write_cell(
        path, Cell([{"name": "fold 1", "fit_seconds": 1.25}, {"name": "fold 2"}], outputs, None)
    )
    return path


def test_a_cell_is_read_as_it_was_written(cell):
    read = read_cell(cell)
    assert read.folds == [{"name": "fold 1", "fit_seconds": 1.25}, {"name": "fold 2"}]
    assert [own[0, 0] for own in read.outputs] == [0, 1]
    assert read.held_out is None
    assert sorted(path.name for path in cell.parent.iterdir()) == [
        "svm-rbf-1.json", "svm-rbf-1.npz",
    ]  # fmt: skip


def test_a_flipped_digit_is_not_taken(cell):
    cell.write_text(cell.read_text().replace("1.25", "1.35"))
    assert read_cell(cell) is None


def test_every_flipped_byte_of_the_arrays_is_harmless(cell):
    arrays = cell.with_suffix(".npz")
    content, expected = arrays.read_bytes(), read_cell(cell)
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 16
        arrays.write_bytes(damaged)
        read = read_cell(cell)
        assert read is None or all(map(np.array_equal, read.outputs, expected.outputs))


def test_a_cell_of_an_earlier_release_is_read(cell):
    with np.load(cell.with_suffix(".npz")) as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != "text_crc32"}
    np.savez(cell.with_suffix(".npz"), **kept)
    assert len(read_cell(cell).outputs) == 2
