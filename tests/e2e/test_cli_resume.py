"""Going on with a run from the command line: after a kill, an interrupt, a limit, a failure."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Command, mixed, write_documents
from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable

Servers = Callable[..., ScriptedServer]
Start = Callable[..., subprocess.Popen[str]]
CALLS = 5
"""Of a document that is accepted in its first round."""


def slow(call: Call) -> Turn:
    answer = agreeable(call)
    assert isinstance(answer, dict)
    return Say(answer, delay=0.04)


def spurious(call: Call) -> Turn:
    answer = agreeable(call)
    assert isinstance(answer, dict)
    return {**answer, "verdicts": [{**v, "verdict": "spurious"} for v in answer.get("verdicts", ())]}


def flags(server: ScriptedServer, documents: Path) -> tuple[object, ...]:
    return ("--documents", documents, "--model", "openai/x", "--base-url", server.openai_url)


def told(out: str) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(out)
    counts = summary["documents"]
    assert counts["in"] == sum(count for state, count in counts.items() if state != "in")
    return summary


def answered_calls(folder: Path) -> int:
    connection = sqlite3.connect(folder / "run.db")
    try:
        (count,) = connection.execute("SELECT count(*) FROM calls WHERE status = 'answered'").fetchone()
    except sqlite3.OperationalError:  # killed before it had begun
        count = 0
    finally:
        connection.close()
    return int(count)


def sources(folder: Path) -> list[tuple[str]]:
    """The runs from which answers were taken."""
    with contextlib.closing(sqlite3.connect(folder / "run.db")) as connection:
        return connection.execute(
            "SELECT substr(reused_from, 1, instr(reused_from, ':') - 1) FROM calls"
        ).fetchall()


def results(folder: Path) -> list[tuple[Any, ...]]:
    """Each document with its decision and the mentions of the round that was kept."""
    connection = sqlite3.connect(folder / "run.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = connection.execute(
        """SELECT d.id, e.outcome, e.reason, a.annotator, m.class, m.start, m."end", m.surface
        FROM documents d JOIN decisions e ON e.id = d.decision_id
        JOIN annotations a ON a.round_id = e.round_id JOIN mentions m ON m.annotation_id = a.id
        ORDER BY d.id, a.annotator, m.number"""
    ).fetchall()
    connection.close()
    return rows


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
@pytest.mark.parametrize("after", [0.0, 0.6, 1.2])
def test_a_killed_run_goes_on_without_repeating_a_finished_call(
    after: float, guidex: Command, guidex_process: Start, scripted_server: Servers, tmp_path: Path
) -> None:
    texts = {f"d{n}": f"Captain Roberts left Lisbon harbour with ferry number{n}." for n in range(12)}
    documents = write_documents(tmp_path / "ships.jsonl", texts)
    server = scripted_server(slow)
    run = ("run", *flags(server, documents), "--documents-in-flight", 3, "--display", "none", "--json")
    process = guidex_process(*run, "--name", "killed")
    folder = tmp_path / "runs" / "killed"
    while not (folder / "run.db").exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished, sent = answered_calls(folder), len(server.calls)

    again = guidex(*run, "--name", "killed")
    assert again.code == 0, again.err
    assert told(again.out)["documents"]["accepted"] == len(texts)
    assert len(server.calls) - sent == CALLS * len(texts) - finished

    assert guidex(*run, "--name", "whole").code == 0
    assert results(folder) == results(tmp_path / "runs" / "whole")


def test_a_stopped_run_says_how_to_go_on_and_does(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    first = guidex("run", *flags(server, documents), "--max-candidates", 1, "--documents-in-flight", 1)
    assert first.code == 0
    assert "1 worked on, 1 allowed; 3 of 4 documents left" in first.out
    assert "guidex resume people" in first.out
    again = guidex("resume", "people", "--max-candidates", 3, "--json")
    assert again.code == 0 and told(again.out)["documents"]["accepted"] == 3
    assert told(guidex("resume", "people", "--max-candidates", 9, "--json").out)["documents"]["accepted"] == 4
    assert len(server.calls) == CALLS * 4
    assert guidex("resume", "nothing").code == 2


def test_resuming_goes_on_with_all_documents_of_the_run(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    run = ("run", *flags(scripted_server(), documents), "--name", "people")
    assert guidex(*run, "--limit", 3, "--max-candidates", 1, "--documents-in-flight", 1).code == 0
    assert guidex(*run, "--doc-id", "curie").code == 0
    done = told(guidex("resume", "people", "--max-candidates", 9, "--json").out)["documents"]
    assert (done["in"], done["accepted"]) == (3, 3)


def test_a_run_goes_on_from_another_folder_and_without_its_source(
    guidex: Command,
    documents: Path,
    scripted_server: Servers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = scripted_server()
    assert guidex("run", *flags(server, documents), "--max-candidates", 1).code == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    documents.unlink()
    done = guidex("resume", "../runs/people", "--max-candidates", 4, "--json")
    assert done.code == 0, done.err
    assert told(done.out)["documents"]["accepted"] == 4


def test_whether_a_run_is_taken_up_can_be_said(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    run = ("run", *flags(server, documents), "--name", "mine", "--json", "--resume")
    assert guidex(*run, "always").code == 2
    for resume, limit, accepted in (("if-possible", 1, 1), ("always", 2, 2), ("if-possible", 4, 4)):
        done = told(guidex(*run, resume, "--max-candidates", limit).out)
        assert (done["name"], done["documents"]["accepted"]) == ("mine", accepted)
    refused = guidex(*run, "never")
    assert refused.code == 2 and "runs/mine" in refused.err
    assert len(server.calls) == 4 * CALLS


def test_a_changed_job_is_refused_or_recorded(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    run = ("run", *flags(scripted_server(), documents), "--name", "mine")
    assert guidex(*run).code == 0
    refused = guidex(*run, "--rounds", 1, "--brief", "ships")
    assert refused.code == 2 and refused.out == ""
    assert "rounds was 3, is 1" in refused.err and "brief was '', is 'ships'" in refused.err
    assert "--allow-changes" in refused.err and "Traceback" not in refused.err
    assert guidex("runs", "show", "mine", "--json").json["status"] == "done"
    assert guidex(*run, "--rounds", 1, "--allow-changes").code == 0
    assert "rounds = 1" in Path("runs/mine/job.toml").read_text()


def test_without_a_name_only_a_run_of_the_same_job_is_taken_up(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    run = ("run", *flags(server, documents), "--json")
    assert told(guidex(*run).out)["name"] == "people"
    assert told(guidex(*run, "--rounds", 1).out)["name"] == "people-2"
    assert told(guidex(*run).out)["name"] == "people"
    assert told(guidex(*run, "--rounds", 1).out)["name"] == "people-2"
    assert len(server.calls) == 2 * 4 * CALLS


def test_failed_and_rejected_documents_are_retried(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server(mixed)
    first = told(guidex("run", *flags(server, documents), "--rounds", 2, "--json").out)
    assert (first["documents"]["failed"], first["documents"]["rejected"]) == (1, 1)
    assert "guidex retry people" in first["next"]
    server.script = agreeable
    sent = len(server.calls)
    second = told(guidex("retry", "people", "--json").out)
    assert (second["documents"]["failed"], second["documents"]["accepted"]) == (0, 3)
    assert {call.document.split()[0] for call in server.calls[sent:]} == {"Charles"}
    third = told(guidex("retry", "people", "--rejected", "--json").out)
    assert third["documents"]["accepted"] == 4 and not third["failures"]
    sent = len(server.calls)
    assert told(guidex("retry", "people", "--failed", "--json").out)["documents"]["accepted"] == 4
    assert len(server.calls) == sent  # none has failed
    assert told(guidex("retry", "people", "--doc-id", "ada", "--json").out)["documents"]["accepted"] == 4
    assert {call.document.split()[0] for call in server.calls[sent:]} == {"Lovelace"}
    both = guidex("retry", "people", "--failed", "--doc-id", "ada")
    assert both.code == 2 and "--doc-id" in both.err


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_a_killed_retry_goes_on_with_the_same_command(
    guidex: Command, guidex_process: Start, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server(spurious)
    assert guidex("run", *flags(server, documents), "--name", "mine").code == 0
    server.script, sent = slow, len(server.calls)
    process = guidex_process("retry", "mine", "--rejected", "--documents-in-flight", 1)
    while len(server.calls) < sent + CALLS + 2 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = guidex("retry", "mine", "--rejected", "--json")
    assert again.code == 0 and told(again.out)["documents"]["accepted"] == 4
    # But for those that were under way, nothing was sent twice.
    assert len(server.calls) - sent - 4 * CALLS <= 2


def test_too_many_failures_end_the_run_with_code_1(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    one = ("--documents-in-flight", 1, "--json", "--fail-on-error")
    server = scripted_server(lambda call: "no JSON")
    done = guidex("run", *flags(server, documents), *one, 0.4)
    assert done.code == 1
    assert told(done.out)["status"] == "failed" and told(done.out)["documents"]["pending"] == 2
    assert "guidex retry people" in told(done.out)["next"]
    assert not any("resume" in command for command in told(done.out)["next"])  # it would fail at once
    done = guidex("run", *flags(server, documents), "--name", "three", *one, 3)
    assert done.code == 1 and told(done.out)["documents"]["failed"] == 3
    server.script = agreeable
    assert "guidex resume people" in told(guidex("retry", "people", "--json").out)["next"]
    wrong = guidex("run", *flags(server, documents), *one, 1.5)
    assert wrong.code == 2 and "fail_on_error" in wrong.err


def test_another_runs_answers_are_reused(
    guidex: Command, documents: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    server = scripted_server()
    assert guidex("run", *flags(server, documents), "--name", "first").code == 0
    counted = Counter(call.document for call in server.calls)
    reused = guidex("run", *flags(server, documents), "--name", "second", "--reuse", "first", "--json")
    assert (told(reused.out)["calls"], told(reused.out)["replays"]) == (0, CALLS * 4)
    assert Counter(call.document for call in server.calls) == counted
    with contextlib.chdir(tmp_path / "runs" / "first"):
        here = ("--name", "third", "--runs-dir", tmp_path / "runs", "--reuse", ".")
        assert guidex("run", *flags(server, documents), *here).code == 0
    for run in ("second", "third"):
        assert {name for (name,) in sources(tmp_path / "runs" / run)} == {"first"}
    assert Counter(call.document for call in server.calls) == counted
    shutil.rmtree(tmp_path / "runs" / "first")
    assert guidex("run", *flags(server, documents), "--name", "second", "--reuse", "first").code == 2
    assert guidex("export", "second", "--format", "jsonl").code == 0


def test_a_run_in_a_linked_folder_is_taken_up_like_any_other(
    guidex: Command, documents: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "disk" / "deep")
    server = scripted_server()
    run = ("run", *flags(server, documents), "--max-candidates")
    assert guidex(*run, 1, "--name", "mine").code == 0
    assert told(guidex(*run, 2, "--name", "mine", "--json").out)["documents"]["accepted"] == 2
    again = guidex("resume", "mine", "--max-candidates", 4, "--json")
    assert again.code == 0, again.err
    assert told(again.out)["documents"]["accepted"] == 4
    assert len(server.calls) == 4 * CALLS


def test_a_job_with_a_secret_in_it_goes_on_with_its_file_alone(
    guidex: Command, documents: Path, scripted_server: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret is not stored, and without it the prompts would be others."""
    monkeypatch.setenv("PROJECT_TOKEN", "canary-8d1f0c")
    server = scripted_server()
    run = ("run", *flags(server, documents), "--brief", "for canary-8d1f0c", "--name", "mine")
    assert guidex(*run, "--max-candidates", 1).code == 0
    refused = guidex("resume", "mine")
    assert refused.code == 2 and "canary" not in refused.err and "guidex run" in refused.err
    assert told(guidex(*run, "--max-candidates", 4, "--json").out)["documents"]["accepted"] == 4
    assert len(server.calls) == 4 * CALLS
