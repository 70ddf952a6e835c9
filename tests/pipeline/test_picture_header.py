import struct

import cv2
import numpy as np
import pytest

from mien.pipeline.picture_header import read_header_size

FORMATS = [".png", ".jpg", ".bmp", ".gif", ".webp", ".tiff", ".jp2", ".avif"]


def encode(ending, pixels):
    done, data = cv2.imencode(ending, pixels)
    assert done
    return data.tobytes()


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 255, (40, 72, 3), dtype=np.uint8)


@pytest.mark.parametrize("ending", FORMATS)
def test_size_is_width_then_height(ending, pixels):
    assert read_header_size(encode(ending, pixels)) == (72, 40)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_header_cut_anywhere_never_gives_another_size(ending, pixels):
    data = encode(ending, pixels)
    assert {read_header_size(data[:length]) for length in range(400)} <= {None, (72, 40)}


def test_lossy_webp(pixels):
    done, data = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 50])
    assert done
    assert read_header_size(data.tobytes()) == (72, 40)


def test_webp_with_transparency(pixels):
    assert read_header_size(encode(".webp", np.dstack([pixels, pixels[:, :, 0]]))) == (72, 40)


def test_big_endian_tiff():
    entries = struct.pack(">HHIHH", 256, 3, 1, 72, 0) + struct.pack(">HHII", 257, 4, 1, 40)
    data = b"MM\0*" + struct.pack(">IH", 8, 2) + entries
    assert read_header_size(data) == (72, 40)


def test_top_down_and_old_bmp():
    new = b"BM" + bytes(12) + struct.pack("<Iii", 40, 72, -40)
    old = b"BM" + bytes(12) + struct.pack("<IHH", 12, 72, 40)
    assert read_header_size(new) == read_header_size(old) == (72, 40)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\xff\xd8", b"\xff\xd8\0\0", b"\x89PNG\r\n\x1a\n"]
)
def test_anything_else_has_no_size(data):
    assert read_header_size(data) is None
