"""Reading a run: its documents, what was said about them, and what was decided.

Reads go on while a run writes, and never hold it up.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from graph.store.annotations import rebuild
from graph.store.batch import SCORES
from graph.store.calls import CallReader
from graph.store.connection import is_being_written
from graph.store.records import (
    DocumentDecision,
    DocumentRow,
    Event,
    PendingDocument,
    RunRecord,
    RunStatus,
    Session,
    Totals,
)
from graph.store.statistics import CALL_SUMS
from schemas.documents import Document
from schemas.judgement import Agent, Decision, Ending, Finding, MentionJudgement, Outcome, Scores
from schemas.objections import Objection, Standing
from schemas.rounds import Round
from schemas.schema import AnnotationSchema

_PAGE = 200
_MENTIONS = """SELECT instance, field, coalesce(quote, surface), occurrence, start, "end", status
    FROM mentions WHERE annotation_id = ? ORDER BY number"""
_FINDING = ("code", "severity", "raised_by", "class_name", "quote", "message", "start", "end")
_FINDING_COLUMNS = ", ".join(f'"{column}"' for column in _FINDING)
_VERDICT = ("class_name", "start", "end", "verdict", "probability", "class_found")
_VERDICT_COLUMNS = 'class, start, "end", verdict, probability, class_found'


class RunReader(CallReader):
    """A run's database, opened read-only.

    It may be handed from thread to thread, but is used by one at a time.
    """

    # --- the run ---

    def run(self) -> RunRecord:
        """The run; one whose process is gone without a word is interrupted."""
        row = self.rows(
            "SELECT id, name, status, reason, started, ended, version, job, job_toml FROM runs LIMIT 1"
        )[0]
        status = RunStatus(row[2])
        if status is RunStatus.RUNNING and not is_being_written(self.folder):
            status = RunStatus.INTERRUPTED
        return RunRecord(row[0], row[1], status, *row[3:])

    def sessions(self) -> tuple[Session, ...]:
        """Each time a process worked on the run, in order."""
        rows = self.rows("SELECT started, ended, status, reason, version, about FROM sessions ORDER BY id")
        made = [
            Session(started, ended, RunStatus(status), reason, version, json.loads(about) if about else {})
            for started, ended, status, reason, version, about in rows
        ]
        if made[-1].ended is None and not is_being_written(self.folder):
            last = self.rows("SELECT max(closed) FROM calls")[0][0]
            ended = max(made[-1].started, last or "")
            made[-1] = replace(made[-1], ended=ended, status=RunStatus.INTERRUPTED)
        return tuple(made)

    def totals(self) -> Totals:
        """Sums over documents and calls."""
        # One statement, so that both are of the same moment.
        (row,) = self.rows(f"""
            SELECT (SELECT json_group_object(outcome, n)
                    FROM (SELECT outcome, count(*) AS n FROM documents GROUP BY outcome)),
                {CALL_SUMS}
            FROM calls""")
        counts: dict[str, int] = json.loads(row[0])
        return Totals(
            *row[1:],
            documents=sum(counts.values()),
            accepted=counts.get(Outcome.ACCEPTED.value, 0),
            rejected=counts.get(Outcome.REJECTED.value, 0),
            failed=counts.get(Outcome.FAILED.value, 0),
            skipped=counts.get(Outcome.SKIPPED.value, 0),
            pending=counts.get(Outcome.PENDING.value, 0),
        )

    def outcome_counts(self) -> dict[Outcome, int]:
        """How many documents are in each state; states without documents are left out."""
        rows = self.rows("SELECT outcome, count(*) FROM documents GROUP BY outcome")
        return {Outcome(outcome): count for outcome, count in rows}

    def events(self, kind: str | None = None) -> tuple[Event, ...]:
        """What happened to the run, in order; of one kind or of all."""
        rows = self.rows(
            "SELECT time, kind, message, data FROM events WHERE ?1 IS NULL OR kind = ?1 ORDER BY id", kind
        )
        return tuple(
            Event(time, kind, message, None if data is None else json.loads(data))
            for time, kind, message, data in rows
        )

    # --- documents ---

    def documents(
        self, outcome: Outcome | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[DocumentRow, ...]:
        """A page of documents in the order of the source."""
        where, values = ("WHERE d.outcome = ?", [outcome.value]) if outcome else ("", [])
        rows = self.rows(
            f"""SELECT d.position, d.id, d.source, d.characters, d.outcome, coalesce(e.reason, ''),
                e.ending, e.round
            FROM documents d LEFT JOIN decisions e ON e.id = d.decision_id {where}
            ORDER BY d.position LIMIT ? OFFSET ?""",
            *values,
            limit,
            offset,
        )
        return tuple(
            DocumentRow(*[*row[:4], Outcome(row[4]), row[5], Ending(row[6]) if row[6] else None, row[7]])
            for row in rows
        )

    def document(self, document_id: str) -> Document | None:
        """The document as read; None if there is none of that id, or it could not be read."""
        rows = self.rows(
            """SELECT d.id, t.text, d.source, d.meta FROM documents d JOIN texts t ON t.id = d.text_id
            WHERE d.id = ?""",
            document_id,
        )
        return _document(*rows[0]) if rows else None

    def pending(self, after: int = -1, limit: int = 100) -> tuple[PendingDocument, ...]:
        """Documents not decided yet, in the order of the source, from behind a position."""
        rows = self.rows(
            """SELECT d.position, d.draw, d.id, t.text, d.source, d.meta FROM documents d
            JOIN texts t ON t.id = d.text_id
            WHERE d.outcome = ? AND d.position > ? ORDER BY d.position LIMIT ?""",
            Outcome.PENDING.value,
            after,
            limit,
        )
        return tuple(PendingDocument(position, draw, _document(*rest)) for position, draw, *rest in rows)

    def document_ids(self, outcomes: Collection[Outcome] = ()) -> tuple[str, ...]:
        """Ids of the readable documents in the order of the source: those of these outcomes, or all."""
        rows = self.rows(
            """SELECT id FROM documents WHERE text_id IS NOT NULL
            AND (outcome IN (SELECT value FROM json_each(?1)) OR ?1 = '[]') ORDER BY position""",
            json.dumps([outcome.value for outcome in outcomes]),
        )
        return tuple(identifier for (identifier,) in rows)

    def taken_up_again(self, outcomes: Collection[Outcome]) -> tuple[str, ...]:
        """Ids of documents that are pending again after they had last ended in one of these outcomes."""
        rows = self.rows(
            """SELECT d.id FROM documents d WHERE d.outcome = ? AND (SELECT e.outcome FROM decisions e
                WHERE e.document_id = d.id ORDER BY e.id DESC LIMIT 1) IN (SELECT value FROM json_each(?))
            ORDER BY d.position""",
            Outcome.PENDING.value,
            json.dumps([outcome.value for outcome in outcomes]),
        )
        return tuple(identifier for (identifier,) in rows)

    def outcomes(self, document_ids: Sequence[str]) -> dict[str, Outcome]:
        """Where these documents stand; those that are not in the run are left out."""
        rows = self.rows(
            "SELECT id, outcome FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(document_ids)),
        )
        return {identifier: Outcome(outcome) for identifier, outcome in rows}

    def texts_of(self, document_ids: Sequence[str]) -> dict[str, str | None]:
        """The stored texts of these documents; those that are not in the run are left out."""
        return dict(
            self.rows(
                "SELECT d.id, t.text FROM documents d LEFT JOIN texts t ON t.id = d.text_id"
                " WHERE d.id IN (SELECT value FROM json_each(?))",
                json.dumps(list(document_ids)),
            )
        )

    # --- rounds and decisions ---

    def rounds(self, document_id: str) -> tuple[Round, ...]:
        """The rounds of the last take of a document."""
        return self._rounds(
            "r.document_id = ? AND r.take = (SELECT max(take) FROM rounds WHERE document_id = ?)",
            document_id,
            document_id,
        )

    def kept_round(self, document_id: str) -> Round | None:
        """The round that the decision in force keeps."""
        kept = self._rounds(
            """r.id = (SELECT e.round_id FROM documents d JOIN decisions e ON e.id = d.decision_id
            WHERE d.id = ?)""",
            document_id,
        )
        return kept[0] if kept else None

    def _rounds(self, condition: str, *values: str) -> tuple[Round, ...]:
        rows = self.rows(
            f"""SELECT r.id, r.number, r.entered, r.state_hash, t.text, {", ".join(SCORES)}
            FROM rounds r JOIN texts t ON t.id = r.schema_id JOIN scores s ON s.round_id = r.id
            WHERE {condition} ORDER BY r.number""",
            *values,
        )
        return tuple(self._round(*row) for row in rows)

    def _round(
        self, row_id: int, number: int, entered: str, state_hash: str, schema: str, *scores: float | None
    ) -> Round:
        annotations = [
            (agreed, rebuild(document_id, annotator, instances, unknown, self.rows(_MENTIONS, annotation_id)))
            for annotation_id, agreed, document_id, annotator, instances, unknown in self.rows(
                """SELECT id, agreed, document_id, annotator, instances, unknown_classes FROM annotations
                WHERE round_id = ? ORDER BY id""",
                row_id,
            )
        ]
        findings = self.rows(
            f"SELECT {_FINDING_COLUMNS} FROM findings WHERE round_id = ? ORDER BY id", row_id
        )
        objections = self.rows(
            f"""SELECT number, raised_in, status, settled_in, gave_way, {_FINDING_COLUMNS} FROM objections
            WHERE round_id = ? ORDER BY number""",
            row_id,
        )
        verdicts = self.rows(
            f"SELECT {_VERDICT_COLUMNS} FROM verdicts WHERE round_id = ? ORDER BY number", row_id
        )
        return Round(
            number=number,
            entered=Agent(entered),
            annotation_schema=AnnotationSchema.model_validate_json(schema),
            annotations=tuple(annotation for agreed, annotation in annotations if not agreed),
            agreed=next(annotation for agreed, annotation in annotations if agreed),
            findings=tuple(_finding(*finding) for finding in findings),
            objections=tuple(_objection(*objection) for objection in objections),
            judgements=tuple(MentionJudgement(**dict(zip(_VERDICT, said, strict=True))) for said in verdicts),
            scores=Scores(**dict(zip(SCORES, scores, strict=True))),
            state_hash=state_hash,
        )

    def decision(self, document_id: str) -> Decision | None:
        """The decision in force; None while pending."""
        return next((made.decision for made in self.decisions(document_id) if made.in_force), None)

    def decisions(self, document_id: str) -> tuple[DocumentDecision, ...]:
        """All decisions on a document, the oldest first."""
        rows = self.rows(
            """SELECT e.version, e.created, e.id IS d.decision_id, e.outcome, e.reason, e.ending, e.round
            FROM decisions e JOIN documents d ON d.id = e.document_id
            WHERE e.document_id = ? ORDER BY e.id""",
            document_id,
        )
        return tuple(
            DocumentDecision(
                version=version,
                created=created,
                in_force=bool(in_force),
                decision=Decision(
                    outcome=Outcome(outcome),
                    reason=reason,
                    ending=Ending(ending) if ending else None,
                    round=number,
                ),
            )
            for version, created, in_force, outcome, reason, ending, number in rows
        )

    def mean_scores(self, names: Sequence[str]) -> dict[str, tuple[float, int]]:
        """Mean of each score over the decisions in force, and how many have it; without those none has.

        Args:
            names: Scores, by name.
        """
        known = [name for name in SCORES if name in names]
        sums = ", ".join(f"avg(e.{name}), count(e.{name})" for name in known)
        (row,) = self.rows(f"SELECT {sums} FROM documents d JOIN decisions e ON e.id = d.decision_id")
        pairs = zip(row[::2], row[1::2], strict=True)
        return {name: (mean, count) for name, (mean, count) in zip(known, pairs, strict=True) if count}

    def accepted(self) -> Iterator[tuple[Document, Round]]:
        """Accepted documents with the round that was kept, in the order of the source; streamed."""
        for document, _, kept in self.decided((Outcome.ACCEPTED,)):
            yield document, kept

    def decided(
        self, outcomes: Collection[Outcome], version: int | None = None
    ) -> Iterator[tuple[Document, Outcome, Round]]:
        """Documents of these outcomes with the round that was kept, in the order of the source; streamed.

        Args:
            outcomes: How they ended.
            version: Of the decisions; None takes those in force.
        """
        after = -1
        while rows := self.rows(
            """SELECT d.position, d.id, t.text, d.source, d.meta, e.outcome, e.round_id FROM documents d
            JOIN texts t ON t.id = d.text_id
            JOIN decisions e ON e.id = CASE WHEN ?1 IS NULL THEN d.decision_id
                ELSE (SELECT max(id) FROM decisions WHERE document_id = d.id AND version = ?1) END
            WHERE e.outcome IN (SELECT value FROM json_each(?2)) AND (?1 IS NOT NULL OR d.outcome = e.outcome)
                AND d.position > ?3 ORDER BY d.position LIMIT ?4""",
            version,
            json.dumps([outcome.value for outcome in outcomes]),
            after,
            _PAGE,
        ):
            for _, *columns, outcome, round_id in rows:
                for kept in self._rounds("r.id = ?", round_id):
                    yield _document(*columns), Outcome(outcome), kept
            after = rows[-1][0]


def _finding(*columns: Any) -> Finding:
    return Finding(**dict(zip(_FINDING, columns, strict=True)))


def _objection(
    number: int, raised_in: int, status: str, settled_in: int | None, gave_way: str | None, *finding: Any
) -> Objection:
    return Objection(
        number=number,
        finding=_finding(*finding),
        raised_in=raised_in,
        status=Standing(status),
        settled_in=settled_in,
        gave_way=tuple(json.loads(gave_way)) if gave_way else (),
    )


def _document(identifier: str, text: str, source: str, meta: str | None) -> Document:
    return Document(id=identifier, text=text, source=source, meta=json.loads(meta) if meta else {})
