"""`guidex run --through`: from documents to an evaluation in one command, and what is in its way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, write_documents
from servers.scripted import ScriptedServer, agreeable

from tests.finetune.tiny_models import tiny_model

Servers = Callable[..., ScriptedServer]

JOB = """
mode = "given"
schema_file = "schema.json"
[documents]
paths = ["documents.jsonl"]
[model]
name = "openai/test"
base_url = "{url}"
[pilot]
refine = false
[examples]
max_tokens = 2000
[training]
base = "base"
token_budget = 1500
batch_tokens = 2000
bf16 = false
[evaluation]
benchmark = "gold.jsonl"
schema_file = "schema.json"
max_tokens = 16
"""


@pytest.fixture
def job(tmp_path: Path, scripted_server: Servers, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-nobody")
    server = scripted_server(agreeable)
    documents = {"ada": "Ada Lovelace wrote a program.", "bell": "Alexander Bell made a telephone."}
    write_documents(tmp_path / "documents.jsonl", documents)
    (tmp_path / "schema.json").write_text('[{"name": "Person", "definition": "Someone by name."}]')
    gold = [
        {"text": "Marie Curie found radium.", "entities": [{"start": 0, "end": 11, "label": "Person"}]},
        {"text": "It rained.", "entities": []},
    ]
    (tmp_path / "gold.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in gold))
    tiny_model(tmp_path / "base")
    path = tmp_path / "job.toml"
    path.write_text(JOB.format(url=server.openai_url))
    return path


def test_it_goes_from_documents_to_an_evaluation_and_repeats_nothing(guidex: Command, job: Path) -> None:
    first = guidex("run", job, "--name", "all", "--through", "evaluate", "--json")
    assert first.code == 0, first.err
    told = first.json
    assert list(told) == ["generate", "curate", "fine-tune", "evaluate"]
    assert told["generate"]["documents"]["accepted"] == 2
    assert told["curate"]["documents"] == told["curate"]["training"] == 2
    assert told["fine-tune"]["steps"] == told["fine-tune"]["steps_planned"] > 0
    assert [each["adapter"] for each in told["evaluate"]["models"]] == [None, "job"]
    folder = job.parent / "runs" / "all"
    assert {path.name for path in (folder / "adapters").iterdir()} == {"job"}
    assert (folder / "evals" / "job" / "result.json").is_file()

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    answers = {path: path.read_bytes() for path in folder.rglob("predictions-*")}
    again = guidex("run", job, "--name", "all", "--through", "evaluate", "--json")
    assert again.code == 0, again.err
    assert again.json["evaluate"] == told["evaluate"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")} == before
    assert {path: path.read_bytes() for path in folder.rglob("predictions-*")} == answers

    shown = guidex("run", job, "--name", "all", "--through", "evaluate")
    for heading in ("Run all", "Examples", "Training ", "Evaluation"):
        assert heading in shown.out


def test_it_stops_at_the_stage_that_was_asked_for(guidex: Command, job: Path) -> None:
    done = guidex("run", job, "--name", "some", "--through", "curate", "--json")
    assert done.code == 0 and list(done.json) == ["generate", "curate"]
    assert not (job.parent / "runs" / "some" / "adapters").exists()


def test_what_would_end_a_late_stage_is_told_before_the_first_one(guidex: Command, job: Path) -> None:
    job.write_text(job.read_text().replace('benchmark = "gold.jsonl"', 'benchmark = "nowhere.jsonl"'))
    done = guidex("run", job, "--name", "none", "--through", "evaluate")
    assert done.code == 2 and "nowhere.jsonl" in done.err
    assert not (job.parent / "runs" / "none").exists()


def test_where_nothing_was_accepted_there_is_nothing_to_train_on(guidex: Command, job: Path) -> None:
    job.write_text(job.read_text() + "[thresholds]\nmin_instances = 50\n")
    done = guidex("run", job, "--name", "none", "--through", "fine-tune")
    assert done.code == 2
    assert "nothing to train on" in done.err and "guidex threshold sweep none" in done.err
