"""The published JSON Schemas: what is written fits them, and what they refuse is refused."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from benchmarks.bulk_run import make_run
from finetune.gold import read_gold
from graph.exports import Export, accepted_documents, format_named, provenance_of, write_export
from graph.store.reading import RunReader
from guidex.json_schemas import SCHEMAS, json_schema

ROWS = ("guidex", "gollie", "chat", "gliner", "prodigy", "jsonl")
ITEMS = {"labelstudio": "tasks.json", "argilla": "records.json"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose texts, ids and names are as bad as they get."""
    return make_run(tmp_path_factory.mktemp("runs"), documents=12, calls=130, hostile=True)


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(name))


def exported(run: Path, name: str, folder: Path) -> list[Any]:
    with RunReader(run) as reader:
        about = write_export(
            accepted_documents(reader), format_named(name), folder / name, Export(provenance_of(reader))
        )
    validator("export-about").validate(about.model_dump(mode="json"))
    if name in ITEMS:
        items: list[Any] = json.loads((folder / name / ITEMS[name]).read_bytes())
        return items
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one_itself_and_describes_each_key(name: str) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["description"]


@pytest.mark.parametrize("name", [*ROWS, *ITEMS])
def test_what_is_exported_fits_its_schema(run: Path, name: str, tmp_path: Path) -> None:
    checked = validator(f"export-{name}")
    items = exported(run, name, tmp_path)
    assert items
    for item in items:
        checked.validate(item)
        with pytest.raises(ValidationError):
            checked.validate({**item, "unheard_of": 1})
        for key in item:
            with pytest.raises(ValidationError):
                checked.validate({other: value for other, value in item.items() if other != key})


def test_the_job_of_a_run_fits_and_a_key_that_is_unknown_does_not(run: Path) -> None:
    job = tomllib.loads((run / "job.toml").read_text("utf-8")) if (run / "job.toml").is_file() else None
    if job is None:
        with RunReader(run) as reader:
            job = json.loads(reader.run().job)
    validator("job").validate(job)
    with pytest.raises(ValidationError):
        validator("job").validate({**job, "modle": "x"})


def test_schemas_of_documents_fit_the_schema_of_schemas(run: Path) -> None:
    with RunReader(run) as reader:
        for document in accepted_documents(reader):
            validator("schema").validate(document.schema.model_dump(mode="json"))


def test_gold_that_fits_is_read_and_gold_that_does_not_is_not(tmp_path: Path) -> None:
    row = {"text": "Ann met Bo.", "entities": [{"start": 0, "end": 3, "label": "Person", "text": "Ann"}]}
    validator("gold").validate(row)
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(row), "utf-8")
    assert read_gold([path]).labels == {"Person": 1}
    with pytest.raises(ValidationError):
        validator("gold").validate({"text": "Ann", "entities": [{"start": "0", "end": 3, "label": "Person"}]})
