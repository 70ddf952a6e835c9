"""The same picture gives the same pixels, in whatever form a program gives it."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.pipeline import picture_decoding, picture_inputs
from mien.pipeline.picture_inputs import is_picture, name_picture, read_picture, to_pictures
from mien.pipeline.reasons import PictureError

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
RGB = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (20, 30), dtype=np.uint16)
DEEP_RGB = RNG.integers(0, 65536, (20, 30, 3), dtype=np.uint16)
PICTURES = {"grey": GREY, "rgb": RGB, "rgba": RGBA, "deep": DEEP, "deep_rgb": DEEP_RGB}


def encode(pixels: np.ndarray) -> bytes:
    """Return a PNG, written from what OpenCV takes for blue, green, red."""
    swapped = pixels if pixels.ndim == 2 else pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    done, data = cv2.imencode(".png", swapped)
    assert done
    return data.tobytes()


def refuse(picture) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(picture)
    return str(caught.value.reason)


@pytest.mark.parametrize("name", PICTURES)
def test_every_form_of_a_picture_gives_the_same_pixels(name, tmp_path):
    pixels = PICTURES[name]
    data = encode(pixels)
    path = tmp_path / "x.png"
    path.write_bytes(data)
    expected = read_picture(path)
    assert expected.shape == ((20, 30) if pixels.ndim == 2 else (20, 30, 3))
    forms = [pixels, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)]
    if pixels.dtype == np.uint8 or pixels.ndim == 2:
        forms.append(Image.open(path))
    for form in forms:
        found = read_picture(form)
        np.testing.assert_array_equal(found, expected)
        assert (found.dtype, found.flags.c_contiguous) == (np.uint8, True)
    with path.open("rb") as file:
        np.testing.assert_array_equal(read_picture(file), expected)


def test_red_comes_first():
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 0] = 255
    assert read_picture(red)[0, 0].tolist() == [255, 0, 0]
    np.testing.assert_array_equal(read_picture(encode(red)), red)


def test_opacity_is_laid_over_white():
    half = np.zeros((16, 16, 4), np.uint8)
    half[:, :, 3] = 51
    assert read_picture(half)[0, 0].tolist() == [204, 204, 204]
    half[:, :, 3] = 255
    assert read_picture(half)[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([False, True]), [0, 255]),
        (np.array([0.0, 0.5, 1.0], np.float32), [0, 128, 255]),
        (np.array([0.0, 0.25, 1.0], np.float64), [0, 64, 255]),
        (np.array([0, 128, 129, 65535], np.uint16), [0, 0, 1, 255]),
        (np.array([0, 128, 129, 65535], ">u2"), [0, 0, 1, 255]),
        (np.array([3, 250], np.uint8), [3, 250]),
    ],
)
def test_values_of_each_type(values, expected):
    found = read_picture(np.resize(values, (16, len(values) * 8)))
    assert found[0, : len(expected)].tolist() == expected


@pytest.mark.parametrize(
    "values", [np.nan, np.inf, -0.1, 1.01, 255.0], ids=["nan", "infinity", "below", "above", "255"]
)
def test_floats_out_of_their_range_are_a_reason(values):
    pixels = np.full((20, 20), 0.5)
    pixels[3, 4] = values
    assert refuse(pixels) == "bad_pixel_value"


@pytest.mark.parametrize("shape", [(0, 0), (0, 20), (15, 100), (100, 15, 3), (0, 0, 3)])
def test_too_small_and_empty_arrays_are_a_reason(shape):
    assert refuse(np.zeros(shape, np.uint8)) == "too_small"


def test_an_array_has_the_bounds_of_a_file(monkeypatch):
    monkeypatch.setattr(picture_decoding, "MAX_PIXELS", 500)
    assert refuse(np.zeros((20, 30), np.uint8)) == "too_large"
    monkeypatch.setattr(picture_inputs, "MAX_FILE_BYTES", 10)
    assert refuse(encode(GREY)) == "too_large"
    assert refuse(io.BytesIO(encode(GREY))) == "too_large"


def test_a_stream_is_not_read_on_for_ever(monkeypatch):
    class Endless:
        pieces = 0

        def read(self, size=-1):
            self.pieces += 1
            assert self.pieces < 5
            return b"\x89PNG\r\n\x1a\n" + bytes(size)

    monkeypatch.setattr(picture_inputs, "MAX_FILE_BYTES", 1 << 20)
    assert refuse(Endless()) == "too_large"


@pytest.mark.parametrize("data", [b"", b"no picture", encode(RGB)[:200]])
def test_bytes_of_something_else_are_a_reason(data):
    assert refuse(data) == "unreadable"
    assert refuse(io.BytesIO(data)) == "unreadable"


def test_a_stream_or_a_pil_image_that_breaks_is_a_reason():
    class Broken:
        def read(self, _=-1):
            raise OSError("connection lost")

    assert refuse(Broken()) == "unreadable"
    jpeg = io.BytesIO()
    Image.fromarray(np.tile(RGB, (8, 8, 1))).save(jpeg, "JPEG")
    cut = io.BytesIO(jpeg.getvalue()[:2000])
    assert refuse(Image.open(cut)) == "unreadable"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_every_mode_of_pil_is_the_picture_it_shows(mode):
    if mode == "PA":
        image = Image.fromarray(RGB).convert("P").convert("PA")
    else:
        image = Image.fromarray(RGB).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    found = read_picture(image)
    colour = found if found.ndim == 3 else np.stack([found] * 3, axis=2)
    np.testing.assert_array_equal(colour, expected)


def test_a_palettes_transparent_colour_is_white():
    image = Image.fromarray(np.zeros((16, 16), np.uint8), "L").convert("P")
    image.info["transparency"] = 0
    assert read_picture(image).min() == 255


@pytest.mark.parametrize("shape", [(300,), (20, 20, 2), (3, 20, 20), (2, 20, 20, 3), ()])
def test_another_shape_is_refused(shape):
    with pytest.raises(MienError, match=r"Expected pixels of the shape \(height, width\)"):
        read_picture(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint32, np.complex64, object])
def test_another_type_of_number_is_refused(dtype):
    with pytest.raises(MienError, match=r"Expected pixels of uint8, uint16, bool or float, got "):
        read_picture(np.zeros((20, 20), dtype))


def test_a_file_opened_as_text_is_refused():
    with pytest.raises(MienError, match="A file that gives A str is no picture"):
        read_picture(io.StringIO("text"))


@given(st.integers(1, 3), st.integers(1, 3), st.booleans(), st.booleans())
def test_views_give_what_their_copies_give(down, across, upside, colour):
    base = np.tile(RGB if colour else GREY, (3, 3, 1) if colour else (3, 3))
    view = base[::down, ::across][:: -1 if upside else 1]
    view.flags.writeable = False
    np.testing.assert_array_equal(read_picture(view), view.copy())


@pytest.mark.parametrize("pixels", PICTURES.values(), ids=PICTURES)
def test_what_is_given_is_not_changed(pixels):
    before = pixels.copy()
    read_picture(pixels)
    np.testing.assert_array_equal(pixels, before)


def test_one_and_several_are_told_apart(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(encode(GREY))
    for one in (path, str(path), b"", io.BytesIO(), GREY, Image.fromarray(GREY)):
        assert is_picture(one)
        assert to_pictures(one)[1] is True
    assert to_pictures([path, GREY])[1] is False
    assert to_pictures(iter([path]))[0] == [path]
    assert to_pictures([]) == ([], False)


@pytest.mark.parametrize("given", [None, 5, [None], [[1, 2], [3, 4]], {"a": 1}])
def test_what_is_no_picture_is_refused(given):
    with pytest.raises(MienError, match=r"is no picture|There is no file"):
        to_pictures(given)


def test_a_path_must_lead_to_a_file(tmp_path):
    with pytest.raises(MienError, match="There is no file"):
        to_pictures(tmp_path / "none.png")
    with pytest.raises(MienError, match="is a folder, not a picture"):
        to_pictures([tmp_path])


def test_only_paths_have_a_name():
    assert name_picture(Path("a/b.png")) == "a/b.png"
    assert name_picture("b.png") == "b.png"
    assert name_picture(b"b.png") == ""
    assert name_picture(GREY) == ""
