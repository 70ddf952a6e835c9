from __future__ import annotations

import re

import pytest

from mien.errors import MienError
from mien.features.base import Option, format_value
from mien.features.registry import canonical_spec, get_family


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("patch_hog", "patch_hog"),
        ("patch_hog@crop=96", "patch_hog"),
        ("patch_hog@window=12@crop=48", "patch_hog@crop=48@window=12"),
        ("patch_lbp@radii=2-4", "patch_lbp"),
        ("patch_lbp@radii=1-3@crop=96", "patch_lbp@radii=1-3"),
    ],
)
def test_a_specification_has_one_spelling(spec: str, canonical: str) -> None:
    assert canonical_spec(spec) == canonical
    assert get_family(canonical).options == get_family(spec).options


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("patch_hog@crop=50", "crop cannot be 50.*48 or 96"),
        ("patch_hog@window=13", "window cannot be 13"),
        ("patch_hog@cells=3", "no option 'cells'.*crop, window"),
        ("patch_hog@crop", "'crop' is not an option with a whole number"),
        ("patch_hog@crop=big", "'crop=big' is not an option"),
        ("patch_hog@crop=48-96", "'crop=48-96' is not an option"),
        ("patch_lbp@radii=2-2", "radii cannot be 2-2"),
        ("patch_lbp@radii=2-9", "radii cannot be 2-9"),
        ("blendshapes@crop=48", "no option 'crop'.*none"),
    ],
)
def test_a_wrong_specification_is_told(spec: str, told: str) -> None:
    with pytest.raises(MienError) as caught:
        get_family(spec)
    assert re.search(told, str(caught.value), re.DOTALL), str(caught.value)


def test_values_of_options() -> None:
    single, several = Option(3, range(5), "number"), Option((1, 2), range(5), "numbers")
    assert (single.parse("4"), several.parse("4"), several.parse("4-0")) == (4, (4,), (4, 0))
    assert single.allows(0)
    assert not any(single.allows(value) for value in (5, True, (3,)))
    assert several.allows((0, 4))
    assert not any(several.allows(value) for value in ((), (1, 1), (5,), 1))
    assert (format_value(48), format_value((2, 4))) == ("48", "2-4")
