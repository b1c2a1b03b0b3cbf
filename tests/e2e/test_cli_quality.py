"""`guidex gold` and `guidex quality`: from gold to a run and to figures that were worked out by hand."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable

Servers = Callable[..., ScriptedServer]

GOLD = """\
Ann\tB-person
met\tO
Bo\tB-person
in\tO
Oslo\tB-city
.\tO

Cy\tB-person
wrote\tO
to\tO
Oslo\tB-city
.\tO

Di\tB-person
saw\tO
Rome\tB-city
.\tO

Ed\tB-person
lived\tO
in\tO
York\tB-misc
.\tO
"""
REFUSAL = "I would rather not."
FOUND = {
    "Ann": {"Person": ["Ann", "Bo"], "City": ["Oslo"]},  # as the gold has it
    "Cy": {"Person": ["Cy", "Oslo"], "City": []},  # one of another class: wrong, and missed
    "Di": {"Person": ["Di"], "City": ["Rome"]},  # the critic objects to both
    "Flo": {"Person": ["Flo"], "City": []},  # no gold
}


def said_by(call: Call) -> Turn:
    """What is found by the first word; nothing usable about Ed. A call takes 100 tokens and makes 20."""
    name = next((name for name in FOUND if f"{name} " in call.document), None)
    if name is None:
        return REFUSAL
    if "verdicts" in (call.schema or {}).get("properties", {}):
        answer = agreeable(call)
        assert isinstance(answer, dict)
        if name == "Di":
            answer["verdicts"] = [{**each, "verdict": "spurious"} for each in answer["verdicts"]]
        return Say(answer, input_tokens=100, output_tokens=20, cached_tokens=40)
    return Say(dict(FOUND[name]), input_tokens=100, output_tokens=20)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.txt"
    path.write_text(GOLD, "utf-8")
    return path


@pytest.fixture
def job(guidex: Command, gold: Path, scripted_server: Servers, tmp_path: Path) -> tuple[object, ...]:
    """The gold's texts and one more as documents, a schema with the gold's classes in another form."""
    assert guidex("gold", gold, "--output", "documents.jsonl").code == 0
    with (tmp_path / "documents.jsonl").open("a") as file:
        file.write(json.dumps({"id": "flo", "text": "Flo slept ."}) + "\n")
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"classes": {"Person": "A human being.", "City": "A city."}}))
    url = scripted_server(said_by).openai_url
    model = ("--model", "openai/test", "--base-url", url, "--display", "none", "--rounds", 1)
    return ("--documents", "documents.jsonl", "--schema", schema, *model)


@pytest.fixture
def agents(guidex: Command, job: tuple[object, ...]) -> str:
    told = guidex("run", *job, "--name", "agents", "--json").json["documents"]
    assert (told["accepted"], told["rejected"], told["failed"]) == (3, 1, 1)
    return "agents"


def test_gold_is_told_and_written_as_documents(guidex: Command, gold: Path, tmp_path: Path) -> None:
    done = guidex("gold", gold, "-o", "documents.jsonl")
    assert done.code == 0
    assert "4 documents, 9 mentions: person 5, city 3, misc 1" in done.out
    assert "4 texts written to documents.jsonl" in done.out
    lines = [json.loads(line) for line in (tmp_path / "documents.jsonl").read_text().splitlines()]
    assert lines[1] == {"text": "Cy wrote to Oslo .", "gold": f"{gold.as_posix()}:8"}
    told = guidex("gold", gold, "--json").json
    assert (told["documents"], told["classes"]["city"], told["output"]) == (4, 3, None)
    gold.write_text(GOLD.replace("B-misc", "I-misc") + "\nEd O\n" * 2)
    out = guidex("gold", gold).out
    assert f"1 tag I- that continued no mention taken as B-, the first at {gold.as_posix()}:22." in out
    assert "1 repeated text left out" in out


def test_figures_are_those_worked_out_by_hand(guidex: Command, gold: Path, agents: str) -> None:
    """Accepted: Ann (3 correct) and Cy (1 correct, 1 wrong, 1 missed). Ed has failed, Di is rejected.

    So precision = recall = F1 = 4/5; over all four documents the 4 mentions of Di and Ed are missed as well:
    8 / (8 + 1 + 1 + 4). Tokens: two annotators and the critic, three documents; Ed's answers are counted too.
    """
    done = guidex("quality", agents, "--gold", gold, "--json")
    assert done.code == 0, done.err
    report = done.json
    (run,) = report["runs"]
    assert (report["gold_documents"], report["compared"], run["without_gold"]) == (4, 4, 1)
    assert run["outcomes"] == {"accepted": 2, "rejected": 1, "failed": 1}
    assert run["counts"]["strict"] == run["counts"]["gollie"] == {"correct": 4, "wrong": 1, "missed": 1}
    value = {name: figure["value"] for name, figure in run["figures"].items()}
    for name in ("precision", "recall", "f1"):
        assert value[f"strict.{name}"] == value[f"gollie.{name}"] == 0.8
    assert value["strict.f1_all"] == pytest.approx(8 / 14)
    assert (value["coverage"], value["exact"], value["hallucinated"]) == (0.5, 0.5, 0)
    tokens = guidex("runs", "show", agents, "--json").json
    of_flo = guidex("trace", "show", agents, "flo", "--json").json["calls"]
    generated = tokens["output_tokens"] - sum(call["output_tokens"] for call in of_flo)
    assert value["generated"] == generated / 4 and value["generated_per_correct"] == generated / 4
    uncached = tokens["input_tokens"] - sum(call["input_tokens"] for call in of_flo) - 3 * 40
    assert value["uncached"] == uncached / 4
    # How often Ed's annotators are heard is a matter of chance: the first to give up ends the other.
    with contextlib.closing(sqlite3.connect(Path("runs", agents, "run.db"))) as database:
        ((refused,),) = database.execute(
            "SELECT count(*) FROM attempts JOIN texts ON texts.id = raw_id WHERE text = ?", [REFUSAL]
        )
    assert value["unusable"] == refused / (refused + 3 * 2) > 0
    assert run["mistakes"] == {"class": 1}  # Oslo is no person
    assert report["only_gold"] == ["misc"] and report["only_run"] == []
    person, city = run["classes"]["Person"], run["classes"]["City"]
    assert [person[part] for part in ("correct", "wrong", "missed")] == [3, 1, 0]
    assert [city[part] for part in ("correct", "wrong", "missed")] == [1, 0, 1]
    assert person["precision"]["value"] == 0.75 and city["recall"]["value"] == 0.5
    # Three documents are of one agreement, and what the critic objects to in Di is dropped. Ed comes last.
    ranking = run["rankings"]["agreement"]
    assert ranking["scored"] == 3
    assert [point["coverage"] for point in ranking["curve"]] == [0.75, 1.0]
    three, four = 8 / 12, 8 / 14
    assert [point["f1"] for point in ranking["curve"]] == pytest.approx([three, four])
    assert ranking["f1_at"]["50"]["value"] == pytest.approx(three)
    assert ranking["aurc"]["value"] == pytest.approx(1 - (3 * three + four) / 4)
    low, high = run["figures"]["strict.f1"]["low"], run["figures"]["strict.f1"]["high"]
    assert 0.4 <= low <= 0.8 <= high <= 1


def test_classes_can_be_mapped_and_left_out(guidex: Command, gold: Path, agents: str) -> None:
    renamed = gold.with_name("renamed.txt")
    renamed.write_text(GOLD.replace("city", "settlement").replace("person", "PERSON"))
    base = ("quality", agents, "--gold", renamed, "--json", "--samples", 0)
    report = guidex(*base).json
    assert report["only_gold"] == ["misc", "settlement"] and report["only_run"] == ["City"]
    assert report["runs"][0]["counts"]["strict"] == {"correct": 3, "wrong": 2, "missed": 2}
    report = guidex(*base, "--class-map", "settlement=City", "--ignore-class", "MISC").json
    assert report["only_gold"] == report["only_run"] == [] and report["ignored"] == ["MISC"]
    (run,) = report["runs"]
    assert run["counts"]["strict"] == {"correct": 4, "wrong": 1, "missed": 1}
    assert run["figures"]["strict.f1_all"] == {"value": pytest.approx(8 / 13), "low": None, "high": None}
    for wrong, said in (
        (("--class-map", "town=City"), "The gold has no class 'town'"),
        (("--class-map", "settlement=Town"), "No schema has a class 'Town'"),
        (("--class-map", "settlement"), "no pair of classes"),
        (("--ignore-class", "music"), "Neither the gold nor a schema has a class 'music'"),
    ):
        done = guidex(*base, *wrong)
        assert done.code == 2 and said in done.err and "Traceback" not in done.err


def test_runs_are_compared_on_the_same_documents(
    guidex: Command, gold: Path, agents: str, job: tuple[object, ...]
) -> None:
    """Self-consistency accepts Di as well: 6 correct of 7 found and 7 wanted."""
    method = ("--method", "self-consistency", "--samples", 2)
    assert guidex("run", *job, *method, "--name", "votes", "--json").json["documents"]["accepted"] == 4
    report = guidex("quality", agents, "votes", "--gold", gold, "--json").json
    assert [run["run"] for run in report["runs"]] == ["agents", "votes"]
    (pair,) = report["differences"]
    assert (pair["run"], pair["against"]) == ("votes", "agents")
    assert pair["figures"]["strict.f1"]["value"] == pytest.approx(12 / 14 - 0.8)
    assert pair["figures"]["coverage"]["value"] == 0.25
    assert pair["figures"]["coverage"]["low"] >= 0 and 0.5 < pair["figures"]["coverage"]["same_sign"] <= 1
    matched = {(each["run"], each["ranked"]): each for each in report["matched"]}
    against = matched["agents", "votes"]
    assert against["coverage"]["value"] == 0.5 and against["accepted_f1"]["value"] == 0.8
    # Of three documents of one agreement two are as good as any: 2/3 of 6 correct and of 2 faults.
    assert against["ranked_f1"]["value"] == pytest.approx(12 / 14)
    assert against["difference"]["value"] == pytest.approx(0.8 - 12 / 14)

    out = guidex("quality", agents, "votes", "--gold", gold, "--per-class").out
    for part in (
        "4 gold documents; 4 of them in all runs and measured here.",
        "votes less agents",
        "At equal coverage",
        "Classes of votes",
        "No schema has misc: the gold's mentions count as missed.",
        "agents has 1 document without gold",
        "95% intervals, from 1,000 bootstrap resamples of the documents (seed 0)",
    ):
        assert part in " ".join(out.split()), part
    assert guidex("quality", agents, "votes", "--gold", gold, "--per-class").out == out


def test_the_report_fits_a_narrow_terminal(
    guidex: Command, gold: Path, agents: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = guidex("quality", agents, agents, agents, "--gold", gold, "--per-class").out
    assert max(map(len, out.splitlines())) <= 80
    row = next(line for line in out.splitlines() if line.startswith("  precision"))
    assert row.split()[1] == "80.0" and row.count("80.0 (") == 3


def test_gold_that_is_not_the_runs_is_refused(guidex: Command, gold: Path, agents: str) -> None:
    other = gold.with_name("other.jsonl")
    other.write_text(json.dumps({"text": "Nobody.", "entities": []}) + "\n")
    done = guidex("quality", agents, "--gold", other)
    assert done.code == 2 and "None of the gold's texts is in run agents" in done.err
    assert "guidex gold FILE" in done.err
    other.write_text(json.dumps({"id": "flo", "text": "Flo  slept .", "entities": []}) + "\n")
    done = guidex("quality", agents, "--gold", other)
    assert done.code == 2 and "'flo'" in done.err and "another text" in done.err
    assert guidex("quality", "none", "--gold", gold).code == 2
    assert guidex("quality", agents).code == 2


def test_what_a_run_exports_is_gold_that_it_reaches(guidex: Command, agents: str) -> None:
    assert guidex("export", agents, "--format", "jsonl", "-o", "own.jsonl").code == 0
    report = guidex("quality", agents, "--gold", "own.jsonl", "--json").json
    (run,) = report["runs"]
    assert (report["compared"], run["without_gold"]) == (3, 2)
    for name in ("coverage", "exact", "strict.f1", "gollie.f1", "strict.f1_all"):
        assert run["figures"][name] == {"value": 1, "low": 1, "high": 1}
    assert run["rankings"]["agreement"]["aurc"]["value"] == 0
