"""Exports: rows that trainers read, checked once more, written whole or not at all."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exported_rows import rows
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.json_lines import write_json_lines
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.dialect import Flavour, as_gollie, parse, split_prompt
from schemas.documents import Document
from schemas.errors import StoreError
from schemas.judgement import Agent, Scores
from schemas.locate import TextIndex, ground_all
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Guideline, Kind

SHARED = Path(__file__).parents[3] / "shared" / "data" / "documents" / "documents.jsonl"
SCHEMA = AnnotationSchema(
    domain="Pharmacology",
    classes=(
        ClassSpec(
            name="Drug",
            guideline=Guideline(definition="A substance given to treat a disease."),
            fields=(
                FieldSpec(name="name"),
                FieldSpec(name="amount", type=FieldType(kind=Kind.FLOAT, optional=True)),
                FieldSpec(name="maker", type=FieldType(kind=Kind.CLASS, class_name="Company", optional=True)),
            ),
        ),
        ClassSpec(name="Company"),
    ),
)
TEXT = 'Bayer\'s "aspirin" and\naspirin; result = 1, é 😀'
KEYS = ["ids", "task_id", "scorer_cls", "labels", "text", "unlabelled_sentence"]


def kept(schema: AnnotationSchema, instances: tuple[Instance, ...], unknown: tuple[str, ...] = ()) -> Round:
    agreed = Annotation(document_id="d", annotator="agreed", instances=instances, unknown_classes=unknown)
    return Round(
        number=1,
        entered=Agent.DESIGNER,
        annotation_schema=schema,
        annotations=(agreed,),
        agreed=agreed,
        scores=Scores(grounding=1, agreement=0.5),
        state_hash="0",
    )


def accepted(text: str = TEXT) -> tuple[Document, Round]:
    company = Instance(class_name="Company", values={"span": "Bayer"})
    given_instances = (
        Instance(class_name="Drug", values={"name": "aspirin", "amount": 1.5, "maker": company}),
        Instance(class_name="Drug", values={"name": "aspirin"}),
    )
    grounded = ground_all(given_instances, SCHEMA, TextIndex(text))
    document = Document(id="d", text=text, source="a.jsonl:1", meta={"year": 2024})
    return document, kept(SCHEMA, grounded, ("Company",))


@pytest.mark.parametrize("export_format", ["guidex", "gollie"])
def test_training_rows_are_what_the_trainer_reads(export_format: str) -> None:
    document, round_ = accepted()
    (row,) = rows([(document, round_)], export_format)
    assert list(row) == KEYS
    assert row["ids"] == ["d"]
    assert row["unlabelled_sentence"] == TEXT
    prompt, result = row["text"].split("result =")
    assert result.strip() == row["labels"]
    literal = prompt.split("\ntext = ")[1].split("\n")[0]
    assert ast.literal_eval(literal) == TEXT
    parsed = parse(row["text"])
    schema, instances = SCHEMA, round_.agreed.instances
    if export_format == "gollie":
        schema, instances = as_gollie(schema, instances)
    assert parsed.schema == schema
    assert parsed.flavour is Flavour(export_format)
    assert parsed.instances is not None
    assert [instance.values["amount"] for instance in parsed.instances[:1]] == [1.5]
    assert [len(instance.values) for instance in parsed.instances] == [len(i.values) for i in instances]


PLAIN = AnnotationSchema(classes=(ClassSpec(name="Drug"), ClassSpec(name="Company"), ClassSpec(name="City")))


@pytest.mark.parametrize("export_format", ["guidex", "gollie"])
@pytest.mark.parametrize("unknown", [(), ("Drug",), ("City",), ("Drug", "City")])
def test_a_class_with_disputed_mentions_is_not_taught_as_a_negative(
    export_format: str, unknown: tuple[str, ...]
) -> None:
    said = [("Drug", "aspirin"), ("Company", "Bayer")]
    instances = [Instance(class_name=name, values={"span": quote}) for name, quote in said]
    round_ = kept(PLAIN, ground_all(instances, PLAIN, TextIndex(TEXT)), unknown)
    (row,) = rows([(Document(id="d", text=TEXT), round_)], export_format)
    parsed = parse(row["text"])
    assert parsed.schema.names == tuple(name for name in PLAIN.names if name not in unknown)
    assert parsed.instances is not None
    assert [one.class_name for one in parsed.instances] == [
        name for name in ("Company", "Drug") if name not in unknown
    ]


def test_a_document_whose_classes_are_all_in_dispute_gives_no_training_row_but_a_record() -> None:
    pair = (Document(id="d", text=TEXT), kept(PLAIN, (), PLAIN.names))
    for export_format in ("guidex", "gollie"):
        assert list(rows([pair], export_format)) == []
    (row,) = rows([pair], "jsonl")
    assert row["unknown_classes"] == list(PLAIN.names)


def test_a_class_in_dispute_stays_where_another_one_refers_to_it() -> None:
    (row,) = rows([accepted()], "guidex")  # Company is unknown, and the type of Drug.maker
    parsed = parse(row["text"])
    assert parsed.schema == SCHEMA


def test_records_carry_offsets_guidelines_and_what_is_not_exhaustive() -> None:
    (row,) = rows([accepted()], "jsonl")
    assert (row["id"], row["source"], row["meta"]) == ("d", "a.jsonl:1", {"year": 2024})
    assert row["domain"] == "Pharmacology"
    assert row["schema"][0]["guideline"]["definition"] == "A substance given to treat a disease."
    assert row["unknown_classes"] == ["Company"]
    assert row["scores"]["agreement"] == 0.5
    first, second = row["instances"]
    maker = first["values"]["maker"]
    mentions = [*first["mentions"], *second["mentions"], *maker["mentions"]]
    assert [(m["field"], m["start"], m["end"], m["surface"]) for m in mentions] == [
        ("name", 9, 16, "aspirin"),
        ("name", 22, 29, "aspirin"),
        ("span", 0, 5, "Bayer"),
    ]
    assert maker["class"] == "Company"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.data())
def test_any_document_is_its_own_literal_in_every_format(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    surface = text[start:end]
    mention = Mention(field="span", quote=surface, start=start, end=end, status=MentionStatus.EXACT)
    schema = AnnotationSchema(classes=(ClassSpec(name="Thing"),))
    instance = Instance(class_name="Thing", values={"span": surface}, mentions=(mention,))
    pair = (Document(id="d", text=text), kept(schema, (instance,) if surface else ()))
    for export_format in ("guidex", "gollie"):
        (row,) = rows([pair], export_format)
        prompt, result = split_prompt(row["text"])
        assert "result =" not in result
        assert parse(row["text"]).text == text
        statements = {node.targets[0].id: node.value for node in ast.parse(prompt + result).body[1:]}  # type: ignore[attr-defined]
        assert ast.literal_eval(statements["text"]) == text


def wrong_mentions() -> Iterator[tuple[str, Instance]]:
    good = Mention(field="name", quote="aspirin", start=9, end=16, status=MentionStatus.EXACT)
    values = {"name": "aspirin"}
    yield (
        "offsets of another word",
        Instance(
            class_name="Drug", values=values, mentions=(good.model_copy(update={"start": 0, "end": 7}),)
        ),
    )
    yield (
        "beyond the text",
        Instance(
            class_name="Drug", values=values, mentions=(good.model_copy(update={"start": 9, "end": 1000}),)
        ),
    )
    yield (
        "not found",
        Instance(
            class_name="Drug", values=values, mentions=(good.model_copy(update={"start": None, "end": None}),)
        ),
    )
    yield "no mention", Instance(class_name="Drug", values=values)
    yield "a mention too many", Instance(class_name="Drug", values=values, mentions=(good, good))
    yield "other case", Instance(class_name="Drug", values={"name": "Aspirin"}, mentions=(good,))
    yield "a number for a quote", Instance(class_name="Drug", values={"name": 1})
    yield "unknown class", Instance(class_name="Food", values={})
    yield (
        "nested",
        Instance(
            class_name="Drug",
            values=values | {"maker": Instance(class_name="Company", values={"span": "Merck"})},
            mentions=(good,),
        ),
    )


@pytest.mark.parametrize("export_format", ["guidex", "gollie", "jsonl"])
@pytest.mark.parametrize("instance", [pytest.param(wrong, id=case) for case, wrong in wrong_mentions()])
def test_what_is_not_verbatim_is_not_written(instance: Instance, export_format: str, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("the export before\n")
    document, round_ = accepted()
    wrong = (document, kept(SCHEMA, (instance,)))
    with pytest.raises(StoreError, match="Document 'd' cannot be exported"):
        write_json_lines(rows([(document, round_), wrong], export_format), path)
    assert path.read_text() == "the export before\n"
    assert list(tmp_path.iterdir()) == [path]


def test_lines_are_utf8_json_and_survive_every_line_reader(tmp_path: Path) -> None:
    text = 'aspirin\u2028\x85\x0c\r\n😀 "Bayer" aspirin'
    path = tmp_path / "new" / "out.jsonl"
    assert write_json_lines(rows([accepted(text), accepted()], "jsonl"), path) == 2
    raw = path.read_bytes()
    assert raw.endswith(b"\n")
    assert b"\r" not in raw
    assert "😀".encode() in raw
    lines = raw.decode().splitlines()
    assert [json.loads(line)["text"] for line in lines] == [text, TEXT]


def test_metadata_that_json_or_utf8_lacks_does_not_stop_an_export(tmp_path: Path) -> None:
    row: dict[str, Any] = {"meta": {"a": [math.nan, 1.5], "b": "\ud800"}}
    path = tmp_path / "out.jsonl"
    assert write_json_lines([row], path) == 1
    assert json.loads(path.read_bytes()) == {"meta": {"a": [None, 1.5], "b": "\ud800"}}


def test_empty_export_is_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    assert write_json_lines(rows([], "guidex"), path) == 0
    assert path.read_bytes() == b""


def test_a_file_that_cannot_be_written_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "folder", tmp_path / "file" / "out.jsonl"):
        with pytest.raises(StoreError, match="cannot be written") as caught:
            write_json_lines(rows([accepted()], "jsonl"), path)
        assert caught.value.remedy
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared documents are not on this machine")
def test_real_documents_survive_the_export(tmp_path: Path) -> None:
    schema = AnnotationSchema(classes=(ClassSpec(name="Name"),))
    texts = [json.loads(line)["text"] for line in SHARED.read_text(encoding="utf-8").splitlines()[:40]]
    pairs = []
    for text in texts:
        words = {word.strip(".,;:()\"'") for word in text.split() if word[:1].isupper()} - {""}
        found = tuple(Instance(class_name="Name", values={"span": word}) for word in sorted(words)[:20])
        pairs.append((Document(text=text), kept(schema, ground_all(found, schema, TextIndex(text)))))
    path = tmp_path / "out.jsonl"
    for export_format in ("guidex", "gollie", "jsonl"):
        assert write_json_lines(rows(pairs, export_format), path) == len(texts)
        written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if export_format == "jsonl":
            for row in written:
                mentions = [m for instance in row["instances"] for m in instance["mentions"]]
                assert mentions
                assert all(row["text"][m["start"] : m["end"]] == m["surface"] for m in mentions)
        else:
            assert [parse(row["text"]).text for row in written] == texts
