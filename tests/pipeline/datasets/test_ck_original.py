import numpy as np
import pytest

from mien.errors import MienError
from mien.pipeline.datasets import read_dataset
from mien.pipeline.datasets.ck_original import read_ck_landmarks

IMAGES = "extended-cohn-kanade-images/cohn-kanade-images"
LABELS = "Emotion_labels/Emotion"


def frames(sequence, number, folder=IMAGES):
    subject, _, part = sequence.partition("_")
    return {f"{folder}/{subject}/{part}/{sequence}_{i:08d}.png": None for i in range(1, number + 1)}


def emotion(sequence, text, number=5, folder=LABELS):
    subject, _, part = sequence.partition("_")
    return {f"{folder}/{subject}/{part}/{sequence}_{number:08d}_emotion.txt": text}


@pytest.fixture
def release():
    return {
        **frames("S010_004", 5),
        **frames("S010_006", 2),
        **frames("S011_001", 4),
        **emotion("S010_004", "   1.0000000e+00\n"),
        **emotion("S010_006", "   5.0000000e+00", 2),
        "README.txt": "not to be redistributed",
    }


def test_the_last_three_frames_carry_the_label(write_tree, in_every_form, release):
    source, prefix = in_every_form(write_tree(release))
    faces = read_dataset(source)
    assert (faces.name, faces.layout) == ("CK+", "ck-original")
    assert faces.rows["picture"].tolist() == [
        *(f"{prefix}{IMAGES}/S010/004/S010_004_{i:08d}.png" for i in (3, 4, 5)),
        *(f"{prefix}{IMAGES}/S010/006/S010_006_{i:08d}.png" for i in (1, 2)),
    ]
    assert faces.rows["label"].tolist() == ["angry"] * 3 + ["happy"] * 2
    assert faces.rows["subject"].tolist() == ["S010"] * 5
    assert faces.rows["sequence"].tolist() == ["S010_004"] * 3 + ["S010_006"] * 2
    assert "Left out, having no emotion file: 1 sequence of 3." in faces.notes
    assert [int(faces.pictures.read(i).max()) for i in (0, 4)] == [2, 6]


def test_the_plain_folder_names(write_tree):
    files = {
        **frames("S005_001", 3, "cohn-kanade-images"),
        **emotion("S005_001", "3", folder="Emotion"),
    }
    faces = read_dataset(write_tree(files), peak_frames=1)
    assert faces.rows["label"].tolist() == ["disgust"]


def test_first_frame_as_neutral_unless_it_is_a_peak(write_tree, release):
    faces = read_dataset(write_tree(release), peak_frames=2, neutral_first=True)
    assert faces.rows["label"].tolist() == ["neutral", "angry", "angry", "happy", "happy"]
    assert faces.rows["picture"][0].endswith("S010_004_00000001.png")
    assert len(set(faces.rows["picture"])) == 5


def test_every_code(write_tree):
    names = ["neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"]
    files = {}
    for code in range(8):
        files |= frames(f"S00{code}_001", 1) | emotion(f"S00{code}_001", f"  {code}.0000000e+00\n")
    assert read_dataset(write_tree(files)).rows["label"].tolist() == names


@pytest.mark.parametrize("text", ["", "happy", "8.0", "-1", "1.5", "nan", "inf", "ü"])
def test_an_unknown_code_keeps_the_frames_with_a_reason(write_tree, release, text):
    release |= emotion("S010_006", text, 2)
    rows = read_dataset(write_tree(release)).rows
    assert rows["label"].tolist() == ["angry"] * 3 + ["", ""]
    assert rows["reason"].tolist() == [""] * 3 + ["unknown_label"] * 2


def test_a_second_copy_of_the_frames_counts_once(write_tree, release):
    faces = read_dataset(write_tree(release | frames("S010_004", 5, "zz copy")))
    assert len(faces) == 5
    assert not faces.rows["picture"].str.contains("zz copy").any()
    assert any("or a second copy: 5 pictures, 'zz copy/" in note for note in faces.notes)


def test_frames_are_ordered_by_number(write_tree):
    files = {f"i/S010/001/S010_001_{number}.png": None for number in ("10", "9", "8")}
    files |= emotion("S010_001", "1", 10)
    faces = read_dataset(write_tree(files), peak_frames=1)
    assert faces.rows["picture"].tolist() == ["i/S010/001/S010_001_10.png"]


def test_without_emotion_files(write_tree):
    with pytest.raises(MienError, match="none of its 1 sequence has one"):
        read_dataset(write_tree(frames("S010_004", 3)))


def test_emotion_files_without_pictures_are_counted(write_tree, release):
    faces = read_dataset(write_tree(release | emotion("S099_001", "1")))
    assert any("1 emotion file, 'S099_001'" in note for note in faces.notes)


def test_no_peak_frames_makes_no_sense(write_tree, release):
    with pytest.raises(MienError, match="at least 1 peak frame"):
        read_dataset(write_tree(release), peak_frames=0)


def test_named_but_not_there(write_tree):
    with pytest.raises(MienError, match="Expected sequences like"):
        read_dataset(write_tree(["a/x.png", "b/y.png"]), layout="ck-original")


class TestLandmarks:
    def test_reads_points(self, tmp_path):
        points = np.arange(136).reshape(68, 2) * 1.5
        path = tmp_path / "S010_004_00000019_landmarks.txt"
        path.write_text("\n".join(f"   {x:.7e}   {y:.7e}" for x, y in points) + "\n\n")
        np.testing.assert_allclose(read_ck_landmarks(path), points)

    @pytest.mark.parametrize(
        "text", ["", "1 2\n" * 67, "1 2 3\n" * 68, "1 x\n" * 68, "1 2\n3\n", "1 nan\n" * 68]
    )
    def test_anything_else_is_refused(self, tmp_path, text):
        path = tmp_path / "points.txt"
        path.write_text(text)
        with pytest.raises(MienError, match="68 rows of x and y"):
            read_ck_landmarks(path)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(MienError, match="cannot be read"):
            read_ck_landmarks(tmp_path / "gone.txt")
