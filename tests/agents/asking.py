"""A question, a client to ask it, and what comes of a call that fails: for the tests of clients."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationInfo, field_validator

from agents.llm.client import (
    Answer,
    CallFailedError,
    Message,
    Purpose,
    Request,
    Sampling,
)
from agents.llm.factory import ClientPool
from schemas.job import ModelConfig
from schemas.judgement import Agent
from schemas.machine import RunConfig

KEY = "sk-test-0123456789abcdef"
SYSTEM = "You annotate documents."
DOCUMENT = "<document>\nOslo is the capital of Norway.\n</document>"
BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])


class City(Answer):
    """A city of the document."""

    city: str = Field(description="Its name.")
    size: int = Field(default=1, description="Its size.")

    @field_validator("city")
    @classmethod
    def _in_document(cls, value: str, info: ValidationInfo) -> str:
        document = (info.context or {}).get("document")
        if document is not None and value not in document:
            raise ValueError(f"'{value}' does not stand in the document")
        return value


def question(
    task: str = "Name the city.",
    document: str = DOCUMENT,
    checks: dict[str, Any] | None = None,
    grammar: str | None = None,
    **sampling: Any,
) -> Request[City]:
    messages = (
        Message(role="system", parts=(SYSTEM,)),
        Message(role="user", parts=(document, task)),
    )
    settings = Sampling(**({"temperature": 0.2, "max_tokens": 200} | sampling))
    return Request(messages, City, settings, Purpose(agent=Agent.ANNOTATOR), checks, grammar)


class Asker:
    """Makes clients for a server and closes them."""

    def __init__(self) -> None:
        self.pools: list[ClientPool] = []

    def client(self, provider: str, server: Any, run: RunConfig | None = None, **settings: Any) -> Any:
        url = server.openai_url if provider == "openai" else server.anthropic_url
        self.pools.append(ClientPool(run or RunConfig(timeout=20)))
        config = ModelConfig(name=f"{provider}/scripted", base_url=url, api_key_env="TEST_KEY", **settings)
        return self.pools[-1].client_for(config)


async def failed(client: Any, request: Request[Any]) -> CallFailedError:
    with pytest.raises(CallFailedError) as caught:
        await client.ask(request)
    return caught.value
