import pytest

from mien.experiments.training_notes import TrainingNotes

EPOCH = {"loss": 1.25, "accuracy": 0.5, "val_loss": 1.5, "val_accuracy": 0.375}


@pytest.fixture
def told():
    return []


def test_epochs_and_the_steps_between_them(told):
    notes = TrainingNotes(3, told.append)
    notes.step(0.1, {"loss": 2.0, "accuracy": 0.25, "seconds_left": 720.0})
    notes.epoch(1, {**EPOCH, "seconds_left": 600.0})
    notes.step(0.4, {"loss": 1.0, "accuracy": 0.5, "seconds_left": 50.0})
    notes.epoch(3, EPOCH)
    assert told == [
        "epoch 1/3, loss 2.000, accuracy 25.0%, about 12 minutes left",
        "epoch 1/3, loss 1.250, accuracy 50.0%, validation accuracy 37.5%, about 10 minutes left",
        "epoch 2/3, loss 1.000, accuracy 50.0%, validation accuracy 37.5%, about 1 minute left",
        "epoch 3/3, loss 1.250, accuracy 50.0%, validation accuracy 37.5%",
    ]


def test_a_resumed_training_names_no_epoch_before_it_is_known(told):
    notes = TrainingNotes(50, told.append, resumed=True)
    notes.step(0.43, {"loss": 1.0})
    notes.epoch(22, {"loss": 1.0})
    notes.step(0.45, {"loss": 1.0})
    assert told == [
        "43% of the training, loss 1.000",
        "epoch 22/50, loss 1.000",
        "epoch 23/50, loss 1.000",
    ]


def test_steps_after_the_last_epoch_name_no_other(told):
    notes = TrainingNotes(2, told.append)
    notes.epoch(2, {"loss": 1.0})
    notes.step(1.0, {"loss": 1.0})
    assert told[-1].startswith("epoch 2/2,")
