"""Bytes of a run's database beside the bytes of what was said in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def database_sizes(run: Path) -> dict[str, float]:
    """Size of a finished run's database, and of its prompts and answers.

    Returns:
        `database`: bytes of its files. `said`: bytes of all distinct messages and answers, each once.
        `parts`: the same with each part of a message once, so a document once for all calls about it.
        `ratio`: database / said.
    """
    size = sum(file.stat().st_size for file in run.glob("run.db*"))
    with closing(sqlite3.connect(f"file:{run / 'run.db'}?mode=ro", uri=True)) as database:
        answers = _bytes(
            database,
            """SELECT sum(length(CAST(text AS BLOB))) FROM texts WHERE id IN
               (SELECT raw_id FROM attempts UNION SELECT answer_id FROM calls)""",
        )
        parts = _bytes(
            database,
            """SELECT sum(length(CAST(text AS BLOB))) FROM texts WHERE id IN
               (SELECT text_id FROM call_messages)""",
        )
        # A message is known by its parts, which the table holds in order; a blank line joins them.
        messages = _bytes(
            database,
            """SELECT sum(bytes) FROM (SELECT DISTINCT parts, bytes FROM (
                   SELECT group_concat(text_id) AS parts,
                          sum(length(CAST(text AS BLOB)) + 2) - 2 AS bytes
                   FROM call_messages JOIN texts ON texts.id = text_id GROUP BY call_id, message))""",
        )
    said = messages + answers
    return {"database": size, "said": said, "parts": parts + answers, "ratio": size / said}


def _bytes(database: sqlite3.Connection, query: str) -> int:
    return int(database.execute(query).fetchone()[0] or 0)
