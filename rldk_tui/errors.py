"""Errors whose message is written for the person at the terminal. They stand alone so that every floor may raise them."""

from __future__ import annotations


class RldkError(Exception):
    """Base of every error this package raises on purpose."""


class UserError(RldkError):
    """Something only the person at the terminal can mend.

    Attributes:
        message: One clear sentence.
        hint: What to do about it, or None.
        exit_code: The exit status of the command; 2 means "the question could not be answered".
    """

    def __init__(self, message: str, hint: str | None = None, exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
