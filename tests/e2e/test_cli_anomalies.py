"""`guidex trace anomalies`, and what `guidex runs show` says of failures."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, Done, write_documents
from servers.scripted import Call, Fail, Say, ScriptedServer, Turn, agreeable

from agents.llm.client import Message, ModelIdentity, Purpose, Sampling
from graph.store.records import OpenedCall
from graph.store.store import RunStore
from schemas.judgement import Agent

Servers = Callable[..., ScriptedServer]


def troubled() -> Callable[[Call], Turn]:
    """Cuts `curie` off, never answers `darwin` in JSON, fails once for `ada`; agrees otherwise."""
    lost = itertools.count()

    def script(call: Call) -> Turn:
        if "Sklodowska" in call.prompt:
            return Say('{"classes": [', finish="length")
        if "Beagle" in call.prompt:
            return "I would rather not."
        if "Lovelace" in call.prompt and next(lost) == 0:
            return Fail(503)
        return agreeable(call)

    return script


def command(url: str, documents: Path) -> tuple[object, ...]:
    """A run whose failed documents are not taken up again."""
    model = ("--model", "openai/test", "--base-url", url)
    return ("run", "--documents", documents, *model, "--retry-on-error", 0)


@pytest.fixture
def people(guidex: Command, documents: Path, scripted_server: Servers) -> Done:
    url = scripted_server(troubled()).openai_url
    return guidex(*command(url, documents))


@pytest.mark.usefixtures("people")
def test_each_kind_of_trouble_has_its_section(guidex: Command) -> None:
    done = guidex("trace", "anomalies", "people")
    text = " ".join(done.out.split())
    assert done.code == 0
    for part in (
        "Answers that did not fit (1) agent document round answers call the last one",
        "schema-designer darwin 1 3 invalid Invalid JSON",
        "truncated or filtered (1) agent document round status schema-designer curie 1 truncated",
        "Requests that brought no answer (1)",
        "schema-designer ada 1 1 answered openai/test at",
        "Fewer connections, pauses and stops (1)",
        "8 -> 6 connections: 503.",
        "answered 503: scripted failure",
        "`guidex trace calls people` with --slow, --re-asked or --status lists such calls",
    ):
        assert part in text, part
    assert "never left" not in text and "most rounds" not in text
    assert max(len(line.rstrip()) for line in done.out.splitlines()) <= 100
    found = guidex("trace", "anomalies", "people", "--json").json
    assert (found["run"], found["status"]) == ("people", "done")
    assert found["re_asked"]["total"] == 1
    assert found["re_asked"]["shown"][0]["document_id"] == "darwin"
    assert found["cut_off"]["shown"][0]["status"] == "truncated"
    assert found["unfinished"] == {"total": 0, "shown": []}


@pytest.mark.usefixtures("people")
def test_slow_takes_seconds_and_limit_bounds_each_section(guidex: Command) -> None:
    fixed = guidex("trace", "anomalies", "people", "--slow", "0.000001", "--limit", 2)
    assert "Slow requests (the first 2 of " in fixed.out
    assert guidex("trace", "anomalies", "people", "--slow", 3600, "--json").json["slow"]["total"] == 0
    for value in ("soon", "-1", "0", "nan"):
        refused = guidex("trace", "anomalies", "people", "--slow", value)
        assert refused.code == 2 and "auto" in refused.err


def test_a_run_without_trouble_has_nothing_to_show(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    url = scripted_server(agreeable).openai_url
    guidex("run", "--documents", documents, "--model", "openai/test", "--base-url", url)
    assert guidex("trace", "anomalies", "people", "--slow", 60).out == "Nothing stands out in people.\n"
    assert "without a usable answer" not in guidex("runs", "show", "people").out


def test_a_run_that_goes_on_shows_its_calls_in_flight(guidex: Command, people: Done, tmp_path: Path) -> None:
    hostile = "ada\x1b[2J [bold]" + "x" * 200
    call = OpenedCall(
        key="k",
        purpose=Purpose(agent=Agent.CRITIC, document_id="ada"),
        identity=ModelIdentity(provider="openai", model=hostile),
        messages=(Message(role="user", parts=("?",)),),
        sampling=Sampling(temperature=0, max_tokens=1),
        answer_name="Answer",
        answer_schema="0",
    )
    with RunStore.open(tmp_path / "runs" / "people") as store:
        asyncio.run(store.open_call(call))
        running = guidex("trace", "anomalies", "people")
        shown = guidex("trace", "anomalies", "people", "--json").json["unfinished"]["shown"]
    assert "Calls entered and never left (1)" in running.out and "in flight" in running.out
    assert [(each["agent"], each["status"], each["model"]) for each in shown] == [
        ("critic", "open", f"openai/{hostile}")
    ]
    ended = guidex("trace", "anomalies", "people")
    assert "never left" in ended.out and "in flight" not in ended.out
    assert "\x1b" not in running.out + ended.out


def test_failures_are_those_of_the_present(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server(troubled())
    people = guidex(*command(server.openai_url, documents))
    before = guidex("runs", "show", "people", "--json").json
    assert sum(group["count"] for group in before["failures"]) == before["documents"]["failed"] == 2
    assert {kind["kind"]: kind["requests"] for kind in before["vain"]} == {
        "re-asked": 2,
        "invalid": 1,
        "truncated": 1,
        "retried": 1,
    }
    for part in ("Requests without a usable answer", "re-asked", "% of all tokens", "Failures by cause"):
        assert part in people.out
    server.script = lambda call: "still not" if "Beagle" in call.prompt else agreeable(call)
    assert guidex("retry", "people").code == 0
    after = guidex("runs", "show", "people")
    assert "schema-designer: truncated" not in after.out and "schema-designer: invalid" in after.out
    # Those of the first session: one was put right, the other's document failed anew.
    assert "2 earlier failures of documents that were taken up again since" in after.out
    found = guidex("runs", "show", "people", "--json").json
    assert [group["document_ids"] for group in found["failures"]] == [["darwin"]]
    story = guidex("trace", "show", "people", "curie").out
    assert "Earlier failure: schema-designer: truncated" in story and "\nFailure" not in story
    again = guidex("trace", "show", "people", "darwin").out
    assert "Earlier failure: schema-designer: invalid" in again and "\nFailure: schema-designer: inv" in again


def test_many_causes_are_cut_short_for_people_only(
    guidex: Command, tmp_path: Path, scripted_server: Servers
) -> None:
    names = ["ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "yew"]
    write_documents(tmp_path / "trees.jsonl", {name: f"A tall {name} stands here." for name in names})
    server = scripted_server(lambda call: Fail(400, f"no {next(n for n in names if n in call.document)}"))
    flags = ("--model", "openai/test", "--base-url", server.openai_url)
    done = guidex("run", "--documents", tmp_path / "trees.jsonl", *flags)
    assert done.code == 1 and "2  of 2 other causes; --json has them all" in done.out
    assert len(guidex("runs", "show", "trees", "--json").json["failures"]) == 12
