"""Offsets in every format: whatever a document holds, the same words are marked in it."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from exported_documents import export, exported_document, exported_documents
from hypothesis import example, given, settings

from finetune.gold.bio import read_conll
from graph.exports import ExportedDocument, format_named, write_export
from graph.exports.tokens import outermost

Marked = Counter[tuple[str, str]]
"""Surfaces with their classes."""


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().decode().split("\n") if line]


def of_jsonl(path: Path, text: str) -> Iterator[tuple[str, str]]:
    (row,) = lines(path)
    for instance in row["instances"]:
        for mention in instance["mentions"]:
            assert mention["surface"] == row["text"][mention["start"] : mention["end"]]
            yield mention["surface"], instance["class"]


def of_prodigy(path: Path, text: str) -> Iterator[tuple[str, str]]:
    (row,) = lines(path)
    assert row["text"] == text
    for token in row["tokens"]:
        assert text[token["start"] : token["end"]] == token["text"]
    for span in row["spans"]:
        tokens = row["tokens"][span["token_start"] : span["token_end"] + 1]
        assert (tokens[0]["start"], tokens[-1]["end"]) == (span["start"], span["end"])
        yield text[span["start"] : span["end"]], span["label"]


def of_gliner(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for row in lines(path):
        assert [text[start:end] for start, end in row["token_offsets"]] == row["tokenized_text"]
        for first, last, label in row["ner"]:
            yield text[row["token_offsets"][first][0] : row["token_offsets"][last][1]], label


def of_conll(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """By our own reader of gold for the tags, and by the columns for where they stand."""
    columns = [line.split("\t") for line in path.read_bytes().decode().split("\n") if line]
    heading, tokens = columns[0], columns[1:]
    assert heading[0] == "-DOCSTART-"
    assert all(text[int(start) : int(end)] == token for token, start, end, _ in tokens)
    read = [document for document, repaired in read_conll(path, "file") if not repaired]
    labels = [mention.label for document in read for mention in document.mentions]
    begun = [number for number, (*_, tag) in enumerate(tokens) if tag.startswith("B-")]
    assert [tokens[number][3][2:] for number in begun] == labels
    for number, label in zip(begun, labels, strict=True):
        last = number
        while last + 1 < len(tokens) and tokens[last + 1][3] == f"I-{label}":
            last += 1
        yield text[int(tokens[number][1]) : int(tokens[last][2])], label


def of_label_studio(path: Path, text: str) -> Iterator[tuple[str, str]]:
    (task,) = json.loads((path / "tasks.json").read_bytes())
    assert task["data"]["text"] == text
    for region in task["predictions"][0]["result"]:
        value = region["value"]
        assert text[value["start"] : value["end"]] == value["text"]
        yield value["text"], value["labels"][0]


def of_argilla(path: Path, text: str) -> Iterator[tuple[str, str]]:
    (record,) = json.loads((path / "records.json").read_bytes())
    assert record["fields"]["text"] == text
    for span in record["suggestions"]["mentions"]["value"]:
        yield text[span["start"] : span["end"]], span["label"]


def of_parquet(path: Path, text: str) -> Iterator[tuple[str, str]]:
    (row,) = pq.read_table(path).to_pylist()
    assert row["text"] == text
    for span in row["spans"]:
        assert text[span["start"] : span["end"]] == span["surface"]
        yield span["surface"], span["label"]


def of_data_set(path: Path, text: str) -> Iterator[tuple[str, str]]:
    documents, spans = (
        pq.read_table(path / f"{name}.parquet").to_pylist() for name in ("documents", "spans")
    )
    assert [row["text"] for row in documents] == [text]
    for span in spans:
        assert text[span["start"] : span["end"]] == span["surface"]
        yield span["surface"], span["label"]


READERS: dict[str, Callable[[Path, str], Iterator[tuple[str, str]]]] = {
    "jsonl": of_jsonl,
    "prodigy": of_prodigy,
    "gliner": of_gliner,
    "conll": of_conll,
    "labelstudio": of_label_studio,
    "argilla": of_argilla,
    "parquet": of_parquet,
    "hf": of_data_set,
}
IN_TOKENS = ("prodigy", "gliner", "conll")
HARD = exported_document(
    "\ufeff👩‍🔬 e\u0301a \r\nAda-Zoë\x85 😀\u2028x",
    (
        (0, 4, "Thing"),
        (1, 4, "Person"),
        (5, 6, "Place"),
        (8, 14, "Person"),
        (12, 16, "Thing"),
        (19, 20, "Thing"),
    ),
)


def expected(name: str, document: ExportedDocument) -> Marked:
    """What should be marked: in tokens without white space at the ends, once in those without overlap."""
    spans = document.known_spans if name == "gliner" else document.spans
    if name == "conll":
        spans = outermost(spans)
    found = ((document.document.text[start:end], label) for start, end, label in spans)
    if name in IN_TOKENS:
        found = ((surface.strip(), label) for surface, label in found if surface.strip())
    return Counter(found)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None)
@given(exported_documents())
@example(HARD)
def test_offsets_of_every_format_mark_the_same_words(name: str, document: ExportedDocument) -> None:
    made = export()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export")
        about = write_export([document], format_named(name), path, made)
        found = Counter(READERS[name](path, document.document.text))
    assert found == expected(name, document)
    lost = sum(about.left_out.values()) - (name == "gliner" and not document.known_classes)
    if name in IN_TOKENS and document.known_classes:
        assert len(document.spans) - found.total() == lost
    elif name not in IN_TOKENS:
        assert lost == 0
