"""Response models as instructor needs them, and validation errors as a model is told them."""

from __future__ import annotations

import types
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agents.llm.client import Answer
from schemas.base import one_line

MAX_ERRORS_TOLD = 5


@lru_cache(maxsize=128)
def prepared(answer: type[Answer]) -> type[BaseModel]:
    """The class instructor is given for a response model; the same one every time.

    instructor derives a class, and with it validators and a schema, on every call unless it is given one that
    is already its own. Reading an answer through it gives an instance of `answer` itself, and a failure is
    reported in one line: pydantic's own text repeats the whole input, and with it the document.
    """
    from instructor.core.exceptions import ResponseParsingError
    from instructor.processing.function_calls import ResponseSchema

    def model_validate_json(cls: type[BaseModel], /, json_data: str | bytes, **_: Any) -> Answer:
        try:
            return answer.model_validate_json(_object_within(json_data))
        except ValidationError as error:
            raise ResponseParsingError(condensed(error), raw_response=None) from None

    def fill(namespace: dict[str, Any]) -> None:
        namespace["__module__"] = answer.__module__
        namespace["__doc__"] = answer.__doc__
        namespace["model_validate_json"] = classmethod(model_validate_json)

    return types.new_class(answer.__name__, (answer, ResponseSchema), exec_body=fill)


def condensed(error: Exception) -> str:
    """An error in one line, without pydantic's addresses and without the input it was found in."""
    if not isinstance(error, ValidationError):
        return _shortened(str(error), 500)
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    told = "; ".join(_fault(fault) for fault in faults[:MAX_ERRORS_TOLD])
    more = f"; and {len(faults) - MAX_ERRORS_TOLD} more" if len(faults) > MAX_ERRORS_TOLD else ""
    return told + more


def _fault(fault: ErrorDetails) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    message = _shortened(fault["msg"], 240)
    return f"{place}: {message}" if place else message


def _shortened(text: str, length: int) -> str:
    folded = str(one_line(text))
    return folded if len(folded) <= length else folded[: length - 1] + "…"


def _object_within(json_data: str | bytes) -> str | bytes:
    """The JSON object of an answer that wraps it in a fence or in talk; anything else as it is."""
    text = json_data.decode(errors="replace") if isinstance(json_data, bytes) else json_data
    if text.lstrip()[:1] in ("{", ""):
        return text
    from instructor.utils import extract_json_from_codeblock

    try:
        return extract_json_from_codeblock(text)
    except ValueError:  # too long or too deep to search
        return text
