import numpy as np
from sklearn.svm import SVC

from mien.experiments.candidates import get_candidate
from mien.experiments.reproduce.svm_choices import FOR_CK, FOR_FER2013, SvmChoice, list_choices


def test_every_reading_that_a_store_can_answer():
    assert len(list_choices(("points", "pose"))) == 6
    assert len(list_choices(("points", "points@primary=1", "geometry", "patch_hog"))) == 24
    assert FOR_FER2013 in list_choices((FOR_FER2013.family,))


def test_the_parameters_are_ones_that_the_candidates_take():
    for choice in (*list_choices(("points", "geometry")), FOR_CK):
        told = get_candidate(choice.model).parameters(choice.parameters())
        assert told["class_weight"] == "balanced"


def test_with_z_scores_the_machines_are_those_of_scikit_learns_defaults():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 26)).astype(np.float32)
    y = (X[:, 0] + 0.5 * rng.normal(size=120) > 0).astype(int)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    for kernel in ("linear", "rbf", "poly"):
        choice = SvmChoice("points@primary=1", "zscore", f"svm-{kernel}")
        candidate = get_candidate(choice.model)
        ours = candidate.build(candidate.parameters(choice.parameters()), seed=0).fit(X, y)
        theirs = SVC(kernel=kernel, class_weight="balanced").fit(X, y)
        new = rng.normal(size=(200, 26)).astype(np.float32)
        assert (ours.predict(new) == theirs.predict(new)).mean() > 0.98
