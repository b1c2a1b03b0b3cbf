"""What all models share: frozen, closed, and with text that is safe to store and to print as code."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Model(BaseModel):
    """Base of everything that flows: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def one_line(value: object) -> object:
    """Fold white space and control characters of a string to single spaces; leave other values alone.

    Guideline prose is stored in this form so that it can stand in a comment or a docstring and be read
    back unchanged. The marker `result =`, at which an exported row is split, is written without its
    space, as a comment has no escape for it.
    """
    if not isinstance(value, str):
        return value
    printable = value
    if not value.isprintable():
        printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split()).replace("result =", "result=")


Prose = Annotated[str, BeforeValidator(one_line)]
"""Text written by a model or a person about the task: one line, printable."""
