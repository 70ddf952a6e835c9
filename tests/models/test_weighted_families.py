import numpy as np
import pytest

from mien.errors import MienError
from mien.features.registry import get_family
from mien.models.weighted_families import (
    WeightedFamily,
    family_names,
    format_families,
    join_mirrors,
    parse_families,
)


def test_weights_stand_before_names():
    found = parse_families("patch_hog+0.3*geometry + 2 * pose")
    assert found == (("patch_hog", 1.0), ("geometry", 0.3), ("pose", 2.0))
    assert family_names("patch_hog@crop=48+0.3*geometry") == ("patch_hog@crop=48", "geometry")


@pytest.mark.parametrize(
    "text",
    ["", "+", "patch_hog+", "x*pose", "*pose", "0*pose", "-1*pose", "nan*pose", "2*", "1*2*a"],
)
def test_other_texts_are_refused(text):
    with pytest.raises(MienError, match="names joined by \\+, each with a weight above 0 or none"):
        parse_families(text)


def test_a_family_has_one_weight():
    with pytest.raises(MienError, match="name pose twice"):
        parse_families("pose+geometry+2*pose")


@pytest.mark.parametrize("weight", [1.0, 0.3, 1e-6, 123456.0, 2 / 3])
def test_what_is_written_is_read_again(weight):
    families = (WeightedFamily("pose"), WeightedFamily("geometry", weight))
    (first, second) = parse_families(format_families(families))
    assert first == families[0]
    assert second.weight == pytest.approx(weight, rel=1e-3)
    assert format_families(parse_families("pose+0.25*geometry")) == "pose+0.25*geometry"


def test_mirrors_side_by_side():
    source, sign = join_mirrors(["pose", "blendshapes"])
    own, other = get_family("pose").mirror, get_family("blendshapes").mirror
    np.testing.assert_array_equal(source, np.r_[own[0], other[0] + 3])
    np.testing.assert_array_equal(sign, np.r_[own[1], other[1]])
