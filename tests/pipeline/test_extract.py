"""Extraction with its real parts, run in this process; see test_extract_processes for workers."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.features.blendshapes import Blendshapes
from mien.features.faces import FaceBatch
from mien.features.pose import compute_head_rotation, compute_pose_angles
from mien.features.registry import get_family
from mien.pipeline import extract as extract_module
from mien.pipeline import parts as parts_module
from mien.pipeline.detector import FaceDetector
from mien.pipeline.extract import allowed_failures, dataset_hash, extract
from mien.pipeline.face_crop import compute_crop_box, cut_square
from mien.pipeline.faceset import FaceSet
from mien.pipeline.parts import PartTask, extract_part, hash_pixels, peak_memory_mb
from mien.pipeline.pictures import ArrayPictures, FilePictures
from mien.pipeline.quality import QUALITY_COLUMNS
from mien.pipeline.reasons import Reason
from mien.pipeline.rendered.dataset import read_rendered
from mien.pipeline.rendered.renderer import RenderedFace
from mien.pipeline.store import FeatureStore

MakeDataset = Callable[..., FaceSet]
Extract = Callable[..., Any]
FAMILIES = ("blendshapes", "geometry")


@pytest.fixture(scope="module", autouse=True)
def _close_landmarker(landmarker: Path) -> Iterator[None]:
    """Parts keep theirs for the process; it cannot be closed when the interpreter ends."""
    yield
    parts_module._detector(landmarker, "litert").close()
    parts_module._detector.cache_clear()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run parts in this process, sixteen rows each; gives the parts that were computed."""
    names: list[str] = []

    def run(function: Callable, tasks: Iterable[PartTask], *, workers: int) -> Iterator:
        assert workers >= 1
        for task in tasks:
            names.append(task.target.stem)
            yield function(task)

    monkeypatch.setattr(extract_module, "run_in_workers", run)
    monkeypatch.setattr(extract_module, "PART_ROWS", 16)
    return names


@pytest.fixture
def run(computed: list[str], landmarker: Path, tmp_path: Path) -> Extract:
    """A function that extracts into one folder."""
    assert computed == []

    def extract_into(dataset: FaceSet, **options: Any) -> Any:
        options = {"bundle": landmarker, "families": ("blendshapes",)} | options
        return extract(dataset, tmp_path / "store", **options)

    return extract_into


@pytest.fixture
def mixed(crops: np.ndarray, make_dataset: MakeDataset) -> FaceSet:
    """Forty rows with a row of each reason."""
    pixels = np.concatenate([crops] * 7)[:40].copy()
    pixels[5] = 0
    return make_dataset(
        pixels,
        problems={7: (Reason.UNREADABLE, "cut short"), 20: (Reason.WRONG_PIXEL_COUNT, "9 values")},
        reasons={33: Reason.UNKNOWN_LABEL},
    )


def test_every_picture_has_its_row_in_order(
    run: Extract, mixed: FaceSet, tmp_path: Path, computed: list[str]
) -> None:
    progress = []
    summary = run(mixed, families=FAMILIES, on_progress=lambda *step: progress.append(step))
    store = FeatureStore.open(tmp_path / "store")
    rows = store.rows
    pd.testing.assert_frame_equal(
        rows[["picture", "label", "subject", "sequence", "split"]],
        mixed.rows[["picture", "label", "subject", "sequence", "split"]],
    )
    expected = {5: "no_face", 7: "unreadable", 20: "wrong_pixel_count", 33: "unknown_label"}
    assert {i: r for i, r in enumerate(rows["reason"]) if r} == expected
    assert {i: d for i, d in enumerate(rows["detail"]) if d} == {7: "cut short", 20: "9 values"}
    assert np.flatnonzero(~store.has_face).tolist() == sorted(expected)
    assert computed == ["000000", "000001", "000002"]
    assert progress == [(0, 40), (16, 40), (32, 40), (40, 40)]
    assert (summary.rows, summary.faces_found, summary.rows_computed) == (40, 36, 40)
    assert summary.reasons == dict.fromkeys(sorted(expected.values()), 1)
    assert summary.failed_share == 0.1


def test_rows_hold_what_the_detector_and_the_families_say(
    run: Extract, mixed: FaceSet, tmp_path: Path, detector: FaceDetector
) -> None:
    run(mixed, families=FAMILIES)
    store = FeatureStore.open(tmp_path / "store")
    for i in (0, 17, 39):
        picture = mixed.pictures.read(i)
        found = detector.detect(picture)
        row = store.rows.iloc[i]
        np.testing.assert_array_equal(store.mesh[i], found.mesh)
        pose = np.degrees(compute_pose_angles(compute_head_rotation(found.mesh[None])))[0]
        np.testing.assert_array_equal(row[["yaw", "pitch", "roll"]].to_numpy("f4"), pose)
        np.testing.assert_array_equal(store.blendshapes[i], found.blendshapes)
        assert (row["attempt"], row["presence"]) == (found.attempt, np.float32(found.presence))
        assert (row["width"], row["height"]) == (48, 48)
        assert 0 < row["contrast"] <= 1
        assert np.isfinite(row[list(QUALITY_COLUMNS)].to_numpy("f4")).all()
        assert np.isnan(store.rows.loc[5, "asymmetry"])
        assert row["pixels_hash"] == hash_pixels(picture)
        np.testing.assert_array_equal(store.pixels[i], picture)
        batch = FaceBatch([picture], found.mesh[None], found.blendshapes[None])
        for name in FAMILIES:
            np.testing.assert_array_equal(
                store.features(name)[i], get_family(name).compute(batch)[0]
            )
    view = store.view(FAMILIES, np.array([39, 0]))
    assert view.shape == (2, 52 + 2178)
    np.testing.assert_array_equal(view[1, :52], store.features("blendshapes")[0])


def test_a_picture_without_a_face_has_features_of_a_placed_one(
    run: Extract, mixed: FaceSet, tmp_path: Path
) -> None:
    summary = run(mixed, families=FAMILIES)
    store = FeatureStore.open(tmp_path / "store")
    row = store.rows.iloc[5]
    assert (row["reason"], row["attempt"]) == ("no_face", "fallback-mean")
    assert not store.has_face[5]
    assert (summary.placed, store.manifest["placed"]) == (1, 1)
    assert all(np.isfinite(store.features(name)[5]).all() for name in FAMILIES)
    assert not store.pixels[5].any()


def test_unusable_rows_have_no_numbers(run: Extract, mixed: FaceSet, tmp_path: Path) -> None:
    run(mixed, families=FAMILIES)
    store = FeatureStore.open(tmp_path / "store")
    for i in (7, 20, 33):
        assert np.isnan(store.mesh[i]).all()
        assert all(np.isnan(store.features(name)[i]).all() for name in FAMILIES)
        assert (
            store.rows.loc[i, ["yaw", "pitch", "roll", "presence", *QUALITY_COLUMNS]].isna().all()
        )
        assert not store.pixels[i].any()
    found = store.has_face
    assert np.isfinite(store.features("geometry")[found]).all()
    assert np.isfinite(store.mesh[found]).all()


def test_large_colour_pictures(run: Extract, tmp_path: Path, landmarker: Path) -> None:
    """Boxes and 48 x 48 crops of pictures that are not 48 x 48; all families by default."""
    dataset = read_rendered("rendered:people=1,takes=1,seed=3,classes=happy+sad", landmarker)
    run(dataset, families=None)
    store = FeatureStore.open(tmp_path / "store")
    assert set(store.families) == {"blendshapes", "geometry", "patch_hog", "pose"}
    for i in range(2):
        grey = parts_module.to_grey(dataset.pictures.read(i))
        box = compute_crop_box((256, 256, 3), store.mesh[i])
        row = store.rows.iloc[i]
        assert (row["crop_x"], row["crop_y"]) == pytest.approx((box.x, box.y))
        assert row["crop_side"] == pytest.approx(box.side)
        np.testing.assert_array_equal(store.pixels[i], cut_square(grey, box, 48))
    assert [sample["label"] for sample in store.samples] == ["happy", "sad"]
    assert store.samples[0]["caption"] == dataset.rows["picture"][0]
    assert store.manifest["extra_columns"] == list(dataset.extra)
    assert store.rows["intensity"].tolist() == dataset.rows["intensity"].tolist()


def test_manifest_tells_what_was_done(run: Extract, mixed: FaceSet, tmp_path: Path) -> None:
    run(mixed, families=FAMILIES)
    manifest = FeatureStore.open(tmp_path / "store").manifest
    assert (manifest["name"], manifest["layout"], manifest["source"]) == tuple(
        getattr(mixed, name) for name in ("name", "layout", "source")
    )
    assert manifest["classes"] == ["happy", "sad"]
    assert manifest["notes"] == ["Made up."]
    assert manifest["dataset_hash"] == dataset_hash(mixed)
    assert manifest["families"]["geometry"] == {
        "version": 2,
        "width": 2178,
        "options": {"frontal": 1},
    }
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == [
        "blendshapes.npy", "checksums.json", "features", "manifest.json", "mesh.npy", "pixels.npy",
        "rows.parquet", "samples.json",
    ]  # fmt: skip


def test_parts_of_any_size_give_the_same_store(
    run: Extract, mixed: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(mixed, families=FAMILIES)
    (tmp_path / "store").rename(tmp_path / "first")
    monkeypatch.setattr(extract_module, "PART_ROWS", 7)
    monkeypatch.setattr(parts_module, "_BATCH_PIXELS", 48 * 48 * 3)
    run(mixed, families=FAMILIES)
    assert_equal_stores(tmp_path / "first", tmp_path / "store")


def assert_equal_stores(first: Path, second: Path) -> None:
    one, two = FeatureStore.open(first), FeatureStore.open(second)
    pd.testing.assert_frame_equal(one.rows, two.rows)
    for name in one.families:
        np.testing.assert_array_equal(one.features(name), two.features(name))
    np.testing.assert_array_equal(one.mesh, two.mesh)
    np.testing.assert_array_equal(one.pixels, two.pixels)


def test_a_finished_store_is_not_repeated(
    run: Extract, mixed: FaceSet, computed: list[str]
) -> None:
    first = run(mixed)
    computed.clear()
    progress = []
    again = run(mixed, on_progress=lambda *step: progress.append(step))
    assert computed == []
    assert progress == [(40, 40)]
    assert (again.rows_computed, again.faces_found) == (0, first.faces_found)
    assert again.reasons == first.reasons
    assert run(mixed, overwrite=True).rows_computed == 0


def test_an_interrupted_run_goes_on(
    run: Extract, mixed: FaceSet, computed: list[str], tmp_path: Path
) -> None:
    def interrupt(done: int, _: int) -> None:
        if done == 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(mixed, on_progress=interrupt)
    with pytest.raises(MienError, match=r"is not finished\. Run the same mien extract command"):
        FeatureStore.open(tmp_path / "store")
    computed.clear()
    progress = []
    summary = run(mixed, on_progress=lambda *step: progress.append(step))
    assert computed == ["000002"]
    assert progress == [(32, 40), (40, 40)]
    assert (summary.rows, summary.rows_computed) == (40, 8)
    assert FeatureStore.open(tmp_path / "store").has_face.sum() == 36


def test_a_kill_while_parts_are_joined_costs_nothing(
    run: Extract, mixed: FaceSet, computed: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(extract_module, "_write_manifest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(mixed)
    half = tmp_path / "store" / "features" / ".blendshapes.npy.abc.part"
    half.write_text("")
    computed.clear()
    run(mixed)
    assert computed == []
    assert not half.exists()


def test_what_a_kill_after_the_manifest_leaves_is_cleared_away(
    run: Extract, mixed: FaceSet, computed: list[str], tmp_path: Path
) -> None:
    run(mixed)
    parts = tmp_path / "store" / "parts"
    parts.mkdir()
    (parts / "000000.npz").write_text("")
    computed.clear()
    run(mixed)
    assert computed == []
    assert not parts.exists()


def test_a_damaged_part_is_named_removed_and_computed_again(
    run: Extract, mixed: FaceSet, computed: list[str], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(mixed, on_progress=stop_at(16))
    part = tmp_path / "store" / "parts" / "000000.npz"
    part.write_bytes(part.read_bytes()[:5000])
    with pytest.raises(MienError, match=r"000000\.npz is damaged.*Run the same command again"):
        run(mixed)
    computed.clear()
    assert run(mixed).rows_computed == 16
    assert computed == ["000000"]


def stop_at(rows: int) -> Callable[[int, int], None]:
    def stop(done: int, _: int) -> None:
        if done == rows:
            raise KeyboardInterrupt

    return stop


@pytest.mark.parametrize("name", ["mesh.npy", "features/blendshapes.npy", "rows.parquet"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_store_says_so_and_is_mended(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path, name: str,
    damage: str, computed: list[str],
) -> None:  # fmt: skip
    dataset = make_dataset(crops)
    run(dataset)
    file = tmp_path / "store" / name
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    else:
        file.unlink()
    store = FeatureStore.open(tmp_path / "store")
    with pytest.raises(MienError, match=f"{file.name} .*mends only what is damaged"):
        _ = store.rows, store.mesh, store.features("blendshapes")
    computed.clear()
    assert run(dataset).rows_computed == len(crops)
    assert FeatureStore.open(tmp_path / "store").features("blendshapes").shape == (6, 52)


def test_other_data_is_not_mixed_in(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    run(make_dataset(crops))
    before = FeatureStore.open(tmp_path / "store").manifest
    for other in (make_dataset(crops[:5]), make_dataset(255 - crops)):
        with pytest.raises(MienError, match=r"other data.*dataset_hash.*--overwrite"):
            run(other)
    with pytest.raises(MienError, match=r"holds an extraction of other data.*\(detector\)"):
        run(make_dataset(crops), detector="mediapipe")
    assert FeatureStore.open(tmp_path / "store").manifest == before


def test_an_unfinished_extraction_of_other_data_is_not_mixed_in(
    run: Extract, mixed: FaceSet, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(mixed, on_progress=stop_at(16))
    other = make_dataset(np.concatenate([crops] * 7)[:40])
    with pytest.raises(MienError, match="holds an extraction of other data"):
        run(other)
    assert run(other, overwrite=True).rows_computed == 40
    assert FeatureStore.open(tmp_path / "store").has_face.all()


def test_overwrite_replaces_the_store_and_nothing_else(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    run(make_dataset(crops), families=FAMILIES)
    notes = tmp_path / "store" / "my notes.txt"
    notes.write_text("keep")
    run(make_dataset(crops[:4]), overwrite=True)
    store = FeatureStore.open(tmp_path / "store")
    assert (len(store.rows), store.families) == (4, ("blendshapes",))
    assert notes.read_text() == "keep"
    assert not (tmp_path / "store" / "features" / "geometry.npy").exists()


@pytest.mark.parametrize("step", ["write_json", "rmtree"])
def test_a_kill_while_overwriting_leaves_one_or_the_other(
    run: Extract, crops: np.ndarray, mixed: FaceSet, make_dataset: MakeDataset, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, step: str,
) -> None:  # fmt: skip
    """Never the parts of one under the plan of the other."""
    from mien.pipeline import store_folder

    with pytest.raises(KeyboardInterrupt):
        run(mixed, on_progress=stop_at(16))
    other = make_dataset(np.concatenate([crops] * 7)[:40])

    def kill(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        owner = store_folder if step == "write_json" else store_folder.shutil
        patch.setattr(owner, step, kill)
        with pytest.raises(KeyboardInterrupt):
            run(other, overwrite=True)
    run(other, overwrite=True)
    assert FeatureStore.open(tmp_path / "store").has_face.all()


@pytest.mark.parametrize("content", ['{"name": "a web page", "plan": {}}', "[]", "no json", "{}"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_something_else_is_never_touched(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path, content: str,
    overwrite: bool,
) -> None:  # fmt: skip
    for name in ("manifest.json", "plan.json", "index.html"):
        (tmp_path / "store").mkdir(exist_ok=True)
        (tmp_path / "store" / name).write_text(content)
    with pytest.raises(MienError, match="exists and is not a feature store"):
        run(make_dataset(crops), overwrite=overwrite)
    assert len(list((tmp_path / "store").iterdir())) == 3
    with pytest.raises(MienError, match=r"not a feature store|cannot be read"):
        FeatureStore.open(tmp_path / "store")


def test_a_file_is_not_a_folder(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    (tmp_path / "store").write_text("mine")
    with pytest.raises(MienError, match="exists and is not a feature store"):
        run(make_dataset(crops), overwrite=True)
    assert (tmp_path / "store").read_text() == "mine"


def test_an_empty_folder_and_a_killed_start_are_welcome(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".plan.json.x1y2.part").write_text("{")
    run(make_dataset(crops))
    assert len(FeatureStore.open(tmp_path / "store").rows) == 6


def test_a_folder_that_cannot_be_written(
    crops: np.ndarray, make_dataset: MakeDataset, landmarker: Path, computed: list[str]
) -> None:
    with pytest.raises(MienError, match=r"/proc/mien/store cannot be written.*--out"):
        extract(make_dataset(crops), "/proc/mien/store", bundle=landmarker)
    assert computed == []


@pytest.mark.parametrize("ending", [".npz", ".npy", ".parquet"])
def test_a_full_disk_is_an_error_with_the_path_and_the_run_goes_on(
    run: Extract, mixed: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    real = Path.replace

    def fill(self: Path, target: Path) -> Path:
        if target.suffix == ending:
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fill)
        with pytest.raises(MienError, match="No space left on device") as caught:
            run(mixed)
    assert str(tmp_path / "store") in caught.value.message
    assert "goes on where it was" in caught.value.hint
    assert run(mixed).rows == 40
    assert not list((tmp_path / "store").rglob(".*"))


@pytest.mark.parametrize(("limit", "file"), [(20_000, "000000.npz"), (300_000, "store")])
def test_a_write_that_fails_halfway_leaves_no_half_file(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path, limit: int,
    file: str,
) -> None:  # fmt: skip
    """A limit on the size of files stands for a full disk: parts first, then whole arrays."""
    resource = pytest.importorskip("resource")
    pixels = np.concatenate([crops] * 40)
    dataset = make_dataset(pixels, reasons=dict.fromkeys(range(240), Reason.UNKNOWN_LABEL))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(MienError, match=rf"{file} cannot be written.*File too large"):
            run(dataset)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "store").rglob(".*"))
    assert run(dataset).rows == 240


def test_damaged_jpegs_make_no_noise(
    rendered: list[RenderedFace], landmarker: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    _, data = cv2.imencode(".jpg", rendered[0].picture[:, :, ::-1])
    damaged = bytearray(data.tobytes())
    damaged[-800:-700] = bytes(100)
    (tmp_path / "damaged.jpg").write_bytes(damaged)
    pictures = FilePictures(tmp_path, ["damaged.jpg"])
    pictures.read(0)
    assert "JPEG" in capfd.readouterr().err
    done = extract_part(PartTask(tmp_path / "0.npz", pictures, (False,), (), landmarker, "litert"))
    assert done.rows == 1
    assert capfd.readouterr().err == ""


def test_a_part_that_cannot_be_written(
    crops: np.ndarray, make_dataset: MakeDataset, landmarker: Path
) -> None:
    dataset = make_dataset(crops)
    task = PartTask(
        Path("/proc/mien/0.npz"), dataset.pictures, (True,) * 6, (), landmarker, "litert"
    )
    with pytest.raises(MienError, match=r"/proc/mien/0\.npz cannot be written"):
        extract_part(task)


def test_a_part_of_unusable_rows_only(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    dataset = make_dataset(crops, reasons=dict.fromkeys(range(6), Reason.UNKNOWN_LABEL))
    summary = run(dataset, families=FAMILIES)
    assert (summary.faces_found, summary.failed_share) == (0, 1.0)
    store = FeatureStore.open(tmp_path / "store")
    assert store.features("geometry").shape == (6, 2178)
    assert store.samples == []


def test_a_store_is_extended_without_detecting_again(
    run: Extract, mixed: FaceSet, tmp_path: Path, landmarker: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run(mixed, families=("geometry",))
    folder = tmp_path / "store"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")}
    with monkeypatch.context() as patch:
        patch.setattr(FaceDetector, "detect", lambda *_: 1 / 0)
        summary = run(mixed, families=("patch_hog", "pose"))
    assert (summary.rows_computed, summary.faces_found) == (40, 36)
    store = FeatureStore.open(folder)
    assert store.families == ("geometry", "patch_hog", "pose")
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert not (folder / "parts").exists()
    whole = extract(
        mixed, tmp_path / "whole", bundle=landmarker, families=store.families, workers=1
    )
    assert whole.faces_found == 36
    for name in store.families:
        np.testing.assert_array_equal(
            store.features(name), FeatureStore.open(tmp_path / "whole").features(name)
        )
    assert run(mixed, families=("pose",)).rows_computed == 0


@pytest.mark.parametrize("damaged", ["pose", "geometry"])
def test_a_damaged_extended_store_is_made_anew_with_all_its_families(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path, damaged: str
) -> None:
    dataset = make_dataset(crops)
    run(dataset, families=("geometry",))
    run(dataset, families=("pose",))
    (tmp_path / "store" / "features" / f"{damaged}.npy").write_bytes(b"cut short")
    assert run(dataset, families=("geometry",)).rows_computed == 6
    store = FeatureStore.open(tmp_path / "store")
    assert store.families == ("geometry", "pose")
    assert all(np.isfinite(store.features(name)).all() for name in store.families)


def test_an_extension_that_was_interrupted_goes_on(
    run: Extract, mixed: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    computed: list[str],
) -> None:  # fmt: skip
    run(mixed)
    computed.clear()
    with monkeypatch.context() as patch:
        patch.setattr(extract_module, "join_families", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(mixed, families=("pose",))
    assert FeatureStore.open(tmp_path / "store").families == ("blendshapes",)
    assert run(mixed, families=("pose",)).rows_computed == 0
    assert computed == ["000000", "000001", "000002"]
    with monkeypatch.context() as patch:
        patch.setattr(extract_module, "join_families", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(mixed, families=("geometry",))
    assert run(mixed, families=("patch_hog",)).rows_computed == 40
    assert FeatureStore.open(tmp_path / "store").families == ("blendshapes", "pose", "patch_hog")


def test_a_picture_that_is_gone_ends_an_extension_with_its_reason(
    run: Extract, mixed: FaceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(mixed)
    told = dataset_hash(mixed)
    monkeypatch.setattr(extract_module, "dataset_hash", lambda _: told)
    problems = dict.fromkeys(range(40), (Reason.UNREADABLE, "No such file"))
    gone = replace(mixed, pictures=ArrayPictures(np.zeros((40, 48, 48), np.uint8), problems))
    with pytest.raises(MienError, match="cannot be read any more"):
        run(gone, families=("pose",))


def test_an_unknown_detector(run: Extract, crops: np.ndarray, make_dataset: MakeDataset) -> None:
    with pytest.raises(MienError, match="no detector 'yolo'"):
        run(make_dataset(crops), detector="yolo")


def test_an_empty_dataset(run: Extract, crops: np.ndarray, make_dataset: MakeDataset) -> None:
    with pytest.raises(MienError, match="has no pictures"):
        run(make_dataset(crops[:0]))


def test_wrong_families_and_workers(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    dataset = make_dataset(crops)
    with pytest.raises(MienError, match="no feature family 'hog'"):
        run(dataset, families=("hog",))
    with pytest.raises(MienError, match="at least one worker, got 0"):
        run(dataset, workers=0)
    assert not (tmp_path / "store").exists()
    run(dataset, families=("geometry", "blendshapes", "geometry"))
    assert FeatureStore.open(tmp_path / "store").families == ("geometry", "blendshapes")


def test_another_version_of_a_family(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run(make_dataset(crops))
    monkeypatch.setattr(Blendshapes, "version", 2)
    store = FeatureStore.open(tmp_path / "store")
    with pytest.raises(MienError, match=r"of version 1.*computes version 2"):
        store.features("blendshapes")
    assert run(make_dataset(crops)).rows_computed == 6
    assert FeatureStore.open(tmp_path / "store").features("blendshapes").shape == (6, 52)


def test_a_store_of_another_schema_or_without_a_family(
    run: Extract, crops: np.ndarray, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    run(make_dataset(crops))
    folder = tmp_path / "store"
    with pytest.raises(MienError, match=r"no feature family 'geometry'; it has blendshapes"):
        FeatureStore.open(folder).features("geometry")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["schema"] = "mien.store/99"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(MienError, match=r"'mien.store/99'; this release reads 'mien.store/2'"):
        FeatureStore.open(folder)


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="There is no feature store at"):
        FeatureStore.open(tmp_path / "nothing")
    with pytest.raises(MienError, match=r"not a feature store: it has no manifest\.json"):
        FeatureStore.open(tmp_path)


def test_dataset_hash_sees_rows_and_pixels(crops: np.ndarray, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(crops)
    assert dataset_hash(dataset) == dataset_hash(make_dataset(crops.copy()))
    others = [
        make_dataset(255 - crops),
        make_dataset(crops, labels=("sad", "happy")),
        make_dataset(crops, problems={0: (Reason.UNREADABLE, "")}),
        replace(dataset, rows=dataset.rows.assign(subject="S1")),
    ]
    assert len({dataset_hash(dataset), *map(dataset_hash, others)}) == 5


def test_pixels_hash_sees_size_and_pixels() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert hash_pixels(picture) == hash_pixels(np.asfortranarray(picture))
    assert hash_pixels(picture) != hash_pixels(picture.reshape(4, 3))
    assert hash_pixels(picture) != hash_pixels(picture + np.uint8(1))
    assert len(hash_pixels(picture)) == 32


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("0", 0), ("17", 17), ("5%", 10), ("50%", 100), ("0.7%", 1), ("100%", 200), (" 3 ", 3)],
)
def test_allowed_failures(text: str, allowed: int) -> None:
    assert allowed_failures(text, 200) == allowed


@pytest.mark.parametrize(
    "text", ["", "many", "-1", "-5%", "%", "5%%", "5% of", "1.5", "nan%", "inf%"]
)
def test_bad_allowed_failures(text: str) -> None:
    with pytest.raises(MienError, match="--max-failures"):
        allowed_failures(text, 200)


def test_peak_memory_is_that_of_this_process() -> None:
    before = peak_memory_mb()
    block = np.ones(60_000_000, np.uint8)
    assert block.all()
    assert 20 < before <= peak_memory_mb() < 100_000
