"""Class names as models write them, and the classes that are meant."""

from __future__ import annotations

from schemas.lint import class_name_from
from schemas.schema import AnnotationSchema


def is_same_name(first: str, second: str) -> bool:
    """Whether two names differ at most in their form: 'place name' is PlaceName."""
    return first == second or _plain(first) == _plain(second) != ""


def class_meant(name: str, schema: AnnotationSchema) -> str | None:
    """The class of the schema that a name stands for; None if it has none of that name in any form."""
    if name in schema.names:
        return name
    return next((known for known in schema.names if is_same_name(known, name)), None)


def _plain(name: str) -> str:
    return (class_name_from(name) or "").casefold()
