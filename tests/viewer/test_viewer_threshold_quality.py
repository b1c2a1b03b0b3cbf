"""How good accepted annotations would be, on the page of thresholds: by gold, by reviews, or by neither."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from viewer.attacking import read
from viewer.conftest import ADDRESS, Ask
from viewer.conftest import make_run as make_untouched
from viewer.page_text import PageText

from benchmarks.bulk_run import make_run
from finetune.gold import read_gold
from graph.store.reading import RunReader
from guidex.cli import main
from guidex.viewer import create_app
from guidex.viewer.security import TOKEN_HEADER

PAGE = "/runs/bulk/thresholds/quality"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `bulk` of 60 documents, and gold of them beside it."""
    folder = tmp_path_factory.mktemp("made")
    make_run(folder, documents=60, calls=400)
    return folder


@pytest.fixture
def measured(made: Path) -> Iterator[TestClient]:
    """A viewer that was given gold."""
    app = create_app(made, gold=read_gold([made / "bulk.gold.jsonl"]))
    with TestClient(app, base_url=ADDRESS) as client:
        yield client


def swept(folder: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> Any:
    """What `guidex threshold sweep --json` says."""
    capsys.readouterr()
    assert main(["threshold", "sweep", "bulk", "--runs-dir", str(folder), "--json", *flags]) == 0
    return json.loads(capsys.readouterr().out)


def figures(html: str, *names: str) -> list[list[str]]:
    """What the page says of figures: as tried and in force, each with its interval."""
    rows = PageText(html).tables["Quality over yield"][1:]
    return [next(row[1:] for row in rows if row[0].startswith(f"{name} ")) for name in names]


def test_figures_by_gold_are_those_of_the_command(
    made: Path, measured: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    gold = ("--gold", str(made / "bulk.gold.jsonl"))
    html = measured.get(PAGE).text
    told = swept(made, capsys, *gold)
    precision = told["in_force"]["figures"]["precision"]
    shown = f"{precision['value']:.2f} {precision['low']:.2f}–{precision['high']:.2f}"  # noqa: RUF001
    assert figures(html, "precision") == [[shown, shown]]
    assert f"By gold: {told['known']} documents known." in html
    assert "precision over yield" in html and ">tried</text>" not in html
    tried = measured.get(f"{PAGE}?agreement=0.5").text
    at_half = next(axis for axis in told["axes"] if axis["name"] == "agreement")["points"]
    recall = next(each["figures"]["recall_all"] for each in at_half if each["settings"]["agreement"] == 0.5)
    precise, found = figures(tried, "precision", "recall, all")
    assert found[0].startswith(f"{recall['value']:.2f} ")
    assert precise[1] == shown and ">tried</text>" in tried


@pytest.mark.parametrize(("target", "wanted"), [("precision", 0.7), ("precision", 1.0), ("yield", 0.5)])
def test_a_setting_is_recommended_as_by_the_command(
    made: Path, measured: TestClient, capsys: pytest.CaptureFixture[str], target: str, wanted: float
) -> None:
    html = measured.get(PAGE, params={"target": target, "wanted": str(wanted)}).text
    told = swept(made, capsys, "--gold", str(made / "bulk.gold.jsonl"), f"--target-{target}", str(wanted))
    recommended = told["recommendation"]
    assert ("No setting reaches" in html) != recommended["reached"]
    assert recommended["criterion"] in html or not recommended["reached"]
    take = parse_qs(urlsplit(PageText(html).links["Set the sliders to it"]).query)
    for name in ("agreement", "faithfulness", "completeness", "min_instances"):
        assert float(take[name][0]) == recommended["thresholds"][name]
    again = measured.get(PageText(html).links["Set the sliders to it"])
    assert f"<b>{recommended['point']['accepted']}</b> of" in again.text
    assert "On documents it was not chosen on" in html


def test_without_anything_known_scores_stand_for_it_and_the_way_to_more_is_told(
    made: Path, viewer: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    client = viewer(made)
    html = client.get(PAGE).text
    assert "Nothing is known of these documents" in html and f"guidex view {made} --gold FILE" in html
    assert "mean agreement x faithfulness over yield" in html
    assert '<option value="precision"' not in html
    asked = client.get(f"{PAGE}?target=yield&wanted=0.5").text
    recommended = swept(made, capsys, "--target-yield", "0.5")["recommendation"]
    take = parse_qs(urlsplit(PageText(asked).links["Set the sliders to it"]).query)
    assert float(take["agreement"][0]) == recommended["thresholds"]["agreement"]
    refused = client.get(f"{PAGE}?target=precision&wanted=0.9")
    assert refused.status_code == 200 and "Precision is only known against gold or reviews." in refused.text


def test_a_review_is_what_is_known_at_once(made: Path, tmp_path: Path, viewer: Ask) -> None:
    shutil.copytree(made / "bulk", tmp_path / "bulk")
    client = viewer(tmp_path)
    assert "0 documents reviewed." in client.get("/runs/bulk/thresholds").text
    client.get(PAGE)
    with RunReader(tmp_path / "bulk") as reader:
        row = next(each for each in reader.documents() if each.outcome == "accepted")
    answer = client.post(
        f"/runs/bulk/documents/{row.position}/reviews",
        json={"round": row.round, "verdict": "rejected", "reviewer": "Ada"},
        headers={TOKEN_HEADER: client.app.state.token},  # type: ignore[attr-defined]
    )
    assert answer.status_code == 200
    html = client.get(PAGE).text
    assert "By reviews: 1 document reviewed." in html and '<option value="precision"' in html
    assert figures(html, "precision")[0][0].startswith("0.00")
    assert "1 document reviewed." in client.get("/runs/bulk/thresholds").text


def test_gold_of_other_documents_is_said_to_be_so(made: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "Some text.", "entities": [{"start": 0, "end": 4, "label": "X"}]}\n', "utf-8")
    with TestClient(create_app(made, gold=read_gold([other])), base_url=ADDRESS) as client:
        html = client.get(PAGE).text
    assert "None of the gold" in html and "Nothing is known" in html


def test_the_page_of_thresholds_leads_to_it_and_asks_for_it(made: Path, viewer: Ask) -> None:
    html = viewer(made).get("/runs/bulk/thresholds").text
    assert PageText(html).links["Quality over yield"].startswith(PAGE)
    assert f'data-quality="{PAGE}"' in html and read(html).faults == []


@pytest.mark.parametrize(
    "query", ["wanted=2", "wanted=nan", "target=f1", "agreement=2", "target=yield&wanted=x"]
)
def test_what_cannot_be_wanted_gets_400(made: Path, viewer: Ask, query: str) -> None:
    assert viewer(made).get(f"{PAGE}?{query}").status_code == 400


def test_of_a_run_without_judged_documents_there_is_nothing_to_measure(tmp_path: Path, viewer: Ask) -> None:
    make_untouched(tmp_path, "untouched")
    answer = viewer(tmp_path).get("/runs/untouched/thresholds/quality?target=yield")
    assert answer.status_code == 200 and "No document has been judged yet." in answer.text


def test_gold_that_cannot_be_read_is_said_before_the_viewer_begins(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", str(made), "--no-browser", "--port", "0", "--gold", "/nowhere.jsonl"]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
