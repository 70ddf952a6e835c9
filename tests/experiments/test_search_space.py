import optuna
import pytest

from mien.experiments.candidates import CANDIDATE_NAMES, get_candidate
from mien.experiments.search_space import family_choices, grid_size, suggest_svm, svm_grid
from mien.models.weighted_families import parse_families

SVMS = [name for name in CANDIDATE_NAMES if name.startswith("svm")]


def test_family_choices_are_each_alone_the_small_ones_and_all():
    assert family_choices(("patch_hog",)) == ["patch_hog"]
    assert family_choices(("geometry", "patch_hog")) == ["geometry", "patch_hog"]
    assert family_choices(("blendshapes", "geometry")) == [
        "blendshapes", "geometry", "geometry+blendshapes",
    ]  # fmt: skip
    assert family_choices(("blendshapes", "geometry", "patch_hog")) == [
        "blendshapes", "geometry", "patch_hog", "geometry+blendshapes",
        "blendshapes+geometry+patch_hog",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SVMS)
def test_every_draw_and_every_grid_point_is_allowed(name):
    candidate = get_candidate(name)
    grid = svm_grid(candidate, ["geometry"], [0, 32])
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(30):
        drawn = suggest_svm(study.ask(), candidate, ["geometry"], [0, 32])
        assert candidate.parameters(drawn) == {**candidate.defaults, **drawn}
    trial = study.ask()
    suggest_svm(trial, candidate, ["geometry"], [0, 32])
    assert set(grid) == set(trial.params)
    for parameter, distribution in trial.distributions.items():
        assert all(
            distribution._contains(distribution.to_internal_repr(value))
            for value in grid[parameter]
        )


def test_grid_size_is_the_product():
    assert grid_size({"a": [1, 2], "b": [3], "c": [4, 5, 6]}) == 6


def test_families_after_the_first_get_a_weight():
    candidate = get_candidate("svm-rbf")
    for choice, names in (("geometry", ["geometry"]), ("pose+geometry", ["pose", "geometry"])):
        trial = optuna.create_study().ask()
        found = parse_families(suggest_svm(trial, candidate, [choice], [0])["families"])
        assert [family.name for family in found] == names
        assert found[0].weight == 1
        assert ("weight of geometry" in trial.params) is (len(names) == 2)
    assert svm_grid(candidate, ["pose+geometry"], [0])["weight of geometry"] == [1.0]
    assert found[1].weight == pytest.approx(trial.params["weight of geometry"], rel=1e-3)


@pytest.mark.parametrize("name", SVMS)
def test_fixed_parameters_are_not_drawn(name):
    candidate = get_candidate(name)
    fixed = {"families": "pose+2*geometry", "C": 3.0, "mirror": "average", "gamma": 0.5}
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    drawn = suggest_svm(trial, candidate, ["geometry+pose"], [0, 32], fixed)
    assert {key: drawn[key] for key in fixed} == fixed
    grid = svm_grid(candidate, ["geometry+pose"], [0, 32], fixed)
    assert set(trial.params) == set(grid)
    assert not set(fixed) & set(trial.params)


def test_the_least_squares_solver_gets_no_ridge_below_a_hundredth():
    candidate = get_candidate("svm-rbf")
    trial = optuna.create_study().ask()
    suggest_svm(trial, candidate, ["pose"], [0], {"solver": "least-squares"})
    assert trial.distributions["C"].high == 100
