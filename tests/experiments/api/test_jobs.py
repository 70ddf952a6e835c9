"""The jobs as functions: what they return, and that they do what the commands do."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mien
from mien.experiments.report.schema import read_results
from mien.models.bundle import load_bundle
from mien.pipeline.landmarker_bundle import ensure_landmarker_bundle

SMALL = {"svm-rbf": {"families": "blendshapes"}, "svm-linear": {"families": "blendshapes"}}


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def compared(store, tmp_path_factory):
    return compare(store, tmp_path_factory.mktemp("compared") / "report")


def compare(store, out):
    return mien.compare(store, list(SMALL), out=out, parameters=SMALL, cv="subject:2")


def tune(store, **options):
    given = {"trials": 3, "cv": "subject:2", "families": ["blendshapes"], **options}
    return mien.tune(store, "svm-linear", **given)


class TestTune:
    def test_the_result_is_what_the_file_holds(self, store):
        found = tune(store)
        content = json.loads(Path("tuned.json").read_text())
        assert found.parameters == content["parameters"]
        assert (found.score, found.trials, found.model) == (content["accuracy"], 3, "svm-linear")
        assert (found.path, found.storage) == (Path("tuned.json"), "sqlite:///tuned.db")
        assert found.scheme == content["scheme"] == "subject:2"

    def test_the_same_call_goes_on(self, store):
        first = tune(store)
        told = []
        again = tune(str(store.path), trials=4, on_trial=lambda *own: told.append(own[:2]))
        assert told == [(4, 4)]
        assert again.trials == 4
        assert again.score >= first.score

    def test_what_is_given_is_not_searched(self, store):
        assert tune(store, parameters={"C": 7}).parameters["C"] == 7.0

    def test_an_error_is_the_commands(self, store):
        with pytest.raises(mien.MienError, match="There is no sampler 'cma'"):
            tune(store, sampler="cma")
        with pytest.raises(mien.MienError, match="cannot be written"):
            tune(store, out=store.path)


class TestCompare:
    def test_the_results_are_the_files(self, compared):
        assert compared.report == compared.folder / "report.html"
        assert compared.report.is_file()
        assert read_results(compared.folder / "results.json") == compared.results

    def test_the_summary_is_a_row_a_model(self, compared):
        summary = compared.summary
        assert list(summary.index) == list(SMALL)
        model = compared.results["models"]["svm-rbf"]
        row = summary.loc["svm-rbf"]
        assert row["accuracy"] == model["summary"]["accuracy"]["mean"]
        assert (row["low"], row["high"]) == tuple(model["intervals"]["accuracy"].values())
        assert row["low"] <= row["accuracy"] <= row["high"]
        assert (summary["error"] == "").all()

    def test_the_report_names_the_call(self, compared, store):
        place, out = (repr(str(path)) for path in (store.path, compared.folder))
        assert compared.results["command"] == (
            f"mien.compare({place}, models=['svm-rbf', 'svm-linear'], out={out}, "
            f"parameters={SMALL!r}, cv='subject:2')"
        )

    def test_the_same_call_repeats_no_fit(self, compared, store):
        again = compare(store, compared.folder)
        pd.testing.assert_frame_equal(again.summary, compared.summary)  # the seconds, too

    def test_a_model_that_failed_has_its_error(self, store):
        given = {**SMALL, "svm-linear": {"families": "pose"}}
        summary = mien.compare(
            store, list(SMALL), out="report", parameters=given, cv="subject:2"
        ).summary
        assert "no feature family 'pose'" in summary.loc["svm-linear", "error"]
        assert np.isnan(summary.loc["svm-linear", "accuracy"])
        assert summary.loc["svm-rbf", "error"] == ""

    def test_the_split_that_decides_is_summarised(self, make_store):
        splits = ("Training", "Training", "PublicTest", "PrivateTest")
        own = make_store(splits=splits, known_persons=False)
        compared = mien.compare(
            own, "svm-rbf", out="report", parameters={"svm-rbf": SMALL["svm-rbf"]}
        )
        scores = compared.results["models"]["svm-rbf"]["splits"]["PrivateTest"]
        assert compared.summary.loc["svm-rbf", "accuracy"] == scores["accuracy"]

    def test_tuned_parameters_are_taken(self, store):
        tuned = tune(store)
        for given in (tuned, [Path("tuned.json")]):
            compared = mien.compare(store, "svm-linear", out="r", tuned=given, cv="subject:2")
            model = compared.results["models"]["svm-linear"]
            assert model["parameters"] == tuned.parameters
        assert "tuned=['tuned.json']" in compared.results["command"]

    def test_parameters_are_by_model(self, store):
        with pytest.raises(mien.MienError, match="Expected the parameters of each model"):
            mien.compare(store, "svm-rbf", out="r", parameters={"C": 10})


class TestExport:
    def test_the_file_is_the_commands(self, store):
        told = []
        path = mien.export(
            store, "svm-linear", parameters={"C": 2, "families": "blendshapes"}, out="m.joblib",
            on_written=lambda bundle, _: told.append(bundle),
        )  # fmt: skip
        assert path == Path("m.joblib")
        bundle = load_bundle(path)
        assert bundle.parameters["C"] == 2.0
        assert bundle.classes == told[0].classes == store.classes
        X = np.asarray(store.features("blendshapes")[:5])
        np.testing.assert_array_equal(bundle.predict_proba(X), told[0].predict_proba(X))

    def test_tuned_parameters_of_another_model_are_refused(self, store):
        tuned = tune(store)
        with pytest.raises(mien.MienError, match="of svm-linear, but --model is svm-rbf"):
            mien.export(store, "svm-rbf", tuned=tuned)
        path = mien.export(store, "svm-linear", tuned=tuned)
        assert load_bundle(path).parameters == tuned.parameters

    def test_size_may_be_a_number(self, store):
        path = mien.export(store, parameters={"families": "geometry"}, max_size=300_000)
        assert path.stat().st_size <= 300_000


class TestExtract:
    @pytest.fixture(autouse=True)
    def with_landmarker(self):
        try:
            ensure_landmarker_bundle()
        except mien.MienError as error:
            pytest.skip(str(error))

    def test_a_store_that_is_there_is_opened(self):
        seen, told = [], []

        def extract():
            return mien.extract(
                "rendered:people=1,seed=3,classes=happy+sad", "store", families="pose,blendshapes",
                workers=1, on_progress=lambda *own: seen.append(own),
                on_summary=lambda name, summary: told.append((name, summary.rows_computed)),
            )  # fmt: skip

        store = extract()
        assert store.families == ("pose", "blendshapes")
        assert store.rows["label"].value_counts().to_dict() == {"happy": 2, "sad": 2}
        assert store.features("blendshapes").shape == (4, 52)
        assert extract().manifest == store.manifest
        assert [rows for _, rows in told] == [4, 0]
        assert seen[-1] == (4, 4)

    def test_too_many_failures_are_an_error_after_the_summary(self, tmp_path):
        import cv2

        for name in ("happy", "sad"):
            (tmp_path / "faces" / name).mkdir(parents=True)
            cv2.imwrite(f"{tmp_path}/faces/{name}/1.png", np.full((60, 60), 99, np.uint8))
        told = []
        given = {"families": ["pose"], "workers": 1, "on_summary": lambda *own: told.append(own)}
        with pytest.raises(mien.MienError, match="2 rows have no measured landmarks"):
            mien.extract("faces", "store", max_failures=1, **given)
        assert told[0][0] == "faces"
        assert len(mien.extract(Path("faces"), "store", max_failures="100%", **given).rows) == 2
