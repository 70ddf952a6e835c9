from collections import Counter

import numpy as np
import pytest

from mien.errors import MienError
from mien.pipeline.rendered.sequences import (
    CK_SEQUENCES,
    CONFUSED,
    PEAK_FRAMES,
    plan_frames,
    plan_sequences,
)


def test_the_full_form_has_the_numbers_of_ck():
    sequences = plan_sequences()
    assert Counter(s.label for s in sequences) == CK_SEQUENCES
    assert len(sequences) == 327
    assert len({s.subject for s in sequences}) == 118
    assert len({s.name for s in sequences}) == 327


@pytest.mark.parametrize("people", [2, 7, 12, 118])
def test_nobody_is_without_a_sequence_or_has_two_of_a_class(people):
    sequences = plan_sequences(people, seed=3)
    assert {s.person for s in sequences} == set(range(people))
    assert max(Counter((s.person, s.label) for s in sequences).values()) == 1
    assert {s.label for s in sequences} == set(CK_SEQUENCES)


def test_names_are_written_as_in_ck():
    first = plan_sequences(12)[0]
    assert first.name == "S010_001"
    assert first.frame_name(first.frames - 1) == f"S010_001_{first.frames:08d}"


def test_some_labels_are_mistakes_that_people_make():
    wrong = [s for s in plan_sequences() if s.shown != s.label]
    assert 0.01 < len(wrong) / 327 < 0.06
    assert all(s.shown in CONFUSED[s.label] for s in wrong)


def test_the_same_seed_gives_the_same_sequences():
    assert plan_sequences(12, seed=1) == plan_sequences(12, seed=1)
    assert plan_sequences(12, seed=1) != plan_sequences(12, seed=2)


def test_frames_rise_from_a_relaxed_face_to_a_peak_that_stays():
    for sequence in plan_sequences(5):
        planned = list(plan_frames(sequence))
        assert len(planned) == sequence.frames
        person = planned[0][0]
        moved = [np.abs(plan.activations - person.resting).sum() for _, plan in planned]
        assert moved[0] == pytest.approx(0, abs=1e-6)
        assert np.all(np.diff(moved) > 0)
        assert moved[-PEAK_FRAMES] >= 0.97 * moved[-1]
        assert len({plan.grain_seed for _, plan in planned}) == sequence.frames


@pytest.mark.parametrize("people", [0, 1, 901])
def test_too_few_or_too_many_people(people):
    with pytest.raises(MienError, match="2 to 900"):
        plan_sequences(people)
