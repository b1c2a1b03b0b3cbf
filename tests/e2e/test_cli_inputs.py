"""What the command line takes as documents, and which of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import datasets
import pytest
from commands import Command, PricedJob
from datasets import Dataset


def test_filters_and_a_sample_are_counted_before_and_after(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    flags = ("--min-words", 2, "--language", "en", "--language", "fr", "--sample", 3, "--select", "diverse")
    validated = guidex("validate", file, *flags, "--json").json
    (left,) = [check for check in validated["checks"] if check["what"] == "filters and sample"]
    taken = int(left["found"].split()[0])
    assert left["state"] == "ok" and f"{taken} of 12 documents are taken; left out" in left["found"]
    told = guidex("estimate", file, *flags, "--try", 1, "--json").json
    assert (told["documents"], told["pending"]) == (taken, taken - 1)
    done = guidex("run", file, *flags, "--json")
    assert done.code == 0, done.err
    assert done.json["documents"] == {
        "in": 12,
        "accepted": taken,
        "rejected": 0,
        "failed": 0,
        "skipped": 12 - taken,
        "pending": 0,
    }
    shown = guidex("trace", "show", done.json["name"], "--outcome", "skipped")
    assert "left out: " in shown.out
    story = guidex("trace", "show", done.json["name"], _first_skipped(guidex, done.json["name"]))
    assert story.code == 0 and "left out: " in story.out
    asked = len(server.calls)
    resumed = guidex("resume", done.json["name"], "--json").json
    assert (resumed["documents"], len(server.calls)) == (done.json["documents"], asked)
    refused = guidex("retry", done.json["name"], "--doc-id", _first_skipped(guidex, done.json["name"]))
    assert refused.code == 2 and "has no readable document" in refused.err


def _first_skipped(guidex: Command, run: str) -> str:
    documents = guidex("trace", "show", run, "--outcome", "skipped", "--json").json
    return str(documents[0]["id"])


def test_another_filter_begins_another_run(guidex: Command, priced_job: PricedJob) -> None:
    file, _ = priced_job
    first = guidex("run", file, "--sample", 1, "--json").json
    assert guidex("run", file, "--sample", 1, "--json").json["name"] == first["name"]
    assert guidex("run", file, "--sample", 2, "--json").json["name"] != first["name"]


def test_a_packed_file_is_run_like_any_other(guidex: Command, priced_job: PricedJob, tmp_path: Path) -> None:
    file, _ = priced_job
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'{"id": "a", "text": "Keeper Roberts walked from Oslo to Bergen with 5 lamps."}\n')
    )
    done = guidex("run", file, "--documents", path, "--json")
    assert done.code == 0, done.err
    assert (done.json["name"], done.json["documents"]["accepted"]) == ("log", 1)


def test_a_data_set_in_a_folder_is_found_again_from_anywhere(
    guidex: Command, priced_job: PricedJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = priced_job
    datasets.disable_progress_bars()
    texts = [f"Keeper Number{n} walked from Oslo to Bergen with {n} lamps." for n in range(3)]
    Dataset.from_dict({"key": ["a", "b", "c"], "body": texts}).save_to_disk(str(tmp_path / "project" / "log"))
    job = file.read_text().replace(
        'paths = ["docs.jsonl"]', 'paths = ["hf:./log"]\ntext_field = "body"\nid_field = "key"'
    )
    (tmp_path / "project" / "job.toml").write_text(job)
    done = guidex("run", "project/job.toml", "--max-candidates", 1, "--name", "set", "--json")
    assert done.code == 0, done.err
    assert (done.json["documents"]["in"], done.json["documents"]["accepted"]) == (3, 1)
    assert "hf:../../project/log" in (tmp_path / "runs" / "set" / "job.toml").read_text()
    monkeypatch.chdir(tmp_path / "project")
    again = guidex("run", "job.toml", "--name", "set", "--runs-dir", "../runs", "--json")
    assert again.code == 0, again.err
    assert (again.json["documents"]["in"], again.json["documents"]["accepted"]) == (3, 3)
    by_flag = guidex(
        "validate", "job.toml", "--documents", "hf:./log", "--documents", "hf:log", "--json"
    ).json
    found = {check["what"]: (check["state"], check["found"]) for check in by_flag["checks"]}
    assert found["hf:./log"] == ("ok", "3 records")
    assert found["hf:log"] == ("missing", "'hf:log' names no data set.")
