"""Exported files and runs as sources: what was written is read back, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from annotated_sources import source, sources
from exported_rows import rows
from hypothesis import given

from finetune.examples import Origin, Source
from finetune.examples.reading import read_sources
from graph.json_lines import write_json_lines
from graph.store.reading import RunReader
from graph.store.records import ACCEPTANCE_OF_THE_RUN
from graph.store.store import RunStore
from graph.thresholds import set_thresholds
from graph.training_data import Which, sources_of_run
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.errors import DocumentError, UsageError
from schemas.judgement import Agent, Finding, FindingCode, Outcome, Scores, Severity, Thresholds
from schemas.locate import TextIndex, ground_all
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind
from tests.graph.store_samples import decision, documents, make_round, make_store

NESTED_SCHEMA = AnnotationSchema(
    domain="Pharmacology",
    classes=(
        ClassSpec(
            name="Drug",
            fields=(
                FieldSpec(name="name"),
                FieldSpec(name="forms", type=FieldType(many=True)),
                FieldSpec(name="amount", type=FieldType(kind=Kind.FLOAT, optional=True)),
                FieldSpec(name="maker", type=FieldType(kind=Kind.CLASS, class_name="Company", optional=True)),
            ),
        ),
        ClassSpec(name="Company"),
    ),
)
NESTED_TEXT = 'Bayer\'s "aspirin" and\naspirin \u2028 pills; result = 1, é 😀'


def nested() -> Source:
    company = Instance(class_name="Company", values={"span": "bayer"})
    first = {"name": "aspirin", "forms": ("pills",), "amount": 1.5, "maker": company}
    given_instances = [
        Instance(class_name="Drug", values=first),
        Instance(class_name="Drug", values={"name": "aspirin", "forms": ()}),
    ]
    found = ground_all(given_instances, NESTED_SCHEMA, TextIndex(NESTED_TEXT))
    annotation = Annotation(document_id="n", annotator="agreed", instances=found)
    return Source(id="n", text=NESTED_TEXT, annotation_schema=NESTED_SCHEMA, annotation=annotation)


def exported(given: list[Source], path: Path, export_format: str) -> list[Source]:
    """What is read of an export of these."""
    pairs = [
        (
            Document(id=one.id, text=one.text, meta={"license": "CC0-1.0", "url": "https://example.org"}),
            Round(
                number=1,
                entered=Agent.DESIGNER,
                annotation_schema=one.annotation_schema,
                annotations=(one.annotation,),
                agreed=one.annotation,
                scores=Scores(grounding=1, agreement=1),
                state_hash="0",
            ),
        )
        for one in given
    ]
    write_json_lines(rows(pairs, export_format), path)
    return list(read_sources(path))


@given(sources())
def test_records_are_read_as_they_were_exported(tmp_path_factory: Any, given: list[Source]) -> None:
    path = tmp_path_factory.mktemp("exports") / "jsonl.jsonl"
    read = exported([*given, nested()], path, "jsonl")
    credited = {"licence": "CC0-1.0", "credit": "https://example.org"}
    assert [one.model_copy(update={"annotation": None}) for one in read] == [
        one.model_copy(update={**credited, "annotation": None}) for one in [*given, nested()]
    ]
    for one, other in zip(read, [*given, nested()], strict=True):
        assert one.annotation.unknown_classes == other.annotation.unknown_classes
        assert spans(one) == spans(other)


def spans(one: Source) -> list[tuple[str, Any, list[tuple[str, Any]]]]:
    return [
        (each.class_name, list(each.values), [(mention.field, mention.span) for mention in each.mentions])
        for top in one.annotation.instances
        for each in top.walk()
    ]


@pytest.mark.parametrize("export_format", ["guidex", "gollie"])
def test_training_rows_are_read_with_their_mentions_found_again(tmp_path: Path, export_format: str) -> None:
    (read,) = exported([nested()], tmp_path / "rows.jsonl", export_format)
    assert (read.id, read.text) == ("n", NESTED_TEXT)
    names = [[field.name for field in spec.fields] for spec in read.annotation_schema.classes]
    anchor = "span" if export_format == "gollie" else "name"
    assert names == [[anchor, "forms", "amount", "maker"], ["span"]]
    assert [each[2] for each in spans(read)] == [
        [(anchor if field == "name" else field, span) for field, span in each[2]] for each in spans(nested())
    ]


def broken(row: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    first = row["instances"][0]

    def with_first(**changes: Any) -> dict[str, Any]:
        return {**row, "instances": [{**first, **changes}]}

    moved = [{**first["mentions"][0], "start": 1, "end": 5}]
    yield "moved", with_first(mentions=moved), "at its offsets stands"
    yield "outside", with_first(mentions=[{**moved[0], "end": 10**9}]), "offsets stands ('span', None)"
    yield "without mentions", with_first(mentions=[]), "claims"
    yield "odd mentions", with_first(mentions=5), "no list"
    yield "odd mention", with_first(mentions=[[]]), "no JSON object"
    yield "other class", with_first(**{"class": "Nothing"}), "no class 'Nothing'"
    yield "class of no text", with_first(**{"class": 5}), "class_name"
    yield "no values", with_first(values=None), "values"
    yield "no text", {**row, "text": None}, "a record has a text"
    yield "odd unknown classes", {**row, "unknown_classes": "City"}, "unknown classes"
    yield "no schema", {**row, "schema": []}, "classes"
    yield "no object", [row], "no JSON object"
    yield "another row", {"text": "x"}, "no row of an export"
    yield "no code", {"ids": ["a"], "text": "import os\nresult = []"}, "os"
    call = "text = 'a'\nclass A:\n    span: str\nresult = [A(span=open('x').read())]"
    yield "a call", {"ids": ["a"], "text": call}, "line 4"
    elsewhere = 'class A:\n    span: str\ntext = "a"\nresult = [A(span="Oslo")]'
    yield "elsewhere", {"ids": ["a"], "text": elsewhere}, "claims ('span', 'Oslo')"
    yield "no result", {"ids": ["a"], "text": 'class A:\n    span: str\ntext = "a"'}, "no `result`"
    yield "odd ids", {"ids": "a", "text": elsewhere}, "one id"


def test_a_line_that_was_tampered_with_is_refused_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    exported([source("a", "Oslo and Lima", {"City": ["Oslo", "Lima"]})], path, "jsonl")
    good = path.read_text("utf-8")
    for name, row, said in broken(json.loads(good)):
        path.write_text(f"{good}\n{json.dumps(row)}\n", "utf-8")
        read = read_sources(path)
        assert next(read).id == "a"
        with pytest.raises(DocumentError) as error:
            next(read)
        assert f"{path.as_posix()}:3:" in str(error.value), name
        assert said in str(error.value), name
    for content in ("{", "[" * 100_000, "NaN"):
        path.write_text(f"{content}\n", "utf-8")
        with pytest.raises(DocumentError, match=":1"):
            list(read_sources(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DocumentError, match="UTF-8"):
        list(read_sources(path))
    with pytest.raises(DocumentError, match="cannot be read"):
        list(read_sources(tmp_path))


def round_about(document_id: str, agreement: float) -> Round:
    """A round that found Person and had Meeting in dispute."""
    made = make_round(document_id)
    ada = Mention(field="span", quote="Ada Lovelace", start=0, end=12, status=MentionStatus.EXACT)
    person = Instance(class_name="Person", values={"span": "Ada Lovelace"}, mentions=(ada,))
    missing = Finding(
        code=FindingCode.MISSING, severity=Severity.MINOR, raised_by="critic", class_name="Meeting"
    )
    agreed = made.agreed.model_copy(update={"instances": (person,), "unknown_classes": ()})
    return made.model_copy(
        update={
            "agreed": agreed,
            "findings": (missing,),
            "judgements": (),
            "scores": Scores(grounding=1, agreement=agreement, guideline=1, schema_fit=1),
        }
    )


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunStore]:
    with make_store(tmp_path) as store:
        given_documents = [
            one.model_copy(update={"meta": {"license": "CC0-1.0", "source": f"book {one.id}"}})
            for one in documents(3)
        ]
        store.add_documents(given_documents)
        for number, outcome in enumerate((Outcome.ACCEPTED, Outcome.REJECTED)):
            made = round_about(f"d{number}", 0.9 - 0.4 * number)
            store.add_round(f"d{number}", made)
            store.decide(f"d{number}", decision(outcome), made.scores)
        store.flush_now()
        yield store


def test_a_run_gives_what_was_decided_with_what_was_in_dispute_unknown(run: RunStore) -> None:
    (accepted,) = sources_of_run(run.reader)
    (rejected,) = sources_of_run(run.reader, Which.REJECTED)
    assert [one.id for one in sources_of_run(run.reader, Which.DECIDED)] == ["d0", "d1"]
    assert (accepted.id, accepted.origin, rejected.id, rejected.origin) == (
        "d0",
        Origin.ACCEPTED,
        "d1",
        Origin.REJECTED,
    )
    assert [one.surface for one in accepted.annotation.instances] == ["Ada Lovelace"]
    assert accepted.annotation.unknown_classes == ("Meeting",)
    assert (accepted.licence, accepted.credit) == ("CC0-1.0", "book d0")


def test_a_version_of_decisions_can_be_asked_for(run: RunStore, tmp_path: Path) -> None:
    run.close()
    none = dict.fromkeys(("faithfulness", "completeness", "guideline", "schema_fit"), 0.0)
    thresholds = Thresholds(agreement=0.4, block_on_major=False, **none)
    with RunReader(tmp_path / "trial") as reader:
        set_thresholds(reader, thresholds)
        assert [one.id for one in sources_of_run(reader)] == ["d0", "d1"]
        assert [one.id for one in sources_of_run(reader, version=ACCEPTANCE_OF_THE_RUN)] == ["d0"]
        with pytest.raises(UsageError, match="no version 7"):
            list(sources_of_run(reader, version=7))
