"""Synthetic results: what a harness would hand over, for every kind of comparison."""

import base64

import cv2
import numpy as np
import pytest

from mien.experiments.report import SCHEMA_ID
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
    complete=False,
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
    results = {
        "schema": SCHEMA_ID,
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
    return fill(results) if complete else results


def draw_small(row):
    """A face of 48 by 48 pixels that differs from row to row."""
    rng = np.random.default_rng(row)
    picture = np.full((48, 48), 40, dtype=np.uint8)
    cv2.ellipse(picture, (24, 25), (15, 20), 0, 0, 360, int(rng.integers(120, 220)), -1)
    for x, y in ((18, 20), (30, 20), (24, 36)):
        cv2.circle(picture, (x, y), int(rng.integers(2, 4)), 20, -1)
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def give_probabilities(fold, n_classes, rng):
    """Probabilities of which the predicted class has the largest; surer where it is right."""
    predicted = np.array(fold["predicted"])
    right = predicted == fold["true"]
    top = np.clip(rng.normal(np.where(right, 0.8, 0.6), 0.12), 1 / n_classes + 0.02, 0.999)
    shares = rng.dirichlet(np.ones(n_classes - 1), len(predicted)) * (1 - top)[:, None]
    table = np.empty((len(predicted), n_classes))
    mask = np.arange(n_classes) == predicted[:, None]
    table[mask] = top
    table[~mask] = np.minimum(shares, top[:, None]).ravel()
    return np.round(table, 5).tolist()


def measure(probabilities, true, predicted):
    """What ``ranking`` and ``calibration`` hold of these rows."""
    confidence, right = probabilities.max(axis=1), predicted == true
    own = probabilities[np.arange(len(true)), true]
    order = np.argsort(-confidence)
    coverage = [
        {
            "coverage": share,
            "accuracy": float(right[order[: max(1, round(share * len(true)))]].mean()),
        }
        for share in np.round(np.arange(1.0, 0.0, -0.05), 2).tolist()
    ]
    bins = []
    for low in np.arange(10) / 10:
        inside = (confidence > low) & (confidence <= low + 0.1)
        some = bool(inside.any())
        bins.append(
            {
                "low": float(low),
                "high": float(low + 0.1),
                "rows": int(inside.sum()),
                "confidence": float(confidence[inside].mean()) if some else None,
                "accuracy": float(right[inside].mean()) if some else None,
            }
        )
    error = sum(b["rows"] * abs(b["accuracy"] - b["confidence"]) for b in bins if b["rows"])
    return {
        "ranking": {
            "top2": float((probabilities > own[:, None]).sum(axis=1).__lt__(2).mean()),
            "coverage": coverage,
        },
        "calibration": {
            "log_loss": float(-np.log(np.clip(own, 1e-6, 1)).mean()),
            "brier": float(
                ((probabilities - np.eye(probabilities.shape[1])[true]) ** 2).sum(1).mean()
            ),
            "expected_error": error / len(true),
            "bins": bins,
        },
    }


def give_people(accuracy, persons):
    return {
        "persons": {
            "persons": persons,
            "accuracy": {
                "min": 0.4,
                "q1": accuracy - 0.08,
                "median": accuracy,
                "q3": min(1.0, accuracy + 0.07),
                "max": 1.0,
            },
            "worst": [
                {"person": f"S{i:03d}", "rows": 10, "accuracy": 0.4 + i / 20} for i in range(3)
            ],
        },
        "groups": [
            {
                "column": column,
                "values": [
                    {
                        "value": value,
                        "rows": 300,
                        "persons": 30,
                        "accuracy": accuracy + shift,
                        "low": accuracy + shift - 0.04,
                        "high": accuracy + shift + 0.03,
                    }
                    for value, shift in zip(values, (0.01, -0.02, -0.05), strict=False)
                ],
            }
            for column, values in (
                ("sex", ["female", "male"]),
                ("age", ["18 to 29", "30 to 49", "50 and above"]),
            )
        ],
    }


def give_faces(results, model, rows, true, predicted, probabilities):
    """Fill ``worst`` and ``cells`` and put their pictures into the results' ``faces``."""
    cells, confidence = {}, probabilities.max(axis=1)
    for row, a, b in zip(rows.tolist(), true.tolist(), predicted.tolist(), strict=True):
        cell = cells.setdefault(f"{a},{b}", [])
        if len(cell) < 4:
            cell.append(row)
    wrong = np.flatnonzero(true != predicted)
    surest = wrong[np.argsort(-confidence[wrong])][:12]
    model["cells"] = cells
    model["worst"] = [
        {
            "row": int(rows[i]),
            "name": f"row {rows[i]:05d}.png",
            "true": int(true[i]),
            "predicted": int(predicted[i]),
            "probability": float(confidence[i]),
        }
        for i in surest
    ]
    shown = {row for cell in cells.values() for row in cell} | {w["row"] for w in model["worst"]}
    results["faces"] |= {str(row): draw_small(row) for row in shown}


def fill(results):
    """Add all that the schema knows and a comparison may leave out."""
    n_classes = len(results["dataset"]["classes"])
    results["faces"] = {}
    usable = {name: m for name, m in results["models"].items() if m["status"] == "ok"}
    for i, model in enumerate(usable.values()):
        rng = np.random.default_rng(i)
        split = model["reported_split"]
        for fold in model["folds"]:
            fold["probabilities"] = give_probabilities(fold, n_classes, rng)
            fold["scores"]["kappa"] = 0.7
        for scores in model["splits"].values():
            scores["kappa"] = 0.71
        model["summary"]["kappa"] = {"mean": 0.72 - i / 10, "std": 0.03}
        kept = [fold for fold in model["folds"] if fold["split"] == split]
        rows, true, predicted, probabilities = (
            np.concatenate([fold[key] for fold in kept])
            for key in ("indices", "true", "predicted", "probabilities")
        )
        accuracy = float((true == predicted).mean())
        model["intervals"] = {
            metric: {"low": max(0.0, accuracy - 0.031), "high": min(1.0, accuracy + 0.028)}
            for metric in ("accuracy", "balanced_accuracy", "f1_macro")
        }
        model |= measure(probabilities, true, predicted) | give_people(accuracy, 102)
        give_faces(results, model, rows, true, predicted, probabilities)
    for pair in results["comparisons"]:
        pair["interval"] = {
            "low": max(-1.0, pair["difference"] - 0.02),
            "high": min(1.0, pair["difference"] + 0.02),
        }
        pair["resampled"] = {"t": 2.4, "df": 9, "p_value": 0.04}
    results["protocol"] |= {
        "folds_digest": "5a" * 32,
        "on_leak": "group",
        "leaks": [
            {"kind": "persons", "rows": 0, "left_out": 0, "listed": []},
            {
                "kind": "near twins",
                "rows": 31,
                "left_out": 27,
                "listed": [
                    {"fold": f"fold {i + 1}", "test": f"test/{i}.png", "train": f"train/{i}.png"}
                    for i in range(12)
                ],
            },
        ],
        "bootstrap": {"unit": "persons", "units": 102, "draws": 2000, "level": 0.95},
    }
    results["options"] = {
        "store": "runs/fer2013.store",
        "filter": None,
        "models": [*results["models"]],
        "scheme": results["protocol"]["scheme"],
        "repeats": 1,
        "seed": 0,
        "parameters": {},
        "nested": False,
        "nested_trials": 20,
        "limit": None,
        "memory": None,
        "attempts": 1,
        "on_leak": "group",
        "calibrate": True,
    }
    return results


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
    "complete": {"classes": EIGHT, "n_rows": 2000, "complete": True, "failed": ("svm_poly",)},
    "complete_official": {
        "splits": ["PublicTest", "PrivateTest"],
        "n_rows": 3000,
        "complete": True,
    },
    "complete_hostile": {"classes": HOSTILE, "n_rows": 200, "complete": True},
    "complete_one": {"names": ("svm_rbf",), "complete": True},
}


@pytest.fixture(params=CASES)
def results(request):
    """Results of every kind, one after the other."""
    return make_results(**CASES[request.param])


@pytest.fixture
def list_tables():
    """The function that lists all tables of a report's data."""

    def collect(report):
        tables = [report.models, report.measures, report.coverage, report.attempts]
        tables += [report.comparisons, report.dataset.classes, report.dataset.reasons]
        if report.leaks:
            tables += [report.leaks.table, *report.leaks.pairs]
        for section in report.sections:
            tables += [section.scores, section.matrix, section.worst_table, section.bins]
            tables += [section.persons and section.persons.worst, *section.groups]
            tables += [section.folds, section.attempts]
        return [table for table in tables if table]

    return collect


@pytest.fixture
def build_results():
    """The function that makes results of the kind asked for."""

    def build(case="two", **options):
        return make_results(**{**CASES[case], **options})

    return build
