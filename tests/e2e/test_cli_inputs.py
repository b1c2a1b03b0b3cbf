"""What the command line takes as documents, and which of them."""

from __future__ import annotations

import gzip
from pathlib import Path

from commands import Command, PricedJob


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
