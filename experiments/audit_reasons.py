"""What an audit can find wrong with a row, and from which figure on it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from mien.errors import MienError
from mien.pipeline.reasons import EXPLANATIONS as ROW_EXPLANATIONS
from mien.pipeline.reasons import Reason


class Finding(StrEnum):
    """Why a row may be left out. A row can have several."""

    NOT_A_FACE = "not_a_face"
    OCCLUDED = "occluded"
    LOW_CONTRAST = "low_contrast"
    BLURRED = "blurred"
    TURNED_AWAY = "turned_away"
    CUT_OFF = "cut_off"
    EXACT_TWIN = "exact_twin"
    NEAR_TWIN = "near_twin"
    LABEL_CONFLICT = "label_conflict"


EXPLANATIONS: Mapping[str, str] = {
    Finding.NOT_A_FACE: "a drawing, text, a sign or a blank",
    Finding.OCCLUDED: "a part of the face seems to be covered",
    Finding.LOW_CONTRAST: "few grey levels on the face",
    Finding.BLURRED: "no fine detail",
    Finding.TURNED_AWAY: "the head is turned far to a side, up or down",
    Finding.CUT_OFF: "a good part of the face lies outside of the picture",
    Finding.EXACT_TWIN: "a copy, to the pixel, of another picture",
    Finding.NEAR_TWIN: "the same picture as another, in other light, cut or quality, or mirrored",
    Finding.LABEL_CONFLICT: "copies of this picture have different labels",
    **{str(code): text for code, text in ROW_EXPLANATIONS.items() if code is not Reason.UNSURE},
}
"""All codes: those of the audit, and those of extraction."""

DEFAULT_EXCLUDED: tuple[str, ...] = (
    Finding.NOT_A_FACE,
    Finding.OCCLUDED,
    Finding.LOW_CONTRAST,
    Finding.EXACT_TWIN,
    Finding.NEAR_TWIN,
    Finding.LABEL_CONFLICT,
)
"""What a filter leaves out unless told otherwise: the thesis's reasons that concern one picture,
redundant copies, and pictures whose label cannot be trusted."""


@dataclass(frozen=True)
class Thresholds:
    """Figures from which a row has a finding; chosen by looking at FER2013's faces around them.

    Attributes
    ----------
    contrast : float
        Below it, ``low_contrast``. Dark skin has fewer grey levels than light skin in the same
        light: look at the sheet before raising it.
    sharpness : float
        Below it, ``blurred``.
    strangeness : float
        Above it, ``occluded``; and above the dataset's median by ``strange_deviations`` robust
        standard deviations, so that some of a small or unusual dataset's faces stay usual.
    strange_deviations : float
    half_strangeness : float
        Above it, and in the same way, ``occluded`` where something else speaks for it, too: the
        halves disagree, or the landmarker is unsure.
    asymmetry : float
        Above it, the halves disagree.
    presence : float
        Below it, the landmarker is unsure that there is a face, where the store knows it. Alone it
        says little: profiles have 0.6, and some text has 0.8.
    linework : float
        Above it, ``not_a_face``.
    evenness : float
        Above it, ``not_a_face``.
    faceless_evenness : float
        The same where no face was found.
    yaw, pitch : float
        Degrees to either side above which a face is ``turned_away``. Such a face is not
        ``occluded``.
    outside : float
        Share of landmarks above which a face is ``cut_off``.
    """

    contrast: float = 0.13
    sharpness: float = 0.75
    strangeness: float = 0.25
    strange_deviations: float = 2.7
    half_strangeness: float = 0.21
    asymmetry: float = 0.8
    presence: float = 0.8
    linework: float = 0.0
    evenness: float = 0.6
    faceless_evenness: float = 0.45
    yaw: float = 35.0
    pitch: float = 35.0
    outside: float = 0.15


def parse_thresholds(texts: Sequence[str]) -> Thresholds:
    """Read ``contrast=0.2`` and so on; the others keep their default.

    Raises
    ------
    MienError
        If a name is not a threshold or a value not a number.
    """
    known = [field.name for field in fields(Thresholds)]
    given = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            given[known[known.index(name.strip())]] = float(value)
        except ValueError as error:
            raise MienError(
                f"--set takes THRESHOLD=NUMBER, not {text!r}.",
                f"The thresholds are: {', '.join(known)}.",
            ) from error
    return Thresholds(**given)


def parse_reasons(text: str) -> tuple[str, ...]:
    """Split ``occluded,near_twin`` into codes, each once; an empty text names none.

    Raises
    ------
    MienError
        If a code is not known; the message lists those that are.
    """
    codes = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [code for code in codes if code not in EXPLANATIONS]
    if unknown:
        raise MienError(
            f"There is no reason {unknown[0]!r}.", f"Use some of: {', '.join(EXPLANATIONS)}."
        )
    return codes
