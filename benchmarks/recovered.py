"""What stands in the folder of a run that was killed, and in that of a run taken to its end."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import processes  # noqa: F401  (puts the server's package on the path)
from servers.faults import content_key

from graph.store.reading import RunReader
from graph.store.records import Totals

_ANSWERED = """SELECT c.id, json_extract(c.sampling, '$.seed'), m.message, t.text
    FROM calls c JOIN call_messages m ON m.call_id = c.id JOIN texts t ON t.id = m.text_id
    WHERE c.status = 'answered' ORDER BY c.id, m.message, m.part"""


@dataclass(frozen=True)
class Content:
    """What a run came to.

    Attributes:
        totals: Its sums.
        decided: By document: the outcome, and a hash of schema, agreed annotation and scores if accepted.
        answers: Hash of the answer by the key of the call.
    """

    totals: Totals
    decided: dict[str, tuple[str, str]]
    answers: dict[str, str]


def content(run: Path) -> Content:
    """Read a run that has ended."""
    with RunReader(run) as reader:
        accepted = {document.id: kept for document, kept in reader.accepted()}
        decided = {}
        for identifier, outcome in reader.rows("SELECT id, outcome FROM documents"):
            kept = accepted.get(identifier)
            said = kept and (kept.annotation_schema, kept.agreed, kept.scores)
            parts = "".join(part.model_dump_json() for part in said or ())
            decided[identifier] = (outcome, hashlib.sha256(parts.encode()).hexdigest())
        answers = reader.rows("""SELECT key, text FROM calls JOIN texts ON texts.id = answer_id
            WHERE status = 'answered'""")
        hashed = {key: hashlib.sha256(answer.encode()).hexdigest() for key, answer in answers}
        return Content(reader.totals(), decided, hashed)


@dataclass(frozen=True)
class Left:
    """What a kill left behind.

    Attributes:
        faults: What SQLite objects to in the database; none if it opens clean.
        finished: What tells the requests of the answered calls apart, as the server does.
        documents: Documents the run knew of.
    """

    faults: tuple[str, ...]
    finished: frozenset[str]
    documents: int


def left_behind(run: Path) -> Left:
    """Look at what a killed run has left, without touching it."""
    if not (run / "run.db").exists():
        return Left((), frozenset(), 0)
    with _copy(run) as copy:
        with closing(sqlite3.connect(copy / "run.db")) as database:
            tables = database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'calls'").fetchone()[0]
            faults = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
            faults += [f"foreign key: {row}" for row in database.execute("PRAGMA foreign_key_check")]
        if not tables:  # killed while it was made
            return Left(tuple(faults), frozenset(), 0)
        with RunReader(copy) as reader:
            return Left(tuple(faults), frozenset(_keys(reader)), reader.totals().documents)


def _keys(reader: RunReader) -> Iterator[str]:
    asked: dict[str, tuple[int | None, dict[int, list[str]]]] = {}
    for call, seed, message, text in reader.rows(_ANSWERED):
        asked.setdefault(call, (seed, {}))[1].setdefault(message, []).append(text)
    for seed, messages in asked.values():
        yield content_key(["\n\n".join(parts) for parts in messages.values()], seed)


@contextmanager
def _copy(run: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(run, Path(folder) / run.name))


def as_json(value: object) -> str:
    """Figures as indented JSON."""
    return json.dumps(value, indent=1)
