"""Trying a job before it is run: validate, estimate, preview."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from commands import Command, PricedJob


def test_an_estimate_is_kept_and_foretells_the_run(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    made = guidex("estimate", file, "--try", 4, "--json")
    assert made.code == 0, made.err
    told, sent = made.json, len(server.calls)
    assert (told["documents"], told["pending"], len(told["sample"])) == (12, 8, 4)
    assert told["calls"]["sample"] == sent
    assert 0 < told["seconds"]["low"] <= told["seconds"]["expected"] <= told["seconds"]["high"]
    assert told["cost"]["sample"] == pytest.approx(told["calls"]["sample"] * 0.95)
    again = guidex("estimate", file, "--try", 4, "--json").json
    assert len(server.calls) == sent  # what was tried is not tried again
    assert again["cost"] == told["cost"]
    done = guidex("run", file, "--json")
    assert done.code == 0, done.err
    assert max(Counter(call.prompt for call in server.calls).values()) <= 2  # of two annotators at most
    for name in ("calls", "cost", "input_tokens", "output_tokens"):
        total = done.json[name]
        assert 0.7 * total <= told[name]["expected"] <= 1.3 * total
        assert told[name]["low"] <= told[name]["expected"] <= told[name]["high"]
        assert told[name]["low"] >= told[name]["sample"]
    assert done.json["attempts"] == len(server.calls)
    complete = guidex("estimate", file, "--json").json
    assert complete["pending"] == 0
    assert complete["cost"]["expected"] == complete["cost"]["low"] == pytest.approx(done.json["cost"])


def test_an_estimate_for_people(guidex: Command, priced_job: PricedJob) -> None:
    file, _ = priced_job
    done = guidex("estimate", file, "--try", 3)
    lines = [line.split() for line in done.out.splitlines()]
    assert done.out.startswith("Estimate for 12 documents, from 3 of them")
    named = {line[0]: line for line in lines if line}
    assert named["cost"][1].startswith("$") and named["cost"][4] == "to"
    assert "90% range" in done.out
    assert "guidex resume keepers" in " ".join(done.out.split())
    assert max(map(len, done.out.splitlines())) <= 100


def test_an_estimate_without_a_price_says_so(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    other = ("--model", "openai/other", "--base-url", server.openai_url, "--try", 1)
    told = guidex("estimate", file, *other, "--json").json
    assert told["cost"] is None
    assert told["calls"]["expected"] > 0 and told["calls"]["low"] is None  # of one document
    shown = guidex("estimate", file, *other)
    named = {line.split()[0]: line.split() for line in shown.out.splitlines() if line}
    assert named["cost"] == ["cost", "unknown", "unknown"] and named["calls"][-1] == "unknown"
    assert '[prices."openai/other"]' in shown.out


def test_an_estimate_holds_to_the_limits_of_the_run(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    done = guidex("estimate", file, "--token-limit", 100)
    assert done.code == 75
    assert not server.calls
    assert "The token limit of 100 is reached" in done.err
    assert "No document of the sample" in done.err


def test_a_preview_shows_the_first_documents_in_full_and_keeps_them(
    guidex: Command, priced_job: PricedJob
) -> None:
    file, server = priced_job
    done = guidex("preview", file, "-n", 2)
    assert done.code == 0, done.err
    assert "Document d0" in done.out and "Document d1" in done.out and "Document d2" not in done.out
    assert "[" in done.out and "|" in done.out  # mentions marked in the text
    sent = len(server.calls)
    told = guidex("preview", file, "-n", 2, "--json").json
    assert [story["id"] for story in told] == ["d0", "d1"]
    assert all(story["result"] for story in told)
    assert len(server.calls) == sent
    drawn = guidex("preview", file, "-n", 2, "--random", "--json").json
    assert len({story["id"] for story in drawn}) == 2
    assert guidex("run", file, "--json").json["documents"]["pending"] == 0


def test_validate_finds_nothing_wrong_without_a_call(guidex: Command, priced_job: PricedJob) -> None:
    file, server = priced_job
    done = guidex("validate", file, "--cost-limit", 5, "--json")
    assert (done.code, done.json["ok"]) == (0, True), done.out
    found = {check["what"]: check["found"] for check in done.json["checks"]}
    assert found["docs.jsonl"] == "12 records"
    assert found["price of openai/own"].startswith("$1,000.00 in")
    assert not server.calls and not Path("runs").exists()
    text = guidex("validate", file).out
    assert "docs.jsonl" in text and "Nothing stands in the way of a run" in text


def test_validate_lists_every_problem(guidex: Command, priced_job: PricedJob) -> None:
    file, _ = priced_job
    done = guidex("validate", file, "--model", "opnai/x", "--documents", "gone.jsonl", "--json")
    assert done.code == 2
    problems = {check["what"] for check in done.json["checks"] if check["state"] == "missing"}
    assert problems == {"gone.jsonl", "opnai/x"}
    file.write_text("ruonds = 1\nseed = -1\n[documents]\npaths = []\n")
    done = guidex("validate", file, "--json")
    assert done.code == 2
    assert len([check for check in done.json["checks"] if check["state"] == "missing"]) == 3
    assert guidex("validate", "nowhere.toml").code == 2
    assert guidex("validate").code == 2
