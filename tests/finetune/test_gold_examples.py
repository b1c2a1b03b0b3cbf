"""Gold files and files of labels beside the data that is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.examples import Blocking, Origin, build_examples
from finetune.examples.gold import gold_sources
from finetune.gold import Gold, GoldDocument, GoldMention
from guidex.label_files import read_labels
from guidex.training import training_data
from schemas.dialect import parse
from schemas.errors import UsageError
from schemas.recipe import ExamplesConfig
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Guideline, Kind

TEXT = "Ada and Ada in Oslo"
GOLD = Gold(
    (
        GoldDocument(TEXT, (GoldMention(8, 11, "musicalartist"), GoldMention(15, 19, "LOC")), "g1"),
        GoldDocument("Nobody anywhere", ()),
    )
)
ROW = {"ids": ["a"], "text": 'class City:\n    span: str\n\n\ntext = "Lima"\nresult = [City(span="Lima")]'}


def test_gold_is_shown_all_its_classes_with_the_occurrence_that_is_meant() -> None:
    first, second = gold_sources(GOLD)
    assert first.annotation_schema.names == second.annotation_schema.names == ("LOC", "MusicalArtist")
    assert [(one.class_name, one.anchor and one.anchor.span) for one in first.annotation.instances] == [
        ("MusicalArtist", (8, 11)),
        ("LOC", (15, 19)),
    ]
    assert first.annotation.instances[0].mentions[0].occurrence == 2
    assert (first.id, first.origin, second.annotation.instances) == ("g1", Origin.GOLD, ())
    assert second.id


def test_classes_of_a_schema_are_matched_in_whatever_form_and_all_are_shown() -> None:
    guideline = Guideline(definition="Who makes music.")
    schema = AnnotationSchema(
        classes=(
            ClassSpec(name="Loc"),
            ClassSpec(name="MusicalArtist", guideline=guideline),
            ClassSpec(name="Song"),
        )
    )
    first, _ = gold_sources(GOLD, schema)
    assert first.annotation_schema == schema
    assert [one.class_name for one in first.annotation.instances] == ["MusicalArtist", "Loc"]


def test_a_label_without_a_class_is_refused() -> None:
    number = FieldSpec(name="count", type=FieldType(kind=Kind.INT))
    for schema in (
        AnnotationSchema(classes=(ClassSpec(name="Loc"),)),
        AnnotationSchema(classes=(ClassSpec(name="Loc"), ClassSpec(name="MusicalArtist", fields=(number,)))),
    ):
        with pytest.raises(UsageError, match="no class for the label 'musicalartist'"):
            list(gold_sources(GOLD, schema))
    odd = Gold((GoldDocument("x", (GoldMention(0, 1, "é"),)),))
    with pytest.raises(UsageError, match="no class for the label"):
        list(gold_sources(odd))


def test_training_data_takes_gold_in(tmp_path: Path) -> None:
    data, gold, schema = tmp_path / "rows.jsonl", tmp_path / "gold.txt", tmp_path / "schema.json"
    data.write_text(json.dumps(ROW) + "\n", "utf-8")
    gold.write_text("Ada\tB-person\nleft\tO\n", "utf-8")
    schema.write_text('{"Person": "A human being."}', "utf-8")
    read = training_data(str(data), tmp_path, gold=[gold], gold_schema=schema)
    made = build_examples(
        read.sources, ExamplesConfig(duplicates=1, gold_share=0.5), seed=1, count_tokens=len, gold=read.gold
    )
    parsed = {each.document_id: parse(each.prompt + each.result) for each in made.epoch(0)}
    assert made.report.gold == 1 and len(parsed) == 2
    (person,) = (each.schema for key, each in parsed.items() if each.schema and key != "a")
    assert person.classes[0].guideline.definition == "A human being."
    with pytest.raises(UsageError, match="only a run has"):
        training_data(str(data), tmp_path, version=1)


def test_labels_are_read_of_lines_and_schemas(tmp_path: Path) -> None:
    lines, schema, empty = tmp_path / "labels.txt", tmp_path / "schema.json", tmp_path / "empty.txt"
    lines.write_text("\ufeffmusical artist\r\n\n person \nperson\n", "utf-8")
    schema.write_text('["Song", "Band"]', "utf-8")
    empty.write_text("\n", "utf-8")
    assert read_labels(lines) == ("musical artist", "person")
    assert read_labels(schema) == ("Song", "Band")
    with pytest.raises(UsageError, match="no labels"):
        read_labels(empty)
    with pytest.raises(UsageError, match="cannot be read"):
        read_labels(tmp_path / "none.txt")
    empty.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="UTF-8"):
        read_labels(empty)
    empty.write_text("x" * 2000, "utf-8")
    with pytest.raises(UsageError, match="no file of labels"):
        read_labels(empty)
    assert Blocking(("programlang",)).blocked(["ProgrammingLanguages"]) == {
        "ProgrammingLanguages": "programlang"
    }
    blocking = Blocking(read_labels(lines))
    assert blocking.blocked(["MusicalArtist", "Persons", "Personne", "Artist"]) == {
        "MusicalArtist": "musical artist",
        "Persons": "person",
        "Personne": "person",
    }


def test_blocking_by_meaning_takes_any_similarity() -> None:
    alike = {("human", "person"): 0.9, ("city", "person"): 0.1}
    blocking = Blocking(
        ("Person",), similarity=lambda one, other: alike.get((one, other), 0.0), threshold=0.8
    )
    assert blocking.blocked(["Human", "City"]) == {"Human": "Person"}
