"""A run whose disk fills up, or whose database others hold: it stops clearly, loses nothing, can go on."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Command, write_documents
from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable

Servers = Callable[..., ScriptedServer]
Start = Callable[..., subprocess.Popen[str]]
DOCUMENTS = 30
CALLS = 5
"""Of a document that is accepted in its first round."""


@pytest.fixture
def keepers(tmp_path: Path) -> Path:
    """Documents of some thousand characters each."""
    filler = "He wrote the weather down and went on along the coast before the others woke. " * 40
    texts = {f"d{n}": f"Keeper Number{n} walked from Oslo to Bergen. {filler} {n}" for n in range(DOCUMENTS)}
    return write_documents(tmp_path / "keepers.jsonl", texts)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """A file system of its own on `disk`; the function mounts it anew with other options."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system takes root")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {made.stderr.decode().strip()}")

    def remount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)

    try:
        yield remount
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def flags(server: ScriptedServer, documents: Path) -> tuple[object, ...]:
    return ("--documents", documents, "--model", "openai/x", "--base-url", server.openai_url)


def slow(call: Call) -> Turn:
    answer = agreeable(call)
    assert isinstance(answer, dict)
    return Say(answer, delay=0.05)


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "run.db")) as connection:
        return connection.execute(sql).fetchall()


def finish(guidex: Command, server: ScriptedServer, folder: Path) -> None:
    """Resume a run that stopped for lack of space, and see that nothing was lost or asked twice."""
    assert rows(folder, "PRAGMA integrity_check") == [("ok",)]
    ((answered,),) = rows(folder, "SELECT count(*) FROM calls WHERE status = 'answered'")
    assert 0 < answered < CALLS * DOCUMENTS
    before = len(server.calls)
    done = guidex("resume", folder)
    assert done.code == 0, done.err
    assert len(server.calls) - before == CALLS * DOCUMENTS - answered
    shown = guidex("runs", "show", folder, "--json").json
    assert shown["status"] == "done"
    assert shown["documents"]["accepted"] == shown["documents"]["in"] == DOCUMENTS
    assert rows(folder, "PRAGMA integrity_check") == [("ok",)]
    assert rows(folder, "PRAGMA foreign_key_check") == []


def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(
    guidex: Command,
    guidex_process: Start,
    keepers: Path,
    scripted_server: Servers,
    small_disk: Callable[[str], None],
) -> None:
    server = scripted_server(agreeable)
    process = guidex_process(
        "run", *flags(server, keepers), "--runs-dir", "disk/runs", "--max-connections", 2
    )
    out, err = process.communicate(timeout=120)
    assert process.returncode == 75, err
    assert out == "" and "Traceback" not in err
    assert "is full" in err and "resume the run" in err and "The run has stopped" in err
    assert guidex("runs", "show", "disk/runs/keepers", "--json").json["status"] == "interrupted"
    small_disk("size=64m")
    finish(guidex, server, Path("disk/runs/keepers"))


def test_a_file_that_may_not_grow_stops_the_run_and_more_room_lets_it_go_on(
    guidex: Command, guidex_process: Start, keepers: Path, scripted_server: Servers
) -> None:
    resource = pytest.importorskip("resource", reason="limits of file sizes are a matter of Unix")
    server = scripted_server(slow)
    process = guidex_process("run", *flags(server, keepers), "--max-connections", 4)
    while process.poll() is None and len(server.calls) < 8:
        time.sleep(0.01)
    # The quota of one process: as on a full disk, write() fails from then on.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 75, err
    assert out == "" and "Traceback" not in err
    assert "could not be read or written" in err and "then resume the run" in err
    finish(guidex, server, Path("runs/keepers"))


def test_read_only_media_can_be_read_and_take_no_run(
    guidex: Command,
    documents: Path,
    scripted_server: Servers,
    small_disk: Callable[[str], None],
    tmp_path: Path,
) -> None:
    small_disk("size=32m")
    asked = flags(scripted_server(agreeable), documents)
    assert guidex("run", *asked, "--runs-dir", "disk/runs").code == 0
    small_disk("ro")
    before = (tmp_path / "disk" / "runs" / "people" / "run.db").read_bytes()
    for command in (
        ("run", *asked, "--runs-dir", "disk/runs", "--name", "other"),
        ("retry", "disk/runs/people", "--doc-id", "ada"),
        ("runs", "delete", "disk/runs/people", "--yes"),
        ("runs", "backup", "disk/runs/people", "disk/copy"),
        ("export", "disk/runs/people"),
    ):
        refused = guidex(*command)
        assert refused.code == 1 and "Traceback" not in refused.err, command
        assert "read-only" in refused.err.lower() or "cannot be" in refused.err, refused.err
    assert guidex("runs", "show", "disk/runs/people", "--json").json["documents"]["accepted"] == 4
    assert guidex("trace", "anomalies", "disk/runs/people").code == 0
    assert guidex("runs", "backup", "disk/runs/people", "copy").code == 0
    assert guidex("trace", "show", "copy", "ada").code == 0
    assert (tmp_path / "disk" / "runs" / "people" / "run.db").read_bytes() == before


def test_a_run_waits_for_a_program_that_holds_its_database_and_is_read_meanwhile(
    guidex: Command, guidex_process: Start, keepers: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    server = scripted_server(slow)
    process = guidex_process("run", *flags(server, keepers), "--max-connections", 8, "--json")
    try:
        while process.poll() is None and len(server.calls) < 12:
            time.sleep(0.01)
        other = sqlite3.connect(tmp_path / "runs" / "keepers" / "run.db", isolation_level=None, timeout=30)
        with contextlib.closing(other):
            other.execute("BEGIN IMMEDIATE")
            held = time.monotonic()
            seen = guidex("runs", "show", "keepers", "--json").json
            listed = guidex("trace", "show", "keepers", "--json").json
            odd = guidex("trace", "anomalies", "keepers", "--json").json
            copied = guidex("runs", "backup", "keepers", "copy")
            time.sleep(max(0.0, held + 1.0 - time.monotonic()))
            waiting = len(server.calls)
            other.execute("ROLLBACK")
        assert process.poll() is None  # it was still at work, and goes on
    except BaseException:
        process.kill()
        raise
    finally:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (seen["status"], odd["status"]) == ("running", "running") and len(listed) == DOCUMENTS
    assert seen["documents"]["in"] == sum(
        seen["documents"][state] for state in seen["documents"] if state != "in"
    )
    assert copied.code == 0 and guidex("trace", "show", "copy").code == 0
    # What could not be recorded was not sent.
    assert waiting < CALLS * DOCUMENTS == len(server.calls)
    assert json.loads(out)["documents"]["accepted"] == DOCUMENTS
    assert rows(tmp_path / "copy", "PRAGMA integrity_check") == [("ok",)]
