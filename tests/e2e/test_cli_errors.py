"""What a user can do wrong: one sentence, the remedy, the right exit code, and never a traceback."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, Done
from servers.scripted import ScriptedServer

from guidex import run_folders

Servers = Callable[..., ScriptedServer]


def assert_told(done: Done, code: int, *said: str) -> None:
    """One sentence and its remedy on standard error, and the exit code."""
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    lines = [line for line in done.err.splitlines() if line.strip()]
    error = next(number for number, line in enumerate(lines) if line.startswith("Error: "))
    assert len(lines) == error + 2, done.err
    for part in said:
        assert part in done.err


def test_an_unknown_model(guidex: Command, documents: Path) -> None:
    assert_told(
        guidex("run", "--documents", documents, "--model", "opnai/x"), 2, "no known provider", "openai/x"
    )
    assert_told(guidex("run", "--documents", documents, "--model", "local/smolm"), 1, "smollm2-135m")
    assert not list(Path("runs").iterdir())


def test_a_missing_key(guidex: Command, documents: Path) -> None:
    assert_told(
        guidex("run", "--documents", documents, "--model", "anthropic/claude"),
        1,
        "ANTHROPIC_API_KEY is not set",
    )
    assert not list(Path("runs").iterdir())


def test_a_key_that_is_refused(
    guidex: Command, documents: Path, scripted_server: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = scripted_server(key="right-key-1234")
    monkeypatch.setenv("OPENAI_API_KEY", "wrong-key-canary")
    done = guidex("run", "--documents", documents, "--model", "openai/x", "--base-url", server.openai_url)
    assert_told(done, 1, "kept in runs/people", "refused the key", "OPENAI_API_KEY")
    assert "canary" not in done.err
    assert guidex("runs", "show", "people", "--json").json["status"] == "failed"


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_no_documents(guidex: Command, tmp_path: Path, content: str) -> None:
    (tmp_path / "empty.jsonl").write_text(content)
    assert_told(guidex("run", "--documents", "empty.jsonl"), 2, "no documents in empty.jsonl")
    assert_told(guidex("run"), 2, "No documents were named", "--documents")


def test_documents_that_are_not_there_or_of_no_known_kind(guidex: Command, tmp_path: Path) -> None:
    assert_told(guidex("run", "--documents", "none.jsonl"), 2, "none.jsonl does not exist")
    (tmp_path / "data.xlsx").write_text("x")
    assert_told(guidex("run", "--documents", "data.xlsx"), 2, "data.xlsx", ".jsonl")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(guidex: Command, documents: Path) -> None:
    documents.chmod(0)
    assert_told(guidex("run", "--documents", documents), 2, "may not be read")


def test_duplicate_ids(guidex: Command, documents: Path, scripted_server: Servers) -> None:
    with documents.open("a") as file:
        file.write('{"id": "ada", "text": "Another text."}\n')
    model = ("--model", "openai/x", "--base-url", scripted_server().openai_url)
    assert_told(
        guidex("run", "--documents", documents, *model), 2, "Two documents have the id 'ada'", ":1", ":5"
    )


def test_an_id_that_is_nowhere(guidex: Command, documents: Path, scripted_server: Servers) -> None:
    model = ("--model", "openai/x", "--base-url", scripted_server().openai_url)
    assert_told(guidex("run", "--documents", documents, *model, "--doc-id", "zoe"), 2, "zoe")


def test_a_name_that_is_taken(guidex: Command, documents: Path, scripted_server: Servers) -> None:
    run = ("run", "--documents", documents, "--model", "openai/x", "--base-url", scripted_server().openai_url)
    assert guidex(*run, "--name", "mine", "--limit", 1).code == 0
    assert_told(guidex(*run, "--name", "mine", "--resume", "never"), 2, "runs/mine", "--name")
    assert_told(guidex(*run, "--name", "other", "--resume", "always"), 2, "no run `other`", "--resume")
    assert_told(guidex(*run, "--name", "../mine"), 2, "cannot be named")


def test_a_wrong_job_file(guidex: Command, tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text('[documents]\npaths = ["a"]\nlimt = 3\n')
    assert_told(guidex("run", "job.toml"), 2, "documents.limt", "did you mean `limit`")
    assert_told(guidex("run", "none.toml"), 2, "none.toml", "guidex init")


def test_runs_and_documents_that_are_not_there(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    assert_told(guidex("runs", "show", "nothing"), 2, "no run `nothing`", "guidex run")
    model = ("--model", "openai/x", "--base-url", scripted_server().openai_url)
    guidex("run", "--documents", documents, *model, "--limit", 1)
    assert_told(guidex("trace", "show", "poeple"), 2, "no run `poeple`", "people")
    assert_told(guidex("trace", "show", "people", "zoe\x1b[2J"), 2, "no document", "guidex trace show people")
    assert_told(guidex("export", "nothing"), 2, "no run")
    assert guidex("runs", "show", "runs/people").code == 0


def test_a_database_of_a_newer_version(guidex: Command, documents: Path, scripted_server: Servers) -> None:
    model = ("--model", "openai/x", "--base-url", scripted_server().openai_url)
    guidex("run", "--documents", documents, *model, "--limit", 1)
    connection = sqlite3.connect("runs/people/run.db")
    with connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " SELECT migration_set, '9999_from_the_future', applied_at FROM _sqlite_migrations LIMIT 1"
        )
    connection.close()
    for command in (("runs", "show"), ("trace", "show"), ("export",)):
        assert_told(guidex(*command, "people"), 1, "newer")
    listed = guidex("runs", "list")
    assert listed.code == 0
    assert "newer" in listed.out


def test_a_database_that_is_none(guidex: Command, tmp_path: Path) -> None:
    (tmp_path / "runs/odd").mkdir(parents=True)
    (tmp_path / "runs/odd/run.db").write_bytes(b"this is no database, and long enough to see" * 50)
    assert_told(guidex("runs", "show", "odd"), 1, "no intact SQLite database")


def test_a_runs_folder_that_cannot_be_made(guidex: Command, documents: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    assert_told(guidex("run", "--documents", documents), 1, "runs cannot be written", "--runs-dir")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(
    guidex: Command,
    guidex_process: Callable[..., subprocess.Popen[str]],
    documents: Path,
    scripted_server: Servers,
) -> None:
    model = ("--model", "openai/x", "--base-url", scripted_server().openai_url)
    guidex("run", "--documents", documents, *model, "--limit", 1)
    with Path("/dev/full").open("w") as full:
        process = guidex_process("export", "people", "-o", "-", stdout=full)
        _, err = process.communicate(timeout=60)
    assert_told(Done(process.returncode, "", err), 1, "The disk is full")


def test_a_reader_that_has_seen_enough_is_no_error(
    guidex: Command,
    guidex_process: Callable[..., subprocess.Popen[str]],
    documents: Path,
    scripted_server: Servers,
) -> None:
    model = ("--model", "openai/x", "--base-url", scripted_server().openai_url)
    guidex("run", "--documents", documents, *model, "--limit", 1)
    process = guidex_process("trace", "show", "people", "ada")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/runs/x"), "disk is full: /runs/x"),
        (PermissionError(13, "Permission denied", "/runs/x"), "Permission denied: /runs/x"),
        (OSError(30, "Read-only file system"), "read-only"),
    ],
)
def test_errors_of_the_system_are_told_in_a_sentence(
    guidex: Command, monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(run_folders, "find_run", fail)
    assert_told(guidex("runs", "show", "x"), 1, said)


def test_a_fault_of_the_program_is_not_blamed_on_the_user(
    guidex: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("text of a document \x1b[2J")

    monkeypatch.setattr(run_folders, "find_run", fail)
    done = guidex("runs", "show", "x")
    assert done.code == 1
    assert "Traceback" in done.err
    assert "fault of GuideX" in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run", "--nonsense"),
        ("run", "--limit", "0"),
        ("export",),
        ("quality", "x", "--ci", "y"),
    ],
)
def test_wrong_flags_are_usage_errors(guidex: Command, arguments: tuple[str, ...]) -> None:
    done = guidex(*arguments)
    assert done.code == 2
    assert "Usage: guidex" in done.err
    assert "Traceback" not in done.err


def test_a_server_that_is_not_there_stops_the_run_resumably(guidex: Command, documents: Path) -> None:
    model = ("--model", "openai/x", "--base-url", "http://127.0.0.1:9/v1", "--retries", 1)
    done = guidex("run", "--documents", documents, *model, "--limit", 1)
    assert done.code == 75
    assert "No connection to openai/x" in done.out + done.err and "Traceback" not in done.err


def test_connections_are_fixed_or_adaptive(guidex: Command, documents: Path) -> None:
    both = guidex("run", "--documents", documents, "--max-connections", 3, "--adaptive-connections", "1-2-3")
    assert both.code == 2 and "not both" in both.err
    wrong = guidex("run", "--documents", documents, "--adaptive-connections", "9-2-3")
    assert wrong.code == 2 and "1-8-200" in wrong.err
