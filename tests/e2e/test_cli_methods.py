"""The controls from the command line: run, traced, exported, estimated and drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import Call, ScriptedServer, Turn

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
    done = guidex("estimate", *job, "--method", "linear", "--try", 2, "--json")
    assert done.code == 0, done.err
    assert done.json["calls"]["expected"] == 4 * PEOPLE


def test_samples_belong_to_self_consistency(guidex: Command, job: tuple[object, ...]) -> None:
    done = guidex("run", *job, "--samples", 3)
    assert done.code == 2 and "--method self-consistency" in done.err and "Traceback" not in done.err


def test_the_graph_of_each_method_is_drawn(guidex: Command) -> None:
    drawn = {method: guidex("graph", "--method", method).out for method in ("agents", "linear")}
    assert "critique" in drawn["agents"] and "summarise --> structure" in drawn["linear"]
    assert "sample_2 --> vote" in guidex("graph", "--method", "self-consistency", "--samples", 2).out


GOLD = "Ann\tB-person\nmet\tO\nBo\tB-person\n.\tO\n\nCy\tB-person\nslept\tO\n.\tO\n"


def finding_names(call: Call) -> Turn:
    """Every step of a linear conversation; as an annotator, Ann in any case and Bo in two of three."""
    steps = {
        "points": {"points": ["They met."]},
        "facts": {"facts": []},
        "guidelines": {"guidelines": [{"name": "Person"}]},
    }
    for asked, answer in steps.items():
        if asked in (call.schema or {}).get("properties", {}):
            return answer
    both = "Ann" in call.document and call.body["seed"] % 3 < 2
    return {"Person": ["Ann", "Bo"] if both else [call.document.split()[0]]}


def test_controls_are_measured_side_by_side(
    guidex: Command, scripted_server: Servers, tmp_path: Path
) -> None:
    (tmp_path / "gold.txt").write_text(GOLD)
    (tmp_path / "schema.json").write_text('{"classes": {"Person": "A human being."}}')
    assert guidex("gold", "gold.txt", "--output", "documents.jsonl").code == 0
    url = scripted_server(finding_names).openai_url
    job = ("--documents", "documents.jsonl", "--schema", "schema.json", "--model", "openai/test")
    for method, samples in (("linear", ()), ("self-consistency", ("--samples", 3))):
        done = guidex(
            "run", *job, "--base-url", url, "--method", method, *samples, "--name", method, "--json"
        )
        assert done.json["documents"]["accepted"] == 2, done.err
    told = guidex("quality", "linear", "self-consistency", "--gold", "gold.txt", "--json").json
    assert [run["figures"]["strict.f1"]["value"] for run in told["runs"]] == [1, 1]
    assert [run["figures"]["coverage"]["value"] for run in told["runs"]] == [1, 1]
    # All samples agree on Cy, so that Cy comes first.
    ranking = told["runs"][1]["rankings"]["agreement"]
    assert [(point["coverage"], point["f1"]) for point in ranking["curve"]] == [(0.5, 1), (1, 1)]
