"""A damaged store: found by its checksums, said, and mended by the same extraction."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import MienError
from mien.pipeline import extract as extract_module
from mien.pipeline import parts as parts_module
from mien.pipeline.detector import FaceDetector
from mien.pipeline.extract import extract
from mien.pipeline.faceset import FaceSet
from mien.pipeline.store import FeatureStore

ROWS, PART_ROWS = 10, 4
FILES = (
    "blendshapes.npy", "checksums.json", "features/geometry.npy", "features/pose.npy",
    "manifest.json", "mesh.npy", "pixels.npy", "rows.parquet", "samples.json",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _close_landmarker(landmarker: Path) -> Iterator[None]:
    yield
    if parts_module._detector.cache_info().currsize:
        parts_module._detector(landmarker, "litert").close()
        parts_module._detector.cache_clear()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run parts of four rows in this process; gives what was computed."""
    names: list[str] = []

    def run(function: Callable, tasks: Iterable[Any], *, workers: int) -> Iterator:
        assert workers >= 1
        for task in tasks:
            names.append(f"{type(task).__name__} {task.target.stem}: {' '.join(task.families)}")
            yield function(task)

    monkeypatch.setattr(extract_module, "run_in_workers", run)
    monkeypatch.setattr(extract_module, "PART_ROWS", PART_ROWS)
    return names


@pytest.fixture
def run(
    crops: np.ndarray, make_dataset: Callable[..., FaceSet], landmarker: Path, tmp_path: Path,
    computed: list[str],
) -> Callable[..., Any]:  # fmt: skip
    """Extract ten rows into one folder; afterwards, what was computed is forgotten."""
    pixels = np.concatenate([crops] * 2)[:ROWS]

    def run(*families: str) -> Any:
        computed.clear()
        return extract(
            make_dataset(pixels), tmp_path / "store", bundle=landmarker,
            families=families or ("geometry", "pose"),
        )  # fmt: skip

    run()
    return run


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a store, but for the manifest, which tells when it was made."""
    names = (name for name in FILES if name != "manifest.json")
    return {name: (folder / name).read_bytes() for name in names}


def flip(file: Path, place: int) -> None:
    """Flip a bit, as a disk does: the file's time and size stay."""
    told, content = file.stat(), bytearray(file.read_bytes())
    content[place] ^= 16
    with file.open("r+b") as opened:
        opened.write(content)
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))


@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "gone"])
@pytest.mark.parametrize("name", FILES)
def test_any_damage_is_found_said_and_mended(
    run: Callable[..., Any], tmp_path: Path, name: str, damage: str
) -> None:
    folder = tmp_path / "store"
    before, file = read_files(folder), folder / name
    if damage == "flip":
        flip(file, file.stat().st_size // 2)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-30])
    elif damage == "longer":
        file.write_bytes(file.read_bytes() + b"x")
    else:
        file.unlink()
    with pytest.raises(MienError, match=file.name) as caught:
        read_all(FeatureStore.open(folder))
    if name not in ("manifest.json", "checksums.json"):
        assert "the same mien extract command again; it mends only" in caught.value.hint
    summary = run()
    assert [told.partition(" ")[0] for told in summary.mended] == [name]
    assert read_files(folder) == before
    read_all(FeatureStore.open(folder))
    assert run().mended == ()
    assert {path.name for path in folder.iterdir()} - {".verified.json"} == {
        name.partition("/")[0] for name in FILES
    }


def read_all(store: FeatureStore) -> None:
    _ = store.rows, store.pixels, store.mesh, store.blendshapes, store.samples
    _ = store.features("geometry"), store.features("pose")


@pytest.mark.parametrize(
    ("name", "tasks"),
    [
        ("features/geometry.npy", ["FamilyTask 000001: geometry"]),
        ("pixels.npy", ["PartTask 000001: "]),
        ("mesh.npy", ["PartTask 000001: "]),
        ("rows.parquet", [f"PartTask 00000{i}: " for i in range(3)]),
        ("samples.json", []),
        ("manifest.json", []),
        ("checksums.json", []),
    ],
)
def test_only_what_is_damaged_is_computed_again(
    run: Callable[..., Any], tmp_path: Path, computed: list[str], name: str, tasks: list[str]
) -> None:
    """The byte is in the fifth to eighth of ten rows, which are one part of three."""
    file = tmp_path / "store" / name
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.npy")}
    flip(file, int(file.stat().st_size * 0.6))
    summary = run()
    assert computed == tasks
    assert summary.rows_computed == {0: 0, 1: PART_ROWS, 3: ROWS}[len(tasks)]
    assert all(path.stat().st_mtime_ns == time for path, time in times.items() if path != file)


def test_the_damaged_rows_are_named(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run().mended == ()
    flip(tmp_path / "store" / "mesh.npy", -1)
    with pytest.raises(MienError, match=r"mesh\.npy does not have its checksum in rows 8 to 9:"):
        _ = FeatureStore.open(tmp_path / "store").mesh


def test_damage_in_several_files_is_mended_at_once(
    run: Callable[..., Any], tmp_path: Path, computed: list[str]
) -> None:
    folder = tmp_path / "store"
    before = read_files(folder)
    flip(folder / "features" / "pose.npy", 130)
    flip(folder / "features" / "geometry.npy", -1)
    flip(folder / "mesh.npy", -1)
    assert len(run().mended) == 3
    assert computed == ["FamilyTask 000000: pose", "PartTask 000002: geometry"]
    assert read_files(folder) == before


def test_a_mending_that_was_interrupted_goes_on(
    run: Callable[..., Any], tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    before = read_files(folder)
    flip(folder / "mesh.npy", -1)
    with monkeypatch.context() as patch:
        patch.setattr(extract_module, "write_checksums", lambda *_: 1 / 0)
        patch.setattr(extract_module.Mending, "join", lambda _: {})
        with pytest.raises(ZeroDivisionError):
            run()
    assert computed == ["PartTask 000002: "]
    assert run().rows_computed == 0
    assert (computed, read_files(folder)) == ([], before)


def test_a_damaged_store_is_mended_before_it_is_extended(
    run: Callable[..., Any], tmp_path: Path, computed: list[str]
) -> None:
    flip(tmp_path / "store" / "mesh.npy", -1)
    assert run("blendshapes").mended
    assert computed[0] == "PartTask 000002: "
    assert computed[1:] == [f"FamilyTask 00000{i}: blendshapes" for i in range(3)]
    read_all(store := FeatureStore.open(tmp_path / "store"))
    np.testing.assert_array_equal(store.features("blendshapes"), store.blendshapes)


def test_a_store_of_an_earlier_release_gets_its_checksums(
    run: Callable[..., Any], tmp_path: Path, computed: list[str]
) -> None:
    folder = tmp_path / "store"
    before = read_files(folder)
    (folder / "checksums.json").unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["checksum"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert FeatureStore.open(folder).checksums is None
    read_all(FeatureStore.open(folder))
    assert run().rows_computed == 0
    assert (computed, read_files(folder)) == ([], before)
    assert FeatureStore.open(folder).checksums is not None
    flip(folder / "mesh.npy", -1)
    assert run().rows_computed == 2


def test_a_damaged_store_of_an_earlier_release_is_mended_by_its_sizes(
    run: Callable[..., Any], tmp_path: Path, computed: list[str]
) -> None:
    folder = tmp_path / "store"
    before = read_files(folder)
    (folder / "checksums.json").unlink()
    pose = folder / "features" / "pose.npy"
    pose.write_bytes(pose.read_bytes()[:-1])
    assert run().rows_computed == ROWS
    assert computed == [f"FamilyTask 00000{i}: pose" for i in range(3)]
    assert read_files(folder) == before


def test_a_family_of_another_version_is_not_mended_as_the_old_one(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.features.registry import get_family

    flip(tmp_path / "store" / "features" / "pose.npy", -1)
    monkeypatch.setattr(type(get_family("pose")), "version", 99)
    with pytest.raises(MienError, match=r"pose\.npy is damaged.*computes version 99.*--families"):
        run("geometry")
    assert run("pose").rows_computed == ROWS
    assert FeatureStore.open(tmp_path / "store").manifest["families"]["pose"]["version"] == 99


def test_a_file_is_checked_once_until_it_changes(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.pipeline import verified

    folder, checked, check = tmp_path / "store", [], verified.check_file
    assert run().mended == ()

    def count(path: Path, sums: Any) -> Any:
        checked.append(path.name)
        return check(path, sums)

    monkeypatch.setattr(verified, "check_file", count)
    for _ in range(2):
        store = FeatureStore.open(folder)
        _ = store.features("pose"), store.features("pose")
    assert checked == ["pose.npy"]
    (folder / "features" / "pose.npy").touch()
    _ = FeatureStore.open(folder).features("pose")
    assert checked == ["pose.npy"] * 2


def test_a_store_that_is_replaced_while_it_is_open_is_not_mixed(
    run: Callable[..., Any], tmp_path: Path, crops: np.ndarray,
    make_dataset: Callable[..., FaceSet], landmarker: Path,
) -> None:  # fmt: skip
    assert run().mended == ()
    store = FeatureStore.open(tmp_path / "store")
    assert len(store.features("pose")) == ROWS
    other = make_dataset(255 - np.concatenate([crops] * 2)[:ROWS])
    extract(other, tmp_path / "store", bundle=landmarker, families=("pose",), overwrite=True)
    with pytest.raises(MienError, match="replaced since the store was opened"):
        store.features("pose")


def test_a_second_extraction_into_a_store_is_refused(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    from mien.locks import hold_folder

    with (
        hold_folder(tmp_path / "store", "mien extract"),
        pytest.raises(MienError, match="Another mien extract is at work in"),
    ):
        run()
    assert run().mended == ()


def test_mending_features_detects_nothing(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(tmp_path / "store" / "features" / "pose.npy", -1)
    monkeypatch.setattr(FaceDetector, "detect", lambda *_: 1 / 0)
    assert run().rows_computed == 2
