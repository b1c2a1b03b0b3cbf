"""The page with two runs side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from viewer.conftest import Ask
from viewer.page_text import PageText

from benchmarks.bulk_run import make_run
from graph.store.reading import RunReader
from graph.thresholds import set_thresholds
from guidex.cli import main
from schemas.judgement import Thresholds

ADDRESS = "/compare?run=one&run=two"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs `one` and `two` of the same 80 documents, the second one with thresholds of its own."""
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder, documents=80, calls=800, name="one")
    make_run(folder, documents=80, calls=1500, name="two")
    with RunReader(folder / "two") as reader:
        set_thresholds(reader, Thresholds(agreement=0.95))
    return folder


@pytest.fixture
def compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """What the command says of them."""
    assert main(["runs", "compare", "one", "two", "--runs-dir", str(runs), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_numbers_are_those_of_the_command(runs: Path, viewer: Ask, compared: Any) -> None:
    page = PageText(viewer(runs).get(ADDRESS).text)
    shown = {row[0]: row[1:] for row in page.tables["Figures"][1:]}
    told = {each["name"]: each for each in compared["figures"]}
    for label, name in (("Documents in", "documents"), ("Accepted", "accepted"), ("Calls", "calls")):
        first, second, difference = shown[label]
        assert (number(first), number(second)) == (told[name]["first"], told[name]["second"])
        assert number(difference.replace("+", "").replace("−", "-")) == told[name]["difference"]  # noqa: RUF001
    for figure, name in (("In both", "both"), ("In A alone", "only_first"), ("In B alone", "only_second")):
        assert number(page.figures[figure].split()[0]) == compared["mentions"][name]
    assert page.figures["Agreement"] == f"{compared['mentions']['agreement']:.2f} strict"
    classes = {row[0]: [number(cell) for cell in row[1:]] for row in page.tables["Mentions"][1:]}
    assert classes == {
        each["name"]: [each["first"], each["second"], each["both"]] for each in compared["classes"][:50]
    }


def test_the_outcomes_add_up_and_those_that_differ_are_paged(runs: Path, viewer: Ask, compared: Any) -> None:
    client = viewer(runs)
    page = PageText(client.get(ADDRESS).text)
    crossed = page.tables["Documents"]
    total = sum(number(cell) for row in crossed[1:] for cell in row[1:])
    assert total == compared["documents"]["both"] > 0
    differing = compared["documents"]["differing"]
    rows = page.tables[f"{len(differing)} documents ended differently"][1:]
    assert [row[0] for row in rows] == [each["id"] for each in differing[:50]]
    last = PageText(client.get(f"{ADDRESS}&offset={len(differing) - 1}").text)
    (row,) = last.tables[f"{len(differing)} documents ended differently"][1:]
    assert row[0] == differing[-1]["id"]


def test_each_document_that_differs_opens_in_both_runs(runs: Path, viewer: Ask, compared: Any) -> None:
    html = viewer(runs).get(ADDRESS).text
    for each in compared["documents"]["differing"][:50]:
        assert f'href="/runs/one/documents/{each["first_position"]}"' in html
        assert f'href="/runs/two/documents/{each["second_position"]}"' in html


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "none was chosen"),
        ("?run=one", "only one was chosen"),
        ("?run=one&run=one", "the same one was named twice"),
        ("?run=one&run=two&run=one", "3 were chosen"),
    ],
)
def test_another_number_than_two_runs_is_refused(runs: Path, viewer: Ask, query: str, told: str) -> None:
    answer = viewer(runs).get(f"/compare{query}")
    assert answer.status_code == 400
    assert f"Two runs are compared; {told}." in answer.text


def test_a_run_that_is_not_there_is_not_found(runs: Path, viewer: Ask) -> None:
    assert viewer(runs).get("/compare?run=one&run=..").status_code == 404
