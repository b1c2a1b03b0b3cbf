"""The commented job file: it is one, it says everything, and all it shows can be written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from schemas.inputs import DocumentsConfig
from schemas.job import AgentModels, AnnotatorConfig, Job, ModelConfig, parse_job
from schemas.job_reference import job_keys, render_job_file
from schemas.judgement import Thresholds
from schemas.limits import Limits, PriceConfig
from schemas.machine import RunConfig

KEYS = job_keys()


def test_it_does_what_a_job_with_these_paths_alone_does() -> None:
    paths = ["docs.jsonl", 'odd "name" \\ here.txt']
    assert parse_job(render_job_file(paths)) == Job(documents=DocumentsConfig(paths=tuple(paths)))


def test_every_line_that_is_a_key_can_be_taken_out_of_its_comment() -> None:
    text = render_job_file(["a"])
    uncommented = re.sub(r"^# (\w+ = |\[)", r"\1", text, flags=re.MULTILINE)
    data = tomllib.loads(uncommented)
    parse_job(re.sub("^schema_file = .*$", "", uncommented, flags=re.MULTILINE))  # it needs the file
    assert set(data["model"]) == set(ModelConfig.model_fields)
    assert set(data["documents"]) == set(DocumentsConfig.model_fields)
    assert set(data["run"]) == set(RunConfig.model_fields)
    assert set(data["limits"]) == set(Limits.model_fields)
    assert set(data["prices"]["openai/NAME"]) == set(PriceConfig.model_fields)
    assert set(data["thresholds"]) == set(Thresholds.model_fields)
    assert set(data["agents"]) == set(AgentModels.model_fields)
    assert set(data) == set(Job.model_fields) - {
        "given_schema"
    }  # a run writes that one, a person a file's name


def test_values_behind_a_comment_are_the_defaults_unless_marked_as_examples() -> None:
    text = render_job_file(["a"])
    shown = re.sub(r"^# (\w+ = |\[)", r"\1", text, flags=re.MULTILINE)
    for key in KEYS:
        if not key.default and not key.required:
            shown = re.sub(rf"^{key.name} = .*$", "", shown, flags=re.MULTILINE)
    shown = re.sub(r"^\[prices\..*\]$[^\[]*", "", shown, flags=re.MULTILINE)
    shown = re.sub(r"^\[agents\.\w+\]\nname = .*$", "", shown, flags=re.MULTILINE)
    shown = shown.replace('class_order = "reversed"', 'temperature = 0.3\nclass_order = "reversed"')
    assert parse_job(shown) == Job(documents=DocumentsConfig(paths=("a",)))


def leaves(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if not any(
            word in str(field.annotation) for word in ("Config", "Models", "Thresholds", "Limits", "Schema")
        ):
            yield name


@pytest.mark.parametrize(
    ("model", "table"),
    [
        (Job, ""),
        (DocumentsConfig, "documents"),
        (ModelConfig, "model"),
        (Thresholds, "thresholds"),
        (RunConfig, "run"),
        (Limits, "limits"),
        (PriceConfig, "prices.MODEL"),
        (AnnotatorConfig, "annotators"),
    ],
)
def test_every_key_is_described(model: type[BaseModel], table: str) -> None:
    described = {key.name: key for key in KEYS if key.table == table}
    assert list(described) == list(leaves(model))
    assert all(key.description and key.type for key in described.values())


def test_types_and_defaults_are_in_words() -> None:
    keys = {(key.table, key.name): key for key in KEYS}
    assert keys["", "rounds"].type == "whole number, from 1 to 20"
    assert keys["", "rounds"].default == "3"
    assert keys["model", "profile"].type == "one of full, compact"
    assert keys["model", "profile"].default == ""
    assert keys["documents", "paths"].required
    assert keys["documents", "ids"].type == "list of text"
    assert keys["thresholds", "block_on_major"].default == "true"
