from __future__ import annotations

import asyncio
import itertools
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import answered, decision, documents, documents_with, make_round, make_store, opened, query

from graph.store.call_search import CallFilter, CallOrder, find_calls
from graph.store.connection import connect_reader, is_being_written
from graph.store.listing import list_runs
from graph.store.reading import RunReader
from graph.store.records import RunStatus
from graph.store.store import RunStore
from schemas.documents import Document
from schemas.errors import StoreError
from schemas.judgement import AGREEMENT_FIGURES, Outcome, Scores


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with make_store(tmp_path) as made:
        yield made


def test_documents_are_paged_in_the_order_of_the_source(store: RunStore) -> None:
    for batch in (documents(4), documents(10)):  # positions go on where the batch before ended
        store.add_documents(batch)
    for number in (1, 4, 7):
        store.decide(f"d{number}", decision(Outcome.REJECTED, round=None))
    reader = store.reader
    assert [row.position for row in reader.documents(limit=4, offset=3)] == [3, 4, 5, 6]
    assert [row.id for row in reader.documents(outcome=Outcome.REJECTED, limit=2)] == ["d1", "d4"]
    assert [row.id for row in reader.documents(outcome=Outcome.REJECTED, limit=2, offset=2)] == ["d7"]
    row = reader.documents(outcome=Outcome.REJECTED, limit=1)[0]
    assert (row.reason, row.ending, row.round) == ("rejected by test", "agreed", None)


def test_accepted_documents_are_streamed_with_the_kept_round(store: RunStore) -> None:
    store.add_documents(documents(450))
    for number in range(450):
        if number % 3:
            store.add_round(f"d{number}", make_round(f"d{number}", 1))
            store.add_round(f"d{number}", make_round(f"d{number}", 2))
            kept = 1 + number % 2
            outcome = Outcome.ACCEPTED if number % 3 == 1 else Outcome.REJECTED
            store.decide(f"d{number}", decision(outcome, round=kept))
    store.flush_now()
    accepted = list(store.reader.accepted())
    assert [document.id for document, _ in accepted] == [f"d{n}" for n in range(450) if n % 3 == 1]
    assert all(made.number == 1 + int(document.id[1:]) % 2 for document, made in accepted)


def test_objections_are_listed_as_they_stand_at_the_end(store: RunStore, tmp_path: Path) -> None:
    store.add_documents(documents(2))
    for document_id in ("d0", "d1"):
        store.add_round(document_id, make_round(document_id, 1))
        store.add_round(document_id, make_round(document_id, 2))
    store.decide("d0", decision(round=1))
    store.flush_now()
    listed = "SELECT document_id, take, round, number, status, settled_in, gave_way FROM objection_list"
    who = '["annotator-1","annotator-2"]'
    assert query(tmp_path / "trial", f"{listed} ORDER BY document_id, number") == [
        ("d0", 1, 2, 1, "mended", 2, who),
        ("d0", 1, 2, 2, "dropped", None, None),
        ("d1", 1, 2, 1, "mended", 2, who),
        ("d1", 1, 2, 2, "open", None, None),
    ]


def test_means_are_over_the_decisions_in_force_that_have_the_score(store: RunStore) -> None:
    store.add_documents(documents(4))
    first = Scores(grounding=1, agreement=0.5, agreement_alpha=-0.5)
    for number, scores in enumerate([first, Scores(grounding=1, agreement=1.0), Scores(grounding=1), None]):
        store.decide(f"d{number}", decision(round=None), scores)
    # Taken up again, a document counts with its last decision only.
    store.decide("d0", decision(round=None), first.model_copy(update={"agreement": 0.0}))
    store.flush_now()
    names = ("agreement", "agreement_alpha", "both_empty")
    assert store.reader.mean_scores(names) == {"agreement": (0.5, 2), "agreement_alpha": (-0.5, 1)}


def test_rounds_from_before_the_agreement_figures_have_none_of_them(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        store.add_round("d0", make_round("d0"))
    connection = sqlite3.connect(tmp_path / "trial" / "run.db")
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm013_agreement'")
    connection.execute("DROP VIEW round_list")  # which shows these columns
    for table, name in itertools.product(("scores", "decisions"), AGREEMENT_FIGURES):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    connection.commit()
    connection.close()
    RunStore.open(tmp_path / "trial").close()
    with RunReader(tmp_path / "trial") as reader:
        assert reader.rounds("d0")[0].scores == Scores(grounding=0.75, agreement=1.0)


def test_words_are_found_in_documents(store: RunStore, tmp_path: Path) -> None:
    store.add_documents(
        [
            Document(id="a", text="Zürich lies on a lake."),
            Document(id="b", text='No lake here; "quoted"'),
        ]
    )
    store.close()  # the index is complete once the store is closed
    with RunReader(tmp_path / "trial") as reader:
        assert set(documents_with(reader, "lake")) == {"a", "b"}
        assert documents_with(reader, "zurich LAKE") == ("a",)
        assert documents_with(reader, '"quoted" OR lake*') == ()  # taken as words: 'or' is in neither


@pytest.mark.parametrize(
    "words", ["", '"', "'; DROP TABLE texts; --", "NEAR(", "a AND", "text:", "\x00", "*", "-x ^y"]
)
def test_no_query_breaks_the_search(store: RunStore, words: str) -> None:
    store.add_documents(documents(1))
    documents_with(store.reader, words)
    find_calls(store.reader, CallFilter(words=words))
    assert store.reader.totals().documents == 1


def test_the_index_follows_while_the_run_goes_on(store: RunStore) -> None:
    store.add_documents([Document(id="a", text="palimpsest")])
    deadline = time.monotonic() + 10
    while documents_with(store.reader, "palimpsest") != ("a",):
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_totals_balance_in_every_read_while_a_run_writes(tmp_path: Path, store: RunStore) -> None:
    seen: list[int] = []
    unbalanced: list[object] = []
    stop = threading.Event()

    def read() -> None:
        with RunReader(tmp_path / "trial") as reader:
            while not stop.is_set():
                totals = reader.totals()
                seen.append(totals.accepted)
                decided = reader.rows("SELECT count(*) FROM documents WHERE decision_id IS NOT NULL")[0][0]
                if not totals.balanced or decided < totals.accepted:
                    unbalanced.append(totals)

    thread = threading.Thread(target=read)
    thread.start()
    store.add_documents(documents(200))
    for number in range(200):
        call_id = await store.open_call(opened(f"k{number}", f"d{number}"))
        store.close_call(call_id, answered(number))
        store.add_round(f"d{number}", make_round(f"d{number}"))
        store.decide(f"d{number}", decision())
    await store.flush()
    await asyncio.sleep(0.05)
    stop.set()
    thread.join()
    assert not unbalanced
    assert seen == sorted(seen) and seen[-1] == 200
    assert len(set(seen)) > 2  # it saw the run in between


def test_runs_are_listed_newest_first_also_those_that_cannot_be_read(tmp_path: Path) -> None:
    first = make_store(tmp_path, "first")
    first.add_documents(documents(3))
    first.decide("d1", decision(round=None))
    first.decide("d2", decision(Outcome.FAILED, round=None))
    first.finish_run("done")
    first.close()
    time.sleep(0.005)
    with make_store(tmp_path, "second"):
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "run.db").write_bytes(b"not a database at all" * 100)
        (tmp_path / "empty").mkdir()
        second_row, first_row, broken = list_runs(tmp_path)
        assert (second_row.name, second_row.status) == ("second", RunStatus.RUNNING)
        assert (first_row.name, first_row.status, first_row.documents) == ("first", RunStatus.DONE, 3)
        assert (first_row.accepted, first_row.failed) == (1, 1)
        assert broken.name == "broken" and "no intact SQLite database" in broken.problem
        assert first_row.problem == ""
    assert list_runs(tmp_path / "nowhere") == ()


def test_a_reader_needs_a_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run"):
        RunReader(tmp_path)


def test_asking_whether_a_run_is_written_does_not_free_it(tmp_path: Path, store: RunStore) -> None:
    folder = tmp_path / "trial"
    assert is_being_written(folder) and is_being_written(folder)
    with pytest.raises(StoreError, match="another process"):
        RunStore.open(folder)
    store.close()
    assert not is_being_written(folder)


def test_a_run_of_100_000_calls_is_paged_without_reading_it_several_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1000
        return 0

    def counted(path: Path) -> sqlite3.Connection:
        made = connect_reader(path)
        made.set_progress_handler(step, 1000)
        return made

    monkeypatch.setattr("graph.store.opening.connect_reader", counted)
    with make_store(tmp_path) as store:
        store.add_documents(documents(5000))
        asyncio.run(_two_calls(store))
    connection = sqlite3.connect(tmp_path / "trial" / "run.db")
    made_up = {
        "id": "'call-' || n",
        "call_id": "'call-' || n",
        "key": "'key-' || n",
        "document_id": "'d' || (n % 5000)",
    }
    for table, of_the_first in {
        "call_messages": "call_id = (SELECT min(id) FROM calls)",
        "attempts": "call_id = (SELECT min(id) FROM calls)",
        "calls": "id = (SELECT min(id) FROM calls)",
    }.items():
        columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
        connection.execute(
            f"""INSERT INTO {table} WITH RECURSIVE
            numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 99998)
            SELECT {", ".join(made_up.get(name, name) for name in columns)} FROM {table}, numbers
            WHERE {of_the_first}"""
        )
    connection.commit()
    connection.close()
    common, rare = CallFilter(words="You annotate"), CallFilter(words="palimpsest", agent="annotator")
    with RunReader(tmp_path / "trial") as reader:
        assert reader.totals().calls == 100_000
        for read in (
            lambda: reader.totals(),
            lambda: find_calls(reader, limit=50, offset=99_000).shown,
            lambda: find_calls(reader, CallFilter(document_id="d17")).shown,
            lambda: find_calls(reader, rare, order=CallOrder.SLOWEST).total == 1,
            lambda: find_calls(reader, common, offset=50_000).total == 100_000,
            lambda: reader.documents(limit=50, offset=4_900),
            lambda: reader.find_answer("key-77777"),
        ):
            steps = 0
            assert read()
            assert steps < 100 * 100_000  # instructions of SQLite: one scan of what each sums


async def _two_calls(store: RunStore) -> None:
    for key, prompt in (("k", "Annotate."), ("l", "Annotate the palimpsest.")):
        store.close_call(await store.open_call(opened(key, prompt=prompt)), answered())
    await store.flush()
