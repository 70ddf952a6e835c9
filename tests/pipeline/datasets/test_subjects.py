import pytest

from mien.errors import MienError
from mien.pipeline.datasets import read_dataset
from mien.pipeline.datasets.subjects import parse_subject_table

FILES = ["calm/p07-a.jpg", "calm/p12-a.jpg", "glad/p07-b.jpg", "glad/unnamed.jpg"]


@pytest.fixture
def folder(write_tree):
    return write_tree(FILES)


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "people.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("pattern", [r"^p(\d+)", r"(x)?p(?P<subject>\d+)", r"glad/p(\d+)|/p(\d+)"])
def test_pattern(folder, pattern):
    subjects = read_dataset(folder, subject_pattern=pattern).rows["subject"].tolist()
    expected = ["", "", "07", ""] if "/" in pattern else ["07", "12", "07", ""]
    assert subjects == expected


def test_pictures_that_do_not_match_are_counted(folder):
    faces = read_dataset(folder, subject_pattern=r"^p(\d+)")
    assert faces.notes == ("Without a subject: 1 picture, 'glad/unnamed.jpg'",)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("(", "regular expression"), (r"^p\d+", "group"), (r"^(q\d+)", "matches none of")],
)
def test_bad_pattern(folder, pattern, words):
    with pytest.raises(MienError, match=words):
        read_dataset(folder, subject_pattern=pattern)


def test_rows_of_subjects_with_a_pattern(folder, table):
    path = table("id,age\n07,30\n12,41\n")
    faces = read_dataset(folder, subjects=path, subject_pattern=r"^p(\d+)")
    assert faces.rows["subject"].tolist() == ["07", "12", "07", ""]
    assert faces.rows["age"].tolist() == ["30", "41", "30", ""]
    assert faces.extra == ("age",)


def test_a_subject_that_the_table_lacks_stays(folder, table, write_tree):
    faces = read_dataset(folder, subjects=table("id,age\n12,41\n"), subject_pattern=r"^p(\d+)")
    assert faces.rows["subject"].tolist() == ["07", "12", "07", ""]
    assert faces.rows["age"].tolist() == ["", "41", "", ""]
    assert faces.notes[0].startswith("Not in people.csv: 3 pictures, 'calm/p07-a.jpg'")
    ck = write_tree(["happy/S010_001_00000001.png", "sad/S011_001_00000001.png"], root="ck")
    rows = read_dataset(ck, subjects=table("id,sex\nS011,f\n")).rows
    assert rows["subject"].tolist() == ["S010", "S011"]
    assert rows["sex"].tolist() == ["", "f"]


def test_prefixes_that_the_table_lacks_are_no_subjects(write_tree, table):
    folder = write_tree(["a/1_x.jpg", "b/holiday_x.jpg"], root="prefixes")
    faces = read_dataset(folder, subjects=table("id,age\n1,20\n"))
    assert faces.rows["subject"].tolist() == ["1", ""]
    assert faces.notes[1] == "Without a subject: 1 picture, 'b/holiday_x.jpg'"


@pytest.mark.parametrize(
    "text",
    [
        "picture,subject\ncalm/p07-a.jpg,Ann\nglad/p07-b.jpg,Ann\ncalm/p12-a.jpg,Bo\n",
        "file,who\np07-a.jpg,Ann\np07-b.jpg,Ann\np12-a.jpg,Bo\n",
        "filename;age;subject\np07-a;1;Ann\np07-b;1;Ann\np12-a;2;Bo\n",
        'path,subject\r\n"./calm\\p07-a.jpg", Ann\r\n\r\nglad/p07-b.jpg,Ann\r\np12-a,Bo\r\n',
    ],
)
def test_rows_of_pictures(folder, table, text):
    rows = read_dataset(folder, subjects=table(text)).rows
    assert rows["subject"].tolist() == ["Ann", "Bo", "Ann", ""]
    assert ("age" in rows) == ("age" in text)


def test_a_picture_keeps_its_path_below_an_outer_folder(write_tree, pack, table):
    path = pack(write_tree(FILES), "outer/")
    text = "picture,subject\ncalm/p07-a.jpg,Ann\n"
    assert read_dataset(path, subjects=table(text)).rows["subject"].tolist()[0] == "Ann"


def test_it_works_for_pictures_without_files(tmp_path, face_text, table):
    csv = tmp_path / "fer.csv"
    csv.write_text(f"emotion,pixels,Usage\n0,{face_text()},Training\n1,{face_text()},Training\n")
    faces = read_dataset(csv, subjects=table("picture,subject\nrow 000001,Bo\n"))
    assert faces.rows["subject"].tolist() == ["", "Bo"]


def test_column_names(table):
    table = parse_subject_table(b"face_id,face_age,face_label,face_\n1,2,3,4\n", "x.csv")
    assert table.columns == ("age", "subject_label")
    assert table.extra["1"] == ("2", "3")
    assert parse_subject_table(b"my_id,age\n1,2\n", "x.csv").columns == ("age",)
    assert parse_subject_table(b"id,a,a\n1,2,3\n", "x.csv").columns == ("a", "subject_a")


def test_short_rows_and_a_byte_order_mark():
    table = parse_subject_table("\ufeffid,age,sex\n1,2\n2\n".encode(), "x.csv")
    assert table.extra == {"1": ("2", ""), "2": ("", "")}


@pytest.mark.parametrize(
    ("text", "words"),
    [("id,age\n", "header and rows"), ("", "header and rows"), ("id\nzz\n", "none matches")],
)
def test_bad_tables(folder, table, text, words):
    with pytest.raises(MienError, match=words):
        read_dataset(folder, subjects=table(text))


def test_tables_that_are_no_text_or_not_there(folder, table, tmp_path):
    with pytest.raises(MienError, match="cannot be parsed"):
        read_dataset(folder, subjects=table("id,näme\n", "latin-1"))
    with pytest.raises(MienError, match="cannot be read"):
        read_dataset(folder, subjects=tmp_path / "gone.csv")
