"""The benchmark in examples/: its offsets, its labels, its guidelines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from finetune.gold import read_gold
from schemas.dialect import render
from schemas.given import read_schema
from schemas.schema import AnnotationSchema

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDER = EXAMPLES / "benchmark"
DOMAINS = sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def schema_of(domain: str) -> AnnotationSchema:
    path = FOLDER / "schemas" / f"{domain}.json"
    given = read_schema(path.read_text("utf-8"), path.name)
    assert given.notes == ()
    return given.annotation_schema


def test_there_are_three_domains_of_at_least_twelve_sentences() -> None:
    assert DOMAINS == ["astronomy", "gardening", "railways"]
    for domain in DOMAINS:
        documents = read_gold([FOLDER / f"{domain}.jsonl"]).documents
        assert len(documents) >= 12
        assert sum(not document.mentions for document in documents) == 1


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_mention_is_whole_words_of_its_sentence_and_overlaps_no_other(domain: str) -> None:
    for line in (FOLDER / f"{domain}.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        text, end = record["text"], 0
        for entity in record["entities"]:
            assert end <= entity["start"]
            end = entity["end"]
            surface = text[entity["start"] : end]
            assert surface == entity["surface"] == surface.strip()
            around = text[max(entity["start"] - 1, 0) : end + 1]
            assert re.search(rf"(?<!\w){re.escape(surface)}(?!\w)", around)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_class_has_a_guideline_and_mentions(domain: str) -> None:
    schema = schema_of(domain)
    labels = read_gold([FOLDER / f"{domain}.jsonl"]).labels
    assert set(labels) == set(schema.names)
    assert min(labels.values()) >= 3
    for spec in schema.classes:
        assert spec.guideline.definition
        assert {each.sibling for each in spec.guideline.contrast} <= set(schema.names) - {spec.name}
    assert render(schema, None, "A text.").endswith("result =")


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_phrase_has_one_class_throughout(domain: str) -> None:
    classes: dict[str, set[str]] = {}
    for document in read_gold([FOLDER / f"{domain}.jsonl"]).documents:
        for start, end, label in document.mentions:
            classes.setdefault(document.text[start:end], set()).add(label)
    assert [phrase for phrase, labels in classes.items() if len(labels) > 1] == []


def test_none_of_its_names_is_in_the_documents_of_the_quickstart() -> None:
    learnt = (EXAMPLES / "quickstart" / "documents.jsonl").read_text("utf-8")
    gold = read_gold([FOLDER / f"{domain}.jsonl" for domain in DOMAINS])
    names = {document.text[start:end] for document in gold.documents for start, end, _ in document.mentions}
    assert [name for name in sorted(names) if name[0].isupper() and name in learnt] == []


def test_the_readme_says_how_much_there_is() -> None:
    gold = read_gold([FOLDER / f"{domain}.jsonl" for domain in DOMAINS])
    said = f"{len(gold.documents)} sentences of three domains"
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert said in readme
    assert f"{sum(gold.labels.values())} mentions of {len(gold.labels)} classes" in readme
