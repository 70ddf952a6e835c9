import math

import numpy as np
import pytest

from mien.models.cnn.presets import TrainingSettings
from mien.models.cnn.training import Rows, TrainingState, class_weights, train


def run(losses, **settings):
    """Record validation losses until the training would stop; return the state."""
    settings = TrainingSettings(**settings)
    state = TrainingState()
    for loss in losses:
        if state.find_end(settings):
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


@pytest.mark.parametrize("epochs", [1, 25])
def test_a_fresh_training_is_not_over(epochs):
    assert TrainingState().find_end(TrainingSettings(epochs=epochs)) == ""


def test_the_end_has_a_reason():
    assert run([5, 4, 3], epochs=3).find_end(TrainingSettings(epochs=3)) == "epochs"
    settings = TrainingSettings(patience=2)
    assert run([5, 6, 7], patience=2).find_end(settings) == "patience"
    state = run([5, 4])
    state.seconds = 60.0
    assert state.find_end(TrainingSettings(time_budget=61)) == ""
    assert state.find_end(TrainingSettings(time_budget=60)) == "time budget"


def test_balanced_weights_are_one_on_average_and_equal_by_class():
    weights = class_weights(np.array([0, 0, 0, 2]), "balanced")

    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert class_weights(np.array([0, 0, 2]), "none").tolist() == [1, 1, 1]


class FakeEngine:
    """Gives losses from a list, and remembers what it was asked to do."""

    def __init__(self, losses, clock=None, cost=0.0):
        from mien.models.cnn.augmentation import Augmentation

        self.losses, self.clock, self.cost = list(losses), clock, cost
        self.rates, self.averages, self.sizes = [], [], []
        self.plan = type("Plan", (), {"augmentation": Augmentation()})

    def reset(self, seed):
        self.seed = seed

    def train_step(self, batch, *, learning_rate):
        self.rates.append(learning_rate)
        self.sizes.append(len(batch[1]))
        if self.clock:
            self.clock.now += self.cost
        return self.losses.pop(0), 1

    def average(self, decay):
        self.averages.append(decay)

    def predict_proba(self, pictures):
        return np.tile(np.float32([0.75, 0.25]), (len(pictures), 1))

    def evaluated_weights(self):
        return [np.float32(len(self.rates))]


ROWS = Rows(np.zeros((10, 48, 48, 1), np.uint8), np.array([0, 1] * 5, np.int32))


def run_fake(engine, **settings):
    settings = TrainingSettings(**({"batch_size": 4, "epochs": 3} | settings))
    told = []
    state = train(
        engine,
        training=ROWS,
        validation=ROWS,
        settings=settings,
        seed=5,
        on_epoch=lambda epoch, logs: told.append((epoch, logs)),
    )
    return state, told


def test_an_epoch_counts_every_picture_once_and_means_are_over_pictures():
    engine = FakeEngine([1, 2, 3] * 3)
    state, told = run_fake(engine)

    assert engine.sizes == [4, 4, 2] * 3
    assert (state.steps, state.pictures, state.stopped) == (9, 30, "epochs")
    assert state.history["loss"] == pytest.approx([(4 * 1 + 4 * 2 + 2 * 3) / 10] * 3)
    assert state.history["accuracy"] == pytest.approx([0.3] * 3)
    assert state.history["val_accuracy"] == [0.5] * 3
    assert state.history["val_loss"] == pytest.approx([-math.log(0.75 * 0.25) / 2] * 3)
    assert [epoch for epoch, _ in told] == [1, 2, 3]
    assert told[-1][1]["seconds_left"] == 0


def test_the_schedule_is_fitted_to_the_epochs():
    engine = FakeEngine([1] * 9)
    run_fake(engine, schedule="cosine", learning_rate=1.0)

    expected = [(1 + math.cos(math.pi * step / 9)) / 2 for step in range(1, 10)]
    assert engine.rates == pytest.approx(expected)


class Clock:
    now = 100.0

    def perf_counter(self):
        return self.now


def test_a_time_budget_ends_within_an_epoch_and_brings_the_schedule_to_its_end(monkeypatch):
    import mien.models.cnn.training as module

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    engine = FakeEngine([1] * 99, clock, cost=1.0)
    state, _ = run_fake(engine, epochs=33, time_budget=5.0, schedule="cosine", learning_rate=1.0)

    assert (state.steps, state.epochs, state.pictures) == (5, 2, 4 + 4 + 2 + 4 + 4)
    assert (state.stopped, state.seconds) == ("time budget", 5.0)
    expected = [(1 + math.cos(math.pi * seconds / 5)) / 2 for seconds in (5 / 99, 1, 2, 3, 4)]
    assert engine.rates == pytest.approx(expected)


@pytest.mark.parametrize("loss", [math.nan, math.inf, 11 * math.log(2)])
def test_a_training_that_diverges_stops_at_once_and_keeps_its_best_epoch(loss):
    engine = FakeEngine([1, 1, 1, 1, loss])
    state, _ = run_fake(engine)

    assert (state.steps, state.stopped, state.best_epoch) == (5, "diverged", 1)


def test_averages_start_short_and_none_at_all_copies_the_weights():
    plain, averaged = FakeEngine([1] * 9), FakeEngine([1] * 9)
    run_fake(plain)
    run_fake(averaged, averaging=0.5)

    assert plain.averages == [0, 0, 0]
    assert averaged.averages == pytest.approx([(4 / 14) ** 4, (8 / 18) ** 4])
