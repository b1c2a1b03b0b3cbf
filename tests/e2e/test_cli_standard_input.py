"""Documents from standard input: kept before the run begins, and taken up again from there."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, PricedJob

Pipe = Callable[[bytes], None]
LINES = b"".join(
    b'{"id": "k%d", "text": "Keeper Roberts walked from Oslo to Bergen with %d lamps."}\n' % (n, n)
    for n in range(4)
)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """Lets the next command find these bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


def test_what_comes_in_is_a_file_of_the_run(guidex: Command, priced_job: PricedJob, pipe: Pipe) -> None:
    file, server = priced_job
    pipe(LINES)
    stopped = guidex("run", file, "--documents", "-", "--max-candidates", 2, "--json")
    assert stopped.code == 0, stopped.err
    assert stopped.json["name"] == "stdin"
    assert Path("runs/stdin/documents.jsonl").read_bytes() == LINES
    assert 'paths = [\n    "documents.jsonl",\n]' in Path("runs/stdin/job.toml").read_text()
    assert list(Path("runs").glob(".stdin*")) == []
    asked = len(server.calls)
    pipe(b"")  # nothing is read any more
    done = guidex("resume", "stdin", "--max-candidates", 4, "--json").json
    assert (done["documents"]["in"], done["documents"]["accepted"]) == (4, 4)
    assert len(server.calls) == 2 * asked


def test_the_same_input_again_goes_on_and_another_begins_another_run(
    guidex: Command, priced_job: PricedJob, pipe: Pipe
) -> None:
    file, server = priced_job
    run = ("run", file, "--documents", "-", "--json")
    pipe(LINES)
    assert guidex("estimate", *run[1:], "--try", 1).json["documents"] == 4
    asked = len(server.calls)
    pipe(LINES)
    assert guidex(*run).json["name"] == "stdin"
    assert len(server.calls) == 4 * asked
    pipe(LINES[:-1])
    assert guidex(*run).json["name"] == "stdin-2"
    pipe(LINES)
    assert guidex(*run, "--name", "stdin").code == 0
    assert len(server.calls) == 8 * asked
    pipe(LINES[:-1])
    refused = guidex(*run, "--name", "stdin")
    assert refused.code == 2 and "has other documents than those on standard input" in refused.err
    assert Path("runs/stdin/documents.jsonl").read_bytes() == LINES


@pytest.mark.parametrize(
    ("content", "flags", "texts"),
    [
        (b'\n{"text": "a"}\n"b"\n', (), ["a", "b"]),
        (b'\xef\xbb\xbf{"text": "a"}\n', (), ["a"]),
        (b"Keeper Roberts\n\nwalked.\n", (), ["Keeper Roberts\n\nwalked.\n"]),
        (b"17\n", (), ["17\n"]),
        (b"[1, 2]\n", ("--format", "text"), ["[1, 2]\n"]),
        (b'{"text": "a"}\n', ("--format", "text"), ['{"text": "a"}\n']),
        (b'{"text": "a"}\nno JSON\n', (), ["a"]),
    ],
)
def test_the_format_is_told_or_seen(
    guidex: Command,
    priced_job: PricedJob,
    pipe: Pipe,
    content: bytes,
    flags: tuple[str, ...],
    texts: list[str],
) -> None:
    pipe(content)
    done = guidex("run", priced_job[0], "--documents", "-", *flags, "--name", "x", "--json")
    assert done.json["documents"]["in"] == len(texts) + (b"no JSON" in content)
    ids = [document["id"] for document in guidex("trace", "show", "x", "--json").json]
    stories = [guidex("trace", "show", "x", each, "--json").json["document"] for each in ids]
    assert [story["text"] for story in stories if story] == texts


@pytest.mark.parametrize(
    ("content", "flags", "words"),
    [
        (b"", (), "Nothing came in on standard input"),
        (b"\n \n", (), "Nothing came in on standard input"),
        (b'[{"text": "a"}]', (), "JSON, but not an object a line"),
        (b'[\n  {"text": "a"}\n]\n', (), "JSON, but not an object a line"),
        (b"\x1f\x8b\x08 packed", (), "neither JSON Lines nor text"),
        (b"a", ("--format", "text", "--limit", 0), "limit"),
    ],
)
def test_what_is_no_input_leaves_no_run(
    guidex: Command, priced_job: PricedJob, pipe: Pipe, content: bytes, flags: tuple[object, ...], words: str
) -> None:
    pipe(content)
    done = guidex("run", priced_job[0], "--documents", "-", *flags)
    assert done.code == 2 and words in done.err
    assert not Path("runs").exists() or list(Path("runs").iterdir()) == []


def test_a_run_that_cannot_begin_keeps_what_came_in(guidex: Command, tmp_path: Path, pipe: Pipe) -> None:
    (tmp_path / "job.toml").write_text('documents = { paths = ["-"] }\nmodel = { name = "openai/gpt" }\n')
    pipe(LINES)
    refused = guidex("run", "job.toml", "--name", "mine")
    assert refused.code == 1 and "OPENAI_API_KEY" in refused.err
    assert "What came in is kept: `guidex run runs/mine/job.toml` begins with it." in " ".join(
        refused.err.split()
    )
    assert Path("runs/mine/documents.jsonl").read_bytes() == LINES
    checked = guidex("validate", "runs/mine/job.toml", "--json").json["checks"]
    assert "4 records" in [check["found"] for check in checks_of_documents(checked)]
    pipe(LINES)  # the same once more takes the folder over
    assert "are files in" not in guidex("run", "job.toml", "--name", "mine").err
    pipe(LINES[:-1])
    assert "are files in" in guidex("run", "job.toml", "--name", "mine").err


def checks_of_documents(checks: list[dict[str, str]]) -> list[dict[str, str]]:
    return [check for check in checks if check["what"].endswith("documents.jsonl")]


def test_a_job_that_reads_standard_input_is_checked_without_reading_it(
    guidex: Command, priced_job: PricedJob, pipe: Pipe
) -> None:
    pipe(LINES)
    done = guidex("validate", priced_job[0], "--documents", "-", "--min-words", 2, "--json")
    assert done.code == 0
    assert {"-": "note"}.items() <= {check["what"]: check["state"] for check in done.json["checks"]}.items()
    assert sys.stdin.buffer.read() == LINES


def test_a_pipe_is_read_by_the_process_itself(tmp_path: Path) -> None:
    """With its key lacking, so that no server is needed."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "guidex", "run", "--documents", "-", "--model", "openai/gpt"],
        input=LINES,
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "OPENAI_API_KEY"}
        | {"PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    kept = (tmp_path / "runs" / "stdin" / "documents.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in kept] == ["k0", "k1", "k2", "k3"]
