"""Class names as models write them, and the classes that are meant."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.lint import class_name_from

NO_CLASS = "Other"
"""What a small model says of a phrase that is no mention."""

_NO_CLASS_FORMS = (NO_CLASS.casefold(), "none", "null", "")


def is_no_class(name: str) -> bool:
    """Whether a name says that there is no class."""
    return name.strip().casefold() in _NO_CLASS_FORMS


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
