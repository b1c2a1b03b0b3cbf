"""`guidex view`, as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.commands import Command
from viewer.conftest import make_run

Serve = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def serve(guidex_process: Callable[..., subprocess.Popen[str]]) -> Serve:
    """Starts a viewer: the process, and the address of its first page."""

    def start(*arguments: object) -> tuple[subprocess.Popen[str], str]:
        process = guidex_process("view", *arguments, "--port", "0", "--no-browser")
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        return process, found[0]

    return start


@pytest.mark.parametrize("whole", [True, False])
def test_view_serves_a_folder_or_begins_with_a_run(serve: Serve, tmp_path: Path, whole: bool) -> None:
    make_run(tmp_path, "first")
    process, address = serve(tmp_path if whole else tmp_path / "first")
    try:
        assert address.startswith("http://127.0.0.1:")
        assert address.endswith("/" if whole else "/runs/first")
        with urllib.request.urlopen(address.removesuffix("runs/first"), timeout=30) as answer:
            assert b"first" in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, guidex: Command) -> None:
    done = guidex("view", str(tmp_path / "none"))
    assert done.code == 2
    assert "There is no folder" in done.err


def test_other_machines_are_let_in_with_a_warning_only(serve: Serve, tmp_path: Path) -> None:
    process, address = serve(tmp_path, "--host", "0.0.0.0")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "0.0.0.0" in address
    assert "can be reached from other machines" in err


def test_a_port_that_is_taken_is_said(serve: Serve, tmp_path: Path, guidex: Command) -> None:
    process, address = serve(tmp_path)
    try:
        port = address.rstrip("/").rpartition(":")[2]
        done = guidex("view", str(tmp_path), "--port", port, "--no-browser")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert done.code == 2
    assert "cannot listen" in done.err
