import numpy as np
import pandas as pd
import pytest

from mien.errors import MienError
from mien.pipeline.datasets.layout import make_rows
from mien.pipeline.datasets.selection import allot, limit_rows, select_classes, select_split
from mien.pipeline.faceset import FaceSet
from mien.pipeline.pictures import ArrayPictures
from mien.pipeline.reasons import Reason

LABELS = ["angry"] * 60 + ["happy"] * 30 + ["odd"] * 10 + [""] * 10


@pytest.fixture
def faces():
    number = len(LABELS)
    pixels = np.zeros((number, 16, 16), np.uint8) + np.arange(number, dtype=np.uint8)[:, None, None]
    rows = make_rows(
        pictures=[f"picture {i}" for i in range(number)],
        labels=LABELS,
        splits=["Training", "PublicTest"] * (number // 2),
        problems=dict.fromkeys(range(20), Reason.NO_FACE),
    )
    return FaceSet("Test", "test", "here", rows, ArrayPictures(pixels))


class TestClasses:
    def test_any_spelling(self, faces):
        kept = select_classes(faces, ["Happiness", "ODD"])
        assert kept.classes == ("happy", "odd")
        assert len(kept) == 40
        assert kept.rows.index.tolist() == list(range(40))
        assert kept.pictures.read(0).max() == 60

    def test_rows_without_a_label_are_counted_in_a_note(self, faces):
        assert "10 pictures with an unknown label" in select_classes(faces, ["odd"]).notes[0]

    @pytest.mark.parametrize(("names", "came"), [(["sad", "odd"], "'sad'"), ([], "none")])
    def test_unknown_names(self, faces, names, came):
        with pytest.raises(MienError, match=f"angry, happy, odd.*got {came}"):
            select_classes(faces, names)


class TestSplit:
    def test_upper_and_lower_case(self, faces):
        assert set(select_split(faces, "publictest").rows["split"]) == {"PublicTest"}
        assert len(select_split(faces, "publictest")) == 55

    @pytest.mark.parametrize("name", ["PrivateTest", ""])
    def test_unknown(self, faces, name):
        with pytest.raises(MienError, match="PublicTest, Training"):
            select_split(faces, name)


class TestLimit:
    def test_shares_of_classes_and_splits(self, faces):
        kept = limit_rows(faces, 40)
        usable = kept.rows[kept.rows["reason"] == ""]
        assert len(usable) == 40
        assert usable.groupby(["split", "label"]).size().to_dict() == {
            ("PublicTest", "angry"): 10,
            ("PublicTest", "happy"): 8,
            ("PublicTest", "odd"): 3,
            ("Training", "angry"): 10,
            ("Training", "happy"): 7,
            ("Training", "odd"): 2,
        }

    def test_unusable_rows_keep_their_share(self, faces):
        kept = limit_rows(faces, 40)
        assert (kept.rows["reason"] != "").sum() == 15  # 30 of them for 80 usable ones

    def test_order_and_pixels_stay_together(self, faces):
        kept = limit_rows(faces, 40)
        numbers = [int(name.split()[1]) for name in kept.rows["picture"]]
        assert numbers == sorted(numbers)
        for i in (0, 20, len(kept) - 1):
            assert kept.pictures.read(i).max() == numbers[i]

    def test_the_seed_decides(self, faces):
        def pictures(seed):
            return limit_rows(faces, 40, seed=seed).rows["picture"].tolist()

        assert pictures(1) == pictures(1)
        assert pictures(1) != pictures(2)

    def test_enough_room_changes_nothing(self, faces):
        assert limit_rows(faces, 80) is faces
        assert len(limit_rows(faces, 79)) < len(faces)

    def test_a_note_says_so(self, faces):
        assert limit_rows(faces, 40).notes == ("A sample: 40 of 80 usable pictures (seed 0).",)

    def test_under_one(self, faces):
        with pytest.raises(MienError, match="at least 1"):
            limit_rows(faces, 0)


class TestAllot:
    def test_by_hand(self):
        assert allot(np.array([50, 30, 20]), 10).tolist() == [5, 3, 2]
        assert allot(np.array([98, 1, 1]), 10).tolist() == [8, 1, 1]
        assert allot(np.array([90, 9, 1]), 2).tolist() == [2, 0, 0]

    def test_sums_and_bounds(self):
        generator = np.random.default_rng(0)
        for _ in range(200):
            sizes = generator.integers(1, 50, generator.integers(1, 12))
            limit = int(generator.integers(1, sizes.sum())) if sizes.sum() > 1 else 1
            places = allot(sizes, limit)
            assert places.sum() == limit
            assert (places <= sizes).all()
            assert places.min() >= (1 if limit >= len(sizes) else 0)


def test_rows_with_the_same_name_get_a_number():
    rows = make_rows(pictures=["a", "a (2)", "a", "a"], labels=["x"] * 4)
    assert rows["picture"].tolist() == ["a", "a (2)", "a (3)", "a (4)"]
    assert isinstance(rows, pd.DataFrame)
