"""The made-up run holds what a real one does, so that what is measured on it is worth something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bulk_documents import HOSTILE
from benchmarks.bulk_run import make_run
from graph.merits import decide, merits_of
from graph.objections import track
from graph.store.document_search import DocumentFilter, find_documents
from graph.store.reading import RunReader
from schemas.job import Job
from schemas.judgement import Outcome

DOCUMENTS, CALLS = 60, 1200


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunReader]:
    folder = make_run(tmp_path_factory.mktemp("runs"), documents=DOCUMENTS, calls=CALLS, seed=3)
    with RunReader(folder) as reader:
        yield reader


def test_it_has_as_many_documents_and_calls_as_wanted_and_its_totals_balance(run: RunReader) -> None:
    totals = run.totals()
    assert totals.balanced and totals.documents == DOCUMENTS
    assert abs(totals.calls + totals.replays - CALLS) < CALLS * 0.1
    assert totals.attempts > totals.calls
    assert totals.replays > 0
    assert totals.cached_tokens > totals.input_tokens / 3
    assert totals.accepted > totals.rejected > 0 and totals.pending > 0
    assert [session.status for session in run.sessions()] == ["interrupted", "stopped"]


def test_every_offset_holds(run: RunReader) -> None:
    wrong = run.rows(
        """SELECT m.surface FROM mentions m JOIN annotations a ON a.id = m.annotation_id
        JOIN documents d ON d.id = a.document_id JOIN texts t ON t.id = d.text_id
        WHERE m.start IS NOT NULL AND substr(t.text, m.start + 1, m."end" - m.start) != m.surface"""
    )
    assert wrong == []


def test_the_rules_of_a_real_run_come_to_the_same_decisions_and_objections(run: RunReader) -> None:
    thresholds = Job.model_validate_json(run.run().job).thresholds
    decided = [
        row for row in run.documents(limit=DOCUMENTS) if row.outcome in (Outcome.ACCEPTED, Outcome.REJECTED)
    ]
    assert len(decided) > DOCUMENTS / 2
    for row in decided:
        rounds = run.rounds(row.id)
        assert row.ending is not None
        again = decide([merits_of(each) for each in rounds], thresholds, row.ending)
        assert (again.outcome, again.reason, again.round) == (row.outcome, row.reason, row.round)
        before = None
        for one in rounds:
            assert track(one, before) == one.objections
            before = one
    assert len({len(run.rounds(row.id)) for row in decided}) > 1


def test_scores_say_something_about_what_is_true(run: RunReader) -> None:
    """Probabilities of mentions that were agreed on are spread, and not all the same in all documents."""
    chances = [
        chance for (chance,) in run.rows("SELECT probability FROM verdicts WHERE probability IS NOT NULL")
    ]
    assert min(chances) < 0.4 and max(chances) > 0.95
    means = dict(
        run.rows("SELECT outcome, avg(agreement) FROM decisions WHERE ending IS NOT NULL GROUP BY 1")
    )
    assert means["accepted"] > means["rejected"]


def test_words_are_rare_or_everywhere(run: RunReader) -> None:
    assert find_documents(run, DocumentFilter(words="the")).total == DOCUMENTS
    assert find_documents(run, DocumentFilter(words="zq3x17")).total == 1


def test_a_seed_gives_the_same_documents_and_decisions(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        with RunReader(make_run(tmp_path, documents=6, calls=90, seed=9, name=name)) as reader:
            decided = [(row.id, row.outcome, row.reason) for row in reader.documents()]
            calls = reader.rows("SELECT key, status FROM calls ORDER BY key, status, retry")
            texts = reader.rows("SELECT hash FROM texts ORDER BY hash")
        told.append((decided, calls, texts))
    assert told[0] == told[1]
    assert (tmp_path / "one.gold.jsonl").read_bytes() == (tmp_path / "two.gold.jsonl").read_bytes()


def test_a_hostile_run_attacks_from_wherever_text_is_stored(tmp_path: Path) -> None:
    folder = make_run(tmp_path, documents=2 * len(HOSTILE), calls=20 * len(HOSTILE), hostile=True)
    attack = HOSTILE[0]
    with RunReader(folder) as reader:
        assert attack in reader.run().name
        for place in (
            "id FROM documents",
            "source FROM documents",
            "meta FROM documents",
            "text FROM texts",
            "model FROM calls",
            "error FROM calls",
            "error FROM attempts",
            "message FROM findings",
        ):
            column = place.partition(" ")[0]
            assert reader.rows(f"SELECT {place} WHERE instr({column}, ?)", attack), place
        assert reader.totals().balanced
