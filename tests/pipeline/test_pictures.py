import os
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import cv2
import numpy as np
import pytest

from mien.pipeline import picture_decoding, pictures
from mien.pipeline.pictures import (
    ArrayPictures,
    FilePictures,
    ZipPictures,
    decode_picture,
    is_picture_name,
)
from mien.pipeline.reasons import PictureError, Reason


def encode(ending, pixels):
    done, data = cv2.imencode(ending, pixels)
    assert done
    return data.tobytes()


def reason_of(data):
    with pytest.raises(PictureError) as caught:
        decode_picture(data)
    return caught.value.reason


def png_chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def insert_after_header(png, chunk):
    return png[:33] + chunk + png[33:]


def exif(orientation):
    """A TIFF block with one entry, tag 0x0112."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def make_cmyk_jpeg(**ink):
    """Sixteen pixels square, one colour, as Adobe writes it: 255 is no ink."""

    def segment(marker, content):
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content

    planes = b"".join(bytes([number, 0x11, 0]) for number in range(4))
    scans = b"".join(bytes([number, 0]) for number in range(4))
    first = "".join(encode_first_block(255 - value) for value in ink.values())
    bits = first + 3 * 4 * "00000"  # three blocks more: no difference, end of block
    bits += "1" * (-len(bits) % 8)
    return b"".join(
        [
            b"\xff\xd8" + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0"),
            segment(0xDB, b"\0" + b"\x08" * 64),
            segment(0xC0, struct.pack(">BHHB", 8, 16, 16, 4) + planes),
            segment(0xC4, b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))),
            segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0"),
            segment(0xDA, b"\x04" + scans + b"\0\x3f\0"),
            int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0") + b"\xff\xd9",
        ]
    )


def encode_first_block(value):
    """Category in four bits, the level's difference from 128 in that many, end of block."""
    level = value - 128
    category = abs(level).bit_length()
    digits = level if level > 0 else level + (1 << category) - 1
    return f"{category:04b}" + (f"{digits:0{category}b}" if category else "") + "0"


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 255, (40, 72, 3), dtype=np.uint8)


@pytest.fixture
def corner():
    """Black, with the top left quarter white."""
    grey = np.zeros((32, 64), np.uint8)
    grey[:16, :32] = 255
    return grey


class TestDecoding:
    def test_colour_is_rgb(self):
        blue_first = np.zeros((20, 30, 3), np.uint8)
        blue_first[:] = (10, 20, 30)
        pixels = decode_picture(encode(".png", blue_first))
        assert pixels.shape == (20, 30, 3)
        assert pixels[0, 0].tolist() == [30, 20, 10]

    def test_grey_stays_grey(self, corner):
        pixels = decode_picture(encode(".png", corner))
        np.testing.assert_array_equal(pixels, corner)

    @pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".gif", ".webp", ".tiff"])
    def test_every_format_gives_contiguous_bytes(self, ending, noise):
        pixels = decode_picture(encode(ending, noise))
        assert pixels.shape == (40, 72, 3)
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous

    def test_sixteen_bits_are_scaled(self):
        wide = np.full((16, 16), 65535, np.uint16)
        wide[0, :4] = [0, 257, 257 * 100, 257 * 100 + 129]
        pixels = decode_picture(encode(".png", wide))
        assert pixels.dtype == np.uint8
        assert pixels[0, :5].tolist() == [0, 1, 100, 101, 255]

    def test_transparent_is_white_and_half_is_between(self):
        layered = np.zeros((16, 16, 4), np.uint8)
        layered[:, :, 2] = 200
        layered[0, 0, 3], layered[0, 1, 3], layered[0, 2, 3] = 0, 255, 51
        pixels = decode_picture(encode(".png", layered))
        assert pixels[0, 0].tolist() == [255, 255, 255]
        assert pixels[0, 1].tolist() == [200, 0, 0]
        assert pixels[0, 2].tolist() == [244, 204, 204]  # 0.2 * (200, 0, 0) + 0.8 * white

    def test_exif_orientation_in_jpeg(self, corner):
        jpeg = encode(".jpg", corner)
        block = b"Exif\0\0" + exif(6)
        turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]
        pixels = decode_picture(turned)  # 6: to be turned clockwise by a quarter
        assert pixels.shape == (64, 32)
        assert pixels[:32, 16:].mean() > 240
        assert pixels[32:].mean() < 15

    def test_exif_orientation_in_png(self, corner):
        turned = insert_after_header(encode(".png", corner), png_chunk(b"eXIf", exif(3)))
        np.testing.assert_array_equal(decode_picture(turned), corner[::-1, ::-1])

    def test_one_bit_png(self):
        head = struct.pack(">IIBBBBB", 16, 16, 1, 0, 0, 0, 0)
        lines = zlib.compress(b"\0\xf0\x0f" * 16)
        data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", lines)
        pixels = decode_picture(data + png_chunk(b"IEND", b""))
        assert pixels[5].tolist() == [255] * 4 + [0] * 8 + [255] * 4

    def test_palette_png(self):
        head = struct.pack(">IIBBBBB", 16, 16, 8, 3, 0, 0, 0)
        lines = zlib.compress((b"\0" + bytes([0, 1] * 8)) * 16)
        data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head)
        data += png_chunk(b"PLTE", bytes([9, 8, 7, 1, 2, 3])) + png_chunk(b"IDAT", lines)
        pixels = decode_picture(data + png_chunk(b"IEND", b""))
        assert pixels[0, :2].tolist() == [[9, 8, 7], [1, 2, 3]]

    def test_sixteen_pixels_are_enough_and_fifteen_are_not(self):
        assert decode_picture(encode(".png", np.zeros((16, 16), np.uint8))).shape == (16, 16)
        assert reason_of(encode(".png", np.zeros((15, 40), np.uint8))) == Reason.TOO_SMALL
        assert reason_of(encode(".pgm", np.zeros((40, 15), np.uint8))) == Reason.TOO_SMALL

    def test_too_large_is_seen_before_decoding(self):
        head = struct.pack(">IIBBBBB", 10_001, 10_000, 8, 0, 0, 0, 0)
        without_pixels = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head)
        assert reason_of(without_pixels) == Reason.TOO_LARGE

    @pytest.mark.parametrize("ending", [".gif", ".png", ".webp"])
    def test_the_first_frame_of_an_animation(self, ending, corner):
        first = np.dstack([corner] * 3)
        animation = cv2.Animation()
        animation.frames, animation.durations = [first, 255 - first], [100, 100]
        done, data = cv2.imencodeanimation(ending, animation)
        assert done
        pixels = decode_picture(data.tobytes()).reshape(32, 64, -1)
        np.testing.assert_array_equal(pixels[:, :, 0] > 127, corner > 127)

    def test_cmyk_jpeg_is_rgb(self):
        pixels = decode_picture(make_cmyk_jpeg(cyan=50, magenta=100, yellow=150, black=0))
        assert pixels.shape == (16, 16, 3)
        assert np.abs(pixels.astype(int) - (205, 155, 105)).max() <= 2

    @pytest.mark.parametrize("kind", [np.uint8, np.uint16])
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_strips_are_no_longer_seen(self, kind, channels, monkeypatch):
        levels = np.iinfo(kind).max + 1
        pixels = np.random.default_rng(0).integers(0, levels, (40, 72, channels), dtype=kind)
        data = encode(".png", pixels)
        whole = decode_picture(data)
        monkeypatch.setattr(picture_decoding, "_STRIP_PIXELS", 72 * 7)
        np.testing.assert_array_equal(decode_picture(data), whole)

    @pytest.mark.parametrize("ending", [".hdr", ".pfm", ".ras", ".pam"])
    def test_a_format_whose_size_cannot_be_told_beforehand(self, ending, noise):
        kind = np.float32 if ending in (".hdr", ".pfm") else np.uint8
        assert reason_of(encode(ending, noise.astype(kind))) == Reason.UNREADABLE

    def test_a_second_header_in_a_png(self, corner, capfd):
        png = encode(".png", corner)
        head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
        assert reason_of(insert_after_header(png, png_chunk(b"IHDR", head))) == Reason.UNREADABLE
        assert capfd.readouterr() == ("", "")

    def test_floating_point_is_refused(self):
        assert reason_of(encode(".tiff", np.ones((20, 20), np.float32))) == Reason.UNREADABLE


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".gif", ".webp", ".tiff"])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_cut_short_is_unreadable_and_silent(ending, share, noise, capfd):
    data = encode(ending, noise)
    assert reason_of(data[: int(len(data) * share)]) == Reason.UNREADABLE
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("data", [b"", b"\0" * 1000, b"not a picture" * 50, b"\xff\xd8\xff"])
def test_no_picture_at_all(data, capfd):
    assert reason_of(data) == Reason.UNREADABLE
    assert capfd.readouterr() == ("", "")


def test_damaged_png_is_unreadable_and_silent(noise, capfd):
    data = bytearray(encode(".png", noise))
    data[len(data) // 2] ^= 0x55
    assert reason_of(bytes(data)) == Reason.UNREADABLE
    assert capfd.readouterr() == ("", "")


def test_a_broken_colour_profile_does_not_matter(corner, capfd):
    data = insert_after_header(encode(".png", corner), png_chunk(b"iCCP", b"x\0\0nonsense"))
    np.testing.assert_array_equal(decode_picture(data), corner)
    assert capfd.readouterr() == ("", "")


def test_opencv_logs_as_before_after_decoding():
    before = cv2.utils.logging.getLogLevel()
    reason_of(b"nothing")
    assert cv2.utils.logging.getLogLevel() == before


def test_picture_names():
    assert all(map(is_picture_name, ["a.jpg", "A.JPEG", "x.y.png", "b c.WebP", "<script>.bmp"]))
    assert not any(map(is_picture_name, ["Thumbs.db", "a.txt", "jpg", ".png", "a.jpg.txt", ""]))


class TestArrayPictures:
    def test_reads_copies_and_problems(self):
        array = np.arange(3 * 48 * 48, dtype=np.uint8).reshape(3, 48, 48)
        source = ArrayPictures(array, {1: (Reason.BAD_PIXEL_VALUE, "'x' as value 3")})
        np.testing.assert_array_equal(source.read(2), array[2])
        source.read(2)[:] = 0
        np.testing.assert_array_equal(source.read(2), array[2])
        with pytest.raises(PictureError) as caught:
            source.read(1)
        assert (caught.value.reason, caught.value.detail) == ("bad_pixel_value", "'x' as value 3")

    def test_subset_moves_problems_and_is_small(self):
        array = np.zeros((500, 48, 48), np.uint8)
        array[7] = 77
        source = ArrayPictures(array, {3: (Reason.WRONG_PIXEL_COUNT, "")}).subset([7, 3])
        assert source.read(0).min() == 77
        assert source.problems == {1: (Reason.WRONG_PIXEL_COUNT, "")}
        assert len(pickle.dumps(source)) < 3 * 48 * 48

    def test_fingerprint_follows_content(self):
        array = np.zeros((2, 48, 48), np.uint8)
        same = ArrayPictures(array.copy()).fingerprint()
        assert ArrayPictures(array).fingerprint() == same
        assert len(same) == 64
        assert ArrayPictures(array, {0: (Reason.WRONG_PIXEL_COUNT, "")}).fingerprint() != same
        array[1, 5, 5] = 1
        assert ArrayPictures(array).fingerprint() != same
        assert ArrayPictures(np.zeros((0, 48, 48), np.uint8)).fingerprint() != same


NAMES = ["a b/ü.png", "a b/<script>.png", "line\nbreak.png", "bad.png"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a b").mkdir()
    for value, name in enumerate(NAMES[:3]):
        (tmp_path / name).write_bytes(encode(".png", np.full((20, 20), 50 * value, np.uint8)))
    (tmp_path / "bad.png").write_bytes(b"")
    return tmp_path


@pytest.fixture
def archive(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("zip") / "pictures.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in NAMES:
            file.write(folder / name, name)
    return path


@pytest.fixture(params=["folder", "archive"])
def source(request, folder, archive):
    return FilePictures(folder, NAMES) if request.param == "folder" else ZipPictures(archive, NAMES)


class TestFilesAndArchives:
    def test_reads_by_position(self, source):
        assert [int(source.read(i).max()) for i in range(3)] == [0, 50, 100]
        with pytest.raises(PictureError, match="unreadable"):
            source.read(3)

    def test_subset_survives_pickling(self, source):
        source.read(0)
        part = pickle.loads(pickle.dumps(source.subset([2, 0])))
        assert [int(part.read(i).max()) for i in range(2)] == [100, 0]
        assert len(pickle.dumps(source.subset([0]))) < 1000

    def test_fingerprint_depends_on_the_pictures_chosen(self, source):
        assert source.fingerprint() == source.subset(range(4)).fingerprint()
        assert source.fingerprint() != source.subset([0, 1]).fingerprint()
        assert source.fingerprint() != source.subset([1, 0, 2, 3]).fingerprint()

    def test_too_big_a_file(self, source, monkeypatch):
        monkeypatch.setattr(pictures, "MAX_FILE_BYTES", 10)
        with pytest.raises(PictureError, match="too_large"):
            source.read(0)


class TestFilePictures:
    def test_fingerprint_follows_size_and_time_not_place(self, folder, tmp_path_factory):
        before = FilePictures(folder, NAMES).fingerprint()
        os.utime(folder / NAMES[0], ns=(1, 1))
        assert FilePictures(folder, NAMES).fingerprint() != before
        moved = tmp_path_factory.mktemp("moved") / "there"
        after = FilePictures(folder, NAMES).fingerprint()
        folder.rename(moved)
        assert FilePictures(moved, NAMES).fingerprint() == after

    @pytest.mark.parametrize("name", ["gone.png", "a b", "pipe.png", "nul\0.png"])
    def test_what_is_no_file_is_unreadable(self, folder, name):
        os.mkfifo(folder / "pipe.png")
        with pytest.raises(PictureError, match="unreadable"):
            FilePictures(folder, [name]).read(0)
        assert len(FilePictures(folder, [name]).fingerprint()) == 64


class TestZipPictures:
    def test_nothing_is_unpacked(self, archive):
        before = sorted(archive.parent.iterdir())
        ZipPictures(archive, NAMES).read(0)
        assert sorted(archive.parent.iterdir()) == before

    def test_fingerprint_follows_content(self, archive, tmp_path):
        other = tmp_path / "other.zip"
        with zipfile.ZipFile(other, "w") as file:
            for name in NAMES:
                file.writestr(name, b"" if name == "bad.png" else encode(".png", np.ones((20, 20))))
        assert ZipPictures(other, NAMES).fingerprint() != ZipPictures(archive, NAMES).fingerprint()

    def test_a_replaced_archive_is_read_anew(self, archive):
        assert ZipPictures(archive, NAMES[:1]).read(0).max() == 0
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(NAMES[0], encode(".png", np.full((20, 20), 9, np.uint8)))
        assert ZipPictures(archive, NAMES[:1]).read(0).max() == 9

    def test_missing_member_and_damage(self, archive):
        with pytest.raises(PictureError, match="unreadable"):
            ZipPictures(archive, ["gone.png"]).read(0)
        data = bytearray(archive.read_bytes())
        start = data.index(b"\x89PNG") if b"\x89PNG" in data else 60
        data[start] ^= 0xFF
        archive.write_bytes(data)
        with pytest.raises(PictureError, match="unreadable"):
            ZipPictures(archive, NAMES[:1]).read(0)

    @pytest.mark.parametrize("honest", [True, False])
    def test_a_bomb_takes_no_memory(self, tmp_path, corner, honest):
        """Honest about its size, but no picture; or a picture with more than it tells."""
        start = b"" if honest else encode(".png", corner)
        with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("bomb.png", start + bytes(1 << 26))
            if not honest:
                file.getinfo("bomb.png").file_size = len(start)
        tracemalloc.start()
        try:
            with pytest.raises(PictureError, match="unreadable"):
                ZipPictures(tmp_path / "bomb.zip", ["bomb.png"]).read(0)
            assert tracemalloc.get_traced_memory()[1] < 1 << 23
        finally:
            tracemalloc.stop()

    def test_an_encrypted_member(self, archive):
        data = bytearray(archive.read_bytes())
        for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            data[data.index(mark) + place] |= 1
        archive.write_bytes(data)
        with pytest.raises(PictureError, match="password"):
            ZipPictures(archive, NAMES[:1]).read(0)

    def test_an_archive_that_is_gone(self, tmp_path):
        with pytest.raises(PictureError, match="unreadable"):
            ZipPictures(tmp_path / "gone.zip", ["a.png"]).read(0)
