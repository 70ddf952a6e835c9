import numpy as np

from mien.experiments.worst_faces import choose_cell_rows, choose_worst

NAMES = [f"face_{i}" for i in range(30)]


def test_the_surest_mistakes_come_first_and_each_row_once():
    rows = np.array([4, 7, 9, 4, 5, 6])
    true = np.array([0, 1, 2, 0, 1, 1])
    predicted = np.array([1, 1, 0, 2, 0, -1])
    sure = np.array([0.6, 0.9, 0.8, 0.95, -np.inf, -np.inf])
    worst = choose_worst(rows, true, predicted, sure, names=NAMES, probabilities=True)
    assert worst == [
        {"row": 4, "name": "face_4", "true": 0, "predicted": 2, "probability": 0.95},
        {"row": 9, "name": "face_9", "true": 2, "predicted": 0, "probability": 0.8},
    ]
    margins = choose_worst(rows, true, predicted, sure, names=NAMES, probabilities=False)
    assert [own["probability"] for own in margins] == [None, None]


def test_no_more_than_a_dozen_are_shown():
    n = 30
    worst = choose_worst(
        np.arange(n), np.zeros(n, int), np.ones(n, int), np.arange(n) / n,
        names=NAMES, probabilities=True,
    )  # fmt: skip
    assert [own["row"] for own in worst] == list(range(29, 17, -1))


def test_a_model_without_mistakes_has_none():
    same = np.zeros(3, int)
    assert choose_worst(np.arange(3), same, same, np.ones(3), names=NAMES, probabilities=True) == []


def test_cells_hold_some_of_their_own_rows_each_once():
    rng = np.random.default_rng(0)
    rows = np.tile(np.arange(30), 2)
    true, predicted = np.tile(np.arange(30) % 3, 2), rng.integers(-1, 3, 60)
    cells = choose_cell_rows(rows, true, predicted)
    pairs = set(zip(rows.tolist(), true.tolist(), predicted.tolist(), strict=True))
    assert set(cells) == {f"{t},{p}" for _, t, p in pairs if p >= 0}
    for key, shown in cells.items():
        t, p = map(int, key.split(","))
        own = {row for row, a, b in pairs if (a, b) == (t, p)}
        assert len(shown) == len(set(shown)) == min(4, len(own))
        assert set(shown) <= own


def test_models_that_agree_show_the_same_rows():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 2, 30), rng.integers(0, 2, 30)
    order = rng.permutation(30)
    first = choose_cell_rows(np.arange(30), true, predicted)
    second = choose_cell_rows(order, true[order], predicted[order])
    assert first == second
