"""The whole command line, in this process or in one of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from commands import Command, Done, PricedJob, costly, write_documents
from servers.scripted import ScriptedServer

from guidex.cli import main

ROOT = Path(__file__).parents[2]
# Whoever starts the tests in the background may have them ignore it, and processes would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
_OURS = re.compile(r"GUIDEX_(?!MODELS$)|(OPENAI|ANTHROPIC)_")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings or keys of whoever runs the tests, and a working directory of the test's own."""
    for name in list(os.environ):
        if _OURS.match(name):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def guidex(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in this process: `guidex("runs", "list").out`."""

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def guidex_process(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command in a process of its own, in the test's working directory; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def start(
        *arguments: object,
        stdout: IO[str] | int = subprocess.PIPE,
        stderr: IO[str] | int = subprocess.PIPE,
        **environment: str,
    ) -> subprocess.Popen[str]:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        process = subprocess.Popen(
            [sys.executable, "-m", "guidex", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path} | environment,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Four short documents, `ada`, `bell`, `curie` and `darwin`."""
    return write_documents(
        tmp_path / "people.jsonl",
        {
            "ada": "Lovelace wrote programs for the Analytical Engine in London.",
            "bell": "Burnell found pulsars with a telescope near Cambridge.",
            "curie": "Sklodowska discovered polonium and radium in Paris.",
            "darwin": "Charles sailed aboard Beagle around South America.",
        },
    )


@pytest.fixture
def priced_job(tmp_path: Path, scripted_server: Callable[..., ScriptedServer]) -> PricedJob:
    """Twelve documents, and a model whose calls take 450 tokens at 0.1 cent and 50 at 1 cent."""
    texts = {f"d{n}": f"Keeper Number{n} walked from Oslo to Bergen with {n} lamps." for n in range(12)}
    write_documents(tmp_path / "docs.jsonl", texts)
    server = scripted_server(costly)
    file = tmp_path / "keepers.toml"
    file.write_text(f"""
        rounds = 1
        [documents]
        paths = ["docs.jsonl"]
        [model]
        name = "openai/own"
        base_url = "{server.openai_url}"
        max_tokens = 200
        [run]
        max_connections = 16
        [prices."openai/own"]
        input = 1000
        output = 10000
    """)
    return file, server
