import numpy as np
import pytest

from mien.pipeline.datasets.pixel_text import parse_pixel_texts
from mien.pipeline.reasons import Reason


def write(face):
    return " ".join(map(str, face.ravel().tolist())).encode()


@pytest.fixture
def faces():
    faces = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    faces[0].ravel()[:256] = np.arange(256)
    return faces


def test_every_value_comes_back(faces):
    pixels, problems = parse_pixel_texts([write(face) for face in faces])
    np.testing.assert_array_equal(pixels, faces)
    assert pixels.dtype == np.uint8
    assert problems == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [(b" ", b"  "), (b" ", b"\t"), (b" 255 ", b" 0255 "), (b" 7 ", b" 007 ")],
)
def test_untidy_rows_mean_the_same(faces, old, new):
    texts = [write(face) for face in faces]
    texts[0] = texts[0].replace(old, new)
    pixels, problems = parse_pixel_texts(texts)
    np.testing.assert_array_equal(pixels, faces)
    assert problems == {}


@pytest.mark.parametrize(
    ("bad", "reason", "detail"),
    [
        (b"", Reason.WRONG_PIXEL_COUNT, "0 values"),
        (b"1 2 3", Reason.WRONG_PIXEL_COUNT, "3 values"),
        (b"0 " * 2305, Reason.WRONG_PIXEL_COUNT, "2305 values"),
        (b"0 " * 2303 + b"256", Reason.BAD_PIXEL_VALUE, "'256' as value 2304"),
        (b"0 -1 " + b"0 " * 2302, Reason.BAD_PIXEL_VALUE, "'-1' as value 2"),
        (b"0 1.5 " + b"0 " * 2302, Reason.BAD_PIXEL_VALUE, "'1.5' as value 2"),
        (b"x " + b"0 " * 2303, Reason.BAD_PIXEL_VALUE, "'x' as value 1"),
        (b"9" * 5000 + b" 0" * 2303, Reason.BAD_PIXEL_VALUE, "'99999999999999999999' as value 1"),
        (b"\xff\xfe " + b"0 " * 2303, Reason.BAD_PIXEL_VALUE, r"'\xff\xfe' as value 1"),
        (b"\0 " + b"0 " * 2303, Reason.BAD_PIXEL_VALUE, r"'\x00' as value 1"),
        (b"1000 " + b"0 " * 2303, Reason.BAD_PIXEL_VALUE, "'1000' as value 1"),
        (b"300" + b" 0" * 2303, Reason.BAD_PIXEL_VALUE, "'300' as value 1"),
        (b"0" + b" 0" * 2302 + b" 3,", Reason.BAD_PIXEL_VALUE, "'3,' as value 2304"),
    ],
)
def test_a_bad_row_leaves_the_others_alone(faces, bad, reason, detail):
    texts = [write(face) for face in faces]
    texts[3] = bad
    pixels, problems = parse_pixel_texts(texts)
    assert problems == {3: (reason, detail)}
    assert not pixels[3].any()
    kept = [0, 1, 2, 4]
    np.testing.assert_array_equal(pixels[kept], faces[kept])


def test_rows_whose_errors_cancel_out_are_both_found(faces):
    texts = [write(face) for face in faces]
    first, rest = texts[0].split(b" ", 1)
    texts[0], texts[1] = rest, first + b" " + texts[1]
    assert {i: p[1] for i, p in parse_pixel_texts(texts)[1].items()} == {
        0: "2303 values",
        1: "2305 values",
    }
