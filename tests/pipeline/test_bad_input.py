"""Bad input, end to end: every picture keeps its row, and nothing is written but the store.

What each kind of damage decodes to is tested beside the readers; here is that none stops the job.
"""

from __future__ import annotations

import gzip
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.models.bundle import Bundle
from mien.pipeline import extract as extract_module
from mien.pipeline import parts as parts_module
from mien.pipeline.datasets.registry import read_dataset
from mien.pipeline.extract import extract
from mien.pipeline.predict import find_pictures, predict_pictures
from mien.pipeline.rendered.renderer import RenderedFace
from mien.pipeline.store import FeatureStore

READ = ("", "no_face")
Files = dict[str, tuple[bytes, object]]
Extract = Callable[[Path], Mapping[str, str]]


@pytest.fixture(scope="module", autouse=True)
def _close_landmarker(landmarker: Path) -> Iterator[None]:
    yield
    parts_module._detector(landmarker, "litert").close()
    parts_module._detector.cache_clear()


@pytest.fixture
def reasons_in(
    tmp_path: Path, landmarker: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], dict[str, str]]:
    """A function that extracts a dataset and gives each row's reason by the picture's name."""
    monkeypatch.setattr(
        extract_module, "run_in_workers", lambda function, tasks, **_: map(function, tasks)
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.chdir(scratch)
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def run(source: Path) -> dict[str, str]:
        before = snapshot(tmp_path)
        out = tmp_path / "store"
        extract(read_dataset(source), out, bundle=landmarker, families=("blendshapes",))
        after = snapshot(tmp_path)
        assert {x: y for x, y in after.items() if out not in (x, *x.parents)} == before
        rows = FeatureStore.open(out).rows
        assert rows["picture"].is_unique
        return dict(zip(rows["picture"], rows["reason"], strict=True))

    return run


def snapshot(folder: Path) -> dict[Path, tuple[int, int]]:
    found = {path: path.lstat() for path in folder.rglob("*")}
    return {
        path: (0, 0) if path.is_dir() else (status.st_size, status.st_mtime_ns)
        for path, status in found.items()
    }


def assert_reasons(found: Mapping[str, str], expected: Mapping[str, object]) -> None:
    assert set(found) == set(expected)
    wrong = {
        name: reason
        for name, reason in found.items()
        if reason not in (READ if expected[name] is READ else (expected[name],))
    }
    assert wrong == {}


def encode(ending: str, pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(ending, pixels)
    assert done
    return data.tobytes()


def animate(ending: str, first: np.ndarray) -> bytes:
    animation = cv2.Animation()
    animation.frames = [first, np.zeros_like(first)]
    animation.durations = [100, 100]
    done, data = cv2.imencodeanimation(ending, animation)
    assert done
    return data.tobytes()


def make_png(
    width: int, height: int, bits: int, kind: int, lines: bytes, palette: bytes = b""
) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
        if data or name == b"IEND"
    )


def turn_by_exif(jpeg: bytes) -> bytes:
    block = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


def make_cmyk_tiff(rgb: np.ndarray) -> bytes:
    """Ink without black, uncompressed."""
    height, width = rgb.shape[:2]
    ink = np.dstack([255 - rgb, np.zeros((height, width), np.uint8)]).tobytes()
    at = 8 + 2 + 10 * 12 + 4
    tags = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 4, at), (259, 3, 1, 1 << 16)),
        *((262, 3, 1, 5 << 16), (273, 4, 1, at + 8), (277, 3, 1, 4 << 16), (278, 4, 1, height)),
        *((279, 4, 1, len(ink)), (284, 3, 1, 1 << 16)),
    ]
    entries = b"".join(struct.pack(">HHII", *tag) for tag in tags)
    return b"MM\0*" + struct.pack(">IH", 8, 10) + entries + struct.pack(">I4H", 0, 8, 8, 8, 8) + ink


@pytest.fixture(scope="module")
def pictures(rendered: list[RenderedFace]) -> Files:
    """Files by name, with the reason that their rows must have."""
    rgb = rendered[0].picture
    face, grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    ramp = bytes(np.repeat(np.arange(256, dtype=np.uint8), 3))
    lines = b"".join(b"\0" + line.tobytes() for line in grey)
    png, jpeg = encode(".png", face), encode(".jpg", face)
    read = {
        "plain.png": png,
        "16 bits.png": encode(".png", face.astype(np.uint16) * 257),
        "palette.png": make_png(width, height, 8, 3, lines, ramp),
        "transparent.png": encode(".png", np.dstack([face, grey])),
        "cmyk.tif": make_cmyk_tiff(rgb),
        "turned.jpg": turn_by_exif(jpeg),
        **{f"animated{x}": animate(x, face) for x in (".gif", ".png", ".webp")},
        "100 megapixels.png": make_png(10_000, 10_000, 1, 0, bytes(1251) * 10_000),
        **dict.fromkeys(("a space.png", "new\nline.png", "<script>alert(1).png", "[red].png"), png),
    }
    damaged = {
        "empty.png": (b"", "unreadable"),
        "text.png": (b"no picture", "unreadable"),
        "cut.png": (png[: len(png) // 2], "unreadable"),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "unreadable"),
        "1x1.png": (make_png(1, 1, 8, 0, b"\0\0"), "too_small"),
        "20000x20000.png": (make_png(20_000, 20_000, 8, 0, bytes(9)), "too_large"),
        "20000x20000.ppm": (b"P6 20000 20000 255\n" + bytes(9), "too_large"),
    }
    return {name: (data, READ) for name, data in read.items()} | damaged


@pytest.fixture
def folder(pictures: Files, tmp_path: Path) -> Path:
    """All of them as happy, and one sad picture."""
    for name, (data, _) in pictures.items():
        (tmp_path / "data" / "happy").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "happy" / name).write_bytes(data)
    (tmp_path / "data" / "sad").mkdir()
    (tmp_path / "data" / "sad" / "plain.png").write_bytes(pictures["plain.png"][0])
    return tmp_path / "data"


@pytest.fixture
def expected(pictures: Files) -> dict[str, object]:
    reasons = {f"happy/{name}": reason for name, (_, reason) in pictures.items()}
    return reasons | {"sad/plain.png": READ}


def test_a_folder(
    folder: Path, expected: dict[str, object], reasons_in: Callable[[Path], dict[str, str]]
) -> None:
    (folder / "happy" / "link to nothing.png").symlink_to(folder / "gone.png")
    (folder / "happy" / "link to itself.png").symlink_to("link to itself.png")
    os.mkfifo(folder / "happy" / "pipe.png")
    special = ("link to nothing.png", "link to itself.png", "pipe.png")
    expected |= {f"happy/{name}": "unreadable" for name in special}
    assert_reasons(reasons_in(folder), expected)


def test_an_archive(
    folder: Path, expected: dict[str, object], pictures: Files, tmp_path: Path,
    reasons_in: Callable[[Path], dict[str, str]],
) -> None:  # fmt: skip
    png = pictures["plain.png"][0]
    outside = ("../happy/x.png", "happy/../../x.png", f"{tmp_path}/x.png", "C:\\happy\\x.png")
    with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder).as_posix())
        for name in outside:
            archive.writestr(name, png)
        for name, claim in (("tells less", len(png)), ("tells more", 2 << 30)):
            archive.writestr(f"happy/bomb {name}.png", png + bytes(1 << 26))
            member = archive.getinfo(f"happy/bomb {name}.png")
            member.file_size, member.CRC = claim, zlib.crc32(png)
    expected |= dict.fromkeys(outside, "unsafe_name")
    expected |= {"happy/bomb tells less.png": READ, "happy/bomb tells more.png": "too_large"}
    assert_reasons(reasons_in(tmp_path / "data.zip"), expected)


@pytest.fixture
def lines(crops: np.ndarray) -> list[tuple[str, str]]:
    """Lines of a CSV, with the reasons of their rows."""
    pixels = [" ".join(map(str, crop.ravel())) for crop in crops]
    some = pixels[0].rpartition(" ")[0]
    return [
        *((f"{number},{text},Training", READ) for number, text in enumerate(pixels)),
        (f'"3" , "{pixels[0]}" ,PublicTest', READ),
        (f"3,{some},Training", "wrong_pixel_count"),
        (f"3,{pixels[0]} 0,Training", "wrong_pixel_count"),
        ("3", "wrong_pixel_count"),
        ("<script>,,", "wrong_pixel_count"),
        *((f"3,{some} {value},Training", "bad_pixel_value") for value in ("NaN", "256", "-1", "x")),
        *((f"{label},{pixels[0]},Training", "unknown_label") for label in ("7", "-1", "nan", "")),
        (f"3,{some}{' 0' * 100_000},Training", "wrong_pixel_count"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["line ends", "Windows line ends"])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_a_csv(
    lines: list[tuple[str, str]], tmp_path: Path, end: str, ending: str,
    reasons_in: Callable[[Path], dict[str, str]],
) -> None:  # fmt: skip
    blank = end + "  " + end
    data = ("emotion,pixels,Usage" + blank + blank.join(line for line, _ in lines) + end).encode()
    file = tmp_path / f"fer2013{ending}"
    file.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    found = reasons_in(file)
    assert_reasons(found, {f"row {i:06d}": reason for i, (_, reason) in enumerate(lines)})


def test_a_csv_without_a_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_text("emotion,Usage\n3,Training\n")
    with pytest.raises(MienError, match="Expected a dataset"):
        read_dataset(tmp_path / "fer2013.csv")
    with pytest.raises(MienError, match="pixels is missing"):
        read_dataset(tmp_path / "fer2013.csv", layout="fer2013-csv")


class Pixels:
    """Stands for a network that is sure of nothing."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.full((len(X), 2), 0.5)


def test_predictions(folder: Path, expected: dict[str, object], landmarker: Path) -> None:
    bundle = Bundle("cnn", Pixels(), ("happy", "sad"), {}, {}, {"name": "litert"}, {}, {})
    found = predict_pictures(bundle, find_pictures([folder]), landmarker=landmarker)
    reasons = {Path(p.picture).relative_to(folder).as_posix(): p.reason for p in found}
    assert_reasons(reasons, expected)
