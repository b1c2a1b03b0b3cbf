"""`guidex trace tail`: a run followed while it goes on, to its end, or until Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable

Servers = Callable[..., ScriptedServer]
Start = Callable[..., subprocess.Popen[str]]


Begin = Callable[[float], subprocess.Popen[str]]


@pytest.fixture
def begin(
    guidex_process: Start, guidex: Command, documents: Path, scripted_server: Servers, tmp_path: Path
) -> Iterator[Begin]:
    """Begins a run and waits until its first document is decided; the others take so many seconds a call."""
    with contextlib.ExitStack() as stack:

        def start(delay: float) -> subprocess.Popen[str]:
            def script(call: Call) -> Turn:
                """Agree on `ada` at once and on the others after a while; never answer `darwin` in JSON."""
                answer = "no" if "Beagle" in call.prompt else agreeable(call)
                return Say(answer, delay=0.0 if "Lovelace" in call.prompt else delay)

            flags = ("--model", "openai/x", "--base-url", scripted_server(script).openai_url)
            log = stack.enter_context((tmp_path / "log").open("w"))
            words = ("run", "--documents", documents, *flags, "--retry-on-error", 0)
            process = guidex_process(*words, stdout=log, stderr=log)
            stack.callback(process.communicate)
            stack.callback(process.kill)
            deadline = time.monotonic() + 60
            while guidex("trace", "show", "people", "--outcome", "accepted", "--json").out.strip() in (
                "",
                "[]",
            ):
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
            return process

        yield start


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_run_is_followed_to_its_end(begin: Begin, guidex: Command, guidex_process: Start) -> None:
    run = begin(0.8)
    tail = guidex_process("trace", "tail", "people", "--json", "-n", 1000)
    out, err = tail.communicate(timeout=60)
    assert tail.returncode == 0 and run.wait(60) == 0
    assert err.startswith("Following people: 1 of") or not err, "on a machine too busy to see it go on"
    told = [json.loads(line) for line in out.splitlines()]
    decided = {line["document_id"]: line["data"]["outcome"] for line in told if line["kind"] == "decision"}
    assert decided == {"ada": "accepted", "bell": "accepted", "curie": "accepted", "darwin": "failed"}
    calls = [line["data"]["id"] for line in told if line["kind"] == "call"]
    listed = guidex("trace", "calls", "people", "--limit", 1000, "--json").json
    assert sorted(calls) == sorted(call["id"] for call in listed["shown"])
    kinds = {line["kind"] for line in told}
    assert kinds == {"call", "round", "decision", "failure", "event", "run"}
    assert told[-1]["kind"] == "run" and told[-1]["data"]["status"] == "done"
    # What follows from a call is told after it.
    for document in ("ada", "bell", "curie"):
        order = [line["kind"] for line in told if line["document_id"] == document]
        assert order[-2:] == ["round", "decision"]


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
def test_ctrl_c_ends_the_following_quietly_and_leaves_the_run_alone(
    begin: Begin, guidex_process: Start
) -> None:
    run = begin(60)
    tail = guidex_process("trace", "tail", "people")
    assert first_line(tail)
    tail.send_signal(signal.SIGINT)
    out, err = tail.communicate(timeout=30)
    assert tail.returncode == 130
    assert err.splitlines()[0].startswith("Following people") and len(err.splitlines()) == 1
    assert "Traceback" not in out and run.poll() is None


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
def test_a_run_that_is_killed_ends_the_following_too(begin: Begin, guidex_process: Start) -> None:
    run = begin(60)
    tail = guidex_process("trace", "tail", "people", "-n", 1)
    assert first_line(tail)
    run.kill()
    out, _ = tail.communicate(timeout=30)
    assert tail.returncode == 0
    assert out.splitlines()[-1].endswith("people: interrupted")


def test_of_a_run_at_rest_the_last_lines_are_told(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    url = scripted_server().openai_url
    guidex("run", "--documents", documents, "--model", "openai/test", "--base-url", url)
    ended = guidex("trace", "tail", "people", "-n", 3)
    assert ended.code == 0 and ended.err == ""
    *history, last = ended.out.splitlines()
    assert len(history) == 3 and last.split()[1:] == ["run", "-", "people:", "done"]
    assert any(" decision " in line and "accepted: agreed in round 1" in line for line in history)
    everything = guidex("trace", "tail", "people", "-n", 1000).out
    for part in ("round 1, annotator 2 answered, ", "round 1 judged: agreement 1.00", "documents read"):
        assert part in everything, part
    assert guidex("trace", "tail", "people", "-n", 0).out == f"{last}\n"
    missing = guidex("trace", "tail", "nobody")
    assert missing.code == 2 and "There is no run `nobody`" in missing.err
