"""What is asked of a scripted server, and what a script can have it say or do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Say:
    """An answer with its details; `content` is an object (as the mode wants it) or raw text.

    A model that gives log-probabilities has `likely`: by a word of the answer, the probabilities of the words
    that might have stood there.
    """

    content: dict[str, Any] | str
    finish: str | None = None
    input_tokens: int = 100
    output_tokens: int = 20
    cached_tokens: int = 0
    delay: float = 0.0
    refusal: str | None = None
    likely: Mapping[str, Mapping[str, float]] | None = None


@dataclass(frozen=True)
class Fail:
    """An HTTP error in the provider's form."""

    status: int
    message: str = "scripted failure"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True)
class Garble:
    """Status 200 with a body that is no JSON."""

    body: str = "<html>not a model</html>"
    content_type: str = "application/json"
    delay: float = 0.0


@dataclass(frozen=True)
class Drop:
    """The connection is lost in the middle of the answer."""

    delay: float = 0.0


_TOLD_SCHEMA = re.compile(r"(?:fits this JSON schema, and nothing else:|<response_schema>)\n(\{.*\})")
"""A schema in words, as GuideX or data-designer tells it."""

Turn = dict[str, Any] | str | Say | Fail | Garble | Drop
Script = Callable[["Call"], Turn] | Sequence[Turn]


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    provider: str
    raw: bytes
    headers: dict[str, str]
    at: float

    @cached_property
    def body(self) -> dict[str, Any]:
        """The request's JSON object."""
        return json.loads(self.raw)

    @cached_property
    def texts(self) -> list[str]:
        """Text of the messages, system first."""
        system = self.body.get("system") or []
        messages = [_text(m["content"]) for m in self.body["messages"]]
        return ([_text(system)] if system else []) + messages

    @property
    def prompt(self) -> str:
        """All text of the request."""
        return "\n\n".join(self.texts)

    @property
    def document(self) -> str:
        """The document in the prompt: what stands between document tags, else the longest message."""
        inside = re.search(r"<document[^>]*>\n?(.*?)\n?</document", self.prompt, re.DOTALL)
        return inside.group(1) if inside else max(self.texts, key=len)

    @property
    def as_tool(self) -> bool:
        """Whether the answer is wanted as a tool call."""
        return bool(self.body.get("tools"))

    @property
    def schema(self) -> dict[str, Any] | None:
        """JSON schema of the answer; None where a grammar or nothing says what is wanted."""
        if self.as_tool:
            tool = self.body["tools"][0]
            return tool["input_schema"] if self.provider == "anthropic" else tool["function"]["parameters"]
        wanted = self.body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return wanted["json_schema"]["schema"]
        told = _TOLD_SCHEMA.search(self.prompt)
        return json.loads(told.group(1)) if told else None


def _text(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, list):
        return "\n\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""
