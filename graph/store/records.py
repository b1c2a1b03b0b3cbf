"""What goes into the run database and what comes out of it, beside the models of `schemas`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from agents.llm.choices import Choice
from agents.llm.client import Attempt, CallFault, Message, ModelIdentity, Purpose, Sampling
from schemas.documents import Document
from schemas.judgement import Decision, Ending, Outcome

ACCEPTANCE_OF_THE_RUN: Final = 1
"""Version of the decisions that the run itself takes; later versions re-decide from stored scores."""

COPIED_FROM_EXAMPLE: Final = "copied from example"
"""Kind of event: a document's schema has classes of the prompt's worked example; `data` names them."""


DOCUMENTS_READ: Final = "documents read"
"""Kind of event: all documents of the source are in the run; `data` has the source's state as `state`."""

CONNECTIONS: Final = "connections"
"""Kind of event: the number of connections to a model has changed, or all pause, or none is made any more."""

PILOT: Final = "pilot"
"""Kind of an event of the pilot of a corpus; its data may name its documents, or how it ended."""

JOB_CHANGED: Final = "job changed"
"""Kind of event: the run goes on with another job; `data` has the one before as `job_toml`."""

DECISIONS_IN_FORCE: Final = "decisions in force"
"""Kind of event: another version of the decisions holds from now on; `data` has it as `version`."""


class CallStatus(StrEnum):
    """Where a call stands. The faults carry the names of `CallFault`."""

    OPEN = "open"
    ANSWERED = "answered"
    REPLAYED = "replayed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # open when its process died
    ERROR = "error"  # an exception that is no CallFailedError: a fault of the program
    TRUNCATED = CallFault.TRUNCATED.value
    FILTERED = CallFault.FILTERED.value
    INVALID = CallFault.INVALID.value
    TOO_LONG = CallFault.TOO_LONG.value
    TIMEOUT = CallFault.TIMEOUT.value
    CONNECTION = CallFault.CONNECTION.value
    RATE_LIMIT = CallFault.RATE_LIMIT.value
    REFUSED = CallFault.REFUSED.value
    BAD_REQUEST = CallFault.BAD_REQUEST.value
    SERVER = CallFault.SERVER.value


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class OpenedCall:
    """A call about to be sent."""

    key: str
    """SHA-256 (hex) over what determines the answer."""
    purpose: Purpose
    identity: ModelIdentity
    messages: tuple[Message, ...]
    sampling: Sampling
    answer_name: str
    """Name of the response model."""
    answer_schema: str
    """Hash of its JSON schema."""


@dataclass(frozen=True, slots=True)
class ClosedCall:
    """What became of a call."""

    status: CallStatus
    answer: str | None = None
    """The answer as JSON; set exactly when the status is ANSWERED."""
    attempts: tuple[Attempt, ...] = ()
    error: str | None = None
    """Why there is no answer."""
    choices: tuple[Choice, ...] = ()
    """How likely the values of the answer were that it was asked about."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A usable answer of an earlier call."""

    call_id: str
    answer: str
    """JSON, to be validated again with the checks of the call in hand."""
    run: str | None = None
    """The other run it was taken from; None for this one."""
    choices: tuple[Choice, ...] = ()
    """How likely the values of the answer were that it was asked about."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The run itself."""

    id: str
    name: str
    status: RunStatus
    reason: str
    started: str
    """ISO 8601, UTC; so are all times."""
    ended: str | None
    version: str
    """GuideX that started it."""
    job: str
    """The job as JSON."""
    job_toml: str
    """The job with every default, as a job file that lies in the run's folder."""


@dataclass(frozen=True, slots=True)
class Session:
    """A time in which a process worked on the run."""

    started: str
    """ISO 8601, UTC."""
    ended: str | None
    """When it ended; of a process that died, when its last call was closed; None while it goes on."""
    status: RunStatus
    reason: str
    version: str
    about: dict[str, Any]
    """What it was to do, and what of the job was changed."""


@dataclass(frozen=True, slots=True)
class CallSums:
    """Sums over calls."""

    calls: int
    """Calls sent to a model; replays are apart."""
    attempts: int
    replays: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    seconds: float
    """Seconds spent in attempts, summed over calls that ran side by side."""
    cost: float
    """USD of all attempts whose cost is known."""
    unpriced: int
    """Calls whose cost is not known, or not all of it."""
    priced: int
    """Answered calls whose cost is known."""

    @property
    def known_cost(self) -> float | None:
        """USD as far as it is known; None where no price was."""
        return None if self.unpriced and not self.priced else self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(CallSums):
    """Sums of a run. Every document is in exactly one of the five states."""

    documents: int
    accepted: int
    rejected: int
    failed: int
    skipped: int
    pending: int

    @property
    def admitted(self) -> int:
        """Documents without those left out."""
        return self.documents - self.skipped

    @property
    def balanced(self) -> bool:
        """Whether in = accepted + rejected + failed + skipped + pending."""
        states = self.accepted + self.rejected + self.failed + self.skipped + self.pending
        return self.documents == states


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as one line of a list."""

    name: str
    folder: Path
    status: RunStatus
    started: str
    ended: str | None
    documents: int
    accepted: int
    failed: int
    calls: int
    problem: str = ""
    """Why the database could not be read; empty if it could."""


@dataclass(frozen=True, slots=True)
class PendingDocument:
    """A document to be worked on."""

    position: int
    draw: int
    """How often its answers were drawn anew."""
    document: Document


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document and where it stands, without its text."""

    position: int
    id: str
    source: str
    characters: int | None
    """None for a record that could not be read."""
    outcome: Outcome
    reason: str
    """Empty while pending."""
    ending: Ending | None
    round: int | None
    """The round whose result was kept."""


@dataclass(frozen=True, slots=True)
class DocumentDecision:
    """A decision on a document, one of several where it was taken up again or decided anew."""

    version: int
    """The version of the decisions of the run that it belongs to."""
    created: str
    decision: Decision
    in_force: bool
    """Whether it is the one that holds."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call without its messages."""

    id: str
    key: str
    agent: str
    document_id: str | None
    round: int
    sample: int
    passage: int
    provider: str
    model: str
    base_url: str | None
    status: CallStatus
    error: str | None
    answer_name: str
    opened: str
    closed: str | None
    attempts: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    seconds: float
    retry: int
    """How many calls of the same key went before."""
    replay_of: str | None
    cost: float | None
    """USD of the attempts whose cost is known; None if there are none such."""
    unpriced: int
    """Attempts whose cost is not known."""


@dataclass(frozen=True, slots=True)
class CallDetail:
    """A call with everything that was said. For a replay: what the call it repeats had said."""

    call: CallRow
    sampling: Sampling
    structured: str
    messages: tuple[Message, ...]
    attempts: tuple[Attempt, ...]
    answer: str | None
    """The answer that was taken, as JSON."""
    choices: tuple[Choice, ...] = ()
    """How likely the values of the answer were that it was asked about."""
    reused_from: str | None = None
    """`run:call` of another run whose answer was taken."""


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures of one cause."""

    agent: str
    error_class: str
    message: str
    """Of the first failure."""
    count: int
    document_ids: tuple[str, ...] = field(default=())
    """In the order of the failures; those without a document count but have no id here."""


@dataclass(frozen=True, slots=True)
class Vain:
    """Requests that brought no usable answer."""

    kind: str
    """What became of them (`graph.store.attempts.spent_in_vain`)."""
    requests: int
    input_tokens: int | None
    """None where nobody knows."""
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the run."""

    time: str
    kind: str
    message: str
    data: dict[str, Any] | None


RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Found(Generic[RowT]):
    """Some of what was found, in the order that was asked for."""

    total: int
    """How many there are."""
    shown: tuple[RowT, ...]
