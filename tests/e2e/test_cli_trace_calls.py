"""`guidex trace calls` and `guidex trace call`: finding a call, and what was said in it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from commands import Command, Done, write_documents
from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable

from agents.llm.choices import Choice
from agents.llm.client import Attempt, Message, ModelIdentity, Purpose, Sampling, Usage
from graph.store.call_search import CallOrder
from graph.store.records import CallStatus, ClosedCall, OpenedCall
from graph.store.store import RunStore
from guidex.cli import main
from guidex.cli.trace import AgentName, CallState, SortName
from schemas.judgement import Agent

Servers = Callable[..., ScriptedServer]
LONG_ID = "archive/1889/letters-of-the-society/volume-12/page-0417-recto.txt"


def troubled(call: Call) -> Turn:
    """Never answer `darwin` in JSON, and answer about `bell` late; agree otherwise."""
    answer = agreeable(call)
    if "Beagle" in call.prompt:
        return "I would rather not."
    return Say(answer, delay=0.3) if "pulsars" in call.prompt and isinstance(answer, dict) else answer


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is made once; each test has a copy."""
    folder = tmp_path_factory.mktemp("runs")
    texts = {
        "ada": "Lovelace wrote programs for the Analytical Engine in London.",
        "bell": "Burnell found pulsars with a telescope near Cambridge.",
        "curie": "Sklodowska discovered polonium and radium in Paris.",
        "darwin": "Charles sailed aboard Beagle around South America.",
    }
    documents = write_documents(folder / "people.jsonl", texts)
    with ScriptedServer(troubled) as server:
        flags = ("--model", "openai/test", "--base-url", server.openai_url, "--runs-dir", folder)
        limits = ("--retry-on-error", 0, "--rounds", 1)
        main([str(word) for word in ("run", "--documents", documents, *flags, *limits)])
    return folder / "people"


@pytest.fixture
def people(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "runs" / "people"))


def listed(done: Done) -> list[list[str]]:
    """The words of each line about a call."""
    assert done.code == 0, done.err
    return [line.split() for line in done.out.splitlines() if line.startswith("01")]


@pytest.mark.usefixtures("people")
def test_calls_are_listed_the_newest_first_with_ids_that_can_be_given_back(guidex: Command) -> None:
    done = guidex("trace", "calls", "people", "--document", "ada")
    newest, *_, oldest = lines = listed(done)
    assert [newest[1], oldest[1]] == ["critic", "schema-designer"]
    assert newest[2:4] == ["1", "answered"] and newest[-1] == "ada"
    assert f"1 to {len(lines)} of {len(lines)} calls." in done.out
    for call_id, *_ in lines:
        assert guidex("trace", "call", "people", call_id).out.startswith(f"Call {call_id}: answered")
    turned = guidex("trace", "calls", "people", "--document", "ada", "--sort", "oldest")
    assert [line[0] for line in listed(turned)] == [line[0] for line in reversed(lines)]


@pytest.mark.usefixtures("people")
def test_calls_are_found_by_what_they_were_and_how_they_went(guidex: Command) -> None:
    def found(*flags: object) -> set[tuple[str, str]]:
        done = guidex("trace", "calls", "people", *flags, "--json").json
        assert done["total"] == len(done["shown"])
        return {(call["agent"], call["document_id"]) for call in done["shown"]}

    assert found("--agent", "critic") == {("critic", name) for name in ("ada", "bell", "curie")}
    assert found("--status", "invalid") == {("schema-designer", "darwin")} == found("--re-asked")
    assert {name for _, name in found("--slow", 0.25)} == {"bell"}
    assert found("--slow", "auto") == set(), "too few to tell what is usual"
    assert {name for _, name in found("--search", "polonium radium")} == {"curie"}
    assert found("--search", "rather not") == {("schema-designer", "darwin")}
    assert found("--search", "polonium pulsars") == found("--round", 2) == found("--model", "other") == set()
    assert found("--model", "openai/test") == found()
    assert found("--agent", "annotator", "--document", "ada") == {("annotator", "ada")}


@pytest.mark.usefixtures("people")
def test_why_a_call_brought_nothing_stands_below_it(guidex: Command) -> None:
    done = guidex("trace", "calls", "people", "--status", "invalid")
    ((_, *line),) = listed(done)
    assert line[:4] == ["schema-designer", "1", "invalid", "3x"]
    assert "did not fit" in done.out.splitlines()[2]


@pytest.mark.usefixtures("people")
def test_pages_follow_each_other(guidex: Command) -> None:
    everything = [line[0] for line in listed(guidex("trace", "calls", "people"))]
    pages = [guidex("trace", "calls", "people", "--limit", 5, "--offset", at) for at in range(0, 20, 5)]
    assert [line[0] for page in pages for line in listed(page)] == everything
    assert f"6 to 10 of {len(everything)} calls; --offset and --limit show others." in pages[1].out
    assert guidex("trace", "calls", "people", "--search", "nowhere").out == "There is no such call.\n"
    beyond = guidex("trace", "calls", "people", "--offset", 500)
    assert f"no more than {len(everything)} calls; --offset passes over 500." in beyond.out


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.usefixtures("people")
def test_a_page_fits_the_terminal_and_folds_no_id(
    guidex: Command, people: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    add_call(people, document_id=None, error=f"no route to {LONG_ID} " * 20)
    monkeypatch.setenv("COLUMNS", str(width))
    done = guidex("trace", "calls", "people")
    assert max(len(line.rstrip()) for line in done.out.splitlines()) <= width
    assert len(listed(done)) == guidex("trace", "calls", "people", "--json").json["total"]


@pytest.mark.usefixtures("people")
def test_flags_that_mean_nothing_are_refused(guidex: Command) -> None:
    for flags in (
        ("--slow", "soon"),
        ("--status", "lost"),
        ("--agent", "boss"),
        ("--limit", 0),
        ("--round", 0),
    ):
        assert guidex("trace", "calls", "people", *flags).code == 2


def test_the_flags_know_all_agents_states_and_orders() -> None:
    assert set(get_args(AgentName)) == {agent.value for agent in Agent}
    assert set(get_args(CallState)) == {status.value for status in CallStatus}
    assert set(get_args(SortName)) == {order.value for order in CallOrder}


def add_call(
    folder: Path,
    *,
    document_id: str | None = "ada",
    answer: str | None = None,
    raw: str = "",
    error: str | None = None,
    prompt: str = "Which?",
    choices: tuple[Choice, ...] = (),
) -> str:
    """A call with one request, made by hand."""
    call = OpenedCall(
        key=prompt,
        purpose=Purpose(agent=Agent.CRITIC, document_id=document_id, passage=1),
        identity=ModelIdentity(provider="openai", model="other", structured="json_schema"),
        messages=(
            Message(role="user", parts=("A part.", prompt)),
            Message(role="assistant", parts=(prompt,)),
        ),
        sampling=Sampling(temperature=0.5, max_tokens=1200, top_p=0.9, seed=7),
        answer_name="Verdicts",
        answer_schema="0",
    )
    usage = Usage(input_tokens=1500, output_tokens=20, cached_tokens=1000)
    attempt = Attempt(
        number=1, raw=raw, finish_reason="stop", usage=usage, latency=1.25, cost=0.5, error=error
    )
    status = CallStatus.INVALID if error else CallStatus.ANSWERED
    with RunStore.open(folder) as store:
        call_id = asyncio.run(_written(store, call, ClosedCall(status, answer, (attempt,), error, choices)))
    return call_id


async def _written(store: RunStore, call: OpenedCall, closed: ClosedCall) -> str:
    call_id = await store.open_call(call)
    store.close_call(call_id, closed)
    await store.flush()
    return call_id


@pytest.mark.usefixtures("people")
def test_a_call_tells_all_that_determined_it_and_all_it_took(guidex: Command, people: Path) -> None:
    choices = (
        Choice(path="1", value="correct", probabilities={"correct": 0.75, "spurious": 0.249, "odd": 0.001}),
    )
    raw = '{"1": "correct", "note": "ok"}'
    call_id = add_call(people, raw=raw, answer='{"1": "correct"}', choices=choices)
    shown = guidex("trace", "call", "people", call_id).out
    text = re.sub("--+", "|", " ".join(shown.split()))
    for part in (
        f"Call {call_id}: answered",
        "agent critic document ada, round 1, passage 2",
        "model openai/other",
        "sampling temperature 0.5, top-p 0.9, seed 7, at most 1,200 tokens",
        "answer Verdicts by json_schema",
        "took 1 request, 1.25 s, $0.50",
        "tokens 1,500 in, 1,000 of them cached, 20 out",
        "user | A part.",
        "A part. (part 2 of 2, said 2 times in this run) Which?",
        "assistant | ",
        "(stop; 1.25 s; 1,500 in, 1,000 of them cached, 20 out; $0.50)",
        '{ "1": "correct", "note": "ok" }',
        'Answer as it was taken | { "1": "correct" }',
        "1 correct 0.75 spurious 0.25",
    ):
        assert part in text, part
    told = guidex("trace", "call", "people", call_id, "--json").json
    assert told["call"]["id"] == call_id and told["call"]["cost"] == 0.5
    assert told["attempts"][0]["raw"] == raw and told["answer"] == '{"1": "correct"}'
    assert told["messages"][0]["parts"] == [
        {"text": "A part.", "uses": 1},
        {"text": "Which?", "uses": 2},
    ]
    assert told["choices"][0]["probabilities"]["spurious"] == 0.249


@pytest.mark.usefixtures("people")
def test_each_answer_is_shown_with_why_it_was_not_taken(guidex: Command) -> None:
    (call,) = guidex("trace", "calls", "people", "--status", "invalid", "--json").json["shown"]
    shown = guidex("trace", "call", "people", call["id"]).out
    assert shown.count("I would rather not.") >= 3 and shown.count("not taken: ") == 3
    assert "answer 3 of 3" in shown and "said as it is" not in shown


@pytest.mark.usefixtures("people")
def test_long_texts_are_cut_unless_all_is_asked_for(guidex: Command, people: Path) -> None:
    words = " ".join(f"word{number}" for number in range(2000))
    raw = json.dumps({"words": words.split()})
    call_id = add_call(people, raw=raw, answer=raw, prompt=words)
    cut, whole = (
        guidex("trace", "call", "people", call_id),
        guidex("trace", "call", "people", call_id, "--full"),
    )
    assert "word1999" not in cut.out and cut.out.count("more characters; --full shows them") == 3
    assert whole.out.split().count("word1999") == 2 and '"word1999"' in whole.out
    assert "--full shows" not in whole.out


@pytest.mark.usefixtures("people")
def test_a_call_is_known_by_what_it_alone_begins_or_ends_with(guidex: Command) -> None:
    (call,) = guidex("trace", "calls", "people", "--status", "invalid", "--json").json["shown"]
    assert guidex("trace", "call", "people", call["id"][-7:].lower()).out.startswith(f"Call {call['id']}:")
    for part in ("01", ""):
        several = guidex("trace", "call", "people", part)
        assert several.code == 2 and "Several calls of people" in several.err and ", ..." in several.err
    none = guidex("trace", "call", "people", "0%'; --")
    assert none.code == 2 and "guidex trace calls people" in none.err


def test_a_replay_shows_what_the_call_it_repeats_had_said(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server(lambda call: "no" if "Beagle" in call.prompt else agreeable(call))
    model = ("--model", "openai/test", "--base-url", server.openai_url)
    guidex("run", "--documents", documents, *model, "--name", "first")
    guidex("run", "--documents", documents, *model, "--name", "second", "--reuse", "first")
    reused = guidex("trace", "calls", "second", "--status", "replayed", "--json").json["shown"]
    assert reused
    shown = guidex("trace", "call", "second", reused[0]["id"])
    assert shown.code == 0
    assert "of another run" in shown.out and "Answer as it was taken" in shown.out
