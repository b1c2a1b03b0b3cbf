"""The one way agents speak to a model: messages and a response model in, a validated answer out.

`Client` is the protocol; `agents.llm.instructed` implements it on instructor for hosted models and
servers, `agents.llm.local` for models that run in this process.
"""

from __future__ import annotations

import contextvars
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, Literal, Protocol, Self, TypeVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, Field

from agents.llm.choices import Choice
from schemas.base import Model
from schemas.errors import GuidexError, StoppedError
from schemas.judgement import Agent

answer_checks: contextvars.ContextVar[Mapping[str, Any] | None] = contextvars.ContextVar(
    "answer_checks", default=None
)
"""What validators of the answer in hand may look at (`info.context`).

instructor's own `context=` cannot be used for it: instructor renders every message as a Jinja template
when it is given, and messages hold documents, which are untrusted.
"""


class AnyAnswer(Protocol):
    """What can be asked of a model: says in what form, and is read from JSON. Mostly an `Answer`."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """The form as a JSON schema."""
        ...

    @classmethod
    def model_validate_json(cls, json_data: str | bytes, *, context: Any | None = None) -> Self:
        """Read an answer.

        Raises:
            ValidationError: It does not have the form, or does not pass its checks (`answer_checks`).
        """
        ...

    def model_dump_json(self) -> str:
        """The answer as JSON."""
        ...


class Answer(BaseModel):
    """Base of response models: extra keys are dropped, context comes from `answer_checks`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def model_validate_json(
        cls,
        json_data: str | bytes | bytearray,
        *,
        strict: bool | None = None,
        context: Any | None = None,
        **options: Any,
    ) -> Self:
        """Validate JSON text, leniently about types, with the checks of the call in hand."""
        checks = context if context is not None else answer_checks.get()
        return super().model_validate_json(json_data, strict=False, context=checks, **options)


AnswerT = TypeVar("AnswerT", bound=AnyAnswer)

_forms: WeakKeyDictionary[type[AnyAnswer], dict[str, Any]] = WeakKeyDictionary()


def form_of(answer: type[AnyAnswer]) -> dict[str, Any]:
    """JSON schema of a response model, not to be changed; made once a class, as it takes milliseconds."""
    known = _forms.get(answer)
    if known is None:
        known = _forms[answer] = answer.model_json_schema()
    return known


class Message(Model):
    """One message. Parts are kept apart so that a provider can mark where its prefix cache ends."""

    role: Literal["system", "user", "assistant"] = Field(description="Who speaks.")
    parts: tuple[str, ...] = Field(min_length=1, description="Text, joined by a blank line when sent as one.")

    @property
    def text(self) -> str:
        """The message as one string."""
        return "\n\n".join(self.parts)


_SEED_STEP = 1_000_003
"""Between the seeds of repeated draws; agents of one job have neighbouring seeds."""


class Sampling(Model):
    """What determines the draw."""

    temperature: float = Field(ge=0, description="0 is greedy.")
    max_tokens: int = Field(ge=1, description="Most tokens of the answer.")
    top_p: float | None = Field(default=None, description="Nucleus; None leaves it to the server.")
    frequency_penalty: float | None = Field(
        default=None, description="Discourages repetition; sent where the provider takes it."
    )
    seed: int | None = Field(default=None, description="Sent where the provider takes one.")

    def drawn_anew(self, times: int) -> Sampling:
        """The same settings with another seed for each time; the same ones for 0 times."""
        return (
            self.model_copy(update={"seed": ((self.seed or 0) + _SEED_STEP * times) % 2**31})
            if times
            else self
        )


class Usage(Model):
    """Tokens of one or several attempts."""

    input_tokens: int = Field(default=0, ge=0, description="Prompt tokens, cached ones included.")
    output_tokens: int = Field(default=0, ge=0, description="Generated tokens.")
    cached_tokens: int = Field(default=0, ge=0, description="Prompt tokens served from the prefix cache.")
    written_tokens: int = Field(
        default=0, ge=0, description="Prompt tokens written to the prefix cache, where that costs more."
    )

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            written_tokens=self.written_tokens + other.written_tokens,
        )


class Purpose(Model):
    """On whose behalf a call is made; for the trace, and the sample index for the ledger's key."""

    agent: Agent = Field(description="The role that asks.")
    document_id: str | None = Field(default=None, description="The document; None for corpus-wide calls.")
    round: int = Field(default=1, ge=1, description="Round of the document, from 1.")
    sample: int = Field(default=0, ge=0, description="Which of several equal requests (annotator, sample).")
    passage: int = Field(default=0, ge=0, description="Which passage of a long document, from 0.")
    draw: int = Field(
        default=0, ge=0, description="How often the document's answers were drawn anew; shifts the seed."
    )


GIVEN_UP = "no answer"
"""Error of an attempt that was cancelled while it was under way."""


class Attempt(Model):
    """One request to the provider and what came back, good or not."""

    number: int = Field(ge=1, description="From 1; re-asks count on.")
    raw: str = Field(description="The answer as received: text, or JSON of the tool call; may be empty.")
    finish_reason: str | None = Field(default=None, description="As the provider names it.")
    usage: Usage = Field(default_factory=Usage, description="Tokens of this attempt.")
    cost: float | None = Field(
        default=None, ge=0, description="USD; None where the price is not known, or what was used."
    )
    latency: float = Field(default=0.0, ge=0, description="Seconds from sending to the whole answer.")
    error: str | None = Field(
        default=None, description="Why the answer was not taken; None for the one that was."
    )
    choices: tuple[Choice, ...] = Field(
        default=(),
        description="How likely the values asked about were (`Request.choices`), where it is known.",
    )


class Request(Generic[AnswerT]):
    """One question to a model."""

    __slots__ = ("answer", "attempts", "checks", "choices", "grammar", "messages", "purpose", "sampling")

    def __init__(
        self,
        messages: tuple[Message, ...],
        answer: type[AnswerT],
        sampling: Sampling,
        purpose: Purpose,
        checks: Mapping[str, Any] | None = None,
        grammar: str | None = None,
        choices: Sequence[str] = (),
    ) -> None:
        """Put a question together.

        Args:
            messages: Stable parts first, the role's instructions last.
            answer: Response model; prepared once per schema and reused, as preparing costs time.
            sampling: How to draw.
            purpose: For trace and ledger.
            checks: Seen by the answer's validators as `info.context`.
            grammar: LLGuidance grammar for clients whose `takes_grammar` is true.
            choices: Values of which it is to be told how likely each was wherever the answer has one of them
                (`agents.llm.choices`); for clients whose `gives_probabilities` is true.
        """
        self.messages = messages
        self.answer = answer
        self.sampling = sampling
        self.purpose = purpose
        self.checks = checks
        self.grammar = grammar
        self.choices = tuple(choices)
        self.attempts: list[Attempt] = []
        """What came back so far; the client adds to it as it goes, so a cancelled call is accounted for."""


class Reply(Generic[AnswerT]):
    """A validated answer and what it took."""

    __slots__ = ("answer", "attempts", "choices", "read_from", "replayed")

    def __init__(
        self,
        answer: AnswerT,
        attempts: tuple[Attempt, ...],
        *,
        replayed: bool = False,
        read_from: str | None = None,
        choices: tuple[Choice, ...] | None = None,
    ) -> None:
        self.answer = answer
        self.attempts = attempts
        self.choices = choices if choices is not None else attempts[-1].choices if attempts else ()
        """How likely the values were that the request asks about; those of the last attempt unless given."""
        self.read_from = read_from
        """JSON that the answer was read from, if the client says so: reading it again gives the same."""
        self.replayed = replayed
        """Answered from the ledger: nothing was sent, so there are no attempts."""

    @property
    def usage(self) -> Usage:
        """Tokens of all attempts."""
        return sum((attempt.usage for attempt in self.attempts), Usage())

    @property
    def latency(self) -> float:
        """Seconds of all attempts."""
        return sum(attempt.latency for attempt in self.attempts)

    @property
    def finish_reason(self) -> str | None:
        """Why the last attempt ended; None for a replay."""
        return self.attempts[-1].finish_reason if self.attempts else None


class CallFault(StrEnum):
    """Why a call brought no answer."""

    TRUNCATED = "truncated"
    FILTERED = "filtered"
    INVALID = "invalid"
    TOO_LONG = "too long"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    RATE_LIMIT = "rate limit"
    REFUSED = "refused"
    BAD_REQUEST = "bad request"
    SERVER = "server"


class CallFailedError(GuidexError):
    """A call ended without a usable answer; its attempts are kept.

    Attributes:
        fault: Why.
        attempts: What was received.
        agent: On whose behalf the call was made, once known.
    """

    def __init__(
        self, fault: CallFault, message: str, attempts: tuple[Attempt, ...] = (), remedy: str = ""
    ) -> None:
        super().__init__(message, remedy)
        self.fault = fault
        self.attempts = attempts
        self.agent: Agent | None = None


class CallStoppedError(StoppedError):
    """A call was not sent, or not sent again, because the run has to stop; the run can be taken up again.

    Attributes:
        attempts: What was received before.
    """

    def __init__(self, message: str, remedy: str = "", attempts: tuple[Attempt, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.attempts = attempts


class ModelIdentity(Model):
    """What of a client determines its answers; part of the ledger's key."""

    provider: str = Field(description="'openai', 'anthropic' or 'local'.")
    model: str = Field(description="Name the provider knows it by; file name and checksum for local ones.")
    base_url: str | None = Field(default=None, description="Server, where it is not the provider's own.")
    structured: str = Field(default="", description="How structure is asked for.")


class Client(Protocol):
    """Speaks to one model."""

    @property
    def identity(self) -> ModelIdentity:
        """What determines the answers."""
        ...

    @property
    def takes_grammar(self) -> bool:
        """Whether `Request.grammar` constrains decoding."""
        ...

    @property
    def gives_probabilities(self) -> bool:
        """Whether it is told how likely `Request.choices` were."""
        ...

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        """Ask, validate, re-ask at most twice with the validation error.

        Raises:
            CallFailedError: No usable answer; a truncated one is not asked again as it is.
            CallStoppedError: The run has to stop (a limit is reached, a server is down).
        """
        ...

    async def close(self) -> None:
        """Release connections; the client cannot be used afterwards."""
        ...
