import json

import pytest

from mien.errors import MienError
from mien.experiments.reproduce.reproduce import reproduce

pytestmark = pytest.mark.usefixtures("light", "fake_network")


@pytest.fixture
def both(ck_store, fer_store):
    return {"ck": ck_store.path, "fer2013": fer_store.path}


def test_every_result_under_both_protocols(both, tmp_path):
    out = tmp_path / "out"
    told = reproduce(both, out, quick=True, attempts=2, command="mien reproduce")
    assert [r["key"] for r in told["results"]] == ["4.1", "4.2", "4.3", "4.4"]
    by_key = {r["key"]: r for r in told["results"]}
    for result in told["results"]:
        assert result["reasons"] == {}
        for key in ("thesis", "honest"):
            assert 0 <= result[key]["accuracy"] <= 1
            assert result[key]["reduced"].startswith("quick")
    assert by_key["4.1"]["thesis"]["attempts"]["count"] == 2
    assert by_key["4.1"]["honest"]["attempts"] is None
    assert by_key["4.3"]["thesis"]["on_both_sides"]["sequences"] > 0
    assert by_key["4.3"]["honest"]["on_both_sides"]["subjects"] == 0
    assert by_key["4.4"]["honest"]["split"] == "PublicTest"
    assert [choice["accuracy"] is not None for choice in told["choices"]] == [True, True]
    assert json.loads((out / "reproduction.json").read_text())["results"] == told["results"]


def test_a_quarter_of_all_splits_is_predicted_under_the_protocol_of_the_svm(both, tmp_path):
    told = reproduce(both, tmp_path / "out", quick=True)
    pooled = told["results"][3]["thesis"]
    assert pooled["rows"] == -(-90 // 4)
    assert pooled["train_rows"] + pooled["rows"] <= 90


def test_twins_of_test_rows_are_not_fitted_on_under_the_honest_protocol(make_store, tmp_path):
    store = make_store(
        persons=10, families=("points@primary=1", "points", "geometry"), known_persons=False,
        splits=("Training",) * 9 + ("PublicTest",) * 9, twins=3, faceless=0, damaged=0,
    )  # fmt: skip
    told = reproduce({"fer2013": store.path}, tmp_path / "out", quick=True)
    honest = told["results"][3]["honest"]
    assert honest["left_out"] == 3
    assert honest["rows"] == (store.rows["split"] == "PublicTest").sum()
    assert honest["train_rows"] == (store.rows["split"] == "Training").sum() - 3


@pytest.mark.parametrize(("given", "missing"), [("ck", "FER2013"), ("fer2013", "CK+")])
def test_a_dataset_that_is_not_there_is_named(both, tmp_path, given, missing):
    out = tmp_path / "out"
    told = reproduce({given: both[given]}, out, quick=True)
    for result in told["results"]:
        if result["dataset"] == given:
            assert result["thesis"]
        else:
            assert result["thesis"] is None
            assert f"{missing} was not given" in result["sentence"]
    page = (out / "reproduction.md").read_text()
    assert f"{missing} was not given" in page


def test_without_any_dataset(tmp_path):
    with pytest.raises(MienError, match="without a dataset"):
        reproduce({"ck": None, "fer2013": None}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_persons_that_are_not_known_leave_the_honest_protocol_out(make_store, tmp_path):
    store = make_store(families=("patch_hog",), known_persons=False, faceless=0)
    told = reproduce({"ck": store.path}, tmp_path / "out", quick=True)
    for result in (told["results"][0], told["results"][2]):
        assert result["thesis"]
        assert result["honest"] is None
        assert "person of every row" in result["reasons"]["honest"]
        assert "cannot be had" in result["sentence"]


def test_a_store_without_the_landmarks_is_told_before_anything_runs(make_store, tmp_path):
    store = make_store(families=("geometry",))
    with pytest.raises(MienError, match="points") as error:
        reproduce({"fer2013": store.path}, tmp_path / "out")
    assert "--families" in error.value.hint
    assert not (tmp_path / "out").exists()


def test_finished_fits_are_kept(both, tmp_path, fake_network):
    out = tmp_path / "out"
    first = reproduce(both, out, quick=True)
    calls = len(fake_network)
    second = reproduce(both, out, quick=True)
    assert len(fake_network) == calls
    assert second["results"] == first["results"]


def test_the_command(both, tmp_path, run):
    code, shown, _ = run("reproduce", "--ck", both["ck"], "--out", tmp_path / "out", "--quick")
    assert code == 0
    assert "4.4 SVM on FER2013: Not run" in shown
    assert (tmp_path / "out" / "reproduction.html").is_file()


def test_the_command_with_a_path_that_is_not_there(tmp_path, run):
    code, _, error = run("reproduce", "--ck", tmp_path / "none", "--out", tmp_path / "out")
    assert code == 2
    assert "There is no CK+ at" in error
