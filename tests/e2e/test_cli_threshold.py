"""`guidex threshold`: other thresholds for a run that is over, and the way back, without a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, Done, mixed
from servers.scripted import ScriptedServer

from graph.reviews import add_review
from graph.store.reading import RunReader
from schemas.reviews import Review, ReviewVerdict

Servers = Callable[..., ScriptedServer]

LENIENT = ("--faithfulness", 0, "--min-instances", 0)
"""Accepts `curie`, all of whose mentions the critic finds spurious: without any of them."""


@pytest.fixture
def server(scripted_server: Servers) -> ScriptedServer:
    return scripted_server(mixed)


@pytest.fixture(autouse=True)
def people(guidex: Command, documents: Path, server: ScriptedServer) -> Done:
    flags = ("--model", "openai/test", "--base-url", server.openai_url, "--rounds", 2)
    return guidex("run", "--documents", documents, *flags)


def outcomes(guidex: Command) -> dict[str, str]:
    return {row["id"]: row["outcome"] for row in guidex("trace", "show", "people", "--json").json}


def test_a_new_version_says_what_flips_and_everything_that_reads_decisions_agrees(
    guidex: Command, server: ScriptedServer
) -> None:
    asked = len(server.calls)
    done = guidex("threshold", "set", "people", *LENIENT, "--note", "for recall")
    assert done.code == 0
    for part in (
        "faithfulness 0 (was 0.8), min_instances 0 (was 1); version 2 of the decisions is in force.",
        "3 of 3 judged documents accepted, with",
        "2 before.",
        "1 accepted now: curie",
        "Not decided by thresholds: 1 failed.",
        "The way back: guidex threshold use people 1",
    ):
        assert part in " ".join(done.out.split()), part
    assert outcomes(guidex) == dict.fromkeys(("ada", "bell", "curie"), "accepted") | {"darwin": "failed"}
    summary = guidex("runs", "show", "people", "--json").json
    assert summary["documents"]["accepted"] == 3 and summary["rejections"] == []
    assert summary["decision_version"] == 2 and "decided by version 2" in guidex("runs", "show", "people").out
    assert guidex("runs", "list", "--json").json[0]["accepted"] == 3
    story = guidex("trace", "show", "people", "curie", "--json").json
    assert "faithfulness" not in story["required"] and story["decision"]["outcome"] == "accepted"
    assert "less than 0.8" not in guidex("trace", "show", "people", "curie").out
    assert len(server.calls) == asked


def test_versions_are_listed_and_an_earlier_one_comes_back(guidex: Command) -> None:
    guidex("threshold", "set", "people", *LENIENT, "--note", "for recall")
    first, second = guidex("threshold", "list", "people", "--json").json
    assert (first["version"], first["accepted"], first["in_force"]) == (1, 2, False)
    assert (second["version"], second["accepted"], second["in_force"]) == (2, 3, True)
    assert second["note"] == "for recall" and second["thresholds"]["min_instances"] == 0
    lines = guidex("threshold", "list", "people").out
    assert "2 in force" in lines and "2 of 3" in lines and "3 of 3" in lines and "for recall" in lines
    back = guidex("threshold", "use", "people", 1, "--json").json
    assert (back["version"], back["before"], back["lost"]) == (1, 2, ["curie"])
    assert outcomes(guidex)["curie"] == "rejected"


def test_a_dry_run_writes_nothing(guidex: Command) -> None:
    tried = guidex("threshold", "set", "people", *LENIENT, "--dry-run")
    assert "1 accepted now: curie" in tried.out and "Nothing was written." in tried.out
    assert guidex("threshold", "set", "people", *LENIENT, "--dry-run", "--json").json["version"] is None
    assert len(guidex("threshold", "list", "people", "--json").json) == 1
    assert outcomes(guidex)["curie"] == "rejected"


def test_exports_say_which_version_they_used(guidex: Command, tmp_path: Path) -> None:
    guidex("threshold", "set", "people", "--agreement", 0.5)
    done = guidex("export", "people", "--format", "jsonl")
    assert done.out.endswith("(decisions: version 2)\n")
    folder = tmp_path / "runs" / "people" / "exports"
    rows = [json.loads(line) for line in (folder / "jsonl.jsonl").read_text().splitlines()]
    assert [row["decision_version"] for row in rows] == [2, 2]
    assert guidex("export", "people", "--json").json["decision_version"] == 2
    about = json.loads((folder / "guidex.jsonl.about.json").read_text())
    assert (about["run"], about["format"], about["rows"], about["decision_version"]) == (
        "people",
        "guidex",
        2,
        2,
    )
    assert about["thresholds"]["agreement"] == 0.5


def test_what_a_retry_judges_is_decided_by_the_version_in_force(
    guidex: Command, server: ScriptedServer
) -> None:
    guidex("threshold", "set", "people", *LENIENT)
    asked = len(server.calls)
    retried = guidex("retry", "people", "--doc-id", "curie")
    assert retried.code == 0, retried.err
    assert len(server.calls) > asked
    assert outcomes(guidex) == dict.fromkeys(("ada", "bell", "curie"), "accepted") | {"darwin": "failed"}
    assert [each["holds_for"] for each in guidex("threshold", "list", "people", "--json").json] == [0, 3]


def gold_file(folder: Path) -> Path:
    """Of `ada` and `bell`, whatever the made-up model finds in them: one entity that it does not have."""
    lines = [
        {"id": "ada", "text": "Lovelace wrote programs for the Analytical Engine in London."},
        {"id": "bell", "text": "Burnell found pulsars with a telescope near Cambridge."},
    ]
    entity = {"start": 0, "end": 3, "label": "person"}
    path = folder / "gold.jsonl"
    path.write_text("".join(json.dumps({**line, "entities": [entity]}) + "\n" for line in lines))
    return path


def test_a_sweep_tells_yield_quality_and_the_nearest_setting(
    guidex: Command, tmp_path: Path, server: ScriptedServer
) -> None:
    asked, gold = len(server.calls), gold_file(tmp_path)
    done = guidex(
        "threshold", "sweep", "people", "--gold", gold, "--target-precision", 0.9, "--svg", "curve.svg"
    )
    assert done.code == 0, done.err
    for part in (
        "Thresholds of people",
        "3 judged documents; beside them 1 failed.",
        "Measured by gold: 2 documents known.",
        "min_instances alone, 1 in force",
        "No value of these makes a difference alone: agreement, faithfulness",
        "precision over yield",
        "No setting reaches a precision of 90%; the nearest is",
        "recall, all: correct mentions of accepted documents / gold mentions of all documents with gold",
        "Too few documents are known",
    ):
        assert part in " ".join(done.out.split()), part
    assert "Curves written to curve.svg" in done.err
    assert (tmp_path / "curve.svg").read_text().startswith("<svg ")
    report = guidex("threshold", "sweep", "people", "--gold", gold, "--json").json
    assert report["in_force"]["accepted"] == 2 and report["in_force"]["figures"]["precision"]["value"] == 0
    assert report["recommendation"] is None and report["known"] == 2
    faithfulness = next(axis for axis in report["axes"] if axis["name"] == "faithfulness")
    assert [p["accepted"] for p in faithfulness["points"]][-1] == 2
    assert len(server.calls) == asked


def test_a_sweep_without_gold_says_what_it_goes_by_and_fits_80_columns(
    guidex: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = guidex("threshold", "sweep", "people", "--target-yield", 0.5)
    assert done.code == 0 and "For a yield of 50%: the best product" in " ".join(done.out.split())
    assert "agreement x faithfulness stands for precision" in " ".join(done.out.split())
    assert max(map(len, done.out.splitlines())) <= 80 and "…" not in done.out


def test_reviews_are_measured_against(guidex: Command, tmp_path: Path) -> None:
    with RunReader(tmp_path / "runs" / "people") as reader:
        kept = reader.kept_round("ada")
        assert kept is not None
        for name, verdict in (("ada", ReviewVerdict.ACCEPTED), ("curie", ReviewVerdict.REJECTED)):
            made = reader.decision(name)
            assert made is not None and made.round is not None
            add_review(reader, Review(document_id=name, round=made.round, reviewer="eva", verdict=verdict))
    report = guidex("threshold", "sweep", "people", "--reviews", "--json").json
    figures = report["in_force"]["figures"]
    assert report["truth"] == "reviews" and report["known"] == 2
    assert figures["precision"]["value"] == 1 and figures["document_recall"]["value"] == 1
    assert any("not which are missing" in note for note in report["notes"])
    table = guidex("threshold", "sweep", "people", "--reviews")
    assert table.code == 0 and "document precision" in table.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target-precision", 0.9), "only known against gold"),
        (("--target-precision", 0.9, "--target-yield", 0.5), "one target"),
        (("--calibrate",), "learnt from what is known"),
        (("--reviews",), "has a review"),
        (("--gold", "gold.jsonl", "--reviews"), "one thing at a time"),
        (("--gold", "gold.jsonl", "--calibrate"), "too few"),
        (("--gold", "gold.jsonl", "--class-map", "person"), "no pair of classes"),
        (("--gold", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (("--svg", "no/such/folder.svg"), "cannot be written"),
    ],
)
def test_mistakes_of_a_sweep_are_said_in_one_sentence(
    guidex: Command, tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    gold_file(tmp_path)
    done = guidex("threshold", "sweep", "people", *arguments)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("set", "people"), 2, "No threshold was given."),
        (("set", "people", "--agreement", 1.5), 2, "less than or equal to 1"),
        (("set", "people", "--agreement", 0.9), 2, "in force already"),
        (("set", "nobody", "--agreement", 0.5), 2, "no run `nobody`"),
        (("use", "people", 3), 2, "no version 3"),
        (("use", "people", 1), 2, "in force already"),
        (("list", "nobody"), 2, "no run `nobody`"),
    ],
)
def test_mistakes_are_said_in_one_sentence(
    guidex: Command, arguments: tuple[object, ...], code: int, said: str
) -> None:
    done = guidex("threshold", *arguments)
    assert done.code == code and said in done.err and "Traceback" not in done.err
