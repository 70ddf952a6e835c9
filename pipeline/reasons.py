"""Reason codes: why a picture has no features."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a row of a dataset has no landmarks or no label."""

    NO_FACE = "no_face"
    UNREADABLE = "unreadable"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    WRONG_PIXEL_COUNT = "wrong_pixel_count"
    BAD_PIXEL_VALUE = "bad_pixel_value"
    UNKNOWN_LABEL = "unknown_label"
    UNSAFE_NAME = "unsafe_name"
    UNSURE = "unsure"


EXPLANATIONS: dict[Reason, str] = {
    Reason.NO_FACE: "the landmarker found no face in any attempt",
    Reason.UNREADABLE: "the file could not be decoded as a picture",
    Reason.TOO_SMALL: "the picture is smaller than 16 pixels on a side",
    Reason.TOO_LARGE: "the picture has more than 100 million pixels, or the file than 1 GB",
    Reason.WRONG_PIXEL_COUNT: "the row does not hold 48 x 48 pixel values",
    Reason.BAD_PIXEL_VALUE: "a pixel value is not a whole number from 0 to 255",
    Reason.UNKNOWN_LABEL: "the label is not one of the dataset's classes",
    Reason.UNSAFE_NAME: "the name in the archive leads out of it",
    Reason.UNSURE: "the highest probability is below the model's threshold",
}


class PictureError(Exception):
    """One picture cannot be used; the row keeps the reason and the job goes on."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
