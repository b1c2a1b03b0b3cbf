"""Figures over a whole run, summed up in SQL: what agents used, how scores and rounds are distributed.

Each function is one statement. Of a run of 5,000 documents and 100,000 calls it takes some hundredths of a
second, that of the agents' use 0.2 s, so that a page can have them anew while the run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graph.store.attempts import SENT
from graph.store.batch import SCORES
from graph.store.opening import OpenedRun
from graph.store.records import CallSums
from schemas.judgement import Agent, Outcome, Severity
from schemas.objections import Standing

CALL_SUMS: Final = f"""coalesce(sum({SENT}), 0), coalesce(sum(attempts), 0),
    coalesce(sum(status = 'replayed'), 0), coalesce(sum(input_tokens), 0),
    coalesce(sum(output_tokens), 0), coalesce(sum(cached_tokens), 0), coalesce(sum(seconds), 0.0),
    coalesce(sum(CASE WHEN status != 'replayed' THEN cost END), 0.0),
    coalesce(sum(status NOT IN ('replayed', 'open') AND (cost IS NULL OR unpriced > 0)), 0),
    coalesce(sum(status != 'replayed' AND cost IS NOT NULL AND input_tokens > 0), 0)"""
"""Columns over calls, in the order of `CallSums`."""

_BINS: Final = 20


@dataclass(frozen=True, slots=True)
class Use:
    """What an agent asked of a model."""

    agent: str
    model: str
    """With its provider, as in a job."""
    base_url: str | None
    sums: CallSums


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a score is distributed over the decisions in force that have it."""

    counts: tuple[int, ...]
    """Documents in each of equally wide ranges from 0 to 1; 1 itself is in the last one."""
    mean: float

    @property
    def documents(self) -> int:
        """How many have the score."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class RoundsTaken:
    """Documents whose loop ended in one way after one number of rounds."""

    rounds: int
    ending: str
    documents: int
    accepted: int


@dataclass(frozen=True, slots=True)
class ObjectionCount:
    """What became of the objections of one code."""

    code: str
    documents: int
    raised: int
    major: int
    mended: int
    conceded: int
    left: int
    """Open in the last round."""


def use_by_agent(run: OpenedRun) -> tuple[Use, ...]:
    """What each agent asked of each model, in the order of work; together they are the run's totals.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        f"""SELECT agent, provider || '/' || model AS name, base_url, {CALL_SUMS} FROM calls
        GROUP BY agent, provider, model, base_url ORDER BY name, base_url"""
    )
    order = list(Agent)
    made = [Use(agent, model, base_url, CallSums(*sums)) for agent, model, base_url, *sums in rows]
    return tuple(sorted(made, key=lambda use: order.index(Agent(use.agent))))


def score_distributions(run: OpenedRun, names: Sequence[str], bins: int = _BINS) -> dict[str, Distribution]:
    """How scores are distributed over the decisions in force; without those that no document has.

    Args:
        run: The run.
        names: Scores in 0..1, by name.
        bins: Ranges.

    Raises:
        StoreError: The run cannot be read.
    """
    known = [name for name in SCORES if name in names]
    each = " UNION ALL ".join(
        f"""SELECT '{name}', max(0, min(CAST({name} * ?1 AS INTEGER), ?1 - 1)) AS bin, count(*), sum({name})
        FROM kept WHERE {name} IS NOT NULL GROUP BY bin"""
        for name in known
    )
    columns = ", ".join(f"e.{name}" for name in known)
    rows = run.rows(
        f"""WITH kept AS MATERIALIZED (
            SELECT {columns} FROM documents d JOIN decisions e ON e.id = d.decision_id) {each}""",
        bins,
    )
    found: dict[str, Distribution] = {}
    for name in known:
        own = {bin_: (count, total) for of, bin_, count, total in rows if of == name}
        documents = sum(count for count, _ in own.values())
        if documents:
            counts = tuple(own[bin_][0] if bin_ in own else 0 for bin_ in range(bins))
            found[name] = Distribution(counts, sum(total for _, total in own.values()) / documents)
    return found


def rounds_taken(run: OpenedRun) -> tuple[RoundsTaken, ...]:
    """After how many rounds, and how, the loops of the documents that are decided on ended.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        """SELECT
            (SELECT max(r.number) FROM rounds r WHERE r.document_id = d.id AND r.take = k.take) AS rounds,
            e.ending, count(*), sum(e.outcome = ?)
        FROM documents d JOIN decisions e ON e.id = d.decision_id JOIN rounds k ON k.id = e.round_id
        WHERE e.ending IS NOT NULL GROUP BY rounds, e.ending ORDER BY rounds, e.ending""",
        Outcome.ACCEPTED.value,
    )
    return tuple(RoundsTaken(*row) for row in rows)


def objection_counts(run: OpenedRun) -> tuple[ObjectionCount, ...]:
    """What was objected to in the last takes of the documents, the most frequent code first.

    An objection is a finding followed over the rounds: it counts once, however often it was repeated.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        f"""WITH last AS MATERIALIZED (SELECT max(id) AS id FROM rounds GROUP BY document_id)
        SELECT o.code, count(DISTINCT o.round_id), count(*) AS raised,
            sum(o.severity = '{Severity.MAJOR.value}'), sum(o.status = '{Standing.MENDED.value}'),
            sum(o.status = '{Standing.CONCEDED.value}'), sum(o.status = '{Standing.OPEN.value}')
        FROM last l JOIN objections o ON o.round_id = l.id
        GROUP BY o.code ORDER BY raised DESC, o.code"""
    )
    return tuple(ObjectionCount(*row) for row in rows)


def rejection_reasons(run: OpenedRun) -> tuple[tuple[str, int], ...]:
    """The reasons of the rejections in force, each with the number of documents that have just this one.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        """SELECT e.reason, count(*) FROM documents d JOIN decisions e ON e.id = d.decision_id
        WHERE d.outcome = ? GROUP BY e.reason ORDER BY min(d.position)""",
        Outcome.REJECTED.value,
    )
    return tuple(rows)


def decided_since(run: OpenedRun, time: str) -> int:
    """How many documents were decided on since a time (ISO 8601, UTC).

    Raises:
        StoreError: The run cannot be read.
    """
    ((count,),) = run.rows(
        """SELECT count(*) FROM documents d JOIN decisions e ON e.id = d.decision_id WHERE e.created >= ?""",
        time,
    )
    return int(count)
