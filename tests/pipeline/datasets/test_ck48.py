from mien.pipeline.datasets import read_dataset

FILES = [
    "anger/S010_004_00000017.png",
    "anger/S010_004_00000018.png",
    "contempt/S138_008_00000007.png",
    "happy/S010_006_00000013.png",
    "sadness/S501_006_00000041.png",
]


def test_subject_and_sequence_come_from_the_name(write_tree, in_every_form):
    source, prefix = in_every_form(write_tree(FILES, root="CK+48"))
    faces = read_dataset(source)
    assert (faces.name, faces.layout) == ("CK+48", "ck48")
    assert faces.rows["picture"].tolist() == [prefix + name for name in FILES]
    assert faces.rows["label"].tolist() == ["angry", "angry", "contempt", "happy", "sad"]
    assert faces.rows["subject"].tolist() == ["S010", "S010", "S138", "S010", "S501"]
    assert faces.rows["sequence"].tolist() == [
        *("S010_004", "S010_004", "S138_008", "S010_006", "S501_006")
    ]
    assert faces.pictures.read(3).max() == 3


def test_other_names_and_folders_are_kept(write_tree):
    faces = read_dataset(write_tree([*FILES, "happy/holiday.png", "odd/S999_001_00000001.png"]))
    assert faces.layout == "ck48"
    rows = faces.rows.set_index("picture")
    assert rows.loc["happy/holiday.png", "subject"] == ""
    assert rows.loc["happy/holiday.png", "label"] == "happy"
    assert rows.loc["odd/S999_001_00000001.png", "reason"] == "unknown_label"
    assert any("1 picture, 'happy/holiday.png'" in note for note in faces.notes)
