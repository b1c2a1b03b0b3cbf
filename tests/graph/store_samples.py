"""Made-up runs for the tests of the run database."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from agents.llm.client import Attempt, Message, ModelIdentity, Purpose, Sampling, Usage
from graph.store.document_search import DocumentFilter, find_documents
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall, OpenedCall
from graph.store.store import RunStore
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.inputs import DocumentsConfig
from schemas.job import Job
from schemas.judgement import (
    Agent,
    Decision,
    Ending,
    Finding,
    FindingCode,
    MentionJudgement,
    Outcome,
    Scores,
    Severity,
    Verdict,
)
from schemas.objections import Objection, Standing
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Guideline, Kind

JOB = Job(documents=DocumentsConfig(paths=("documents.jsonl",)))
TEXT = "Ada Lovelace met Charles Babbage in London."


def documents_with(reader: RunReader, words: str) -> tuple[str, ...]:
    """Ids of the documents that hold all of the words."""
    found = find_documents(reader, DocumentFilter(words=words))
    return tuple(each.document.id for each in found.shown)


def make_store(folder: Path, name: str = "trial") -> RunStore:
    return RunStore.create(folder / name, name=name, job=JOB, job_toml="# a job\n", version="0.1.0")


def documents(count: int, text: str = TEXT) -> list[Document]:
    return [Document(id=f"d{number}", text=f"{text} {number}") for number in range(count)]


def opened(
    key: str, document_id: str | None = "d0", agent: Agent = Agent.ANNOTATOR, prompt: str = "Annotate."
) -> OpenedCall:
    return OpenedCall(
        key=key,
        purpose=Purpose(agent=agent, document_id=document_id),
        identity=ModelIdentity(provider="openai", model="small", base_url="http://localhost:1"),
        messages=(
            Message(role="system", parts=("You annotate.",)),
            Message(role="user", parts=(TEXT, prompt)),
        ),
        sampling=Sampling(temperature=0.2, max_tokens=100, seed=3),
        answer_name="Answer",
        answer_schema="a" * 32,
    )


def answered(value: object = None, *, reasks: int = 0) -> ClosedCall:
    answer = json.dumps({"value": value})
    failed = [
        Attempt(
            number=n, raw="{", usage=Usage(input_tokens=10, output_tokens=1), latency=0.5, error="no JSON"
        )
        for n in range(1, reasks + 1)
    ]
    last = Attempt(
        number=reasks + 1,
        raw=answer,
        finish_reason="stop",
        usage=Usage(input_tokens=10, output_tokens=5, cached_tokens=4),
        latency=0.25,
    )
    return ClosedCall(CallStatus.ANSWERED, answer, (*failed, last))


def make_round(document_id: str = "d0", number: int = 1) -> Round:
    """A round with a nested class, a list field, a normalised quote and one that was not found."""
    schema = AnnotationSchema(
        domain="history",
        classes=(
            ClassSpec(name="Person", guideline=Guideline(definition="A human being.", exclude=("fictions",))),
            ClassSpec(
                name="Meeting",
                fields=(
                    FieldSpec(name="people", type=FieldType(many=True)),
                    FieldSpec(name="place"),
                    FieldSpec(
                        name="host", type=FieldType(kind=Kind.CLASS, class_name="Person", optional=True)
                    ),
                    FieldSpec(name="size", type=FieldType(kind=Kind.INT)),
                ),
            ),
        ),
    )
    ada = Mention(field="span", quote="ada  lovelace", start=0, end=12, status=MentionStatus.NORMALISED)
    meeting = Instance(
        class_name="Meeting",
        values={
            "people": ("Ada Lovelace", "Charles Babbage"),
            "place": "Paris",
            "host": Instance(class_name="Person", values={"span": "Ada Lovelace"}, mentions=(ada,)),
            "size": 2,
        },
        mentions=(
            Mention(field="people", quote="Ada Lovelace", start=0, end=12, status=MentionStatus.EXACT),
            Mention(field="people", quote="Charles Babbage", start=17, end=32, status=MentionStatus.EXACT),
            Mention(field="place", quote="Paris"),
        ),
    )
    both = tuple(
        Annotation(document_id=document_id, annotator=name, instances=(meeting,))
        for name in ("annotator-1", "annotator-2")
    )
    spurious = Finding(
        code=FindingCode.SPURIOUS,
        severity=Severity.MAJOR,
        raised_by="critic",
        class_name="Person",
        quote="Zoë",
        start=4,
        end=7,
        message="No mention.",
    )
    return Round(
        number=number,
        entered=Agent.DESIGNER,
        annotation_schema=schema,
        annotations=both,
        agreed=Annotation(document_id=document_id, annotator="agreed", unknown_classes=("Person",)),
        findings=(
            Finding(
                code=FindingCode.UNGROUNDED,
                severity=Severity.MAJOR,
                raised_by="grounding",
                class_name="Meeting",
                quote="Paris",
                message="Not in the document.",
            ),
            Finding(code=FindingCode.SCHEMA_GENERIC, severity=Severity.MINOR, raised_by="lint"),
            spurious,
        ),
        objections=(
            Objection(
                number=1,
                finding=spurious,
                raised_in=1,
                status=Standing.MENDED,
                settled_in=2,
                gave_way=("annotator-1", "annotator-2"),
            ),
            Objection(number=2, finding=spurious, raised_in=1),
        ),
        judgements=(
            MentionJudgement(class_name="Person", start=0, end=12, verdict=Verdict.CORRECT, probability=0.93),
            MentionJudgement(
                class_name="Person", start=4, end=7, verdict=Verdict.WRONG_CLASS, class_found="Meeting"
            ),
        ),
        scores=Scores(
            grounding=0.75, agreement=1.0, agreement_overlap=1.0, agreement_alpha=-0.25, both_empty=0.0
        ),
        state_hash=f"state-{number}",
    )


def decision(outcome: Outcome = Outcome.ACCEPTED, round: int | None = 1) -> Decision:
    return Decision(outcome=outcome, reason=f"{outcome} by test", ending=Ending.AGREED, round=round)


def environment() -> dict[str, str]:
    """For a Python process beside this one that imports the project and these samples."""
    here = Path(__file__).parent
    return {"PYTHONPATH": os.pathsep.join([str(here.parents[1]), str(here)]), "PATH": os.environ["PATH"]}


def query(folder: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Rows of the database as any other program sees them."""
    connection = sqlite3.connect(f"{(folder / 'run.db').as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()
