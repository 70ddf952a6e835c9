"""Invented sequences from neutral to peak, in the numbers and the manner of CK+."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mien.errors import MienError
from mien.pipeline.rendered.expressions import sample_activations
from mien.pipeline.rendered.people import Person, make_person
from mien.pipeline.rendered.plan import Plan
from mien.pipeline.rendered.scene import sample_scene

CK_PERSONS = 118
"""Persons in CK+ with a labelled sequence."""

CK_SEQUENCES: dict[str, int] = {
    "angry": 45,
    "contempt": 18,
    "disgust": 59,
    "fear": 25,
    "happy": 69,
    "sad": 28,
    "surprise": 83,
}
"""Labelled sequences of CK+ by class."""

PEAK_FRAMES = 3
"""Frames at the end of a sequence that are nearly the same."""

CONFUSED: dict[str, tuple[str, ...]] = {
    "angry": ("disgust", "sad", "contempt"),
    "contempt": ("happy", "angry", "sad"),
    "disgust": ("angry", "contempt"),
    "fear": ("surprise", "sad"),
    "happy": ("contempt", "surprise"),
    "sad": ("angry", "fear"),
    "surprise": ("fear", "happy"),
}
"""What an expression is mixed with, and mistaken for, by people."""

MISLABELLED = 0.03
"""Share of the sequences that show another expression than their label says."""

MIXED = 0.3
"""Share of the sequences that show a second expression besides."""

_MOST_MIXED = 0.4
_SCENE_NOISE = 0.35
_DRIFT = 0.06
_FRAMES = (6, 13)
_FIRST_PERSON = 10


@dataclass(frozen=True)
class ExpressionSequence:
    """One sequence: who, what was labelled and what is shown.

    Attributes
    ----------
    person : int
        Number of the person, from 0.
    number : int
        The person's sequence, from 1.
    label : str
        Canonical name of the labelled expression.
    shown : str
        Canonical name of the expression that is acted; in most sequences the label.
    frames : int
        Number of frames, 6 to 12; the first is neutral, the last :data:`PEAK_FRAMES` the peak.
    """

    person: int
    number: int
    label: str
    shown: str
    frames: int

    @property
    def subject(self) -> str:
        """The person as CK+ writes it: ``S010``."""
        return f"S{_FIRST_PERSON + self.person:03d}"

    @property
    def name(self) -> str:
        """The sequence as CK+ writes it: ``S010_004``."""
        return f"{self.subject}_{self.number:03d}"

    def frame_name(self, frame: int) -> str:
        """Name of a frame, from 0, without its ending: ``S010_004_00000001``."""
        return f"{self.name}_{frame + 1:08d}"


def plan_sequences(people: int = CK_PERSONS, *, seed: int = 0) -> list[ExpressionSequence]:
    """Deal out labelled sequences in the proportions of CK+.

    Parameters
    ----------
    people : int
        Number of persons, 2 to 900; 118 give CK+'s own 327 sequences.
    seed : int

    Returns
    -------
    list of ExpressionSequence
        By person, then number. Everybody has a sequence at least, and none has two of a class.

    Raises
    ------
    MienError
        If there are too few or too many people.
    """
    if not 2 <= people <= 900:
        raise MienError(f"Expected 2 to 900 people in sequences like those of CK+, not {people}.")
    rng = np.random.default_rng([seed, people])
    counts = {label: max(2, round(n * people / CK_PERSONS)) for label, n in CK_SEQUENCES.items()}
    labels = [label for label, count in counts.items() for _ in range(count)]
    order = rng.permutation(people)
    persons = [int(order[i % people]) for i in range(len(labels))]
    dealt: dict[int, list[str]] = {person: [] for person in range(people)}
    for person, label in zip(persons, labels, strict=True):
        dealt[person].append(label)
    return [
        ExpressionSequence(
            person=person,
            number=number,
            label=label,
            shown=str(rng.choice(CONFUSED[label])) if rng.uniform() < MISLABELLED else label,
            frames=int(rng.integers(*_FRAMES)),
        )
        for person in range(people)
        for number, label in enumerate(rng.permutation(dealt[person]).tolist(), start=1)
    ]


def plan_frames(sequence: ExpressionSequence, *, seed: int = 0) -> Iterator[tuple[Person, Plan]]:
    """Plan the frames of a sequence, from neutral to peak.

    The scene stays but for a slow drift of the head and each frame's own grain. The peak is one
    person's way of showing the expression: the mix and strength of the action units, in some
    sequences with a share of a second expression that people take it for.

    Parameters
    ----------
    sequence : ExpressionSequence
    seed : int

    Yields
    ------
    Person, Plan
    """
    rng = np.random.default_rng([seed, sequence.person, sequence.number, 1])
    person = make_person(seed, sequence.person)
    peak, intensity = _act(person, sequence.shown, rng)
    if rng.uniform() < MIXED:
        other, _ = _act(person, str(rng.choice(CONFUSED[sequence.shown])), rng)
        peak = peak + float(rng.uniform(0, _MOST_MIXED)) * (other - peak)
    scene = sample_scene(rng, noise=_SCENE_NOISE)
    for share in _rise(sequence.frames):
        drift = _DRIFT * rng.normal(size=3)
        scene = replace(
            scene,
            yaw=scene.yaw + float(drift[0]),
            pitch=scene.pitch + float(drift[1]),
            roll=scene.roll + float(drift[2]),
        )
        activations = person.resting + share * (peak - person.resting)
        yield (
            person,
            Plan(
                activations.astype(np.float32),
                float(share * intensity),
                scene,
                int(rng.integers(2**32)),
            ),
        )


def _act(person: Person, expression: str, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Draw an expression as it is acted before a camera: the stronger of two."""
    takes = [
        sample_activations(
            expression, habits=person.habits, resting=person.resting, noise=1.0, rng=rng
        )
        for _ in range(2)
    ]
    return max(takes, key=lambda take: take[1])


def _rise(frames: int) -> np.ndarray:
    """Return each frame's share of the peak: 0 at first, a smooth rise, the end within 2 %."""
    time = np.linspace(0, 1, frames - PEAK_FRAMES + 1)
    rise = time * time * (3 - 2 * time)
    return np.concatenate([0.98 * rise, 0.98 + 0.01 * np.arange(1, PEAK_FRAMES)])
