"""What documents and models wrote reaches the terminal as text, whichever command prints it."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from pathlib import Path

import pytest
from commands import Command
from every_command import AT_WORK, WITHOUT_A_RUN, commands, readings

from benchmarks.bulk_documents import HOSTILE
from benchmarks.bulk_run import make_run
from graph.store.reading import RunReader

_OWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[hl]|\x1b\[[0-9]*[ABGK]")
"""What the command itself sends to a terminal: colours, and where the cursor is."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("hostile")
    make_run(into, documents=2 * len(HOSTILE), calls=20 * len(HOSTILE), name="hostile", hostile=True)
    shutil.copytree(into / "hostile", into / "second")
    return into


@pytest.fixture
def values(hostile: Path, tmp_path: Path) -> dict[str, list[str]]:
    """What commands are given."""
    with RunReader(hostile / "hostile") as reader:
        ids = reader.document_ids()
        worst = [ids[HOSTILE.index(attack)] for attack in HOSTILE if not attack.isprintable()]
        (call,) = reader.rows("SELECT id FROM calls WHERE attempts > 1 ORDER BY id LIMIT 1")
        (failed,) = reader.rows("SELECT id FROM calls WHERE status = 'server' ORDER BY id LIMIT 1")
    run = str(hostile / "hostile")
    return {
        "run": [run],
        "runs": [run],
        "other": [str(hostile / "second")],
        "document": worst[:3],
        "call": [call[0], failed[0]],
        "call_id": [call[0], failed[0]],
        "gold": [str(hostile / "hostile.gold.jsonl")],
        "source": [run],
        "against": [str(hostile / "hostile.gold.jsonl")],
        "version": ["1"],
        "destination": [str(tmp_path / "copy.db")],
        "output": [str(tmp_path / "output")],
    }


def commanding(text: str) -> list[str]:
    """Characters of a text that command a terminal or turn the direction of writing."""
    return sorted({c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf")})


def test_every_command_is_tried_or_left_out_for_a_reason() -> None:
    assert set(commands()) >= {*WITHOUT_A_RUN, *AT_WORK}


def test_no_command_passes_control_characters_on(guidex: Command, values: dict[str, list[str]]) -> None:
    tried = 0
    for arguments in readings(values):
        done = guidex(*arguments)
        assert done.code in (0, 1, 2), (arguments, done.err)
        assert "Traceback" not in done.err, (arguments, done.err)
        assert commanding(done.out) == [] and commanding(done.err) == [], arguments
        if "--json" in arguments and done.code == 0:
            assert done.out.isascii(), arguments
            json.loads(done.out)
        tried += done.code == 0
    assert tried > 10


def test_also_on_a_terminal_with_colours(
    guidex: Command, values: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    for arguments in readings(values):
        done = guidex(*arguments)
        assert commanding(_OWN.sub("", done.out)) == [], arguments
        assert commanding(_OWN.sub("", done.err)) == [], arguments


def test_search_words_are_no_query_language(guidex: Command, hostile: Path) -> None:
    """What FTS5, LIKE and SQL would take for operators is looked for as words, or finds nothing."""
    for attack in (*HOSTILE, '"', "*", "a AND", "NOT", "text:", "^a", "a*", "(", "{a b}: c", "-", "''"):
        done = guidex("trace", "calls", hostile / "hostile", "--search", attack, "--json")
        assert done.code in (0, 2), (attack, done.err)
        assert "Traceback" not in done.err and "fts5" not in done.err.lower(), attack
