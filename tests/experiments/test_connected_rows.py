import numpy as np

from mien.experiments.connected_rows import connect_rows


def test_rows_are_connected_through_persons_and_twins():
    persons = np.array(["a", "a", "b", "", "", "c"], dtype=object)
    hashes = np.array(["1", "2", "2", "3", "3", ""], dtype=object)
    groups = connect_rows((persons, hashes))
    assert groups.tolist() == [0, 0, 0, 1, 1, 2]
    assert len(set(connect_rows((np.array(["", "", ""], dtype=object),)).tolist())) == 3
