"""A `Client` without a wire: a script answers, and the answer is validated and asked for again for real."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from agents.llm.answers import condensed
from agents.llm.client import (
    AnswerT,
    Attempt,
    CallFailedError,
    CallFault,
    ModelIdentity,
    Reply,
    Request,
    Usage,
    answer_checks,
)

Said = dict[str, Any] | list[Any] | str | CallFault | Exception
"""An answer (JSON value or raw text), a fault the call ends with, or an exception that is raised as it is."""

ATTEMPTS = 3


class InMemoryClient:
    """Answers by a script; `requests` holds every question in order, `answered` counts answers."""

    def __init__(self, script: Callable[[Request[Any]], Said], *, takes_grammar: bool = False) -> None:
        self.script = script
        self.delay: Callable[[Request[Any]], float] = lambda request: 0
        self.takes_grammar = takes_grammar
        self.gives_probabilities = False
        self.requests: list[Request[Any]] = []
        self.answered = 0
        self.closed = False

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(provider="openai", model="in-memory")

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        self.requests.append(request)
        attempts: list[Attempt] = []
        token = answer_checks.set(request.checks)
        try:
            for number in range(1, ATTEMPTS + 1):
                await asyncio.sleep(self.delay(request))
                said = self.script(request)
                if isinstance(said, CallFault):
                    raise CallFailedError(said, f"scripted: {said.value}", tuple(attempts))
                if isinstance(said, Exception):
                    raise said
                raw = said if isinstance(said, str) else json.dumps(said)
                used = Usage(input_tokens=10, output_tokens=5)
                try:
                    answer = request.answer.model_validate_json(raw)
                except ValidationError as error:
                    attempts.append(Attempt(number=number, raw=raw, usage=used, error=condensed(error)))
                    continue
                attempts.append(Attempt(number=number, raw=raw, usage=used))
                self.answered += 1
                return Reply(answer, tuple(attempts))
        finally:
            answer_checks.reset(token)
        raise CallFailedError(CallFault.INVALID, str(attempts[-1].error), tuple(attempts))

    async def close(self) -> None:
        self.closed = True
