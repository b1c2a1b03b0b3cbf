"""A run of one document that two annotators differ on, with two rounds, for the pages about it."""

from __future__ import annotations

from pathlib import Path

from graph.store.store import RunStore
from schemas.annotation import Annotation, Instance, Mention, MentionStatus, Value
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
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Guideline

TEXT = "Ada Lovelace met Charles <b>Babbage</b> in London\u202e & wrote.\n  Twice."
JOB = Job(documents=DocumentsConfig(paths=("documents.jsonl",)))


def schema(definition: str) -> AnnotationSchema:
    return AnnotationSchema(
        domain="history",
        classes=(
            ClassSpec(name="Person", guideline=Guideline(definition=definition)),
            ClassSpec(
                name="Meeting",
                fields=(FieldSpec(name="people", type=FieldType(many=True)), FieldSpec(name="place")),
            ),
        ),
    )


def mention(quote: str, field: str = "span", status: MentionStatus = MentionStatus.EXACT) -> Mention:
    start = TEXT.find(quote)
    if start < 0:
        return Mention(field=field, quote=quote)
    return Mention(field=field, quote=quote, start=start, end=start + len(quote), status=status)


def person(quote: str, status: MentionStatus = MentionStatus.EXACT) -> Instance:
    return Instance(class_name="Person", values={"span": quote}, mentions=(mention(quote, status=status),))


def meeting(place: str = "London") -> Instance:
    values: dict[str, Value] = {"people": ("Ada Lovelace", "Charles <b>Babbage</b>"), "place": place}
    people = tuple(mention(quote, "people") for quote in ("Ada Lovelace", "Charles <b>Babbage</b>"))
    return Instance(class_name="Meeting", values=values, mentions=(*people, mention(place, "place")))


def finding(code: FindingCode, quote: str) -> Finding:
    found = mention(quote)
    return Finding(
        code=code,
        severity=Severity.MAJOR,
        raised_by="critic",
        class_name="Person",
        quote=quote,
        start=found.start,
        end=found.end,
        message="<i>why</i> it is so",
    )


def a_round(number: int, first: tuple[Instance, ...], second: tuple[Instance, ...]) -> Round:
    agreed = tuple(each for each in first if each in second)
    missing = finding(FindingCode.MISSING, "wrote")
    objections = [
        Objection(number=1, finding=finding(FindingCode.TYPE, "Lovelace"), raised_in=1),
        Objection(number=2, finding=missing, raised_in=1),
    ]
    if number == 2:
        update = {"status": Standing.MENDED, "settled_in": 2, "gave_way": ("annotator-2",)}
        objections[0] = objections[0].model_copy(update=update)
    start, end = mention("Ada Lovelace").span or (0, 0)
    return Round(
        number=number,
        entered=Agent.DESIGNER if number == 1 else Agent.WRITER,
        annotation_schema=schema("A human being." if number == 1 else "A real human being."),
        annotations=(
            Annotation(document_id="d", annotator="annotator-1", instances=first),
            Annotation(document_id="d", annotator="annotator-2", instances=second),
        ),
        agreed=Annotation(document_id="d", annotator="agreed", instances=agreed),
        findings=(missing,),
        objections=tuple(objections),
        judgements=(
            MentionJudgement(
                class_name="Person",
                start=start,
                end=end,
                verdict=Verdict.WRONG_CLASS,
                probability=0.25,
                class_found="Meeting",
            ),
        ),
        scores=Scores(grounding=1.0, agreement=0.5, faithfulness=0.95),
        state_hash=f"state-{number}",
    )


def make_annotated_run(runs: Path, document_id: str = "d") -> None:
    """Documents: one that was worked on in two rounds, one pending, one that failed."""
    ada = person("Ada Lovelace")
    with RunStore.create(
        runs / "trial", name="trial", job=JOB, job_toml="# a job\n", version="0.1.0"
    ) as store:
        store.add_documents(
            [
                Document(id=document_id, text=TEXT, source="notes.txt"),
                Document(id="pending", text="Not yet."),
                Document(id="failed", text="Never."),
            ]
        )
        rounds = [
            a_round(1, (ada, person("Lovelace")), (ada, person("Lovelace"), person("Nobody"))),
            a_round(
                2,
                (ada, meeting(), person("Charles <b>", MentionStatus.PROPAGATED)),
                (ada, meeting("wrote"), person("<b>Babbage", MentionStatus.NORMALISED)),
            ),
        ]
        for made in rounds:
            store.add_round(document_id, made)
        rejected = Decision(outcome=Outcome.REJECTED, reason="agreement <0.9", ending=Ending.CAP, round=2)
        store.decide(document_id, rejected, rounds[1].scores)
        store.add_failure("failed", "annotator", "Truncated", "<script>too long</script>")
        store.decide("failed", Decision(outcome=Outcome.FAILED, reason="truncated"))
        store.finish_run("done")
