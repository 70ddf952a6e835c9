from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.experiments.ablate import ablate
from mien.experiments.ablation_files import (
    describe_ablation,
    draw_ablation,
    state_protocol,
    tabulate,
    write_ablation,
)
from mien.experiments.row_data import RowData
from mien.models.svm import KernelSVC

FAMILIES = ("blendshapes", "geometry", "pose")


def overwrite(store, name, values):
    np.save(store.path / "features" / f"{name}.npy", values.astype(np.float32))


@pytest.fixture
def data(make_store):
    """Blendshapes tell the classes, pose tells one of them, geometry tells nothing."""
    store = make_store(
        persons=12, families=FAMILIES, damaged=0, faceless=0, twins=0, separation=0.6
    )
    rng = np.random.default_rng(0)
    n = len(store.rows)
    overwrite(store, "geometry", rng.normal(size=(n, 2178)))
    pose = rng.normal(size=(n, 3)) * 0.4
    pose[:, 0] += 2.0 * (store.rows["label"] == "angry")
    overwrite(store, "pose", pose)
    return RowData(store)


def test_every_family_is_scored_alone_and_noise_is_not_chosen(data):
    told = []
    found = ablate(data, on_score=lambda score, count: told.append((score, count)))
    assert {score.families[0] for score in found.alone} == set(FAMILIES)
    assert [s.accuracy for s in found.alone] == sorted(s.accuracy for s in found.alone)[::-1]
    assert "geometry" not in found.best.families
    assert found.best.accuracy >= found.alone[0].accuracy
    assert len(found.around) == 3
    assert [count for _, count in told] == list(range(1, len(told) + 1))


def test_folds_hold_out_whole_persons(data):
    assert ablate(data, ("pose",)).folds.grouped_by == "subject"


def test_a_sum_of_products_is_an_svm_on_columns_scaled_to_weigh_alike(data):
    found = ablate(data, ("blendshapes", "pose"), scheme="holdout:0.3")
    fold = found.folds.folds[0]
    columns = []
    for name in ("blendshapes", "pose"):
        values = data.store.features(name)
        mean, spread = values[fold.train].mean(axis=0), values[fold.train].std(axis=0)
        values = (values - mean) / spread
        fitted = values[fold.train]
        apart = ((fitted[:, None] - fitted[None]) ** 2).sum(axis=2).mean()
        columns.append(values / np.sqrt(apart))
    both = np.concatenate(columns, axis=1)
    svm = KernelSVC(kernel="rbf", C=10.0, gamma=2.0)
    svm.fit(both[fold.train], data.codes[fold.train])
    accuracy = (svm.predict(both[fold.test]) == data.codes[fold.test]).mean()
    scores = {frozenset(s.families): s.accuracy for s in (*found.steps, *found.around) if s}
    assert scores[frozenset(("blendshapes", "pose"))] == pytest.approx(accuracy, abs=0.03)


def test_nothing_is_chosen_on_private_test(make_store):
    splits = ("Training", "Training", "PublicTest", "PrivateTest")
    store = make_store(splits=splits, families=FAMILIES, faceless=0, twins=0, known_persons=False)
    first = ablate(RowData(store))
    private = (store.rows["split"] == "PrivateTest").to_numpy()
    for name in FAMILIES:
        values = np.load(store.path / "features" / f"{name}.npy")
        values[private] = 1e6
        overwrite(store, name, values)
    again = ablate(RowData(store))
    assert [fold.split for fold in first.folds.folds] == ["PublicTest"]
    assert (again.alone, again.steps, again.around) == (first.alone, first.steps, first.around)


@pytest.mark.parametrize(
    ("splits", "scheme", "used"),
    [
        (("Training", "Training", "test"), None, {"Training"}),
        (("Training", "Training", "PublicTest"), "subject:3", {"Training"}),
        (("Training", "PublicTest", "PrivateTest"), None, {"Training", "PublicTest"}),
        (("Training", "Training", "PrivateTest"), None, {"Training"}),
    ],
)
def test_only_public_test_is_ever_scored_and_never_mixed_with_training(
    make_store, splits, scheme, used
):
    store = make_store(
        splits=splits,
        families=FAMILIES,
        faceless=0,
        twins=0,
        known_persons=scheme is not None,
    )
    folds = ablate(RowData(store), ("pose",), scheme=scheme).folds
    split = store.rows["split"].to_numpy()
    rows = np.concatenate([np.r_[fold.train, fold.test] for fold in folds.folds])
    assert set(split[rows]) == used
    assert all(set(split[fold.train]) == {"Training"} for fold in folds.folds)


def test_test_rows_of_unknown_kind_cannot_be_asked_for(make_store):
    data = RowData(make_store(splits=("Training", "test"), families=FAMILIES))
    with pytest.raises(MienError, match="needs the splits Training and PublicTest"):
        ablate(data, scheme="official")


@pytest.mark.parametrize(
    ("splits", "scheme"), [(("Training", "PublicTest"), None), ((), "stratified:3")]
)
def test_copies_are_never_both_fitted_on_and_scored(make_store, splits, scheme):
    store = make_store(splits=splits, families=FAMILIES, twins=8, known_persons=False)
    hashes = store.rows.loc[store.rows["pixels_hash"] != "", "pixels_hash"]
    assert hashes.duplicated().sum() == 8
    for fold in ablate(RowData(store), ("pose",), scheme=scheme).folds.folds:
        assert not set(hashes[fold.train]) & set(hashes[fold.test])


@pytest.mark.parametrize("kept", [(), ("angry",)])
def test_too_few_rows_with_features(data, kept):
    values = np.array(data.store.features("pose"))
    values[~data.store.rows["label"].isin(kept).to_numpy()] = np.nan
    overwrite(data.store, "pose", values)
    with pytest.raises(MienError, match="fewer than two classes"):
        ablate(data, ("pose",))


def test_what_is_written(data, tmp_path):
    found = ablate(data)
    told = describe_ablation(found, {"blendshapes": 0.5, "pose": None})
    write_ablation(told, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "ablation.json").read_text()) == told
    table = pd.read_csv(tmp_path / "out" / "ablation.csv")
    assert set(table["family"]) == set(FAMILIES)
    text = (tmp_path / "out" / "ablation.md").read_text()
    assert text.startswith(state_protocol(told))
    assert text.count("| ") > 12
    picture = (tmp_path / "out" / "ablation.svg").read_text()
    assert picture == draw_ablation(told)
    assert "0.50 ms" in picture
    row = tabulate(told).set_index("family")
    inside = row["best set"] == "in"
    assert row.loc[inside, "worth to the best set"].isna().all() == (inside.sum() == 1)
    assert (row.loc[~inside, "worth to the best set"] <= 0).all()


def test_a_family_that_is_the_whole_best_set_has_no_worth(data, tmp_path):
    told = describe_ablation(ablate(data, ("pose",)), {})
    assert told["families"][0]["with_best_toggled"] is None
    write_ablation(told, tmp_path)
    assert np.isnan(tabulate(told)["worth to the best set"][0])
    assert (tmp_path / "ablation.md").read_text().splitlines()[-1].split("|")[-3:-1] == ["  ", "  "]


def test_errors(data, tmp_path):
    with pytest.raises(MienError, match="reads no feature families"):
        ablate(data, model="cnn")
    with pytest.raises(MienError, match="no feature family 'patch_hog'"):
        ablate(data, ("patch_hog",))
    with pytest.raises(MienError, match="No feature family was named"):
        ablate(data, ())
    (tmp_path / "file").write_text("")
    told = describe_ablation(ablate(data, ("pose",)), {})
    with pytest.raises(MienError, match="cannot be written"):
        write_ablation(told, tmp_path / "file")
