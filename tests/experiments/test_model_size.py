from itertools import pairwise

import pytest

from mien.errors import MienError
from mien.experiments.model_size import plan_compact

HOG = {"families": "patch_hog", "mirror": "average"}


def plan(parameters, size, *, rows=20_000, kernel="rbf"):
    return plan_compact(parameters, kernel=kernel, rows=rows, classes=7, size=size)


def test_all_rows_in_8_bits_by_hand():
    # 40 MB less 45,000, 68 bytes for each of 4,608 columns and 32 for each row pay for components
    # that take a byte of each row and four of each of the 2,340 symmetric columns
    left = 40 * 10**6 - 45_000 - 68 * 4608 - 32 * 20_000
    assert plan(HOG, 40 * 10**6) == (1024, 0, 20_000)
    assert plan(HOG, 10**7) == ((left - 3 * 10**7) // (20_000 + 4 * 2340), 0, 20_000)
    assert plan({**HOG, "pca": 100}, 10**7) == (100, 0, 20_000)
    assert plan({"families": "blendshapes"}, 2 * 10**6) == (0, 0, 20_000)


def test_a_reduced_set_by_hand():
    # 1 MB less 45,000 and 68 bytes for each of 4,608 columns are 160,414 numbers; two fifths of
    # them pay for 27 directions of the 2,340 symmetric columns
    found = plan(HOG, 10**6)
    assert found == (512, 27, (160_414 - 27 * 2340) // (27 + 1 + 7))


def test_without_memory_for_all_rows_there_is_a_reduced_set():
    found = plan_compact(HOG, kernel="rbf", rows=20_000, classes=7, size=10**7, all_rows=False)
    assert found.directions > 0
    assert found.centres < 20_000


def test_more_room_gives_more_of_everything():
    plans = [plan(HOG, size) for size in (8 * 10**5, 10**6, 2 * 10**6, 10**7, 5 * 10**7)]
    for less, more in pairwise(plans):
        assert less.centres <= more.centres <= 20_000
    assert [bool(own.directions) for own in plans] == [True, True, True, False, False]


def test_nothing_is_left_out_where_all_fits():
    assert plan(HOG, 5 * 10**7, rows=1000) is None
    assert plan(HOG, 10**6, kernel="linear") is None
    assert plan({**HOG, "pca": 64}, 10**7, rows=9000) is None


def test_few_rows_have_few_components():
    assert plan(HOG, 10**6, rows=200).components == 50
    assert plan({**HOG, "pca": 100}, 10**6).components == 100


def test_one_kernel_a_family_pays_for_each():
    both = {"families": "patch_hog+geometry"}
    apart = plan({**both, "combine": "kernels"}, 10**7)
    assert apart.components < plan(both, 10**7).components


def test_what_the_smallest_needs_is_said():
    with pytest.raises(MienError, match=r"No model of 4,608 columns fits into 100 KB") as caught:
        plan(HOG, 10**5)
    needed = float(str(caught.value).rpartition("--max-size ")[2].removesuffix("MB."))
    assert plan(HOG, int(needed * 1e6)).directions == 8
