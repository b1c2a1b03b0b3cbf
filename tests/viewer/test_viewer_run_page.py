"""The page of a run: its numbers are those of the command, and it follows a run that goes on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from viewer.attacking import ask
from viewer.conftest import Ask
from viewer.conftest import make_run as make_untouched
from viewer.page_text import PageText

from benchmarks.bulk_run import make_run
from graph.agreement import typed_spans
from graph.results import accepted
from graph.store.reading import RunReader
from graph.store.store import RunStore
from guidex.cli import main
from schemas.judgement import Agent


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `bulk` of 90 documents, each way they end among them."""
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder, documents=90, calls=1000)
    return folder


def shown(runs: Path, capsys: pytest.CaptureFixture[str], run: str = "bulk") -> Any:
    """What `guidex runs show --json` says."""
    capsys.readouterr()
    assert main(["runs", "show", run, "--runs-dir", str(runs), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def number(text: str) -> int:
    return int(text.split()[0].replace(",", ""))


def test_the_numbers_are_those_of_the_command(
    runs: Path, viewer: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = shown(runs, capsys)
    page = PageText(viewer(runs).get("/runs/bulk").text)
    counts = {name.removeprefix("= ").removeprefix("+ "): value for name, value in page.figures.items()}
    assert number(counts["documents in"]) == summary["documents"]["in"] == 90
    states = ("accepted", "rejected", "failed", "skipped", "pending")
    assert [number(counts[state]) for state in states] == [summary["documents"][state] for state in states]
    assert sum(number(counts[state]) for state in states) == 90
    assert number(counts["Calls"]) == summary["calls"]
    assert number(counts["Tokens in"]) == summary["input_tokens"]
    assert number(counts["Tokens out"]) == summary["output_tokens"]
    failures = page.tables["Failures by cause"][1:]
    assert [(row[0], number(row[1]), row[2]) for row in failures] == [
        (f"{each['agent']}: {each['cause']}", each["count"], each["message"]) for each in summary["failures"]
    ]
    vain = page.tables["Requests without a usable answer"][1:]
    assert [(row[0], number(row[1])) for row in vain] == [
        (each["kind"], each["requests"]) for each in summary["vain"]
    ]
    rejections = page.tables["Reasons for rejection"][1:]
    assert [(row[0], number(row[1])) for row in rejections] == [
        (each["reason"], each["count"]) for each in summary["rejections"]
    ]


def test_what_agents_used_adds_up_to_the_whole(
    runs: Path, viewer: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = shown(runs, capsys)
    _, *rows, whole = PageText(viewer(runs).get("/runs/bulk").text).tables["What the agents used"]
    assert {row[0] for row in rows} == set(Agent)
    for column, key in ((2, "calls"), (3, "attempts"), (4, "input_tokens"), (5, "cached_tokens")):
        assert sum(number(row[column]) for row in rows) == number(whole[column]) == summary[key]
    assert sum(float(row[8].strip("$")) for row in rows) == pytest.approx(summary["cost"], abs=0.03)


def test_classes_are_counted_as_the_accepted_documents_have_them(runs: Path, viewer: Ask) -> None:
    with RunReader(runs / "bulk") as reader:
        kept = [typed_spans(round_.agreed) for _, round_ in accepted(reader)]
    _, *rows = PageText(viewer(runs).get("/runs/bulk").text).tables["Classes in accepted documents"]
    assert rows
    for name, _, mentions, documents in rows:
        found = [sum(span[2] == name for span in spans) for spans in kept]
        assert number(mentions) == sum(found)
        assert number(documents) == sum(map(bool, found))


def test_each_state_links_to_its_documents_and_each_class_to_those_that_have_it(
    runs: Path, viewer: Ask
) -> None:
    html = viewer(runs).get("/runs/bulk").text
    for state in ("accepted", "rejected", "failed", "skipped", "pending"):
        assert f'href="/runs/bulk/documents?outcome={state}"' in html
    assert re.search(r'href="/runs/bulk/documents\?found=\w+&amp;outcome=accepted"', html)


def test_what_went_wrong_links_to_its_documents_and_calls(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    page = PageText(client.get("/runs/bulk").text)
    assert page.links["agreement < 0.9"] == "/runs/bulk/documents?outcome=rejected&sort=agreement"
    finding = next(text for text in page.links if text.startswith("open major finding"))
    assert "finding=" in page.links[finding]
    requests = {row[0]: number(row[1]) for row in page.tables["Requests without a usable answer"][1:]}
    assert page.links["re-asked"] == "/runs/bulk/calls?re_asked=1" and requests["re-asked"]
    assert page.links["invalid"] == "/runs/bulk/calls?status=invalid"
    invalid = PageText(client.get(page.links["invalid"]).text).tables["Calls"][1:]
    assert len(invalid) == requests["invalid"]
    worst = PageText(client.get(page.links["agreement < 0.9"]).text).tables["Documents"][1:]
    agreement = [float(row[5].split()[-1]) for row in worst]
    assert agreement == sorted(agreement) and agreement[0] < 0.9


def test_what_a_score_says_is_told_beside_it(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    for address in ("/runs/bulk", "/runs/bulk/documents/0"):
        assert PageText(client.get(address).text).figures["Completeness"] == (
            "Correct instances / (correct instances + missing mentions named)."
        )


def test_score_charts_tell_their_threshold_and_their_numbers_in_words(runs: Path, viewer: Ask) -> None:
    html = viewer(runs).get("/runs/bulk").text
    with RunReader(runs / "bulk") as reader:
        ((mean, documents),) = reader.mean_scores(("agreement",)).values()
    assert f"{documents} documents, mean {mean:.2f}. The least that is accepted is 0.9." in html
    assert "Rounds until the end" in html and "1 round, agreed" in html


def test_a_run_that_is_over_is_not_asked_for_again(runs: Path, viewer: Ask) -> None:
    client = viewer(runs)
    assert "data-live" not in client.get("/runs/bulk").text
    assert client.get("/runs/bulk/live").headers["x-guidex-live"] == "ended"


def test_a_run_that_goes_on_is_followed_until_it_ends(tmp_path: Path, viewer: Ask) -> None:
    make_run(tmp_path, documents=9, calls=90)
    client = viewer(tmp_path)
    with RunStore.open(tmp_path / "bulk", version="0.1.0") as store:
        waiting = store.reader.totals().pending
        page = client.get("/runs/bulk").text
        assert 'data-live="/runs/bulk/live"' in page and 'data-live="/runs/bulk/statistics"' in page
        before = client.get("/runs/bulk/live")
        assert before.headers["x-guidex-live"] == "running" and "<html" not in before.text
        assert f"{9 - waiting} of 9 documents decided on" in before.text
        store.add_failure(None, "guidex", "OSError", "The disk <b>turns</b> slowly.")
        store.flush_now()
        told = client.get("/runs/bulk/statistics")
        assert told.headers["x-guidex-live"] == "running"
        assert "The disk &lt;b&gt;turns&lt;/b&gt; slowly." in told.text
        store.finish_run("stopped", "enough")
    after = client.get("/runs/bulk/live")
    assert after.headers["x-guidex-live"] == "ended" and "enough" in after.text


def test_a_run_of_which_nothing_has_been_done_has_a_page(tmp_path: Path, viewer: Ask) -> None:
    make_untouched(tmp_path, "untouched")
    answer = viewer(tmp_path).get("/runs/untouched")
    assert answer.status_code == 200
    assert PageText(answer.text).figures["+ pending"].startswith("3")


def test_the_head_of_the_page_is_sent_before_what_takes_time(runs: Path, viewer: Ask) -> None:
    head, figures, rest, *_ = ask(viewer(runs).app, b"/runs/bulk").pieces  # type: ignore[arg-type]
    assert b"<h1>bulk</h1>" in head and b"documents in" not in head
    assert b"documents in" in figures and b"Failures by cause" not in figures
    assert b"Failures by cause" in rest


def test_a_run_that_is_not_there_has_none(tmp_path: Path, viewer: Ask) -> None:
    for path in ("/runs/none", "/runs/none/live", "/runs/none/statistics"):
        assert viewer(tmp_path).get(path).status_code == 404
