"""Response models as instructor needs them, and validation errors as a model is told them."""

from __future__ import annotations

import types
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agents.llm.client import AnswerT, AnyAnswer, CallFailedError, CallFault, form_of
from schemas.base import one_line

MAX_ERRORS_TOLD = 5


answer_in_hand: ContextVar[type[AnyAnswer]] = ContextVar("answer_in_hand")
"""The response model of the call in hand, for `reader`."""


@cache
def reader() -> type[BaseModel]:
    """The class through which instructor reads all answers: each as an instance of `answer_in_hand`.

    instructor derives a class, and with it validators and a schema, on every call unless it is given one that
    is already its own; and at every call it looks through a class, its bases and the types of its fields for
    validators of its own kind. This one is its own and has no fields. A failure is reported in one line:
    pydantic's own text repeats the whole input, and with it the document.
    """
    from instructor import ResponseSchema
    from instructor.core import ResponseParsingError

    class Reader(ResponseSchema):
        @classmethod
        def model_validate_json(cls, json_data: str | bytes, **_: Any) -> Any:  # type: ignore[override]
            try:
                return answer_in_hand.get().model_validate_json(object_within(json_data))
            except ValidationError as error:
                raise ResponseParsingError(condensed(error), raw_response=None) from None

    return Reader


class Form:
    """Name and JSON schema of an answer: what instructor wants to know where it asks by schema."""

    def __init__(self, answer: type[AnyAnswer]) -> None:
        self.__name__ = answer.__name__
        self._answer = answer

    def model_json_schema(self) -> dict[str, Any]:
        """The schema."""
        return form_of(self._answer)


@lru_cache(maxsize=256)
def tool_of(answer: type[AnyAnswer]) -> type[BaseModel]:
    """The same as a class, with a description: so instructor wants it where it asks by tool.

    The same class every time, as instructor keeps what it makes of one.
    """
    from instructor import ResponseSchema

    def model_json_schema(cls: type[BaseModel], /) -> dict[str, Any]:
        return dict(form_of(answer))  # instructor completes the outermost level where it finds it wanting

    def fill(namespace: dict[str, Any]) -> None:
        namespace["__module__"] = answer.__module__
        namespace["__doc__"] = answer.__doc__
        namespace["model_json_schema"] = classmethod(model_json_schema)

    return types.new_class(answer.__name__, (ResponseSchema,), exec_body=fill)


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


def object_within(json_data: str | bytes) -> str | bytes:
    """The JSON object of an answer that wraps it in a fence or in talk; anything else as it is."""
    text = json_data.decode(errors="replace") if isinstance(json_data, bytes) else json_data
    if text.lstrip()[:1] in ("{", ""):
        return text
    from instructor.utils import extract_json_from_codeblock

    try:
        return extract_json_from_codeblock(text)
    except ValueError:  # too long or too deep to search
        return text


def last_answer(error: CallFailedError, answer: type[AnswerT]) -> AnswerT | None:
    """The answer of a failed call's last attempt, if it has the form and only did not pass its checks."""
    if error.fault is not CallFault.INVALID or not error.attempts:
        return None
    try:
        return answer.model_validate_json(object_within(error.attempts[-1].raw), context={})
    except ValidationError:
        return None
