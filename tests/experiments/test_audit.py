import json

import cv2
import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.experiments.audit import MEASURES, Audit, audit_store
from mien.experiments.audit_files import write_audit, write_audit_filter
from mien.experiments.audit_reasons import (
    DEFAULT_EXCLUDED,
    EXPLANATIONS,
    Finding,
    Thresholds,
    parse_reasons,
    parse_thresholds,
)
from mien.experiments.audit_summary import summarise_audit
from mien.experiments.contact_sheets import (
    FACES_PER_SHEET,
    NEAREST_PER_SHEET,
    draw_sheet,
    select_faces,
    write_contact_sheets,
)
from mien.pipeline.row_filter import read_filter
from mien.pipeline.store import FeatureStore

HASH = "{:032x}".format


def edit(store, *, pixels=None, **columns):
    """Write a store's rows and crops anew; columns map row numbers to values."""
    rows, crops = store.rows.copy(), np.array(store.pixels)
    for name, values in columns.items():
        for row, value in values.items():
            rows.loc[row, name] = value
    for row, crop in (pixels or {}).items():
        crops[row] = crop
    rows.to_parquet(store.path / "rows.parquet", index=False)
    np.save(store.path / "pixels.npy", crops)
    return FeatureStore.open(store.path)


def reasons_of(audit, row):
    return [code for code in audit.table["reasons"][row].split(";") if code]


@pytest.fixture
def make_plain(make_store):
    """A function for stores of 54 noisy rows with landmarks, nobody known, the last unreadable."""

    def make(**options):
        store = make_store(
            twins=0, faceless=0, known_persons=False, families=("blendshapes",), **options
        )
        mesh = np.full((478, 3), 24, dtype=np.float32)
        mesh[[33, 133, 159, 145], :2] = 14, 16
        mesh[[263, 362, 386, 374], :2] = 33, 16
        mesh[[61, 291], :2] = (18, 35), (29, 35)
        np.save(store.path / "mesh.npy", np.repeat(mesh[None], len(store.rows), axis=0))
        return edit(store, crop_side=dict.fromkeys(range(len(store.rows)), 48.0))

    return make


@pytest.fixture
def plain(make_plain):
    return make_plain()


def test_a_store_without_faults_has_no_reasons_but_extractions(plain):
    audit = audit_store(plain)
    assert set(audit.table["reasons"][:-1]) == {""}
    assert reasons_of(audit, 54) == ["unreadable"]
    assert audit.table.loc[54, list(MEASURES)].isna().all()
    assert audit.table["row"].tolist() == list(range(55))


def test_findings_about_one_picture(plain):
    noise = np.random.default_rng(5).integers(0, 255, (48, 48), dtype=np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 2)
    soft = cv2.normalize(soft, None, 0, 255, cv2.NORM_MINMAX)
    store = edit(
        plain,
        pixels={
            0: noise // 10 + 100,
            1: soft,
            2: np.full((48, 48), 30, np.uint8),
            3: np.full((48, 48), 30, np.uint8),
        },
        yaw={4: -50.0, 5: 20.0},
        pitch={6: 40.0},
        reason={3: "no_face"},
        label={2: "angry", 3: "angry"},
    )
    mesh = np.array(store.mesh)
    mesh[3] = np.nan
    mesh[7, 300:420, 0] = -20
    np.save(store.path / "mesh.npy", mesh)
    audit = audit_store(FeatureStore.open(store.path))
    assert reasons_of(audit, 0) == ["low_contrast"]
    assert reasons_of(audit, 1) == ["blurred"]
    assert reasons_of(audit, 2) == ["not_a_face", "low_contrast"]
    assert reasons_of(audit, 3) == ["not_a_face", "low_contrast", "near_twin", "no_face"]
    assert reasons_of(audit, 4) == reasons_of(audit, 6) == ["turned_away"]
    assert reasons_of(audit, 5) == []
    assert reasons_of(audit, 7) == ["cut_off"]


def make_table(**columns):
    n = len(next(iter(columns.values())))
    usual = {
        "contrast": 0.5, "sharpness": 1.2, "asymmetry": 0.3, "outside": 0.0, "evenness": 0.1,
        "linework": -1.0, "strangeness": 0.1, "yaw": 0.0, "pitch": 0.0,
    }  # fmt: skip
    return pd.DataFrame({name: np.full(n, value) for name, value in usual.items()} | columns)


def judge(**columns):
    from mien.experiments.audit import _judge

    table = make_table(**columns)
    everything = np.ones(len(table), dtype=bool)
    found = _judge(table, Thresholds(), everything, everything)
    return {str(name): np.flatnonzero(found[name]).tolist() for name in found if found[name].any()}


def test_occluded_is_strange_or_half_strange_with_unlike_halves():
    strangeness = np.r_[0.26, 0.22, 0.22, 0.26, np.full(20, 0.1)]
    asymmetry = np.r_[0.3, 0.3, 0.9, 0.3, np.full(20, 0.9)]
    yaw = np.r_[0.0, 0, 0, 60, np.zeros(20)]
    found = judge(strangeness=strangeness, asymmetry=asymmetry, yaw=yaw)
    assert found == {"occluded": [0, 2], "turned_away": [3]}


def test_where_all_are_strange_the_limit_rises():
    spread = np.linspace(0.2, 0.4, 41)
    assert judge(strangeness=spread) == {}
    assert judge(strangeness=np.r_[spread, 0.9]) == {"occluded": [41]}


def test_a_drawing_is_neither_occluded_nor_blurred():
    found = judge(
        linework=np.r_[0.1, np.full(9, -1.0)],
        strangeness=np.r_[0.5, np.full(9, 0.1)],
        sharpness=np.r_[0.1, np.full(9, 1.2)],
    )
    assert found == {"not_a_face": [0]}


def test_without_landmarks_less_evenness_is_enough():
    found = judge(evenness=np.array([0.5, 0.5, 0.7]), asymmetry=np.array([0.3, np.nan, 0.3]))
    assert found == {"not_a_face": [1, 2]}


def test_an_unsure_landmarker_makes_a_half_strange_face_occluded():
    strangeness = np.r_[0.22, 0.22, 0.1, np.full(20, 0.1)]
    presence = np.r_[0.7, np.nan, 0.7, np.full(20, 1.0)]
    assert judge(strangeness=strangeness, presence=presence) == {"occluded": [0]}


@pytest.fixture
def make_copies(make_plain):
    """A function for stores where row 20 is row 0, 21 is row 1 lighter, and 22 row 2 mirrored.

    Row 1 and its copy have one label.
    """

    def make(**options):
        store = make_plain(**options)
        crops = np.array(store.pixels)
        return edit(
            store,
            pixels={
                20: crops[0],
                21: cv2.convertScaleAbs(crops[1], alpha=0.8, beta=40),
                22: crops[2][:, ::-1],
            },
            pixels_hash={20: HASH(0)},
            label={0: "angry", 20: "happy", 1: "angry", 21: "angry", 2: "angry", 22: "neutral"},
        )

    return make


def test_twins_and_conflicting_labels(make_copies):
    audit = audit_store(make_copies())
    assert {row: reasons_of(audit, row) for row in (0, 1, 2, 20, 21, 22)} == {
        0: ["label_conflict"],
        1: [],
        2: ["label_conflict"],
        20: ["exact_twin", "label_conflict"],
        21: ["near_twin"],
        22: ["near_twin", "label_conflict"],
    }
    table = audit.table
    assert table["twin_group"][[0, 1, 2, 20, 21, 22]].tolist() == [0, 1, 2, 0, 1, 2]
    assert table["twin_mirrored"][[0, 1, 2, 20, 21, 22]].tolist() == [False, False, True] * 2
    assert table["twin_similarity"][20] == 1
    assert (table.drop([0, 1, 2, 20, 21, 22])["twin_group"] == -1).all()


def test_a_missing_label_does_not_conflict(make_copies):
    audit = audit_store(edit(make_copies(), label={20: "", 22: ""}))
    assert not audit.has(Finding.LABEL_CONFLICT).any()


def test_a_test_splits_copy_is_kept(make_copies):
    store = make_copies(splits=("Training",))
    store = edit(store, split={20: "PublicTest", 21: "PrivateTest", 1: "PublicTest"})
    audit = audit_store(store)
    twins = audit.has_any((Finding.EXACT_TWIN, Finding.NEAR_TWIN))
    assert np.flatnonzero(twins).tolist() == [0, 1, 22]


def test_pictures_of_one_person_are_twins_only_when_equal(make_copies):
    store = make_copies()
    known = dict.fromkeys((0, 1, 2, 20, 21, 22), "p1")
    audit = audit_store(edit(store, subject=known))
    assert np.flatnonzero(audit.table["twin_group"] >= 0).tolist() == [0, 20]


def test_the_measures_are_the_same_in_any_blocks(plain, monkeypatch):
    from mien.experiments import audit as module

    whole = audit_store(plain).table
    monkeypatch.setattr(module, "_BLOCK", 7)
    pd.testing.assert_frame_equal(audit_store(plain).table, whole, rtol=1e-5)


def test_presence_is_taken_from_the_rows(plain):
    rows = plain.rows.assign(presence=np.r_[0.01, np.full(54, 0.9)])
    rows.to_parquet(plain.path / "rows.parquet", index=False)
    assert audit_store(FeatureStore.open(plain.path)).table["presence"][0] == 0.01


def test_landmarks_of_a_row_without_a_face_are_not_trusted(plain):
    audit = audit_store(edit(plain, reason={4: "no_face"}, yaw={4: 80.0}))
    assert audit.table["asymmetry"].notna()[4]
    assert reasons_of(audit, 4) == ["no_face"]


def test_the_summary_counts(make_copies):
    store = make_copies(splits=("Training", "PublicTest"))
    audit = audit_store(store)
    summary = summarise_audit(audit, store, excluded=DEFAULT_EXCLUDED)
    assert summary["rows"] == 55
    assert summary["reasons"]["exact_twin"]["rows"] == 1
    assert summary["reasons"]["unreadable"]["by_class"] == {"angry": 1, "happy": 0, "neutral": 0}
    assert summary["twins"]["groups"] == 3
    assert summary["twins"]["rows"] == 6
    assert summary["twins"]["mirrored"] == 2
    counts = store.rows["label"].value_counts()
    assert summary["balance"]["all"]["counts"] == counts.to_dict()
    ratio = summary["balance"]["all"]["largest_to_smallest"]
    assert ratio == pytest.approx(counts.max() / counts.min(), abs=1e-3)
    assert list(summary["balance"]["splits"]) == ["PublicTest", "Training"]
    assert summary["filter"]["rows_left_out"] == audit.has_any(DEFAULT_EXCLUDED).sum()
    kept = summary["filter"]["rows_kept"]
    assert sum(summary["filter"]["balance"]["counts"].values()) == kept
    assert json.loads(json.dumps(summary)) == summary


def test_a_class_without_rows_has_no_ratio(plain):
    audit = audit_store(plain)
    everything = Audit(audit.table.assign(reasons="occluded"), audit.thresholds)
    summary = summarise_audit(everything, plain, excluded=DEFAULT_EXCLUDED)
    assert summary["filter"]["rows_kept"] == 0
    assert summary["filter"]["balance"]["largest_to_smallest"] is None


def make_audit(n, reasons, **columns):
    table = pd.DataFrame(
        {"row": np.arange(n), "label": "happy", "reasons": reasons, "yaw": 0.0, "pitch": 0.0}
        | columns
    )
    return Audit(table, Thresholds())


def test_a_sheet_shows_the_most_and_the_least_marked():
    n = FACES_PER_SHEET + 30
    chosen = select_faces(make_audit(n, "blurred", sharpness=np.arange(n)[::-1] / n), "blurred")
    assert len(chosen) == FACES_PER_SHEET
    assert chosen["row"].iloc[0] == n - 1
    assert chosen["row"].iloc[-1] == 0
    assert chosen["row"].tolist()[-NEAREST_PER_SHEET:] == list(range(NEAREST_PER_SHEET))[::-1]


def test_a_sheet_of_twins_shows_whole_groups_with_the_kept_copy():
    audit = make_audit(
        5,
        ["", "near_twin", "", "exact_twin", ""],
        twin_group=[0, 0, 1, 1, -1],
        twin_similarity=[0.95, 0.95, 0.93, 1.0, np.nan],
        twin_mirrored=[True, True, False, False, False],
    )
    near = select_faces(audit, Finding.NEAR_TWIN)
    assert near["told"].tolist() == ["g0 0.95 m kept", "g0 0.95 m"]
    exact = select_faces(audit, Finding.EXACT_TWIN)
    assert exact["told"].tolist() == ["g1 0.93 kept", "g1 1.00"]


def test_a_sheet_of_conflicting_labels_says_of_none_that_it_is_kept():
    twins = {"twin_group": 0, "twin_similarity": 0.95, "twin_mirrored": False}
    audit = make_audit(2, ["label_conflict", "near_twin;label_conflict"], **twins)
    chosen = select_faces(audit, Finding.LABEL_CONFLICT)
    assert chosen["told"].tolist() == ["g0 0.95", "g0 0.95"]


def test_a_sheet_is_drawn_twice_enlarged():
    pixels = np.stack([np.full((48, 48), value, np.uint8) for value in (0, 90)])
    rows = pd.DataFrame({"row": [1, 0], "label": ["Zürich", "b"], "told": ["1", "2"]})
    sheet = draw_sheet(rows, pixels)
    assert sheet.shape == (125, 1200)
    assert (sheet[:96, :96] == 90).all()
    assert (sheet[:96, 100:196] == 0).all()
    assert sheet[96:125, :96].min() < 128


def test_files(make_copies, tmp_path):
    store = make_copies()
    audit = audit_store(store)
    out = tmp_path / "audit"
    (out / "sheets").mkdir(parents=True)
    (out / "sheets" / "cut_off.png").write_text("of an earlier audit")
    write_audit(audit, summarise_audit(audit, store, excluded=()), store, out)
    table = pd.read_csv(out / "audit.csv", keep_default_na=False, na_values=[])
    assert len(table) == 55
    assert {"row", "picture", "label", "split", "reasons", "twin_group", *MEASURES} <= {*table}
    assert json.loads((out / "audit.json").read_text())["schema"] == "mien.audit/1"
    drawn = {path.stem for path in (out / "sheets").iterdir()}
    assert {"exact_twin", "near_twin"} <= drawn
    assert "cut_off" not in drawn
    assert "unreadable" not in drawn
    assert cv2.imread(str(out / "sheets" / "near_twin.png")) is not None


def test_files_that_cannot_be_written(plain, tmp_path):
    audit = audit_store(plain)
    (tmp_path / "file").write_text("")
    with pytest.raises(MienError, match="cannot be written"):
        write_audit(audit, {}, plain, tmp_path / "file")
    marked = Audit(audit.table.assign(reasons="blurred"), audit.thresholds)
    with pytest.raises(MienError, match="cannot be written"):
        write_contact_sheets(marked, plain.pixels, tmp_path / "file")


def test_the_filter_leaves_out_the_chosen_reasons(make_copies, tmp_path):
    store = make_copies()
    audit = audit_store(store)
    write_audit_filter(audit, (Finding.EXACT_TWIN,), tmp_path / "keep.csv")
    rows = read_filter(tmp_path / "keep.csv").rows
    assert np.flatnonzero(~rows["keep"]).tolist() == [20]
    assert rows["reasons"].iloc[21].startswith("near_twin")


def test_every_finding_is_explained():
    assert {str(code) for code in Finding} <= set(EXPLANATIONS)
    assert set(DEFAULT_EXCLUDED) <= set(EXPLANATIONS)


def test_reasons_and_thresholds_are_read():
    assert parse_reasons("occluded, no_face,occluded") == ("occluded", "no_face")
    assert parse_reasons("") == ()
    with pytest.raises(MienError, match="no reason 'ugly'"):
        parse_reasons("ugly")
    assert parse_thresholds([]) == Thresholds()
    assert parse_thresholds(["contrast=0.2", "yaw=50"]) == Thresholds(contrast=0.2, yaw=50)
    for text in ("contrast", "contrast=high", "brightness=1"):
        with pytest.raises(MienError, match="THRESHOLD=NUMBER"):
            parse_thresholds([text])
