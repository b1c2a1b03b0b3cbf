"""The list of a run's calls, and the page of one, asked as a browser would."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from viewer.annotated_runs import JOB
from viewer.attacking import read
from viewer.conftest import Ask
from viewer.pages_read import Page

from agents.llm.choices import Choice
from agents.llm.client import Attempt, Message, ModelIdentity, Purpose, Sampling, Usage
from graph.store.records import CallStatus, ClosedCall, OpenedCall, StoredAnswer
from graph.store.store import RunStore
from schemas.documents import Document
from schemas.judgement import Agent

HOSTILE = "</pre><script>alert(2)</script>\x1b[2J"
DEEP = "[" * 20_000 + "]" * 20_000


def opened(
    key: str, agent: Agent, document_id: str | None = "d<0>", sample: int = 0, asks: str = "Ask."
) -> OpenedCall:
    return OpenedCall(
        key=key,
        purpose=Purpose(agent=agent, document_id=document_id, round=2, sample=sample),
        identity=ModelIdentity(provider="openai", model="small", base_url="http://localhost:1"),
        messages=(
            Message(role="system", parts=("You annotate all documents alike.",)),
            Message(role="user", parts=("The document, which all are asked about.", asks)),
        ),
        sampling=Sampling(temperature=0.5, max_tokens=100, seed=3),
        answer_name="Critique",
        answer_schema="a" * 32,
    )


def request(number: int, raw: str, error: str | None = None, seconds: float = 1.5) -> Attempt:
    return Attempt(
        number=number,
        raw=raw,
        finish_reason="stop",
        usage=Usage(input_tokens=1200, output_tokens=7, cached_tokens=1000),
        latency=seconds,
        cost=0.25,
        error=error,
    )


async def fill(runs: Path) -> dict[str, str]:
    """Calls of two documents and of none; their ids by key."""
    ids: dict[str, str] = {}
    with RunStore.create(
        runs / "trial", name="trial", job=JOB, job_toml="# a job\n", version="0.1.0"
    ) as store:
        store.add_documents([Document(id="d<0>", text="One."), Document(id="d1", text="Two.")])
        for number in range(2):
            call = opened(f"annotator{number}", Agent.ANNOTATOR, sample=number, asks=f"Annotate, {number}.")
            ids[call.key] = await store.open_call(call)
            store.close_call(ids[call.key], ClosedCall(CallStatus.ANSWERED, "{}", (request(1, "{}"),)))
        ids["critic"] = await store.open_call(opened("critic", Agent.CRITIC, asks=f"Judge {HOSTILE}."))
        answer = json.dumps({"verdicts": [{"verdict": "spurious", "why": HOSTILE}]})
        choice = Choice(
            path="verdicts.0.verdict", value="spurious", probabilities={"correct": 0.2, "spurious": 0.8}
        )
        attempts = (request(1, HOSTILE, "no JSON"), request(2, answer, seconds=40))
        store.close_call(ids["critic"], ClosedCall(CallStatus.ANSWERED, answer, attempts, choices=(choice,)))
        await store.flush()
        ids["replay"] = store.add_replay(opened("critic", Agent.CRITIC), StoredAnswer(ids["critic"], answer))
        ids["deep"] = await store.open_call(opened("deep", Agent.WRITER, "d1"))
        store.close_call(ids["deep"], ClosedCall(CallStatus.ANSWERED, DEEP, (request(1, DEEP),)))
        ids["corpus"] = await store.open_call(opened("corpus", Agent.DESIGNER, None))
        store.close_call(ids["corpus"], ClosedCall(CallStatus.TRUNCATED, error="answer truncated"))
        store.finish_run("done")
    return ids


@pytest.fixture
def ids(tmp_path: Path) -> dict[str, str]:
    return asyncio.run(fill(tmp_path))


@pytest.fixture
def client(tmp_path: Path, ids: dict[str, str], viewer: Ask) -> TestClient:
    return viewer(tmp_path)


def asked(client: TestClient, path: str) -> Page:
    answer = client.get(f"/runs/trial/calls{path}")
    assert answer.status_code == 200
    assert read(answer.text).faults == []
    return Page(answer.text)


def said(page: Page) -> str:
    return " ".join(" ".join(page.words).split())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 6),
        ("?agent=critic", 2),
        ("?status=truncated", 1),
        ("?document=d%3C0%3E", 4),
        ("?round=2&agent=annotator", 2),
        ("?round=1", 0),
        ("?re_asked=1", 1),
        ("?slow=30", 1),
        ("?slow=auto", 0),
        ("?q=spurious", 2),
        ("?q=annotate+alike", 6),
        ("?q=nowhere", 0),
        ("?agent=&status=&q=", 6),
    ],
)
def test_calls_are_found_by_what_the_address_says(client: TestClient, query: str, found: int) -> None:
    page = asked(client, query)
    assert len(page.rows) == found
    assert f"{found} call" in said(page)


def test_a_line_leads_to_the_call_and_to_its_document(client: TestClient, ids: dict[str, str]) -> None:
    page = asked(client, "?agent=critic&status=answered")
    assert page.links["critic"] == f"/runs/trial/calls/{ids['critic']}"
    assert page.links["d<0>"] == "/runs/trial/documents/0?round=2"
    slowest = asked(client, "?sort=slowest")
    assert slowest.rows[0].startswith("\ncritic")


@pytest.mark.parametrize(
    "query",
    [
        "agent=nobody",
        "status=x",
        "round=0",
        "slow=never",
        "slow=-1",
        "slow=inf",
        "sort=id",
        "q=%00",
        "re_asked=perhaps",
    ],
)
def test_what_the_list_does_not_have_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/runs/trial/calls?{query}")
    assert answer.status_code == 400 and "does not have" in answer.text


def test_a_call_is_shown_with_all_that_was_said(client: TestClient, ids: dict[str, str]) -> None:
    page = asked(client, f"/{ids['critic']}")
    told = said(page)
    assert "</pre><script>alert(2)</script>\\x1b[2J" in told
    assert "Not taken: no JSON" in told and "Request 2 ended by stop" in told
    assert "1,200 tokens in, 1,000 cached, 7 out · $0.25" in told
    assert "41.5 s 2 requests" in told and "2,400 2,000 cached" in told
    assert '"verdict": "spurious"' in told
    assert "verdicts.0.verdict" in told and told.index("0.80 spurious") < told.index("0.20 correct")
    assert "temperature 0.5" in told and "seed 3" in told and "openai/small" in told


def test_what_other_calls_begin_with_too_is_folded_and_what_is_asked_is_not(
    client: TestClient, ids: dict[str, str]
) -> None:
    html = client.get(f"/runs/trial/calls/{ids['annotator1']}").text
    folded = [part.partition("</details>")[0] for part in html.split('<details class="shared">')[1:]]
    assert len(folded) == 2
    assert "You annotate all documents alike." in folded[0]
    assert "which all are asked about" in folded[1]
    assert not any("Annotate, 1." in part for part in folded) and "Annotate, 1." in html


def test_calls_of_a_document_are_stepped_through(client: TestClient, ids: dict[str, str]) -> None:
    first = asked(client, f"/{ids['annotator0']}")
    assert "call 1 of 4" in said(first)
    assert "Previous" not in first.links
    second = asked(client, f"/{ids['annotator1']}")
    assert first.links["Next"] == f"/runs/trial/calls/{ids['annotator1']}"
    assert second.links["Previous"] == f"/runs/trial/calls/{ids['annotator0']}"
    alone = asked(client, f"/{ids['corpus']}")
    assert (
        "Next" not in alone.links and "about no document" in said(alone) and "answer truncated" in said(alone)
    )


def test_a_replay_tells_what_it_repeats(client: TestClient, ids: dict[str, str]) -> None:
    page = asked(client, f"/{ids['replay']}")
    assert page.links[ids["critic"]] == f"/runs/trial/calls/{ids['critic']}"
    assert '"verdict": "spurious"' in said(page)


def test_an_answer_that_goes_too_deep_is_shown_as_it_is(client: TestClient, ids: dict[str, str]) -> None:
    assert "[" * 1000 in said(asked(client, f"/{ids['deep']}"))


@pytest.mark.parametrize("name", ["nothing", "01", "%00", "%25", "' OR 1=1 --", "<b>"])
def test_a_call_that_there_is_not_is_not_found(client: TestClient, name: str) -> None:
    answer = client.get(f"/runs/trial/calls/{name}")
    assert answer.status_code == 404
    assert "<b>" not in answer.text
