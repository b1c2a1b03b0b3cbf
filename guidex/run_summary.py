"""A run as one summary: sums that add up, what failed and why, what was objected to, and what to do next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from agents.llm.prices import price_remedy, without_price
from graph.store.attempts import spent_in_vain
from graph.store.failures import failure_groups, past_failures
from graph.store.missing_classes import missing_classes
from graph.store.reading import RunReader
from graph.store.records import COPIED_FROM_EXAMPLE, RunStatus, Session
from graph.store.statistics import rejection_reasons
from graph.store.versions import version_in_force
from guidex.next_steps import next_steps
from schemas.base import Model
from schemas.job import Job
from schemas.judgement import AGREEMENT_FIGURES
from schemas.methods import Method

_REASONS = 5
_EXAMPLES = 3


class FailureCause(Model):
    """Failures of one cause."""

    agent: str = Field(description="Where it happened: an agent, 'guidex' or 'documents'.")
    cause: str = Field(description="Class of the error.")
    message: str = Field(description="What the first of them said.")
    count: int = Field(description="How many.")
    document_ids: tuple[str, ...] = Field(description="The documents.")


class Vain(Model):
    """Requests without a usable answer, of one kind."""

    kind: str = Field(
        description="'re-asked', 'invalid', 'truncated', 'filtered', 'retried', 'no answer', 'cancelled', "
        "'interrupted' or 'error'."
    )
    requests: int = Field(description="How many.")
    input_tokens: int | None = Field(description="Prompt tokens; None where nobody knows.")
    output_tokens: int | None = Field(description="Generated tokens; None where nobody knows.")


class MissingClass(Model):
    """A class that the schema of all documents was found to lack."""

    name: str = Field(description="As the critic calls it; empty where it gave no name.")
    count: int = Field(description="Documents.")
    document_ids: tuple[str, ...] = Field(description="Some of them.")
    messages: tuple[str, ...] = Field(description="Some of what was said.")


class Rejection(Model):
    """One reason for which documents were rejected; a document may have several."""

    reason: str = Field(description="What stood against them, without the single document's numbers.")
    count: int = Field(description="Documents.")


class MeanScore(Model):
    """A score of the rounds that were kept."""

    name: str = Field(description="As in a document's scores.")
    mean: float = Field(description="Over the documents that have it.")
    documents: int = Field(description="How many have it.")


class RunSummary(Model):
    """What a run came to."""

    name: str = Field(description="The run.")
    folder: Path = Field(description="Its folder.")
    method: Method = Field(description="How its documents are annotated.")
    status: RunStatus = Field(description="Where it stands.")
    reason: str = Field(description="Why it did not end by itself; else empty.")
    decision_version: int = Field(description="Version of the decisions in force; 1 is the run's own.")
    started: str = Field(description="ISO 8601, UTC.")
    ended: str | None = Field(description="ISO 8601, UTC; None while it runs.")
    wall_seconds: float = Field(description="Of all sessions, the one that goes on up to now.")
    version: str = Field(description="GuideX that started it.")
    documents: dict[str, int] = Field(description="'in', and how many of them are in each state.")
    calls: int = Field(description="Calls sent to a model.")
    attempts: int = Field(description="Requests of these calls, re-asks included.")
    replays: int = Field(description="Calls answered from the ledger.")
    input_tokens: int = Field(description="Prompt tokens of all attempts, cached ones included.")
    cached_tokens: int = Field(description="Of these, served from the prefix cache.")
    output_tokens: int = Field(description="Generated tokens of all attempts.")
    model_seconds: float = Field(description="Seconds of all attempts; they ran side by side.")
    cost: float | None = Field(description="USD of all attempts whose cost is known; None if no call's is.")
    unpriced: int = Field(description="Calls whose cost is not known, or not all of it.")
    price_remedy: str = Field(description="How to say the price of a model, if one is not known.")
    vain: tuple[Vain, ...] = Field(description="Requests without a usable answer, by what became of them.")
    failures: tuple[FailureCause, ...] = Field(
        description="Of documents that are failed now, by cause; the most frequent first."
    )
    agreement: tuple[MeanScore, ...] = Field(
        description="Agreement between annotators, and what stands beside it; empty if there is none."
    )
    past_failures: int = Field(description="Failures of documents that were taken up again since.")
    rejections: tuple[Rejection, ...] = Field(description="The most frequent reasons.")
    copied: dict[str, int] = Field(
        description="Classes copied from a prompt's worked example, with the number of documents."
    )
    missing_classes: tuple[MissingClass, ...] = Field(
        description="What documents say the schema they share lacks; the most frequent first."
    )
    next: tuple[str, ...] = Field(description="Commands that make sense now.")


def summarise(folder: Path) -> RunSummary:
    """Summarise the run in a folder.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    with RunReader(folder) as reader:
        return summary_of(reader)


def summary_of(reader: RunReader) -> RunSummary:
    """Summarise an opened run.

    Raises:
        StoreError: It cannot be read.
    """
    run, totals = reader.run(), reader.totals()
    return RunSummary(
        name=run.name,
        folder=reader.folder,
        method=Job.model_validate_json(run.job).method,
        status=run.status,
        reason=run.reason,
        decision_version=version_in_force(reader),
        started=run.started,
        ended=run.ended,
        wall_seconds=_wall_seconds(reader.sessions()),
        version=run.version,
        documents={
            "in": totals.documents,
            "accepted": totals.accepted,
            "rejected": totals.rejected,
            "failed": totals.failed,
            "skipped": totals.skipped,
            "pending": totals.pending,
        },
        calls=totals.calls,
        attempts=totals.attempts,
        replays=totals.replays,
        input_tokens=totals.input_tokens,
        cached_tokens=totals.cached_tokens,
        output_tokens=totals.output_tokens,
        model_seconds=totals.seconds,
        cost=totals.known_cost,
        unpriced=totals.unpriced,
        price_remedy=how_to_price(reader) if totals.unpriced else "",
        vain=tuple(Vain(**asdict(kind)) for kind in spent_in_vain(reader)),
        failures=tuple(
            FailureCause(
                agent=group.agent,
                cause=group.error_class,
                message=group.message,
                count=group.count,
                document_ids=group.document_ids,
            )
            for group in failure_groups(reader)
        ),
        agreement=_agreement(reader),
        past_failures=past_failures(reader),
        rejections=_rejections(reader),
        copied=_copied(reader),
        missing_classes=tuple(
            MissingClass(
                name=each.name,
                count=len(each.documents),
                document_ids=tuple(each.documents[:_EXAMPLES]),
                messages=tuple(each.messages[:_EXAMPLES]),
            )
            for each in missing_classes(reader)
        ),
        next=next_steps(reader, totals),
    )


def how_to_price(reader: RunReader) -> str:
    """What to write into the job file, if the price of one of its models is not known; else empty."""
    job = Job.model_validate_json(reader.run().job)
    unknown = without_price(job)
    return price_remedy(unknown[0], job.prices) if unknown else ""


def _copied(reader: RunReader) -> dict[str, int]:
    # A document that was taken up again has several events.
    copied = {
        (event.data["document_id"], name)
        for event in reader.events(COPIED_FROM_EXAMPLE)
        if event.data
        for name in event.data["classes"]
    }
    return dict(Counter(name for _, name in copied).most_common())


def _agreement(reader: RunReader) -> tuple[MeanScore, ...]:
    means = reader.mean_scores(("agreement", *AGREEMENT_FIGURES))
    return tuple(MeanScore(name=name, mean=mean, documents=count) for name, (mean, count) in means.items())


def _wall_seconds(sessions: Sequence[Session]) -> float:
    now = datetime.now(UTC)
    seconds = (
        (datetime.fromisoformat(each.ended) if each.ended else now) - datetime.fromisoformat(each.started)
        for each in sessions
    )
    return round(sum(max(0.0, each.total_seconds()) for each in seconds), 3)


def _rejections(reader: RunReader) -> tuple[Rejection, ...]:
    counts: Counter[str] = Counter()
    for reason, documents in rejection_reasons(reader):
        counts.update(dict.fromkeys(_kinds(reason), documents))
    return tuple(Rejection(reason=reason, count=count) for reason, count in counts.most_common(_REASONS))


def _kinds(reason: str) -> set[str]:
    """What a decision's reason says, without the numbers of the one document."""
    faults = reason.partition(": ")[2] or reason
    return {
        re.sub(r"\b\d+(\.\d+)? < ", "< ", re.sub(r"^\d+ (open major finding)s?", r"\1s", f))
        for f in faults.split("; ")
    }
