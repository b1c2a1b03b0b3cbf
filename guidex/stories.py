"""What a run's database tells about its documents, put together for reading."""

from __future__ import annotations

from pydantic import Field

from graph.deciding import settle
from graph.merits import obstacles
from graph.methods.acceptance import required, weighed
from graph.objections import history
from graph.store.call_search import CallFilter, find_calls
from graph.store.document_search import DocumentFilter, FoundDocument, find_documents
from graph.store.failures import failures_of
from graph.store.reading import RunReader
from graph.store.records import CallRow, DocumentDecision, Found
from graph.store.versions import job_of_run, thresholds_in_force
from schemas.annotation import Annotation
from schemas.base import Model
from schemas.documents import Document
from schemas.errors import UsageError
from schemas.job import Job
from schemas.judgement import Decision, Ending, Outcome, Scores
from schemas.objections import Objection
from schemas.rounds import Round

CALLS_OF_A_DOCUMENT = 10_000
"""Most calls read of one document: rounds x agents x passages, and far more than any has."""


class DocumentLine(Model):
    """A document in a list."""

    id: str = Field(description="The document.")
    source: str = Field(description="Where it was read.")
    characters: int | None = Field(description="Length; None if it could not be read or was left out.")
    outcome: Outcome = Field(description="Where it stands.")
    reason: str = Field(description="Why; empty while pending.")
    ending: Ending | None = Field(description="How the loop ended.")
    round: int | None = Field(description="The round that was kept.")
    scores: Scores | None = Field(description="Of that round.")


class CallLine(Model):
    """A call in a document's story."""

    id: str = Field(description="The call.")
    agent: str = Field(description="Who asked.")
    round: int = Field(description="In which round.")
    sample: int = Field(description="Which of several equal ones: the annotator, from 0.")
    passage: int = Field(description="Which passage of the document, from 0.")
    model: str = Field(description="Who was asked.")
    status: str = Field(description="What became of it.")
    opened: str = Field(description="When, ISO 8601, UTC.")
    closed: str | None = Field(description="When it ended; None while it is open.")
    replay_of: str | None = Field(description="The earlier call whose answer was taken.")
    re_asked: bool = Field(description="Whether it was asked again, as an answer did not fit.")
    error: str | None = Field(description="Why there is no answer.")
    attempts: int = Field(description="Requests, re-asks included.")
    input_tokens: int = Field(description="Of all attempts.")
    cached_tokens: int = Field(description="Of all attempts.")
    output_tokens: int = Field(description="Of all attempts.")
    seconds: float = Field(description="Of all attempts.")
    cost: float | None = Field(description="USD of the attempts whose cost is known; None if there are none.")


class RoundStory(Model):
    """A round, and what stood against accepting it."""

    result: Round = Field(description="What was said.")
    obstacles: tuple[str, ...] = Field(description="What kept it from being accepted; empty if nothing.")


class Story(Model):
    """A document from its text to its decision."""

    run: str = Field(description="The run.")
    id: str = Field(description="The document.")
    document: Document | None = Field(description="None for a record that could not be read or was left out.")
    outcome: Outcome = Field(description="Where it stands.")
    decision: Decision | None = Field(description="The one in force; None while pending.")
    decisions: tuple[DocumentDecision, ...] = Field(
        description="All that were taken, the oldest first: by the run, again, and by other thresholds."
    )
    required: dict[str, float] = Field(
        description="The least value of each score that acceptance takes, by the version of decisions in "
        "force; a score that is not there decides nothing."
    )
    rounds: tuple[RoundStory, ...] = Field(description="In order.")
    objections: tuple[Objection, ...] = Field(
        description="What was objected to, numbered in the order of raising, and how each objection ended."
    )
    result: Annotation | None = Field(
        description="What was kept: agreed, and not disputed by the critic at the end."
    )
    calls: tuple[CallLine, ...] = Field(description="In the order in which they were opened.")
    failures: tuple[str, ...] = Field(description="What failed, in words; also before it was taken up again.")


def document_lines(
    reader: RunReader, outcome: Outcome | None = None, *, limit: int = 100, offset: int = 0
) -> Found[DocumentLine]:
    """A page of documents with the scores of the rounds that were kept, and how many there are.

    Raises:
        StoreError: The run cannot be read.
    """
    found = find_documents(reader, DocumentFilter(outcome=outcome), limit=limit, offset=offset)
    return Found(found.total, tuple(map(_line, found.shown)))


def _line(found: FoundDocument) -> DocumentLine:
    row = found.document
    return DocumentLine(
        id=row.id,
        source=row.source,
        characters=row.characters,
        outcome=row.outcome,
        reason=row.reason,
        ending=row.ending,
        round=row.round,
        scores=found.scores,
    )


def held_to(reader: RunReader) -> dict[str, float]:
    """The least value of each score that decides on the documents of a run, by the version in force.

    Raises:
        StoreError: The run cannot be read.
    """
    return required(job_of_run(reader).method, thresholds_in_force(reader))


def story_of(reader: RunReader, document_id: str) -> Story:
    """All that is known about a document.

    Raises:
        UsageError: The run has no such document.
        StoreError: The run cannot be read.
    """
    outcome = reader.outcomes([document_id]).get(document_id)
    if outcome is None:
        name = reader.run().name
        raise UsageError(
            f"Run {name} has no document {document_id!r}.", f"`guidex trace show {name}` lists them."
        )
    run = reader.run()
    job = Job.model_validate_json(run.job)
    thresholds = thresholds_in_force(reader)
    kept = reader.kept_round(document_id)
    rounds = reader.rounds(document_id)
    return Story(
        run=run.name,
        id=document_id,
        document=reader.document(document_id),
        outcome=outcome,
        decision=reader.decision(document_id),
        decisions=reader.decisions(document_id),
        required=required(job.method, thresholds),
        rounds=tuple(
            RoundStory(result=round_, obstacles=obstacles(weighed(job, round_), thresholds, settled=False))
            for round_ in rounds
        ),
        objections=history(rounds, kept),
        result=settle(kept).agreed if kept else None,
        calls=_calls(reader, document_id),
        failures=failures_of(reader, document_id),
    )


def _calls(reader: RunReader, document_id: str) -> tuple[CallLine, ...]:
    rows = find_calls(reader, CallFilter(document_id), limit=CALLS_OF_A_DOCUMENT).shown
    again = find_calls(reader, CallFilter(document_id, re_asked=True), limit=CALLS_OF_A_DOCUMENT).shown
    re_asked = {row.id for row in again}
    return tuple(_call(row, re_asked=row.id in re_asked) for row in rows)


def _call(row: CallRow, *, re_asked: bool) -> CallLine:
    return CallLine(
        id=row.id,
        agent=row.agent,
        round=row.round,
        sample=row.sample,
        passage=row.passage,
        model=f"{row.provider}/{row.model}",
        status=row.status.value,
        opened=row.opened,
        closed=row.closed,
        replay_of=row.replay_of,
        re_asked=re_asked,
        error=row.error,
        attempts=row.attempts,
        input_tokens=row.input_tokens,
        cached_tokens=row.cached_tokens,
        output_tokens=row.output_tokens,
        seconds=round(row.seconds, 3),
        cost=row.cost,
    )
