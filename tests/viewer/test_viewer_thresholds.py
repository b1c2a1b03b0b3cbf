"""The page of thresholds: its counts are the engine's, and what is applied is a version like any other."""

from __future__ import annotations

import json
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from viewer.attacking import read
from viewer.conftest import Ask
from viewer.conftest import make_run as make_untouched
from viewer.page_text import PageText

from benchmarks.bulk_run import make_run
from graph.store.reading import RunReader
from graph.store.store import RunStore
from graph.thresholds import Trial, load, set_thresholds, try_thresholds
from guidex.cli import main
from guidex.viewer.security import TOKEN_HEADER

PAGE = "/runs/bulk/thresholds"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `bulk` of 90 documents, each way they end among them."""
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder, documents=90, calls=600)
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


def trial(runs: Path, **changes: Any) -> Trial:
    with RunReader(runs / "bulk") as reader:
        facts = load(reader)
        return try_thresholds(facts, facts.thresholds.model_copy(update=changes))


def send(client: TestClient, path: str, body: Any) -> Any:
    return client.post(path, json=body, headers={TOKEN_HEADER: client.app.state.token})  # type: ignore[attr-defined]


def versions(runs: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `guidex threshold list --json` says."""
    capsys.readouterr()
    assert main(["threshold", "list", "bulk", "--runs-dir", str(runs), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def numbers(text: str) -> list[int]:
    return [int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*", text)]


SETTINGS: list[dict[str, Any]] = [
    {"agreement": 0.5},
    {"agreement": 1.0, "faithfulness": 0.95},
    {"min_instances": 5, "block_on_major": False},
    {"completeness": 0.0, "guideline": 0.0, "schema_fit": 0.0, "agreement": 0.0, "faithfulness": 0.0},
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_counts_and_flips_are_those_of_the_engine(made: Path, viewer: Ask, setting: dict[str, Any]) -> None:
    expected, now = trial(made, **setting), trial(made)
    asked = {name: str(value).lower() for name, value in setting.items()}
    html = viewer(made).get(f"{PAGE}/outcome", params=asked).text
    figures = PageText(html).figures
    assert numbers(figures["Accepted"]) == [expected.accepted, now.accepted]
    rejected = [each.documents - each.accepted for each in (expected, now)]
    assert numbers(figures["Rejected"]) == rejected
    assert numbers(figures["Accepted mentions"]) == [expected.instances, now.instances]
    means = {row[0]: row[1] for row in next(iter(PageText(html).tables.values()))[1:]}
    assert means["Agreement"] == f"{expected.means['agreement']:.2f}"
    assert f"{len(expected.gained)} would be accepted" in html
    assert f"{len(expected.lost)} would be rejected" in html
    shown = re.findall(r'<a href="/runs/bulk/documents/\d+">([^<]+)</a>', html)
    assert shown == [*expected.gained[:25], *expected.lost[:25]]
    for flips in (expected.gained, expected.lost):
        assert (f"and {len(flips) - 25} more" in html) == (len(flips) > 25)


def test_flips_lead_to_their_documents_and_say_why(made: Path, viewer: Ask) -> None:
    client = viewer(made)
    html = client.get(f"{PAGE}/outcome?agreement=1").text
    identifier = trial(made, agreement=1.0).lost[0]
    address = PageText(html).links[identifier]
    assert identifier in client.get(address).text
    assert re.search(r"agreement 0\.\d\d &lt; 1", html)


def test_the_page_holds_the_same_without_a_script(made: Path, viewer: Ask) -> None:
    client = viewer(made)
    page = client.get(f"{PAGE}?agreement=0.5&block_on_major=false&block_on_major=true").text
    part = client.get(f"{PAGE}/outcome?agreement=0.5").text
    assert part.strip() in page
    assert re.search(r'name="agreement"[^>]*value="0.5"[^>]*data-held="0.9"', page)
    assert 'name="block_on_major" value="true" checked' in page
    assert "The least that is accepted is 0.9." in page  # as the histogram tells of its rule
    unblocked = client.get(f"{PAGE}?block_on_major=false").text
    assert 'name="block_on_major" value="true" data-threshold' in unblocked


def test_what_is_in_force_is_tried_first(made: Path, viewer: Ask) -> None:
    html = viewer(made).get(PAGE).text
    now = trial(made)
    assert f"<b>{now.accepted}</b> of {now.documents} judged documents accepted" in html
    assert "as is in force" in html and "would be accepted" not in html


@pytest.mark.parametrize(
    "query",
    [
        "agreement=1.1",
        "agreement=-0.1",
        "agreement=nan",
        "agreement=inf",
        "agreement=high",
        "min_instances=-1",
        "min_instances=1e9",
        "block_on_major=perhaps",
        "correct=0.5",
        "agreement=0.5&unknown=1",
    ],
)
def test_an_address_that_asks_for_what_no_threshold_is_gets_400(made: Path, viewer: Ask, query: str) -> None:
    client = viewer(made)
    for path in (PAGE, f"{PAGE}/outcome"):
        assert client.get(f"{path}?{query}").status_code == 400


def test_a_setting_that_is_applied_is_a_new_version(
    runs: Path, viewer: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    client, expected, now = viewer(runs), trial(runs, agreement=0.5), trial(runs)
    note = "<b>more</b> \x1b[31m"
    answer = send(client, f"{PAGE}/versions", {"thresholds": {"agreement": 0.5}, "note": note})
    assert answer.status_code == 200
    assert answer.json() == {
        "version": 2,
        "before": 1,
        "documents": expected.documents,
        "accepted": expected.accepted,
        "gained": len(expected.gained),
        "lost": len(expected.lost),
    }
    listed = versions(runs, capsys)
    assert [each["in_force"] for each in listed] == [False, True]
    assert listed[1]["thresholds"] == now.thresholds.model_dump() | {"agreement": 0.5}
    assert listed[1]["note"] == note and listed[1]["accepted"] == expected.accepted
    html = client.get(PAGE).text
    assert read(html).faults == [] and "&lt;b&gt;more&lt;/b&gt;" in html
    assert f"<b>{expected.accepted}</b> of" in html  # what is tried first is what is in force now
    assert 'data-use="1"' in html and "Back to version 1" in html


def test_an_earlier_version_is_used_again(
    runs: Path, viewer: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    client, now = viewer(runs), trial(runs)
    send(client, f"{PAGE}/versions", {"thresholds": {"agreement": 0.5}})
    answer = send(client, f"{PAGE}/in-force", {"version": 1})
    assert answer.json()["accepted"] == now.accepted and answer.json()["before"] == 2
    assert [each["in_force"] for each in versions(runs, capsys)] == [True, False]
    html = client.get(PAGE).text
    assert "Back to version 2" in html and f"<b>{now.accepted}</b> of" in html


REFUSED: list[Any] = [
    {"thresholds": {"agreement": 1.5}},
    {"thresholds": {"agreement": "0.5"}},
    {"thresholds": {"agreement": True}},
    {"thresholds": {"correct": 0.5}},
    {"thresholds": {"min_instances": 10**12}},
    {"thresholds": {"min_instances": 1.5}},
    {"thresholds": {"block_on_major": 1}},
    {"thresholds": {}, "note": "x" * 501},
    {"thresholds": {"agreement": 0.5}, "by": "me"},
    {"thresholds": {}},  # those that are in force
    {"note": "nothing"},
    [],
    None,
]


@pytest.mark.parametrize("body", REFUSED)
def test_what_no_setting_is_gets_a_sentence_and_changes_nothing(
    runs: Path, viewer: Ask, capsys: pytest.CaptureFixture[str], body: Any
) -> None:
    answer = send(viewer(runs), f"{PAGE}/versions", body)
    assert answer.status_code == 422 and answer.json()["error"]
    assert len(versions(runs, capsys)) == 1


@pytest.mark.parametrize("version", [0, 1, 7, -1, 2**40, "1", None])
def test_a_version_that_is_not_there_or_in_force_already_is_refused(
    made: Path, viewer: Ask, version: Any
) -> None:
    answer = send(viewer(made), f"{PAGE}/in-force", {"version": version})
    assert answer.status_code == 422 and "ersion" in answer.json()["error"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'{"thresholds": {"agreement": NaN}}', b"[" * 30_000]
)
def test_what_is_no_json_is_refused(made: Path, viewer: Ask, content: bytes) -> None:
    client = viewer(made)
    headers = {TOKEN_HEADER: client.app.state.token}  # type: ignore[attr-defined]
    assert client.post(f"{PAGE}/versions", content=content, headers=headers).status_code == 422


def test_nothing_is_set_while_the_run_goes_on_or_without_the_token(
    runs: Path, viewer: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    client, body = viewer(runs), {"thresholds": {"agreement": 0.5}}
    assert client.post(f"{PAGE}/versions", json=body).status_code == 403
    assert client.post(f"{PAGE}/in-force", json={"version": 1}).status_code == 403
    with RunStore.open(runs / "bulk", version="0.1.0"):
        assert client.get(f"{PAGE}/outcome?agreement=0.5").status_code == 200  # trying is free
        for path, asked in ((f"{PAGE}/versions", body), (f"{PAGE}/in-force", {"version": 1})):
            answer = send(client, path, asked)
            assert answer.status_code == 409
            assert "being written by another process" in answer.json()["error"]
    assert len(versions(runs, capsys)) == 1


def test_what_others_decide_meanwhile_is_seen(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    before = client.get(f"{PAGE}/outcome").text
    with RunReader(runs / "bulk") as reader:
        made = set_thresholds(reader, load(reader).thresholds.model_copy(update={"agreement": 0.2}))
    after = client.get(f"{PAGE}/outcome").text
    assert after != before and numbers(PageText(after).figures["Accepted"])[1] == made.trial.accepted
    shutil.rmtree(runs / "bulk")
    make_untouched(runs, "bulk")
    assert "No document has been judged yet." in client.get(f"{PAGE}/outcome").text


def test_several_may_ask_at_once(made: Path, viewer: Ask) -> None:
    client, steps = viewer(made), [number / 20 for number in range(21)]
    together = threading.Barrier(4)

    def ask(agreement: float) -> list[int]:
        if agreement < 0.2:
            together.wait(timeout=20)
        html = client.get(f"{PAGE}/outcome?agreement={agreement}").text
        return numbers(PageText(html).figures["Accepted"])

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(ask, steps))
    assert [each[0] for each in found] == [trial(made, agreement=step).accepted for step in steps]


def test_a_run_of_which_nothing_was_judged_and_one_that_is_not_there(tmp_path: Path, viewer: Ask) -> None:
    make_untouched(tmp_path, "untouched")
    client = viewer(tmp_path)
    html = client.get("/runs/untouched/thresholds").text
    assert "No document has been judged yet." in html and "3 pending" in html
    assert "no document has this score" in html
    assert f"guidex threshold list {tmp_path}/untouched" in html
    for path in ("/runs/none/thresholds", "/runs/none/thresholds/outcome"):
        assert client.get(path).status_code == 404
    assert send(client, "/runs/none/thresholds/versions", {"thresholds": {}}).status_code == 404
