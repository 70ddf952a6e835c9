import gzip
import tracemalloc
import zipfile

import numpy as np
import pytest

from mien.errors import MienError
from mien.pipeline.datasets import pixel_csv, read_dataset
from mien.pipeline.faceset import ROW_COLUMNS
from mien.pipeline.reasons import PictureError, Reason

CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def test_all_classes_and_splits(csv_in_every_form, face_text):
    splits = ["Training"] * 5 + ["PublicTest", "PrivateTest"]
    lines = [f"{i},{face_text(10 * i)},{split}" for i, split in enumerate(splits)]
    faces = read_dataset(csv_in_every_form("emotion,pixels,Usage\n" + "\n".join(lines)))
    assert (faces.name, faces.layout) == ("FER2013", "fer2013-csv")
    assert tuple(faces.rows.columns) == ROW_COLUMNS
    assert (faces.rows.dtypes == "str").all()
    assert faces.rows["label"].tolist() == CLASSES
    assert faces.rows["split"].tolist() == splits
    assert faces.rows["picture"].tolist()[:2] == ["row 000000", "row 000001"]
    assert set(faces.rows["reason"]) == {""}
    assert [int(faces.pictures.read(i)[47, 47]) for i in range(7)] == [0, 10, 20, 30, 40, 50, 60]
    assert faces.pictures.read(0).shape == (48, 48)


def test_padded_columns_in_another_order(csv_in_every_form, face_text):
    text = f"emotion, Usage, pixels\r\n3,PublicTest,{face_text(5)}\r\n"
    faces = read_dataset(csv_in_every_form(text, "icml_face_data.csv"))
    assert faces.rows[["label", "split"]].to_numpy().tolist() == [["happy", "PublicTest"]]
    assert faces.pictures.read(0).max() == 5


def write(tmp_path, text, name="faces.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_windows_lines_blank_lines_quotes_and_byte_order_mark(tmp_path, face_text):
    text = (
        '\ufeff"emotion","pixels","Usage"\r\n\r\n'
        f'"0","{face_text(1)}","Training"\r\n   \r\n\r\n6,{face_text(2)},PublicTest'
    )
    faces = read_dataset(write(tmp_path, text))
    assert faces.rows["label"].tolist() == ["angry", "neutral"]
    assert faces.rows["split"].tolist() == ["Training", "PublicTest"]
    assert [int(faces.pictures.read(i).max()) for i in (0, 1)] == [1, 2]


def test_unusable_rows_stay_with_their_reason(tmp_path, face_text):
    lines = [
        f"0,{face_text(1)},Training",
        f"0,{face_text(1, 100)},Training",
        f"0,{face_text(256)},Training",
        f"0,{face_text('x')},Training",
        f"9,{face_text(1)},Training",
        f",{face_text(1)},Training",
        "5",
        f"9,{face_text(1, 2305)},Training",
        f"6,{face_text(3)},Training,more,fields",
    ]
    faces = read_dataset(write(tmp_path, "emotion,pixels,Usage\n" + "\n".join(lines)))
    assert faces.rows["reason"].tolist() == [
        "",
        Reason.WRONG_PIXEL_COUNT,
        Reason.BAD_PIXEL_VALUE,
        Reason.BAD_PIXEL_VALUE,
        Reason.UNKNOWN_LABEL,
        Reason.UNKNOWN_LABEL,
        Reason.WRONG_PIXEL_COUNT,
        Reason.WRONG_PIXEL_COUNT,
        "",
    ]
    assert faces.rows["label"].tolist() == ["angry"] * 4 + ["", "", "surprise", "", "neutral"]
    with pytest.raises(PictureError, match="100 values"):
        faces.pictures.read(1)
    assert faces.pictures.read(4).max() == 1
    assert faces.pictures.read(8).max() == 3


def test_more_rows_than_one_batch(tmp_path, face_text):
    lines = [f"{i % 7},{face_text(i % 256)},Training" for i in range(300)]
    lines[200] = "1,1 2 3,Training"
    faces = read_dataset(write(tmp_path, "emotion,pixels,Usage\n" + "\n".join(lines)))
    assert len(faces) == 300
    assert np.flatnonzero(faces.rows["reason"] != "").tolist() == [200]
    assert [int(faces.pictures.read(i).max()) for i in (127, 128, 199, 201, 299)] == [
        127,
        128,
        199,
        201,
        43,
    ]


def test_without_usage_there_are_no_splits_and_a_note(tmp_path, face_text):
    faces = read_dataset(write(tmp_path, f"emotion,pixels\n2,{face_text()}\n"))
    assert faces.rows["split"].tolist() == [""]
    assert "no Usage column" in faces.notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("emotion,pixels,Usage\n", "no rows"),
        ("emotion,pixels,Usage", "no rows"),
        ("emotion,Usage\n0,Training\n", "pixels is missing"),
        ("pixels,Usage\n0 0,Training\n", "emotion is missing"),
        ("a,b,c\n1,2,3\n", "emotion and pixels are missing"),
        ("", "emotion and pixels are missing"),
    ],
)
def test_no_fer2013(tmp_path, text, words):
    with pytest.raises(MienError, match=words):
        read_dataset(write(tmp_path, text), layout="fer2013-csv")


def test_a_gzip_file_cut_short(tmp_path, face_text):
    text = "emotion,pixels,Usage\n" + f"0,{face_text(7)},Training\n" * 50
    packed = gzip.compress(text.encode())
    with pytest.raises(MienError, match="cannot be read to its end"):
        read_dataset(write(tmp_path, packed[:-50], "fer2013.csv.gz"))


def test_a_line_that_hardly_ends_takes_no_memory_and_keeps_its_row(tmp_path, face_text):
    row = f"0,{face_text(7)},Training\n"
    text = f"emotion,pixels,Usage\n{row}1,{face_text(7)}{' ' * (1 << 25)},Training\n{row}"
    path = write(tmp_path, gzip.compress(text.encode()), "fer2013.csv.gz")
    tracemalloc.start()
    try:
        faces = read_dataset(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()
    assert faces.rows["reason"].tolist() == ["", Reason.WRONG_PIXEL_COUNT, ""]
    assert faces.rows["label"].tolist() == ["angry", "disgust", "angry"]
    assert [int(faces.pictures.read(i).max()) for i in (0, 2)] == [7, 7]
    with pytest.raises(PictureError, match="more than 65,536 bytes"):
        faces.pictures.read(1)


def test_a_line_that_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_csv, "_MOST_PIECES", 4)
    path = write(tmp_path, "emotion,pixels,Usage\n0," + "1 " * 200_000)
    with pytest.raises(MienError, match="cannot be read to its end: a line has more than"):
        read_dataset(path)


@pytest.mark.parametrize("line", ["0,,\n", "\n"])
def test_lines_without_number(tmp_path, monkeypatch, line):
    monkeypatch.setattr(pixel_csv, "MAX_LINES", 300)
    assert len(read_dataset(write(tmp_path, "emotion,pixels\n" + "0,,\n" * 300))) == 300
    with pytest.raises(MienError, match="at most 300 lines"):
        read_dataset(write(tmp_path, "emotion,pixels\n" + line * 301))


def test_a_zip_with_a_damaged_csv(tmp_path, face_text):
    path = tmp_path / "fer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fer2013.csv", f"emotion,pixels,Usage\n0,{face_text(7)},Training\n")
    path.write_bytes(path.read_bytes().replace(b"7 7 7", b"7 8 7", 1))
    with pytest.raises(MienError, match="cannot be read to its end"):
        read_dataset(path, layout="fer2013-csv")


def test_a_folder_of_two_csv_files_is_not_guessed_at(tmp_path, face_text):
    for name in ("a.csv", "b.csv"):
        write(tmp_path, f"emotion,pixels,Usage\n0,{face_text()},Training\n", name)
    with pytest.raises(MienError, match=r"a\.csv.*b\.csv"):
        read_dataset(tmp_path)


def test_reading_twice_gives_the_same(tmp_path, face_text):
    path = write(tmp_path, f"emotion,pixels,Usage\n0,{face_text(4)},Training\n")
    assert read_dataset(path).pictures.fingerprint() == read_dataset(path).pictures.fingerprint()
