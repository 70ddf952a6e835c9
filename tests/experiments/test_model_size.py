from itertools import pairwise

import pytest

from mien.errors import MienError
from mien.experiments.model_size import plan_compact

HOG = {"families": "patch_hog", "mirror": "average"}


def plan(parameters, size, *, rows=20_000, kernel="rbf"):
    return plan_compact(parameters, kernel=kernel, rows=rows, classes=7, size=size)


def test_a_plan_by_hand():
    # 10 MB less 30,000 and 60 bytes for each of 4,608 columns are 2,423,380 numbers; two fifths
    # of them pay for 414 directions of the 2,340 symmetric columns
    found = plan(HOG, 10**7)
    assert found == (1024, 414, (2_423_380 - 414 * 2340) // (414 + 1 + 7))


def test_more_room_gives_more_of_both():
    sizes = [10**6, 3 * 10**6, 10**7, 5 * 10**7]
    plans = [plan(HOG, size) for size in sizes]
    for less, more in pairwise(plans):
        assert less.directions <= more.directions <= 1024
        assert less.centres <= more.centres <= 8000
    assert plans[-1] == (1024, 1024, 8000)


def test_all_rows_with_room_left_get_more_directions():
    assert plan(HOG, 10**7, rows=1000).directions > plan(HOG, 10**7).directions
    assert plan(HOG, 10**7, rows=1000).centres == 1000


def test_nothing_is_left_out_where_all_fits():
    assert plan(HOG, 5 * 10**7, rows=1000) is None
    assert plan(HOG, 10**6, kernel="linear") is None
    assert plan({**HOG, "pca": 64}, 10**7, rows=9000) is None


def test_few_rows_have_few_components():
    assert plan(HOG, 10**6, rows=200).components == 50
    assert plan({"families": "blendshapes"}, 50_000).components == 0
    assert plan({**HOG, "pca": 100}, 10**6).components == 100


def test_one_kernel_a_family_pays_for_each():
    both = {"families": "patch_hog+geometry"}
    assert plan({**both, "combine": "kernels"}, 10**7).centres < plan(both, 10**7).centres


def test_what_the_smallest_needs_is_said():
    with pytest.raises(MienError, match=r"No model of 4,608 columns fits into 100 KB") as caught:
        plan(HOG, 10**5)
    needed = float(str(caught.value).rpartition("--max-size ")[2].removesuffix("MB."))
    assert plan(HOG, int(needed * 1e6)).directions == 8
