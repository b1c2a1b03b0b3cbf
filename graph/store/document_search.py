"""Finding the documents of a run: by how they ended, what was found in them, their scores, their words.

What is asked of a document is asked of the decision in force and of the round that it keeps. All is done in
SQL, without an index of its own, so that a page of 5,000 documents takes some hundredths of a second.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from graph.store.batch import SCORES
from graph.store.opening import OpenedRun, match_all
from graph.store.records import DocumentRow, Found
from schemas.judgement import JUDGED_SCORES, Ending, FindingCode, Outcome, Scores

_ROUNDS: Final = """(SELECT r.number FROM rounds r WHERE r.document_id = d.id
    ORDER BY r.take DESC, r.number DESC LIMIT 1)"""
"""Rounds of the last take of a document `d`; NULL if there is none."""

_OWN_CALLS: Final = "(SELECT sum({}) FROM calls c WHERE c.document_id = d.id AND c.status != 'replayed')"
_TOKENS: Final = _OWN_CALLS.format("c.input_tokens + c.output_tokens")
_COST: Final = _OWN_CALLS.format("c.cost")


class DocumentOrder(StrEnum):
    """By what a list of documents is sorted; among equals the one that was read first comes first."""

    POSITION = "position"
    ID = "id"
    LENGTH = "length"
    GROUNDING = "grounding"
    AGREEMENT = "agreement"
    FAITHFULNESS = "faithfulness"
    COMPLETENESS = "completeness"
    GUIDELINE = "guideline"
    SCHEMA_FIT = "schema_fit"
    ROUNDS = "rounds"
    TOKENS = "tokens"
    COST = "cost"


_KEYS: Final[Mapping[DocumentOrder, str]] = {
    DocumentOrder.POSITION: "d.position",
    DocumentOrder.ID: "d.id",
    DocumentOrder.LENGTH: "d.characters",
    DocumentOrder.ROUNDS: _ROUNDS,
    DocumentOrder.TOKENS: _TOKENS,
    DocumentOrder.COST: _COST,
    **{DocumentOrder(name): f"e.{name}" for name in JUDGED_SCORES},
}

_HITS: Final = "hits AS MATERIALIZED (SELECT rowid FROM texts_fts WHERE texts_fts MATCH ?),"
# No string of the JSON can hold this: its quotes would be escaped there.
_HAS_CLASS: Final = """EXISTS (SELECT 1 FROM annotations a WHERE a.round_id = e.round_id AND a.agreed = 1
    AND instr(a.instances, ?))"""
_HAS_FINDING: Final = "EXISTS (SELECT 1 FROM findings f WHERE f.round_id = e.round_id AND f.code = ?)"
_IS_REVIEWED: Final = "EXISTS (SELECT 1 FROM reviews v WHERE v.document_id = d.id)"
_NAMED: Final = "instr(lower(d.id), lower(?)) > 0"


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents are wanted: those that meet all that is given. Nothing given, all of them."""

    positions: Collection[int] | None = None
    """Where they are in the run."""
    outcome: Outcome | None = None
    ending: Ending | None = None
    class_name: str | None = None
    """A class of which the annotators agreed on an instance, nested ones included."""
    finding: FindingCode | None = None
    """What is still objected to in the round that was kept."""
    rounds: int | None = None
    """How many rounds it took."""
    words: str = ""
    """Words that all stand in the text, in any order, or what stands in the id as it is. The index of texts
    is at most two seconds behind the run."""
    least: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Score (of `JUDGED_SCORES`) to the least value. Without a value a document is not found."""
    most: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Score (of `JUDGED_SCORES`) to the greatest value."""
    reviewed: bool | None = None
    """Whether somebody has reviewed it."""


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document of a list."""

    document: DocumentRow
    scores: Scores | None
    """Of the round that was kept."""
    rounds: int | None
    """How many its last take has; None if there is none."""
    tokens: int | None
    """Of the prompts and answers of its calls, replays left out; None without calls."""
    cost: float | None
    """USD of its attempts whose cost is known, replays left out; None if there are none."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Where a document stands in a list."""

    line: int
    """From 1."""
    total: int
    """How many the list has."""
    before: int | None
    """Position in the run of the document before it; None for the first one."""
    after: int | None
    """Position in the run of the one after it; None for the last one."""


def find_documents(
    run: OpenedRun,
    wanted: DocumentFilter | None = None,
    *,
    order: DocumentOrder = DocumentOrder.POSITION,
    descending: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> Found[FoundDocument]:
    """A page of the documents that are wanted, and how many these are, both of the same moment.

    Args:
        run: The run.
        wanted: Which documents; None for all.
        order: By what to sort; documents without a value come last.
        descending: Whether the greatest comes first.
        limit: Most documents of a page.
        offset: How many to pass over.

    Raises:
        StoreError: The run cannot be read.
        ValueError: `least` or `most` name a score that there is not.
    """
    hits, condition, values = _condition(wanted or DocumentFilter())
    scores = ", ".join(f"e.{name}" for name in SCORES)
    rows = run.rows(
        f"""WITH {hits} found AS MATERIALIZED (
            SELECT d.position AS place, {_KEYS[order]} AS sort_key
            FROM documents d LEFT JOIN decisions e ON e.id = d.decision_id WHERE {condition}),
        page AS MATERIALIZED (
            SELECT place, row_number() OVER () AS line FROM (SELECT place FROM found
            {_sorted(descending)} LIMIT ? OFFSET ?))
        SELECT total, d.position, d.id, d.source, d.characters, d.outcome, coalesce(e.reason, ''), e.ending,
            e.round, {_ROUNDS}, {_TOKENS}, {_COST}, {scores}
        FROM (SELECT count(*) AS total FROM found)
        LEFT JOIN page LEFT JOIN documents d ON d.position = page.place
        LEFT JOIN decisions e ON e.id = d.decision_id ORDER BY line""",
        *values,
        limit,
        offset,
    )
    return Found(rows[0][0], tuple(_found(*row) for _, *row in rows if row[0] is not None))


def classes_found(run: OpenedRun, limit: int = 100) -> tuple[tuple[str, int], ...]:
    """The classes that annotators agreed on, each with the number of its mentions; the most frequent first.

    Args:
        run: The run.
        limit: Most classes; a run with a schema for each document may have thousands.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        """SELECT m.class, count(*) AS mentions FROM documents d JOIN decisions e ON e.id = d.decision_id
        JOIN annotations a ON a.round_id = e.round_id AND a.agreed = 1
        JOIN mentions m ON m.annotation_id = a.id
        GROUP BY m.class ORDER BY mentions DESC, m.class LIMIT ?""",
        limit,
    )
    return tuple(rows)


def id_at(run: OpenedRun, position: int) -> str | None:
    """The id of the document at a position; None if there is none.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows("SELECT id FROM documents WHERE position = ?", position)
    return rows[0][0] if rows else None


def positions(run: OpenedRun, document_ids: Sequence[str]) -> dict[str, int]:
    """Where these documents are in the run; those that are not in it are left out.

    Raises:
        StoreError: The run cannot be read.
    """
    return dict(
        run.rows(
            "SELECT id, position FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(document_ids)),
        )
    )


def beside(
    run: OpenedRun,
    position: int,
    wanted: DocumentFilter | None = None,
    *,
    order: DocumentOrder = DocumentOrder.POSITION,
    descending: bool = False,
) -> Beside | None:
    """What stands beside a document in a list; None if the document is not in it.

    Args:
        run: The run.
        position: The document's.
        wanted: Which documents are listed; None for all.
        order: As of `find_documents`.
        descending: As of `find_documents`.

    Raises:
        StoreError: The run cannot be read.
        ValueError: `least` or `most` name a score that there is not.
    """
    hits, condition, values = _condition(wanted or DocumentFilter())
    rows = run.rows(
        f"""WITH {hits} found AS MATERIALIZED (
            SELECT d.position AS place, {_KEYS[order]} AS sort_key
            FROM documents d LEFT JOIN decisions e ON e.id = d.decision_id WHERE {condition}),
        listed AS MATERIALIZED (
            SELECT place, row_number() OVER list AS line, lag(place) OVER list AS before,
                lead(place) OVER list AS after
            FROM found WINDOW list AS ({_sorted(descending)}))
        SELECT line, (SELECT count(*) FROM found), before, after FROM listed WHERE place = ?""",
        *values,
        position,
    )
    return Beside(*rows[0]) if rows else None


def _sorted(descending: bool) -> str:
    """The order of `found`; what has no value comes last."""
    return f"ORDER BY sort_key IS NULL, sort_key {'DESC' if descending else 'ASC'}, place"


def _condition(wanted: DocumentFilter) -> tuple[str, str, list[str | int | float]]:
    """What finds texts, if they matter, the condition on document `d` and decision `e`, and their values."""
    words = wanted.words.strip()
    values: list[str | int | float] = [match_all(words)] if words else []
    conditions = ["TRUE"]

    def require(condition: str, value: str | int | float) -> None:
        conditions.append(condition)
        values.append(value)

    class_named = f'"class":{json.dumps(wanted.class_name, ensure_ascii=False)}'
    places = None if wanted.positions is None else json.dumps(sorted(wanted.positions))
    asked = (
        (places, "d.position IN (SELECT value FROM json_each(?))", places),
        (wanted.outcome, "d.outcome = ?", wanted.outcome),
        (wanted.ending, "e.ending = ?", wanted.ending),
        (wanted.class_name, _HAS_CLASS, class_named),
        (wanted.finding, _HAS_FINDING, wanted.finding),
        (wanted.rounds, f"{_ROUNDS} = ?", wanted.rounds),
    )
    for given, condition, text in asked:
        if given is not None and text is not None:
            require(condition, text)
    for bounds, comparison in ((wanted.least, ">="), (wanted.most, "<=")):
        for name, value in bounds.items():
            if name not in JUDGED_SCORES:
                raise ValueError(f"there is no score {name!r}")
            require(f"e.{name} {comparison} ?", value)
    if wanted.reviewed is not None:
        conditions.append(_IS_REVIEWED if wanted.reviewed else f"NOT {_IS_REVIEWED}")
    if words:
        require(f"(d.text_id IN hits OR {_NAMED})", words)
    return _HITS if words else "", " AND ".join(conditions), values


def _found(
    position: int,
    identifier: str,
    source: str,
    characters: int | None,
    outcome: str,
    reason: str,
    ending: str | None,
    kept: int | None,
    rounds: int | None,
    tokens: int | None,
    cost: float | None,
    *scores: Any,
) -> FoundDocument:
    row = DocumentRow(
        position,
        identifier,
        source,
        characters,
        Outcome(outcome),
        reason,
        Ending(ending) if ending else None,
        kept,
    )
    judged = dict(zip(SCORES, scores, strict=True))
    made = Scores(**judged) if judged["grounding"] is not None else None
    return FoundDocument(row, made, rounds, tokens, cost)
