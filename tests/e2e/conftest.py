"""The whole command line, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable

from guidex.cli import main

ROOT = Path(__file__).parents[2]
_OURS = re.compile(r"GUIDEX_(?!MODELS$)|(OPENAI|ANTHROPIC)_")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.out)


Command = Callable[..., Done]


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
def guidex_process(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command in a process of its own, in the test's working directory."""

    def start(
        *arguments: object,
        stdout: IO[str] | int = subprocess.PIPE,
        stderr: IO[str] | int = subprocess.PIPE,
        **environment: str,
    ) -> subprocess.Popen[str]:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        return subprocess.Popen(
            [sys.executable, "-m", "guidex", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path} | environment,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )

    return start


def write_documents(path: Path, documents: dict[str, str]) -> Path:
    """A JSON Lines file of these ids and texts."""
    lines = [json.dumps({"id": identifier, "text": text}) for identifier, text in documents.items()]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


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


def mixed(call: Call) -> Turn:
    """Agree on `ada` and `bell`, find everything of `curie` spurious, and never answer `darwin` in JSON."""
    if "Beagle" in call.prompt:
        return "I would rather not."
    answer = agreeable(call)
    if "Sklodowska" in call.prompt and isinstance(answer, dict) and "verdicts" in answer:
        verdicts = [{**verdict, "verdict": "spurious"} for verdict in answer["verdicts"]]
        return {**answer, "verdicts": verdicts}
    return answer


PricedJob = tuple[Path, ScriptedServer]
"""A job file and the server of its model."""


@pytest.fixture
def priced_job(tmp_path: Path, scripted_server: Callable[..., ScriptedServer]) -> PricedJob:
    """Twelve documents, and a model whose calls take 450 tokens at 0.1 cent and 50 at 1 cent."""
    texts = {f"d{n}": f"Keeper Number{n} walked from Oslo to Bergen with {n} lamps." for n in range(12)}
    write_documents(tmp_path / "docs.jsonl", texts)
    server = scripted_server(_costly)
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


def _costly(call: Call) -> Turn:
    answer = agreeable(call)
    return Say(answer, input_tokens=450, output_tokens=50) if isinstance(answer, dict) else answer
