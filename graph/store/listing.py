"""The runs in a folder, one line each."""

from __future__ import annotations

from pathlib import Path

from graph.store.attempts import SENT
from graph.store.connection import DATABASE
from graph.store.reading import RunReader
from graph.store.records import RunStatus, RunSummary
from schemas.errors import StoreError
from schemas.judgement import Outcome


def list_runs(runs: Path) -> tuple[RunSummary, ...]:
    """The runs in a folder, the newest first; one that cannot be read is listed with its problem."""
    folders = [path.parent for path in runs.glob(f"*/{DATABASE}")]
    return tuple(sorted(map(_summary, folders), key=lambda run: run.started, reverse=True))


def _summary(folder: Path) -> RunSummary:
    try:
        with RunReader(folder) as reader:
            run = reader.run()
            documents, accepted, failed, calls = reader.rows(
                f"""SELECT (SELECT count(*) FROM documents),
                (SELECT count(*) FROM documents WHERE outcome = ?),
                (SELECT count(*) FROM documents WHERE outcome = ?),
                (SELECT count(*) FROM calls WHERE {SENT})""",
                Outcome.ACCEPTED.value,
                Outcome.FAILED.value,
            )[0]
    except StoreError as error:
        return RunSummary(folder.name, folder, RunStatus.FAILED, "", None, 0, 0, 0, 0, problem=str(error))
    return RunSummary(
        folder.name, folder, run.status, run.started, run.ended, documents, accepted, failed, calls
    )
