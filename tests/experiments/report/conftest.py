"""Synthetic results: what a harness would hand over, for every kind of comparison."""

import base64

import cv2
import numpy as np
import pytest

from mien.experiments.scores import compute_scores
from mien.experiments.statistics import compare_models
from mien.experiments.summary import summarise_model
from mien.experiments.training_summary import summarise_attempt

EIGHT = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt"]
TITLES = {
    "svm_rbf": "SVM, RBF kernel",
    "svm_linear": "SVM, linear kernel",
    "svm_poly": "SVM, polynomial kernel",
    "cnn": "CNN",
}
SKILLS = {"svm_rbf": 0.86, "svm_linear": 0.85, "svm_poly": 0.78, "cnn": 0.7}


def draw_face(*, shade=170):
    picture = np.full((96, 96), 40, dtype=np.uint8)
    cv2.ellipse(picture, (48, 50), (30, 40), 0, 0, 360, shade, -1)
    for x, y in ((36, 40), (60, 40), (48, 72)):
        cv2.circle(picture, (x, y), 4, 20, -1)
    _, encoded = cv2.imencode(".jpg", picture)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def predict(true, n_classes, *, skill, rng):
    """Right with a chance of ``skill``, else most often the next class."""
    away = np.where(rng.random(len(true)) < 0.6, 1, rng.integers(1, n_classes, len(true)))
    return np.where(rng.random(len(true)) < skill, true, (true + away) % n_classes)


def make_curves(rng, *, epochs):
    n = int(rng.integers(epochs // 2, epochs + 1))
    decay = np.exp(-np.arange(n) / 6)
    noise = rng.normal(0, 0.03, (4, n))
    return {
        "loss": (0.3 + 1.5 * decay + noise[0]).tolist(),
        "accuracy": np.clip(0.9 - 0.6 * decay + noise[1], 0, 1).tolist(),
        "val_loss": (0.7 + 1.2 * decay + noise[2]).tolist(),
        "val_accuracy": np.clip(0.72 - 0.45 * decay + noise[3], 0, 1).tolist(),
    }


def make_training(curves, rows):
    """What a network would tell of a training with these curves."""
    if curves is None:
        return None
    epochs = len(curves["loss"])
    return {
        "epochs": epochs,
        "best_epoch": 1 + int(np.argmin(curves["val_loss"])),
        "pictures": epochs * rows,
        "seconds": 60.0,
        "stopped": "epochs" if epochs == 25 else "patience",
        "precision": "float32",
        "parameters": 3_931_975,
        "time_budget": 0.0,
    }


def make_attempts(model, labels, n_classes, *, skill, splits, attempts):
    """The scores of a network's fits with the seeds 0, 1 ..., of which the first is the model."""
    folds = [np.array(fold["indices"]) for fold in model["folds"]]
    fits = [model["folds"]] + [
        make_model("cnn", folds, labels, n_classes, skill=skill, seed=100 + i, splits=splits)[
            "folds"
        ]
        for i in range(1, attempts)
    ]
    return [summarise_attempt(fit, seed=i, n_classes=n_classes) for i, fit in enumerate(fits)]


def make_model(name, folds, labels, n_classes, *, skill, seed, splits=None):
    rng = np.random.default_rng(seed)
    made = []
    for i, indices in enumerate(folds):
        true = labels[indices]
        predicted = predict(true, n_classes, skill=skill, rng=rng)
        made.append(
            {
                "name": splits[i] if splits else f"fold {i + 1}",
                "repeat": 0,
                "split": splits[i] if splits else None,
                "indices": indices.tolist(),
                "true": true.tolist(),
                "predicted": predicted.tolist(),
                "scores": compute_scores(true, predicted, n_classes),
                "parameters": {"C": float(rng.choice([1, 3, 10])), "gamma": 0.0123},
                "train_rows": len(labels) - len(indices),
                "fit_seconds": 1.5 + float(rng.random()) + 60 * (name == "cnn"),
                "predict_seconds": 0.0012 * len(indices),
                "curves": make_curves(rng, epochs=25) if name == "cnn" else None,
            }
        )
        made[-1]["training"] = make_training(made[-1]["curves"], made[-1]["train_rows"])
    return {
        "title": TITLES[name],
        "status": "ok",
        "error": None,
        "view": "pixels" if name == "cnn" else "patch_hog",
        "solver": "Adam" if name == "cnn" else "libsvm, one against one",
        "parameters": {"C": 10.0, "gamma": 0.01234567, "class_weight": None, "blocks": [64, 128]},
        "folds": made,
    }


def make_results(
    *,
    classes=EIGHT[:7],
    n_rows=700,
    n_folds=10,
    names=("svm_rbf", "svm_linear", "svm_poly", "cnn"),
    persons=None,
    splits=None,
    failed=(),
    honest=True,
    labels=None,
    attempts=1,
):
    """Results of a comparison; ``persons`` many leave-one-out groups, or ``splits`` by name."""
    rng = np.random.default_rng(7)
    n_classes = len(classes)
    if labels is None:
        labels = rng.integers(0, n_classes, n_rows)
    n_rows = len(labels)
    groups = None if persons is None else [f"S{i % persons:03d}" for i in range(n_rows)]
    if persons is not None:
        folds = [np.arange(i, n_rows, persons) for i in range(persons)]
    elif splits:
        folds = np.array_split(np.arange(n_rows // 2, n_rows), len(splits))
    else:
        folds = np.array_split(rng.permutation(n_rows), n_folds)
    models = {}
    for i, name in enumerate(names):
        if name in failed:
            error = "MienError: expected a finite loss, got nan in epoch 3 of fold 2."
            models[name] = {"title": TITLES[name], "status": "failed", "error": error}
            continue
        model = make_model(
            name, folds, labels, n_classes, skill=SKILLS[name], seed=i, splits=splits
        )
        models[name] = {**model, **summarise_model(model["folds"], classes=classes)}
        if attempts > 1 and name == "cnn":
            models[name]["attempts"] = make_attempts(
                model, labels, n_classes, skill=SKILLS[name], splits=splits, attempts=attempts
            )
    counts = np.bincount(labels, minlength=n_classes)
    warnings = (
        []
        if honest
        else [
            "118 persons lie on both sides of the folds. The figures below say how well a model "
            "knows these persons again, not how well it reads new faces."
        ]
    )
    return {
        "schema": "mien.results/1",
        "created": "2026-11-23T01:21:00+00:00",
        "command": "mien compare fer2013.csv --models svm_rbf,svm_linear,svm_poly,cnn --seed 0",
        "dataset": {
            "name": "FER2013",
            "source": "fer2013.csv",
            "layout": "fer2013-csv",
            "hash": "9f2a6c0d1e8b4a7f9f2a6c0d1e8b4a7f9f2a6c0d1e8b4a7f9f2a6c0d1e8b4a7f",
            "store": "runs/fer2013.store",
            "rows": n_rows + 12,
            "faces_found": n_rows,
            "no_face": 9,
            "reasons": {"no_face": 9, "unreadable": 3},
            "classes": list(classes),
            "class_counts": dict(zip(classes, counts.tolist(), strict=True)),
            "splits": {"Training": n_rows // 2, **dict.fromkeys(splits, n_rows // 4)}
            if splits
            else {},
            "subjects": persons,
            "sequences": None,
            "notes": ["Faces are 48 by 48 pixels, enlarged before detection."],
            "samples": [
                {"label": name, "picture": draw_face(shade=150 + 10 * i), "caption": f"row {i}"}
                for i, name in enumerate(classes)
            ],
        },
        "protocol": {
            "scheme": "official" if splits else f"subject:{persons}" if persons else "random:10",
            "repeats": 1,
            "seed": 0,
            "nested": False,
            "folds": len(folds),
            "grouped_by": "subject" if persons else None,
            "honest": honest,
            "warnings": warnings,
            "statement": "Each model predicts persons it has never seen."
            if honest
            else "Rows are dealt to ten folds at random.",
            "on_both_sides": {"subjects": 0 if honest else 118, "sequences": None, "twins": 0},
            "faceless": "left out, and counted above",
        },
        "models": models,
        "comparisons": compare_models(models, groups=groups),
        "environment": {
            "mien": "0.1.0",
            "python": "3.11.7",
            "versions": {"numpy": "2.4.6", "scikit-learn": "1.9.1"},
            "processors": 2,
        },
    }


HOSTILE = ['<script>alert("1")</script>', "a|b `c` *d* _e_", "'\"&amp; onload=x", "]]> </svg>"]
LONG = [
    "eyebrows raised and drawn together",
    "happily surprised",
    "sadly fearful, mouth open",
    "neutral",
]
CASES = {
    "two": {"classes": ["neutral", "smiling"], "n_rows": 204, "names": ("svm_rbf", "cnn")},
    "attempts": {"n_rows": 900, "n_folds": 5, "attempts": 10},
    "official_attempts": {"splits": ["PublicTest", "PrivateTest"], "attempts": 3},
    "seven": {"honest": False},
    "eight": {"classes": EIGHT, "n_rows": 4000, "n_folds": 5},
    "ten": {"classes": [*EIGHT, "pain", "awe"], "names": ("svm_rbf",), "n_folds": 1},
    "failed": {"failed": ("cnn",)},
    "all_failed": {"failed": tuple(TITLES)},
    "official": {"splits": ["PublicTest", "PrivateTest"], "n_rows": 7178},
    "absent": {"classes": EIGHT, "labels": np.arange(120) % 6, "persons": 12},
    "long": {"classes": LONG, "n_rows": 300},
    "loso": {"classes": ["neutral", "smiling"], "n_rows": 204, "persons": 102},
    "hostile": {"classes": HOSTILE, "n_rows": 200},
}


@pytest.fixture(params=CASES)
def results(request):
    """Results of every kind, one after the other."""
    return make_results(**CASES[request.param])


@pytest.fixture
def build_results():
    """The function that makes results of the kind asked for."""

    def build(case="two", **options):
        return make_results(**{**CASES[case], **options})

    return build
