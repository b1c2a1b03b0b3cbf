"""Exports read by the tools they are for, with the tools' own libraries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree

import pytest
from exported_documents import SCHEMA, export, exported_document, exported_documents
from hypothesis import HealthCheck, given, settings

from finetune.gold import read_gold
from graph.exports import ExportedDocument, format_named, write_export

TEXT = "Ada Lovelace 👩\u200d🔬 met Zoe\u0301\r\nin New York City."
NESTED = exported_document(
    TEXT,
    ((0, 12, "Person"), (0, 3, "Thing"), (21, 25, "Person"), (30, 43, "Place"), (34, 38, "Thing")),
    identifier="nested",
    meta={"license": "CC-BY-4.0", "url": "https://example.org/<a>|b"},
)
NEGATIVE = exported_document("Nothing here.", identifier="negative")
PARTIAL = exported_document("Bo saw it.", ((0, 2, "Person"),), unknown=("Thing",), identifier="partial")
DOCUMENTS = (NESTED, NEGATIVE, PARTIAL)


def written(name: str, folder: Path, documents: tuple[ExportedDocument, ...] = DOCUMENTS) -> Path:
    path = folder / "exported"
    write_export(documents, format_named(name), path, export())
    return path


def test_hugging_face_datasets_reads_the_folder_and_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra `datasets` is not installed")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    folder = written("hf", tmp_path)
    loaded = {
        name: datasets.load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path / "cache"))
        for name in ("documents", "spans", "classes")
    }
    documents = loaded["documents"]
    assert documents["id"][:] == ["nested", "negative", "partial"]
    assert documents["exhaustive"][:] == [True, True, False]
    assert documents["unknown_classes"][:] == [[], [], ["Thing"]]
    assert documents["spans"][1] == []
    for row in documents:
        assert [row["text"][span["start"] : span["end"]] for span in row["spans"]] == [
            span["surface"] for span in row["spans"]
        ]
    assert json.loads(documents["meta"][0]) == NESTED.document.meta
    assert loaded["spans"]["surface"][:3] == ["Ada Lovelace", "Ada", "Zoe\u0301"]
    # All documents have one schema, so its classes are there once, with their guidelines.
    assert loaded["classes"]["name"][:] == list(SCHEMA.names)
    assert "Exclude:\n- Nations" in loaded["classes"]["guideline"][1]
    default = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert default.column_names == documents.column_names


def test_the_data_card_has_provenance_statistics_and_licences_and_is_valid(tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(written("hf", tmp_path) / "README.md")
    assert card.data.license == "other"
    assert [config["config_name"] for config in card.data.to_dict()["configs"]] == [
        "documents",
        "spans",
        "classes",
    ]
    for said in (
        "Run `trial` (01TRIAL)",
        "version 2 of the decisions: agreement 0.9, block_on_major True",
        "`openai/small`",
        "Documents: 3; 1 of them without a mention",
        "exhaustive in 2 documents. In 1 some",
        "(strict span F1): 0.750",
        "| Person | 3 |",
        "| CC-BY-4.0 | 1 |",
        "| https://example.org/(a) b | 1 |",
        "| not stated | 2 |",
    ):
        assert said in card.content
    assert "No person has checked them." in card.content
    assert DatasetCard.load(written("hf", tmp_path, (NESTED,)) / "README.md").data.license == "cc-by-4.0"


def test_spacy_reads_its_files_with_all_spans_and_entities(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="the extra `spacy` is not installed")
    from spacy.training import Corpus

    folder = written("spacy", tmp_path)
    nlp = spacy.blank("xx")
    nested, negative, partial = (example.reference for example in Corpus(folder)(nlp))
    assert nested.text == TEXT
    assert [(span.text, span.label_) for span in nested.spans["sc"]] == [
        ("Ada Lovelace", "Person"),
        ("Ada", "Thing"),
        ("Zoe\u0301", "Person"),
        ("New York City", "Place"),
        ("York", "Thing"),
    ]
    assert [span.text for span in nested.ents] == ["Ada Lovelace", "Zoe\u0301", "New York City"]
    assert {token.ent_iob_ for token in negative} == {"O"}
    assert {token.ent_iob_ for token in partial if not token.ent_type_} == {""}  # missing, not outside
    assert list(partial.user_data["unknown_classes"]) == ["Thing"]
    assert [doc.user_data["id"] for doc in (nested, negative, partial)] == ["nested", "negative", "partial"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exported_documents())
def test_spacy_finds_every_span_where_it_stands(
    tmp_path_factory: pytest.TempPathFactory, document: ExportedDocument
) -> None:
    spacy = pytest.importorskip("spacy", reason="the extra `spacy` is not installed")
    from spacy.tokens import DocBin

    folder = written("spacy", tmp_path_factory.mktemp("spacy"), (document,))
    text = document.document.text
    (doc,) = DocBin().from_disk(folder / "documents-00000.spacy").get_docs(spacy.blank("xx").vocab)
    assert doc.text == text
    found = sorted((span.text, span.label_) for span in doc.spans["sc"])
    surfaces = ((text[start:end].strip(), label) for start, end, label in document.spans)
    assert found == sorted(pair for pair in surfaces if pair[0])
    assert all(text[span.start_char : span.end_char] == span.text for span in doc.spans["sc"])


def test_conll_is_valid_bio2_for_seqeval_and_for_our_own_reader(tmp_path: Path) -> None:
    from seqeval.metrics.sequence_labeling import get_entities
    from seqeval.scheme import IOB2, Entities

    path = written("conll", tmp_path)
    blocks = [
        [line.split("\t") for line in block.split("\n") if line]
        for block in path.read_text("utf-8").split("\n\n")
    ]
    tags = [[columns[-1] for columns in block] for block in blocks if block and block[0][0] != "-DOCSTART-"]
    tokens = [[columns[0] for columns in block] for block in blocks if block and block[0][0] != "-DOCSTART-"]
    strict = [
        (" ".join(tokens[found.sent_id][found.start : found.end]), found.tag)
        for sentence in Entities(tags, IOB2).entities
        for found in sentence
    ]
    assert strict == [
        ("Ada Lovelace", "Person"),
        ("Zoe \u0301", "Person"),
        ("New York City", "Place"),
        ("Bo", "Person"),
    ]
    assert sum(len(get_entities(each)) for each in tags) == len(strict)
    gold = read_gold([path])
    assert not gold.repaired
    assert gold.labels == {"Person": 3, "Place": 1}
    about = json.loads(path.with_name("exported.about.json").read_text("utf-8"))
    assert about["left_out"] == {"mentions within or across another one": 2}


def test_gliner_rows_name_what_is_annotated_and_what_is_not_there(tmp_path: Path) -> None:
    nested, negative, partial = (
        json.loads(line) for line in written("gliner", tmp_path).read_text("utf-8").splitlines()
    )
    assert [" ".join(nested["tokenized_text"][a : b + 1]) for a, b, _ in nested["ner"]][::3] == [
        "Ada Lovelace",
        "New York City",
    ]
    assert (negative["ner"], negative["ner_negatives"]) == ([], ["Person", "Place", "Thing"])
    # What is in dispute is neither a label nor a negative.
    assert (partial["ner_labels"], partial["ner_negatives"]) == (["Person", "Place"], ["Place"])


def test_gliner_reads_the_rows(tmp_path: Path) -> None:
    pytest.importorskip("gliner", reason="gliner 0.2 wants an older transformers than GuideX")
    from gliner.config import GLiNERConfig
    from gliner.data_processing import UniEncoderSpanProcessor

    rows = [json.loads(line) for line in written("gliner", tmp_path).read_text("utf-8").splitlines()]
    processor = UniEncoderSpanProcessor.__new__(UniEncoderSpanProcessor)
    processor.config = GLiNERConfig()
    ids, _ = processor.batch_generate_class_mappings(rows)
    assert [list(each) for each in ids] == [row["ner_labels"] for row in rows]


def test_label_studio_tasks_fit_their_interface(tmp_path: Path) -> None:
    folder = written("labelstudio", tmp_path)
    config = (folder / "labeling_config.xml").read_text("utf-8")
    view = ElementTree.fromstring(config)
    assert [label.get("value") for label in view.iter("Label")] == list(SCHEMA.names)
    assert next(label.get("hint") for label in view.iter("Label")) == SCHEMA.classes[0].guideline.definition
    tasks = json.loads((folder / "tasks.json").read_text("utf-8"))
    assert [task["data"]["document_id"] for task in tasks] == ["nested", "negative", "partial"]
    assert tasks[1]["predictions"][0]["result"] == []
    sdk = pytest.importorskip(
        "label_studio_sdk.label_interface", reason="label-studio-sdk 2.1 brings OpenCV and an older numpy"
    )
    interface = sdk.LabelInterface(config)
    interface.validate()
    for task in tasks:
        assert interface.validate_task({"data": task["data"]})
        assert interface.validate_prediction(task["predictions"][0])
    wrong = json.loads(json.dumps(tasks[0]["predictions"][0]).replace('"Person"', '"Nobody"'))
    assert not interface.validate_prediction(wrong)


@pytest.fixture
def argilla_server() -> Iterator[str]:
    """As much of Argilla's server as its SDK asks before it makes anything."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            user = {"id": "00000000-0000-0000-0000-000000000000", "username": "a", "role": "owner"}
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(user).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.filterwarnings("ignore::DeprecationWarning:argilla.*")
def test_argilla_reads_settings_and_records(
    tmp_path: Path, argilla_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rg = pytest.importorskip("argilla", reason="argilla is not installed")
    from argilla.records._io import JsonIO

    folder = written("argilla", tmp_path)
    client = rg.Argilla(api_url=argilla_server, api_key="key")
    monkeypatch.setattr(rg.Argilla, "_default_client", client)
    settings_ = rg.Settings.from_json(folder / "settings.json")
    question = settings_.questions["mentions"]
    assert (question.field, question.labels, question.allow_overlapping) == ("text", list(SCHEMA.names), True)
    assert "**Place**: Where something is." in settings_.guidelines
    records = JsonIO._records_from_json(folder / "records.json")
    for record, document in zip(records, DOCUMENTS, strict=True):
        assert (record.id, record.fields["text"]) == (document.document.id, document.document.text)
        (suggestion,) = record.suggestions
        assert [tuple(span.values()) for span in suggestion.value] == list(document.spans)
        assert record.api_model().model_dump()["suggestions"]
    client.http_client.close()


def test_chat_rows_are_conversations_that_templates_take(tmp_path: Path) -> None:
    nested, negative, partial = (
        json.loads(line) for line in written("chat", tmp_path).read_text("utf-8").splitlines()
    )
    for row in (nested, negative, partial):
        assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"]
        assert row["messages"][1]["content"].rstrip().endswith("result =")
    assert negative["messages"][2]["content"] == "[]"
    assert "class Thing" not in partial["messages"][1]["content"]
    trl = pytest.importorskip("trl", reason="the extra `finetune` is not installed")
    assert trl.is_conversational(nested)
