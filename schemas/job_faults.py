"""What is wrong with a job file, in words that name the place and what may have been meant."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from rapidfuzz import process


def in_words(model: type[BaseModel], location: Sequence[int | str], kind: str, message: str) -> str:
    """A fault of validation with its place; for an unknown key with the nearest known one.

    Args:
        model: What was validated.
        location: Where the fault is, as Pydantic tells it.
        kind: Of what type it is.
        message: What Pydantic says.
    """
    path = ".".join(str(part) for part in location)
    message = message.removeprefix("Value error, ")
    if kind != "extra_forbidden":
        return (f"{path}: " if path else "") + message[:1].lower() + message[1:]
    known = _known_keys(model, location[:-1])
    nearest = process.extractOne(str(location[-1]), known, score_cutoff=50)
    hint = f", did you mean `{nearest[0]}`?" if nearest else f" (known: {', '.join(known)})"
    return f"unknown key `{path}`{hint}"


def _known_keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Field names of the model at a place, following lists and optional models."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = _model_within(field.annotation) or model
    return list(model.model_fields)


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (tuple, list, dict, typing.Union, types.UnionType):
        found = (_model_within(argument) for argument in typing.get_args(annotation))
        return next((model for model in found if model is not None), None)
    return None
