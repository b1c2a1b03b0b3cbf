"""The list of a run's documents, asked as a browser would."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from viewer.conftest import Ask
from viewer.pages_read import Page

from graph.store.store import RunStore
from schemas.documents import Document
from schemas.inputs import DocumentsConfig
from schemas.job import Job
from schemas.judgement import Decision, Ending, Outcome, Scores

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x1b[31m"


def fill(runs: Path, count: int = 60) -> None:
    job = Job(documents=DocumentsConfig(paths=("documents.jsonl",)))
    with RunStore.create(
        runs / "trial", name="trial", job=job, job_toml="# a job\n", version="0.1.0"
    ) as store:
        ids = [f"d{number}" for number in range(count - 1)] + [HOSTILE]
        store.add_documents(
            [
                Document(id=name, text=f"Text {at} {'odd' if at % 2 else 'even'}.")
                for at, name in enumerate(ids)
            ]
        )
        for number in range(10):
            judged = Scores(grounding=1.0, agreement=number / 10)
            outcome = Outcome.ACCEPTED if number > 8 else Outcome.REJECTED
            store.decide(
                ids[number], Decision(outcome=outcome, reason=f"{HOSTILE} why", ending=Ending.CAP), judged
            )
        store.finish_run("done")


@pytest.fixture
def client(tmp_path: Path, viewer: Ask) -> TestClient:
    fill(tmp_path)
    return viewer(tmp_path)


def asked(client: TestClient, query: str = "") -> Page:
    answer = client.get(f"/runs/trial/documents{query}")
    assert answer.status_code == 200
    return Page(answer.text)


def test_a_page_has_fifty_documents_and_leads_to_the_next(client: TestClient) -> None:
    first = asked(client)
    assert len(first.rows) == 50
    assert "60 documents" in " ".join(first.words)
    second = Page(client.get(first.links["Next"]).text)
    assert len(second.rows) == 10
    assert "Next" not in second.links and "Previous" in second.links
    assert asked(client, "?offset=500").rows == []


def test_filters_words_and_order_are_in_the_address(client: TestClient) -> None:
    assert len(asked(client, "?outcome=accepted").rows) == 1
    assert len(asked(client, "?q=odd").rows) == 30
    assert len(asked(client, "?q=d59&outcome=").rows) == 0
    assert len(asked(client, "?score=agreement&least=0.3&most=0.5").rows) == 3
    lowest = asked(client, "?sort=agreement")
    assert "d0" in lowest.rows[0] and "d1" in lowest.rows[1]
    assert "d9" in Page(client.get(lowest.links["Agreement"]).text).rows[0]
    kept = Page(client.get("/runs/trial/documents?outcome=rejected&sort=agreement").text).links["Length"]
    assert "outcome=rejected" in kept and "sort=length" in kept


def test_a_score_below_its_threshold_has_a_sign(client: TestClient) -> None:
    rows = asked(client, "?score=agreement&least=0").rows
    assert "▼" in rows[8] and "less than 0.9" in rows[8]
    assert "▼" not in rows[9]


def test_what_documents_hold_is_shown_and_not_done(client: TestClient) -> None:
    page = asked(client, "?sort=id&q=script")
    assert len(page.rows) == 1
    assert "<script>alert(1)</script>" in page.rows[0]
    assert "\u202e" not in page.rows[0] and "\\u202e" in page.rows[0] and "\x1b" not in page.rows[0]
    link = next(address for words, address in page.links.items() if "alert" in words)
    assert link == "/runs/trial/documents/59?q=script&sort=id", "it is stepped through in this list"
    assert page.tags.count("script") == 3, "those of the viewer"


@pytest.mark.parametrize(
    "query",
    [
        "sort=text",
        "down=perhaps",
        "offset=-1",
        "offset=1e3",
        "least=nan",
        "least=2",
        "outcome=<b>",
        "rounds=0",
        "score=id",
        "q=%00",
        "finding=x",
        "ending=x",
        f"q={'a' * 201}",
        "unheard=of",
        f"found={'x' * 101}",
    ],
)
def test_what_the_list_does_not_have_is_refused_with_a_sentence(client: TestClient, query: str) -> None:
    answer = client.get(f"/runs/trial/documents?{query}")
    assert answer.status_code == 400
    assert "does not have" in answer.text and "<b>" not in answer.text


NAMES = (
    "q",
    "outcome",
    "ending",
    "found",
    "finding",
    "rounds",
    "score",
    "least",
    "most",
    "sort",
    "down",
    "offset",
)
VALUES = st.text(max_size=20) | st.sampled_from(
    ["9" * 30, "-1", "inf", "1e400", "agreement", "'", '"*', "\ud7ff"]
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
def test_whatever_is_asked_for_is_answered_or_refused(client: TestClient, query: dict[str, str]) -> None:
    assert client.get("/runs/trial/documents", params=query).status_code in (200, 400)
