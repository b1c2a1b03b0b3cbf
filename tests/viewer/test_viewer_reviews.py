"""Reviews made on the page of a document: what is stored is what was sent, or nothing and a sentence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from viewer.attacking import read
from viewer.conftest import Ask
from viewer.page_text import PageText

from benchmarks.bulk_run import make_run
from graph.reviews import newest_reviews, reviews_of
from graph.store.reading import RunReader
from graph.store.store import RunStore
from graph.thresholds import load
from guidex.viewer.reviewing import nearness, next_to_review
from guidex.viewer.security import TOKEN_HEADER
from schemas.judgement import Outcome, Thresholds
from schemas.reviews import Review, ReviewVerdict, WrongMention


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `bulk` of 45 documents, each way they end among them."""
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder, documents=45, calls=300)
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


class Document:
    """A document of the run: where it is, and how it is reviewed."""

    def __init__(self, client: TestClient, runs: Path, *outcomes: Outcome) -> None:
        with RunReader(runs / "bulk") as reader:
            row = next(each for each in reader.documents() if each.outcome in outcomes)
            self.id, self.position, self.round = row.id, row.position, row.round
        self._client = client

    @property
    def address(self) -> str:
        return f"/runs/bulk/documents/{self.position}"

    def page(self) -> str:
        return self._client.get(self.address).text

    def mentions(self) -> list[dict[str, Any]]:
        """What its page offers to mark as wrong."""
        found = re.findall(r'data-start="(\d+)" data-end="(\d+)" data-class="([^"]+)"', self.page())
        return [{"class_name": name, "start": int(start), "end": int(end)} for start, end, name in found]

    def send(self, **body: Any) -> Any:
        given = {"round": self.round, "verdict": "accepted", "reviewer": "Ada"} | body
        headers = {TOKEN_HEADER: self._client.app.state.token}  # type: ignore[attr-defined]
        return self._client.post(f"{self.address}/reviews", json=given, headers=headers)


def stored(runs: Path, document: Document) -> tuple[Review, ...]:
    with RunReader(runs / "bulk") as reader:
        return reviews_of(reader, document.id)


def test_a_review_is_stored_as_it_was_sent_and_shown(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    document = Document(client, runs, Outcome.ACCEPTED)
    assert "Nobody has reviewed it yet." in document.page()
    wrong = document.mentions()[0]
    answer = document.send(verdict="rejected", wrong=[wrong], note="Half of a name.", reviewer="  Ada ")
    assert answer.json() == {"reviews": 1, "reviewed": 1}
    (review,) = stored(runs, document)
    assert (review.reviewer, review.verdict) == ("Ada", ReviewVerdict.REJECTED)
    assert (review.note, review.wrong) == ("Half of a name.", (WrongMention(**wrong),))
    page = document.page()
    assert "Half of a name." in page and "Nobody has" not in page
    place = f'data-start="{wrong["start"]}" data-end="{wrong["end"]}" data-class="{wrong["class_name"]}"'
    assert f"{place} checked" in page


def test_the_newest_review_of_a_reviewer_counts_and_all_stay(runs: Path, viewer: Ask) -> None:
    document = Document(viewer(runs), runs, Outcome.ACCEPTED)
    for verdict, reviewer in (("accepted", "Ada"), ("rejected", "Ada"), ("accepted", "Bell")):
        assert document.send(verdict=verdict, reviewer=reviewer).status_code == 200
    assert len(stored(runs, document)) == 3
    with RunReader(runs / "bulk") as reader:
        counted = [(each.review.reviewer, each.review.verdict.value) for each in newest_reviews(reader)]
    assert counted == [("Ada", "rejected"), ("Bell", "accepted")]
    shown = re.findall(r"</span> (accepted|rejected)</span> by <b>(\w+)</b>", document.page())
    assert shown == [("accepted", "Bell"), ("rejected", "Ada"), ("accepted", "Ada")]


def test_only_mentions_of_the_kept_round_are_marked(runs: Path, viewer: Ask) -> None:
    document = Document(viewer(runs), runs, Outcome.ACCEPTED)
    known = document.mentions()[0]
    for changed in (
        {"end": known["end"] + 1},
        {"class_name": "Nonesuch"},
        {"start": 10**6, "end": 10**6 + 1},
    ):
        answer = document.send(wrong=[known, known | changed])
        assert answer.status_code == 422 and "no mention of" in answer.json()["error"]
    assert document.send(round=document.round + 1).status_code == 422
    assert stored(runs, document) == ()


REFUSED: list[dict[str, Any]] = [
    {"verdict": "perhaps"},
    {"verdict": None},
    {"reviewer": ""},
    {"reviewer": "   "},
    {"reviewer": "x" * 101},
    {"note": "x" * 2001},
    {"note": 5},
    {"round": 0},
    {"round": "1"},
    {"round": 1.5},
    {"wrong": [{"class_name": "Person", "start": -1, "end": 3}]},
    {"wrong": [{"class_name": "Person", "start": 3, "end": 3}]},
    {"wrong": [{"class_name": "Person", "start": 2**70, "end": 2**71}]},
    {"wrong": "all"},
    {"created": "2000-01-01"},
    {"document_id": "another"},
]


@pytest.mark.parametrize("body", REFUSED)
def test_what_no_review_is_gets_a_sentence_and_is_not_stored(
    runs: Path, viewer: Ask, body: dict[str, Any]
) -> None:
    document = Document(viewer(runs), runs, Outcome.ACCEPTED)
    answer = document.send(**body)
    assert answer.status_code == 422 and answer.json()["error"]
    assert stored(runs, document) == ()


def test_a_review_needs_the_token_and_a_document(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    document = Document(client, runs, Outcome.ACCEPTED)
    body = {"round": document.round, "verdict": "accepted", "reviewer": "Ada"}
    assert client.post(f"{document.address}/reviews", json=body).status_code == 403
    for position in (10**4, 2**64):
        document.position = position
        assert document.send().status_code == 404
    unjudged = Document(client, runs, Outcome.FAILED, Outcome.SKIPPED, Outcome.PENDING)
    assert "data-review" not in unjudged.page()
    assert unjudged.send(round=1).status_code == 422


def test_a_document_is_reviewed_also_while_the_run_goes_on(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    document = Document(client, runs, Outcome.ACCEPTED)
    with RunStore.open(runs / "bulk", version="0.1.0"):
        assert document.send().status_code == 200
    assert len(stored(runs, document)) == 1


HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b[31m\u202ered",
    "</b><img src=x onerror=alert(2)>",
    "{{ links }} '; DROP TABLE reviews; --",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_reviewer_writes_stays_text(runs: Path, viewer: Ask, text: str) -> None:
    client = viewer(runs)
    document = Document(client, runs, Outcome.ACCEPTED)
    assert document.send(reviewer=text, note=text).status_code == 200
    page = document.page()
    assert read(page).faults == []
    assert stored(runs, document)[0].note == text


def test_a_key_in_a_note_is_not_stored(runs: Path, viewer: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "not-a-real-key-" + "4711" * 8
    monkeypatch.setenv("OPENAI_API_KEY", key)
    document = Document(viewer(runs), runs, Outcome.ACCEPTED)
    assert document.send(note=f"I used {key} for it.").status_code == 200
    assert key not in stored(runs, document)[0].note
    assert key.encode() not in b"".join(path.read_bytes() for path in (runs / "bulk").iterdir())


def test_the_next_document_is_the_least_sure_one_that_nobody_has_reviewed(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    with RunReader(runs / "bulk") as reader:
        facts = load(reader)
        places = {row.id: row.position for row in reader.documents()}
    sureness = {each.id: nearness(each, facts.thresholds) for each in facts.documents}
    order = sorted(sureness, key=lambda each: sureness[each])
    seen, address = [], "/runs/bulk/reviews/next"
    for _ in order:
        answer = client.get(address, follow_redirects=False)
        assert answer.status_code == 303
        position = int(answer.headers["location"].rpartition("/")[2])
        seen.append(position)
        address = f"/runs/bulk/reviews/next?after={position}"  # passed over
    assert seen == [places[each] for each in order]
    again = client.get(address, follow_redirects=False).headers["location"]
    assert again == f"/runs/bulk/documents/{seen[0]}"
    assert next_to_review(facts, set(order)) is None
    assert next_to_review(facts, set(order[1:]), after=order[0]) is None


def test_with_all_reviewed_the_way_leads_to_the_list(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    with RunReader(runs / "bulk") as reader:
        judged = [row for row in reader.documents() if row.outcome in (Outcome.ACCEPTED, Outcome.REJECTED)]
    document = Document(client, runs, Outcome.ACCEPTED)
    for row in judged:
        document.position, document.round = row.position, row.round
        assert document.send().status_code == 200
    answer = client.get("/runs/bulk/reviews/next", follow_redirects=False)
    assert answer.headers["location"] == "/runs/bulk/documents?reviewed=no"
    listed = client.get("/runs/bulk/documents?reviewed=yes").text
    assert f"{len(judged)} documents found" in listed
    assert judged[0].id in PageText(listed).links
    assert client.get("/runs/bulk/documents?reviewed=perhaps").status_code == 400


def test_nearness_is_the_room_of_the_score_that_decides(made: Path) -> None:
    with RunReader(made / "bulk") as reader:
        document = next(each for each in load(reader).documents if each.outcome is Outcome.ACCEPTED)
    scores = next(each.scores for each in document.rounds if each.number == document.kept)
    free = Thresholds(agreement=0, faithfulness=0, completeness=0, guideline=0, schema_fit=0)
    known = [
        value
        for name in ("agreement", "faithfulness", "completeness", "guideline", "schema_fit")
        if (value := getattr(scores, name)) is not None
    ]
    assert nearness(document, free) == min(known)
    strict = free.model_copy(update={"agreement": 1.0})
    assert nearness(document, strict) == pytest.approx(abs(min(scores.agreement - 1, *known)))
