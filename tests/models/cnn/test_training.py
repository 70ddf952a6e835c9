import math
from types import SimpleNamespace

import numpy as np
import pytest

from mien.models.cnn.presets import TrainingSettings
from mien.models.cnn.training import HISTORY_KEYS, TrainingState, train_epoch


def run(losses, **settings):
    """Record validation losses until the training would stop; return the state."""
    settings = TrainingSettings(**settings)
    state = TrainingState()
    for loss in losses:
        if state.is_finished(settings):
            break
        logs = {"loss": 1.0, "accuracy": 0.5, "val_loss": loss, "val_accuracy": 0.5}
        if state.record(logs, settings.min_delta):
            state.best_weights = [loss]
    return state


def test_it_stops_after_as_many_idle_epochs_as_patience_says():
    state = run([3, 2, 2.5, 2.5, 2.5, 1], patience=3)

    assert state.epochs == 5
    assert (state.best_epoch, state.best_weights) == (2, [2])


def test_a_fall_below_min_delta_keeps_the_weights_but_not_the_patience():
    state = run([2, 1.99, 1.98, 1.97], patience=3, min_delta=0.1)

    assert state.epochs == 4
    assert state.best_weights == [1.97]


def test_many_small_falls_add_up_to_an_improvement():
    state = run([2, 1.94, 1.88, 1.82, 1.76], patience=3, min_delta=0.1)

    assert state.epochs == 5


def test_it_stops_at_the_limit_of_epochs():
    assert run([5, 4, 3, 2, 1], epochs=3).epochs == 3


def test_a_loss_that_is_not_a_number_is_never_the_best():
    state = run([2, math.nan, math.nan], patience=2)

    assert state.epochs == 3
    assert state.best_epoch == 1


def test_a_training_loss_that_is_not_a_number_ends_it():
    state = TrainingState()
    state.record(dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy"), math.nan), 0)

    assert state.is_finished(TrainingSettings())
    assert state.best_epoch == 0


@pytest.mark.parametrize("epochs", [1, 25])
def test_a_fresh_training_is_not_finished(epochs):
    assert not TrainingState().is_finished(TrainingSettings(epochs=epochs))


def test_an_epoch_sees_every_row_once_with_its_label_in_an_order_of_its_own():
    seen = []

    def fit(pictures, codes, **_options):
        seen.append((pictures.tolist(), codes.tolist()))
        return SimpleNamespace(history={key: [0.5] for key in HISTORY_KEYS})

    rows = np.arange(50)
    for seed, epoch in [(1, 0), (1, 1), (2, 0), (1, 0)]:
        train_epoch(
            SimpleNamespace(fit=fit),
            training=(rows, -rows),
            validation=(rows, rows),
            batch_size=8,
            seed=seed,
            epoch=epoch,
        )

    orders = [pictures for pictures, _ in seen]
    assert all(sorted(order) == rows.tolist() for order in orders)
    assert all(codes == [-row for row in pictures] for pictures, codes in seen)
    assert orders[0] == orders[3]
    assert len({tuple(order) for order in orders}) == 3
