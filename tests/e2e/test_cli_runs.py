"""`guidex runs show`, `guidex runs backup` and `guidex runs delete`."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import ScriptedServer, agreeable

Servers = Callable[..., ScriptedServer]


@pytest.fixture
def run(guidex: Command, documents: Path, scripted_server: Servers, tmp_path: Path) -> Path:
    """A finished run `people` with an export."""
    url = scripted_server(agreeable).openai_url
    assert guidex("run", "--documents", documents, "--model", "openai/test", "--base-url", url).code == 0
    assert guidex("export", "people").code == 0
    return tmp_path / "runs" / "people"


@pytest.mark.usefixtures("run")
def test_the_summary_tells_the_agreement_and_what_stands_beside_it(guidex: Command) -> None:
    means = {each["name"]: each for each in guidex("runs", "show", "people", "--json").json["agreement"]}
    assert list(means) == [
        "agreement",
        "agreement_untyped",
        "agreement_overlap",
        "agreement_alpha",
        "both_empty",
    ]
    assert means["agreement"]["mean"] == 1 and means["both_empty"]["mean"] == 0
    shown = " ".join(guidex("runs", "show", "people").out.split())
    documents = means["agreement"]["documents"]
    assert f"Agreement between annotators, mean over {documents} documents strict 1.00" in shown
    assert "alpha 1.00 over tokens; 0 is chance both empty 0.00" in shown


@pytest.mark.usefixtures("run")
def test_a_backup_reads_like_the_run(guidex: Command, tmp_path: Path) -> None:
    done = guidex("runs", "backup", "people", "safe/people", "--json")
    assert done.code == 0
    made = done.json
    copied = [path for path in (tmp_path / "safe" / "people").rglob("*") if path.is_file()]
    assert (made["run"], made["backup"]) == ("runs/people", "safe/people")
    assert made["files"] == len(copied) and made["bytes"] == sum(path.stat().st_size for path in copied)
    original, copy = (guidex("runs", "show", run, "--json").json for run in ("people", "safe/people"))
    assert copy["folder"] == "safe/people"
    for key in ("name", "status", "documents", "calls", "input_tokens", "ended"):
        assert copy[key] == original[key]
    assert guidex("export", "safe/people", "-o", "-").out == guidex("export", "people", "-o", "-").out
    again = guidex("runs", "backup", "people", "safe/people")
    assert again.code == 2 and "already" in again.err


def test_delete_says_what_it_removes_and_asks(
    guidex: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for said in ("n\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(said))
        done = guidex("runs", "delete", "people")
        assert done.code == 1 and done.out == ""
        for part in ("runs/people", "exports/", "run.db", "job.toml", "MB"):
            assert part in done.err
        assert (run / "run.db").exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = guidex("runs", "delete", "people")
    assert done.code == 0 and "runs/people deleted" in done.out
    assert list(run.parent.iterdir()) == []
    assert guidex("runs", "delete", "people").code == 2


def test_delete_with_yes_answers_in_json(guidex: Command, run: Path) -> None:
    done = guidex("runs", "delete", "people", "--yes", "--json")
    assert done.code == 0 and done.err == ""
    assert done.json["deleted"] == "runs/people" and done.json["bytes"] > 1000
    assert not run.exists()


def test_delete_refuses_what_is_no_run(guidex: Command, run: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "notes").mkdir()
    (tmp_path / "runs" / "link").symlink_to(run)
    for name, code in (("notes", 2), ("../people.jsonl", 2), ("link", 2), ("..", 2)):
        done = guidex("runs", "delete", name, "--yes")
        assert done.code == code and "Traceback" not in done.err
    assert (run / "run.db").exists() and (tmp_path / "runs" / "notes").exists()
