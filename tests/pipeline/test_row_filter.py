import cv2
import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.pipeline.datasets import read_dataset
from mien.pipeline.parts import hash_pixels
from mien.pipeline.reasons import Reason
from mien.pipeline.row_filter import filter_faceset, read_filter, write_filter


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "keep.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def dataset(crops, make_dataset):
    return make_dataset(crops, problems={5: (Reason.UNREADABLE, "")})


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "deep" / "keep.csv"
    write_filter(path, ["a,b", "ü"], np.array([True, False]), ["", "blurred;no_face"], ["1", ""])
    table = pd.read_csv(path)
    assert table["keep"].tolist() == [True, False]
    found = read_filter(path)
    assert found.match(["ü", "a,b"]).tolist() == [False, True]
    assert found.rows["reasons"].tolist() == ["", "blurred;no_face"]


@pytest.mark.parametrize("yes", ["True", "true", "1", "yes", " TRUE "])
def test_a_filter_by_hand_needs_two_columns(write, yes):
    found = read_filter(write(f"\ufeffpicture,keep\na,{yes}\nb,no\nNA,0\n"))
    assert found.match(["a", "b", "NA"]).tolist() == [True, False, False]
    found.check_hashes(["a"], ["anything"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("picture,reasons\na,\n", "has no column keep; it has: picture, reasons"),
        ("a;b\n1;2\n", "has no column picture and no column keep"),
        ("picture,keep\na,maybe\n", "says 'maybe' in the column keep"),
        ("picture,keep\na,1\na,0\n", "names the picture 'a' twice"),
        ("", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(write, text, message):
    with pytest.raises(MienError, match=message):
        read_filter(write(text))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(MienError, match="cannot be read"):
        read_filter(tmp_path / "none.csv")


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MienError, match="cannot be written"):
        write_filter(tmp_path / "file" / "keep.csv", [], np.array([], bool), [], [])


def test_unknown_pictures_are_counted(write):
    found = read_filter(write("picture,keep\na,1\n"))
    with pytest.raises(MienError, match="does not know 2 of 3 pictures, for example 'b'"):
        found.match(["a", "b", "c"])


def test_a_filter_that_leaves_nothing_is_refused(write):
    with pytest.raises(MienError, match="keeps none of the 1 pictures"):
        read_filter(write("picture,keep\na,0\nb,1\n")).match(["a"])


def test_the_note_counts_reasons(write):
    found = read_filter(write("picture,keep,reasons\na,1,blurred\nb,0,blurred;x\nc,0,x\nd,0,\n"))
    assert found.describe(["a", "b", "c", "d"]) == (
        "Left out by the filter keep.csv: 3 of 4 pictures (x 2, blurred 1)."
    )
    assert found.describe(["a", "b"]) == (
        "Left out by the filter keep.csv: 1 of 2 pictures (blurred 1, x 1; one can have several "
        "reasons)."
    )
    assert found.describe(["d"]).endswith("1 of 1 pictures.")


def test_a_dataset_keeps_what_the_filter_keeps(dataset, crops, tmp_path):
    keep = np.array([True, False, True, True, False, True])
    hashes = [hash_pixels(crop) for crop in crops]
    path = tmp_path / "keep.csv"
    write_filter(path, dataset.rows["picture"].tolist(), keep, [""] * 6, hashes)
    kept = filter_faceset(dataset, read_filter(path))
    assert kept.rows["picture"].tolist() == ["row_0", "row_2", "row_3", "row_5"]
    assert (kept.pictures.read(1) == crops[2]).all()
    assert kept.notes == (
        "Made up.", "Left out by the filter keep.csv: 2 of 6 pictures.",
    )  # fmt: skip


def test_a_dataset_of_other_pixels_is_refused(dataset, tmp_path):
    path = tmp_path / "keep.csv"
    write_filter(path, dataset.rows["picture"].tolist(), np.ones(6, bool), [""] * 6, ["0" * 32] * 6)
    with pytest.raises(MienError, match="'row_0' has other pixels here"):
        filter_faceset(dataset, read_filter(path))


def test_a_dataset_is_filtered_before_it_is_limited(tmp_path, crops, write):
    source = tmp_path / "faces"
    for label in ("happy", "sad"):
        (source / label).mkdir(parents=True)
        for i in range(4):
            cv2.imwrite(str(source / label / f"{i}.png"), crops[i])
    names = read_dataset(source).rows["picture"]
    lines = "".join(f"{name},{i % 2}\n" for i, name in enumerate(names))
    chosen = read_filter(write("picture,keep\n" + lines))
    kept = read_dataset(source, row_filter=chosen, limit=4)
    assert kept.rows["picture"].tolist() == names[1::2].tolist()
