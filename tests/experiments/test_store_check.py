"""``mien info --check``: every file of a store compared with its checksum."""

import json

import numpy as np
import pytest

from mien.pipeline.checksums import Checksums, read_checksums, write_checksums
from mien.pipeline.store import FeatureStore
from mien.pipeline.store_damage import find_damage
from mien.pipeline.store_manifest import write_manifest


@pytest.fixture
def store(make_store):
    """A store of all files, without checksums."""
    made = make_store(families=("blendshapes",))
    np.save(made.path / "blendshapes.npy", made.features("blendshapes"))
    return made


@pytest.fixture
def checked(store):
    """A store with checksums."""
    plan = {"part_rows": 64, **{key: store.manifest[key] for key in ("rows", "families")}}
    _, sums = find_damage(store.path, plan, None)
    write_checksums(store.path, Checksums(plan, sums))
    write_manifest(store.path, {**store.manifest, "plan": plan})
    return FeatureStore.open(store.path)


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_whole_store_is_whole(run, checked):
    assert len(read_checksums(checked.path).files) == 6
    assert run("info", checked.path, "--check") == (0, "6 files have their checksums.\n", "")


def test_what_is_damaged_is_said_with_its_rows(run, checked):
    assert np.isfinite(checked.features("blendshapes")).any()  # found whole once
    flip(checked.path / "mesh.npy", -1)
    flip(checked.path / "rows.parquet", 100)
    code, out, _ = run("info", checked.path, "--check")
    assert code == 1
    assert "mesh.npy does not have its checksum in rows 0 to 54\n" in out
    assert "rows.parquet does not have its checksum in 1 of 1 blocks\n" in out
    assert "mends only what is damaged" in out
    assert not (checked.path / ".verified.json").exists()
    code, out, _ = run("info", checked.path, "--check", "--json")
    told = json.loads(out)
    assert (code, told["checksums"], len(told["files"])) == (1, True, 6)
    assert sorted(told["damaged"]) == ["mesh.npy", "rows.parquet"]


def test_commands_refuse_what_is_damaged_and_read_the_rest(run, checked):
    flip(checked.path / "features" / "blendshapes.npy", -1)
    code, _, error = run("export", checked.path, "--set", "families=blendshapes")
    assert code == 2
    assert "blendshapes.npy does not have its checksum in rows 0 to 54" in error
    assert "Without checksums" not in run("info", checked.path)[1]


def test_a_store_without_checksums_is_checked_by_its_sizes(run, store):
    code, out, _ = run("info", store.path, "--check")
    assert code == 0
    assert out.startswith("6 files are there in full size. They have no checksums")
    (store.path / "pixels.npy").write_bytes(b"cut")
    code, out, _ = run("info", store.path, "--check")
    assert code == 1
    assert "pixels.npy is missing or cannot be read" in out
