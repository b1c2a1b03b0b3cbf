"""The controls from the command line: run, traced, exported, estimated and drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import ScriptedServer

Servers = Callable[..., ScriptedServer]
PEOPLE = 4


@pytest.fixture
def job(documents: Path, scripted_server: Servers) -> tuple[object, ...]:
    url = scripted_server().openai_url
    return ("--documents", documents, "--model", "openai/test", "--base-url", url, "--display", "none")


def test_self_consistency_is_run_traced_and_exported(guidex: Command, job: tuple[object, ...]) -> None:
    done = guidex("run", *job, "--method", "self-consistency", "--samples", 6, "--json")
    assert done.code == 0, done.err
    assert (done.json["documents"]["accepted"], done.json["calls"]) == (PEOPLE, PEOPLE * (2 + 6))
    assert "Run people: done, by self-consistency" in guidex("runs", "show", "people").out
    told = guidex("trace", "show", "people", "ada").out
    assert "majority of 6 samples" in told and "6 of 6" in told and "less than" not in told
    assert told.count("annotator ") >= 6 and "critic" not in told
    exported = guidex("export", "people", "--format", "jsonl", "-o", "-")
    assert exported.code == 0 and len(exported.out.splitlines()) == PEOPLE


def test_linear_is_run_traced_and_exported(guidex: Command, job: tuple[object, ...]) -> None:
    done = guidex("run", *job, "--method", "linear", "--json")
    assert done.code == 0, done.err
    assert (done.json["documents"]["accepted"], done.json["calls"]) == (PEOPLE, PEOPLE * 4)
    told = guidex("trace", "show", "people", "ada").out
    assert "accepted: one pass: " in told and "agreement" in told and "not judged" in told
    story = guidex("trace", "show", "people", "ada", "--json").json
    assert [call["agent"] for call in story["calls"]] == [
        "schema-designer",
        "schema-designer",
        "guideline-writer",
        "annotator",
    ]
    assert story["required"] == {} and story["rounds"][0]["obstacles"] == []
    assert guidex("export", "people", "--format", "gollie", "-o", "-").code == 0


def test_an_estimate_counts_the_calls_of_the_method(guidex: Command, job: tuple[object, ...]) -> None:
    done = guidex("estimate", *job, "--method", "linear", "--sample", 2, "--json")
    assert done.code == 0, done.err
    assert done.json["calls"]["expected"] == 4 * PEOPLE


def test_samples_belong_to_self_consistency(guidex: Command, job: tuple[object, ...]) -> None:
    done = guidex("run", *job, "--samples", 3)
    assert done.code == 2 and "--method self-consistency" in done.err and "Traceback" not in done.err


def test_the_graph_of_each_method_is_drawn(guidex: Command) -> None:
    drawn = {method: guidex("graph", "--method", method).out for method in ("agents", "linear")}
    assert "critique" in drawn["agents"] and "summarise --> structure" in drawn["linear"]
    assert "sample_2 --> vote" in guidex("graph", "--method", "self-consistency", "--samples", 2).out
