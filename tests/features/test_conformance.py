"""The checks pass a sound family of a user's own, and each catches what it is for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError
from mien.features import registry
from mien.features.base import FeatureFamily, Option
from mien.features.conformance import CHECKS, check_family, run_checks
from mien.features.faces import FaceBatch
from mien.features.registry import PLUGINS, family_names, get_family, register

DOCUMENT = Path(__file__).parents[2] / "docs" / "own-family.md"


class Sound(FeatureFamily):
    """The mean and the left-right difference of each picture's grey values."""

    name = "sound"
    version = 1
    title = "brightness"
    move_tolerance = 0.9
    available_options = {"times": Option(1, (1, 2), "factor, 1 or 2")}  # noqa: RUF012

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        return ("mean", "difference")

    @cached_property
    def mirror(self) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(2), np.array([1, -1], np.float32)

    def compute(self, faces: FaceBatch) -> np.ndarray:
        out = np.zeros((len(faces), 2), np.float32)
        for row, pixels in zip(out, faces.crops(48).pixels, strict=True):
            row[:] = pixels.mean(), pixels[:, 24:].mean() - pixels[:, :24].mean()
        return out * self.number("times")


@pytest.fixture(autouse=True)
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test registers is gone after it."""
    family_names()
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    registry._build.cache_clear()
    registry._import_plugin.cache_clear()
    yield
    registry._build.cache_clear()
    registry._import_plugin.cache_clear()


def failures(family: type[FeatureFamily], faces: FaceBatch) -> set[str]:
    """Register a family and return the names of the checks that it fails."""
    register(family)
    return {name for name, told in run_checks(family(), faces).items() if told}


def test_a_sound_family_passes(rendered_faces: FaceBatch) -> None:
    register(Sound)
    check_family(Sound(), rendered_faces)
    check_family(get_family("sound@times=2"), rendered_faces)


def test_the_documents_family_passes_from_its_file(
    rendered_faces: FaceBatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = DOCUMENT.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    other, plugin = tmp_path / "empty_one.py", tmp_path / "mouth_family.py"
    other.write_text("")
    plugin.write_text(code)
    monkeypatch.setenv(PLUGINS, os.pathsep.join(map(str, (other, plugin))))
    assert family_names()[-1] == "mouth"
    check_family(get_family("mouth"), rendered_faces)
    check_family(get_family("mouth@power=2"), rendered_faces)
    np.testing.assert_allclose(
        get_family("mouth@power=2").compute(rendered_faces),
        get_family("mouth").compute(rendered_faces) ** 2,
        rtol=1e-6,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "FileNotFoundError: there is no such file"),
        ("import nothing_like_it", "nothing_like"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, told: str
) -> None:
    plugin = tmp_path / "broken_family.py"
    if text:
        plugin.write_text(text)
    monkeypatch.setenv(PLUGINS, str(plugin))
    with pytest.raises(MienError, match=told) as caught:
        family_names()
    assert str(plugin) in caught.value.message


def test_the_message_has_a_line_for_every_failure(rendered_faces: FaceBatch) -> None:
    class Untitled(Sound):
        """No title and no second name."""

        name = "untitled"
        title = ""
        feature_names = ("mean", "mean")

    register(Untitled)
    with pytest.raises(AssertionError) as caught:
        check_family(Untitled(), rendered_faces)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"untitled fails 2 of {len(CHECKS)} checks:"
    assert lines[1].startswith("  description: title is ''")
    assert lines[2] == "  names: several columns are named mean"


def test_an_unregistered_family_is_told_so(rendered_faces: FaceBatch) -> None:
    told = run_checks(Sound(), rendered_faces)
    assert "use @register" in told["description"]


def test_each_check_catches_what_it_is_for(rendered_faces: FaceBatch) -> None:
    class Double(Sound):
        """Of the wrong type, and not finite."""

        name = "double"

        def compute(self, faces: FaceBatch) -> np.ndarray:
            return super().compute(faces).astype(np.float64) * np.nan

    class Batchwise(Sound):
        """What a face gets depends on the others."""

        name = "batchwise"

        def compute(self, faces: FaceBatch) -> np.ndarray:
            values = super().compute(faces)
            return values - values.mean(axis=0) if len(values) else values

    class Drawn(Sound):
        """Never twice the same."""

        name = "drawn"
        rng = np.random.default_rng(0)

        def compute(self, faces: FaceBatch) -> np.ndarray:
            return super().compute(faces) + self.rng.random((len(faces), 2), dtype=np.float32)

    class Even(Sound):
        """All faces are the same to it."""

        name = "even"

        def compute(self, faces: FaceBatch) -> np.ndarray:
            return np.ones((len(faces), 2), np.float32)

    class Shared(Sound):
        """It hands out what it keeps."""

        name = "shared"

        @cached_property
        def kept(self) -> dict[int, np.ndarray]:
            return {}

        def compute(self, faces: FaceBatch) -> np.ndarray:
            return self.kept.setdefault(len(faces), super().compute(faces))

    class Writes(Sound):
        """It changes the mesh."""

        name = "writes"

        def compute(self, faces: FaceBatch) -> np.ndarray:
            values = super().compute(faces)
            faces.mesh[:] += 1
            return values

    class WrongSign(Sound):
        """It forgets that a difference changes sign."""

        name = "wrong_sign"
        mirror = (np.arange(2), np.ones(2, np.float32))

    class NoPermutation(Sound):
        """Both columns come from the first."""

        name = "no_permutation"
        mirror = (np.zeros(2, int), np.ones(2, np.float32))

    class Absolute(Sound):
        """It depends on where the face is in the picture."""

        name = "absolute"
        mirror_tolerance = 10

        def compute(self, faces: FaceBatch) -> np.ndarray:
            return faces.mesh[:, 4, :2].copy()

    class Fails(Sound):
        """It cannot do without faces."""

        name = "fails"

        def compute(self, faces: FaceBatch) -> np.ndarray:
            faces.pictures[0]
            return super().compute(faces)

    expected: dict[type[FeatureFamily], set[str]] = {
        Double: {"values", "empty_batch"},
        Batchwise: {"alone_and_among_others"},
        Drawn: {"repeatable", "strided_pictures"},
        Even: {"tells_faces_apart", "mirrored_pictures"},
        Shared: {"input_untouched"},
        Writes: {"input_untouched"},
        WrongSign: {"mirrored_pictures"},
        NoPermutation: {"mirror"},
        Absolute: {"moved_pictures"},
        Fails: {"empty_batch"},
    }
    for family, checks in expected.items():
        # a family may write into what it is given: every one gets its own
        faces = FaceBatch(
            rendered_faces.pictures, rendered_faces.mesh.copy(), rendered_faces.blendshapes.copy()
        )
        assert checks <= failures(family, faces), family.name


def test_an_exception_is_told_with_its_kind(rendered_faces: FaceBatch) -> None:
    class Breaks(Sound):
        """It always breaks."""

        name = "breaks"

        def compute(self, faces: FaceBatch) -> np.ndarray:
            raise KeyError("eyebrow" if len(faces) else "nothing")

    register(Breaks)
    assert run_checks(Breaks(), rendered_faces)["values"] == "KeyError: 'eyebrow'"
