"""The one error a user sees: what was expected, what came, what to do."""

from __future__ import annotations


class MienError(Exception):
    """A failure whose message is meant for the user.

    The command line prints it without a traceback.

    Parameters
    ----------
    message : str
        What was expected and what came.
    hint : str, optional
        What to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind where it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
