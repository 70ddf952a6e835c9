import optuna
import pytest

from mien.experiments.candidates import CANDIDATE_NAMES, get_candidate
from mien.experiments.cnn_search_space import augment, cnn_grid, suggest_cnn
from mien.models.cnn.augmentation import AUGMENTATIONS
from mien.models.cnn.presets import PRESETS, TrainingSettings

NETWORKS = [name for name in CANDIDATE_NAMES if name.startswith("cnn")]
SEARCHED = {
    "learning_rate", "dropout", "dense_dropout", "width", "label_smoothing", "weight_decay",
    *AUGMENTATIONS,
}  # fmt: skip


def ask(seed=0):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()


@pytest.mark.parametrize(
    ("strength", "expected"),
    [
        (0.0, {"shift": 0.0, "rotation": 0.0, "zoom": 0.0, "erasing": 0.0, "flip": 0.0}),
        (0.3, {"shift": 1.2, "rotation": 3.6, "zoom": 0.03, "erasing": 0.075, "flip": 0.5}),
        (1.0, {"shift": 4.0, "rotation": 12.0, "zoom": 0.1, "erasing": 0.25, "flip": 0.5}),
        (2.0, {"shift": 8.0, "rotation": 24.0, "zoom": 0.2, "erasing": 0.5, "flip": 0.5}),
        (2.5, {"shift": 10.0, "rotation": 30.0, "zoom": 0.25, "erasing": 0.625, "flip": 0.5}),
    ],
)
def test_one_strength_sets_the_whole_augmentation(strength, expected):
    assert augment(strength) == expected
    assert all(type(value) is float for value in augment(strength).values())


def test_a_strength_of_one_is_the_modern_preset():
    modern = PRESETS["modern"]
    assert augment(1.0) == {name: getattr(modern, name) for name in AUGMENTATIONS}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_draw_is_complete_and_can_be_trained_with(name):
    candidate = get_candidate(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = []
    for _ in range(60):
        trial = study.ask()
        drawn.append(suggest_cnn(trial, candidate))
        assert drawn[-1].keys() == candidate.defaults.keys()
        TrainingSettings(**drawn[-1])
        assert augment(trial.params["augmentation"]).items() <= drawn[-1].items()
    for parameter, default in candidate.defaults.items():
        values = {own[parameter] for own in drawn}
        assert values == {default} if parameter not in SEARCHED else len(values) > 1, parameter
    assert 0.0 in {own["weight_decay"] for own in drawn}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_grid_is_of_what_is_drawn(name):
    candidate = get_candidate(name)
    grid = cnn_grid(candidate)
    drawn = {}
    for seed in range(10):
        trial = ask(seed)
        suggest_cnn(trial, candidate)
        drawn |= trial.distributions
    assert grid.keys() == drawn.keys()
    for parameter, distribution in drawn.items():
        for value in grid[parameter]:
            assert distribution._contains(distribution.to_internal_repr(value)), parameter


@pytest.mark.parametrize(
    ("fixed", "not_drawn"),
    [
        ({"learning_rate": 0.5, "width": 2.0}, {"learning_rate", "width"}),
        ({"weight_decay": 0.01}, {"weight_decay", "decayed"}),
        ({"epochs": 3, "batch_size": 8}, set()),
        *(({name: 0.75}, {"augmentation"}) for name in AUGMENTATIONS),
    ],
)
def test_fixed_parameters_are_not_drawn(fixed, not_drawn):
    candidate = get_candidate("cnn-modern")
    everything = set(cnn_grid(candidate))
    assert set(cnn_grid(candidate, fixed)) == everything - not_drawn
    for seed in range(5):
        trial = ask(seed)
        parameters = suggest_cnn(trial, candidate, fixed)
        assert fixed.items() <= parameters.items()
        assert not_drawn.isdisjoint(trial.params)
        assert everything - not_drawn - {"weight_decay"} <= trial.params.keys()
        if "augmentation" in not_drawn:
            for name in set(AUGMENTATIONS) - set(fixed):
                assert parameters[name] == candidate.defaults[name]
