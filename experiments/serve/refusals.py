"""What a request is answered that cannot be served: a status and a reason that a page can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.errors import MienError


class Refusal(Exception):  # noqa: N818 - an answer, not a failure
    """A request that is not served.

    Parameters
    ----------
    status : int
        The status of HTTP.
    reason : str
        A code for programs: ``too_large``, ``busy``; those of
        :class:`mien.pipeline.reasons.Reason` where one fits.
    message, hint : str
        What was expected and what came, and what to do; for people.
    headers : mapping of str to str, optional
        Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        hint: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, reason, message, hint)
        self.status = status
        self.reason = reason
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})

    def to_json(self) -> dict[str, Any]:
        """Return ``reason``, ``message`` and ``hint``."""
        return {"reason": self.reason, "message": self.message, "hint": self.hint}


def refuse_content(reason: str, error: MienError) -> Refusal:
    """Make the refusal of a file that was received whole but cannot be used."""
    return Refusal(422, reason, error.message, error.hint)
