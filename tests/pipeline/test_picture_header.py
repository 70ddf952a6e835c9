import struct

import cv2
import numpy as np
import pytest

from mien.pipeline.picture_header import read_header_size, starts_like_picture

FORMATS = [".png", ".jpg", ".bmp", ".gif", ".webp", ".tiff", ".jp2", ".avif", ".ppm"]


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


@pytest.mark.parametrize("ending", FORMATS)
def test_few_bytes_tell_a_picture(ending, pixels):
    assert starts_like_picture(encode(ending, pixels)[:16])


@pytest.mark.parametrize("data", [b"", b"P", b"P7\n", b"PK\3\4", bytes(16), b"<html>", b"\xff"])
def test_few_bytes_tell_what_is_none(data):
    assert not starts_like_picture(data)


def test_bytes_between_the_segments_of_a_jpeg(pixels):
    data = encode(".jpg", pixels)
    assert read_header_size(data[:20] + b"\0\1\2" + data[20:]) == (72, 40)


def test_comments_in_a_pgm():
    assert read_header_size(b"P2 # 9 9\n# \n72\n#x\n 40\n255\n0 0") == (72, 40)


def test_the_largest_size_in_an_avif(pixels):
    data = encode(".avif", pixels)
    thumbnail = struct.pack(">I4sIII", 20, b"ispe", 0, 16, 16)
    assert read_header_size(data[:32] + thumbnail + data[32:]) == (72, 40)


def test_a_bare_jpeg_2000_stream(pixels):
    data = encode(".jp2", pixels)
    assert read_header_size(data[data.index(b"\xff\x4f\xff\x51") :]) == (72, 40)


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
