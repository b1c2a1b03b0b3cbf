"""Exports are there in full or not at all, one document at a time, and can be added to by other packages."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from exported_documents import SCHEMA, export, exported_document

from graph.exports import ExportedDocument, format_named, write_export
from graph.exports.registry import FORMATS
from schemas.errors import StoreError, UsageError
from schemas.example_bank import Example, ExampleBank, SharedSchema

ONE = exported_document("Ada met Bo.", ((0, 3, "Person"),), unknown=("Thing",))
FOLDERS = [name for name, each in FORMATS.items() if not each.suffix]


def failing() -> Iterator[ExportedDocument]:
    yield ONE
    raise StoreError("no more", "nothing")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_that_fails_leaves_what_was_there_before(name: str, tmp_path: Path) -> None:
    path = tmp_path / "exported"
    about = write_export([ONE], format_named(name), path, export())
    assert (about.rows, about.documents, about.partial, about.mentions) == (1, 1, 1, {"Person": 1})
    before = everything(tmp_path)
    with pytest.raises(StoreError, match="no more"):
        write_export(failing(), format_named(name), path, export())
    assert everything(tmp_path) == before
    again = write_export([ONE, ONE], format_named(name), path, export())
    assert again.rows == 2
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_without_accepted_documents_gives_a_whole_export_of_none(name: str, tmp_path: Path) -> None:
    about = write_export([], format_named(name), tmp_path / "exported", export())
    assert (about.rows, about.documents, about.mean_agreement) == (0, 0, None)
    assert (tmp_path / "exported").exists()


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_is_no_export_is_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("mine")
    with pytest.raises(StoreError, match="is there already") as caught:
        write_export([ONE], format_named(name), tmp_path / "thesis", export())
    assert caught.value.remedy
    assert everything(tmp_path) == {"thesis/chapter": b"mine"}
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError):
        write_export([ONE], format_named(name), tmp_path / "file", export())


@pytest.mark.parametrize("name", ["jsonl", "conll", "parquet", "hf", "labelstudio", "argilla", "spacy"])
def test_documents_are_taken_one_at_a_time(name: str, tmp_path: Path) -> None:
    alive = most = 0

    class Counted(str):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def documents() -> Iterator[ExportedDocument]:
        nonlocal alive, most
        for number in range(600):
            alive += 1
            most = max(most, alive)
            made = exported_document("Ada.", ((0, 3, "Person"),), identifier=str(number))
            object.__setattr__(made.document, "source", Counted("s"))
            yield made
            del made

    write_export(documents(), format_named(name), tmp_path / "exported", export())
    assert most <= 501  # a group of rows of Parquet is 500


def test_a_shared_schema_stands_once_in_a_data_set_and_with_examples_of_other_documents_in_rows(
    tmp_path: Path,
) -> None:
    bank = ExampleBank([Example("Person", "span", "Zoe", "other"), Example("Person", "span", "Ada", "d")])
    shared = SharedSchema(SCHEMA, bank)
    documents = [
        replace(exported_document("Ada met Bo.", ((0, 3, "Person"),), identifier=name), shared=shared)
        for name in ("d", "e")
    ]
    write_export(documents, format_named("hf"), tmp_path / "hf", export())
    assert pq.read_table(tmp_path / "hf" / "classes.parquet")["name"].to_pylist() == list(SCHEMA.names)
    ids = pq.read_table(tmp_path / "hf" / "documents.parquet")["schema_id"].to_pylist()
    assert len(set(ids)) == 1
    for name in ("guidex", "chat", "jsonl"):
        write_export(documents, format_named(name), tmp_path / name, export())
        lines = (tmp_path / name).read_text("utf-8").splitlines()
        assert ["Zoe" in line for line in lines] == [True, True]
    rows = [json.loads(line) for line in (tmp_path / "jsonl").read_text("utf-8").splitlines()]
    # Ada is mentioned in both, so she is an example in neither.
    assert [row["schema"][0]["fields"][0]["examples"] for row in rows] == [["Zoe"], ["Zoe"]]


def test_another_package_adds_a_format_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shouting.py").write_text(
        "from graph.exports import json_lines\n"
        "def row(document, tally):\n"
        "    return {'loud': document.document.text.upper()}\n"
        "SHOUTED = json_lines('shouted', 'those who shout', row)\n"
        "WRONG = 1\n"
    )
    about = tmp_path / "shouting-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[guidex.exporters]\nshouted = shouting:SHOUTED\nwrong = shouting:WRONG\nbroken = nowhere:NOTHING\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    write_export([ONE], format_named("shouted"), tmp_path / "out.jsonl", export())
    assert json.loads((tmp_path / "out.jsonl").read_text()) == {"loud": "ADA MET BO."}
    for name, said in (
        ("wrong", "not a graph.exports.Format"),
        ("broken", "cannot be loaded"),
        ("shoutd", "no"),
    ):
        with pytest.raises(UsageError) as caught:
            format_named(name)
        assert said in f"{caught.value} {caught.value.remedy}"
    sys.modules.pop("shouting", None)
