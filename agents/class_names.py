"""Class names as models write them, and the classes that are meant."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.lint import class_name_from


def is_same_name(first: str, second: str) -> bool:
    """Whether two names differ at most in their form: 'place name' is PlaceName."""
    return first == second or plain_name(first) == plain_name(second) != ""


def class_meant(name: str, classes: Sequence[str]) -> str | None:
    """The one of these classes that a name stands for; None if none has that name in any form."""
    if name in classes:
        return name
    return next((known for known in classes if is_same_name(known, name)), None)


def plain_name(name: str) -> str:
    """What is left of a name without its form: 'Place name' and PlaceName are 'placename'; may be empty."""
    return (class_name_from(name) or "").casefold()
