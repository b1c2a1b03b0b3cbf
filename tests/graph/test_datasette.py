"""What people who open a run in Datasette find: views, descriptions and queries."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from store_samples import TEXT, decision, documents, make_round, make_store, query
from traced_runs import worked

from graph.reviews import add_review
from graph.store.editing import editing, next_id
from graph.store.reading import RunReader
from graph.store.rows import add_decision
from schemas.judgement import Outcome, Scores, Thresholds
from schemas.reviews import Review, ReviewVerdict

DOCS = Path(__file__).parents[2] / "docs"
METADATA: dict[str, Any] = yaml.safe_load((DOCS / "datasette" / "metadata.yaml").read_text("utf-8"))
RUN: dict[str, Any] = METADATA["databases"]["run"]
TABLES: dict[str, dict[str, Any]] = RUN["tables"]
QUERIES: dict[str, dict[str, str]] = RUN["queries"]
WORDS = {"words": "Lovelace Babbage", "call": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """d0 and d1 accepted, d2 rejected and by a laxer version accepted, d3 rejected, d4 pending."""

    async def run() -> None:
        with make_store(runs) as store:
            store.add_documents(documents(5))
            await worked(store, "d0")
            await worked(store, "d1")
            store.add_round("d2", odd)
            store.decide("d2", decision(Outcome.REJECTED), nearly)
            store.decide("d3", decision(Outcome.REJECTED, None), nearly)

    runs = tmp_path_factory.mktemp("runs")
    made = make_round("d2")
    first, second = made.annotations
    odd = made.model_copy(
        update={
            "annotations": (first, second.model_copy(update={"instances": ()})),
            "agreed": first,
            "judgements": (made.judgements[0].model_copy(update={"probability": 0.4}),),
        }
    )
    nearly = Scores(grounding=1, agreement=0.85, faithfulness=0.75)
    asyncio.run(run())
    with editing(runs / "trial", alone=True) as batch:
        batch.add("decision_versions", 2, batch.time, "laxer", Thresholds(agreement=0.5).model_dump_json())
        add_decision(batch, next_id(batch, "decisions"), "d2", decision(), nearly, 2)
    with RunReader(runs / "trial") as run_:
        verdict = Review(document_id="d2", round=1, reviewer="ann", verdict=ReviewVerdict.REJECTED)
        add_review(run_, verdict)
    return runs / "trial"


@pytest.fixture
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    """As other programs open it, with what they may trust the least."""
    connection = sqlite3.connect(f"{(folder / 'run.db').as_uri()}?mode=ro", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    yield connection
    connection.close()


def names(database: sqlite3.Connection, kind: str) -> set[str]:
    return {
        name
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = ?", (kind,))
        if not name.startswith(("texts_fts", "sqlite_"))
    }


def columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f'PRAGMA table_xinfo("{table}")')}


def test_everything_is_described_and_everything_described_is_there(database: sqlite3.Connection) -> None:
    assert set(TABLES) == names(database, "view") | names(database, "table")
    for name, about in TABLES.items():
        assert about.get("hidden") or about["description"]
        told = {*about.get("columns", ()), *about.get("sortable_columns", ()), *about.get("facets", ())}
        told |= {about[key] for key in ("sort", "sort_desc", "label_column", "fts_pk") if key in about}
        assert told <= columns(database, name), name


@pytest.mark.parametrize("name", QUERIES)
def test_the_queries_run(name: str, database: sqlite3.Connection, folder: Path) -> None:
    with RunReader(folder) as run:
        (call,) = run.rows("SELECT max(id) FROM calls WHERE agent = 'annotator'")[0]
    rows = database.execute(QUERIES[name]["sql"], WORDS | {"call": call}).fetchall()
    assert rows


def test_the_page_shows_the_queries_as_they_are() -> None:
    page = (DOCS / "datasette.md").read_text("utf-8")
    shown = re.findall(r"\(`(\w+)`\)[^\n]*\n\n```sql\n(.*?)\n```", page, re.DOTALL)
    assert shown == [(name, about["sql"]) for name, about in QUERIES.items()]
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert listed == {name for name in TABLES if name.endswith(("_list", "_taken"))}


def test_what_the_views_say(folder: Path) -> None:
    assert query(
        folder, "SELECT document_id, version, in_force, outcome, version_note FROM decision_list"
    ) == [
        ("d0", 1, 1, "accepted", "the run"),
        ("d1", 1, 1, "accepted", "the run"),
        ("d2", 1, 0, "rejected", "the run"),
        ("d3", 1, 1, "rejected", "the run"),
        ("d2", 2, 1, "accepted", "laxer"),
    ]
    assert query(
        folder, "SELECT surface, verdict, class_found FROM verdict_list WHERE document_id = 'd0'"
    ) == [
        (TEXT[0:12], "correct", None),
        (TEXT[4:7], "wrong_class", "Meeting"),
    ]
    differing = "SELECT DISTINCT document_id, found_by, not_by FROM disagreement_list"
    assert query(folder, differing) == [("d2", "annotator-1", "annotator-2")]
    assert query(folder, "SELECT class, field, mentions, documents, objected_to FROM class_list") == [
        ("Meeting", "people", 2, 1, 0),
        ("Meeting", "place", 1, 1, 0),
        ("Person", "span", 1, 1, 0),
    ]
    assert query(folder, "SELECT rounds, outcome, documents FROM rounds_taken") == [(1, "accepted", 3)]
    used = "SELECT agent, calls, replays, unanswered, attempts, input_tokens, cost FROM agent_list"
    assert query(folder, used) == [
        ("annotator", 4, 0, 0, 6, 60, None),
        ("critic", 2, 0, 2, 2, 14, 1.0),
    ]
    rounds = "SELECT document_id, round, kept, agreement, major, minor FROM round_list ORDER BY 1"
    assert query(folder, rounds) == [(f"d{n}", 1, 1, 1.0, 2, 1) for n in range(3)]


def test_runs_of_older_versions_get_the_views_when_they_are_opened(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
    connection = sqlite3.connect(tmp_path / "trial" / "run.db")
    views = names(connection, "view")
    for view in views & {"decision_list", "verdict_list", "disagreement_list", "agent_list", "round_list"}:
        connection.execute(f"DROP VIEW {view}")
    connection.executescript("DROP VIEW rounds_taken; DROP VIEW class_list;")
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm018_more_views'")
    connection.commit()
    RunReader(tmp_path / "trial").close()
    assert names(connection, "view") == views
    connection.close()


async def test_datasette_shows_every_table_and_searches_documents(
    folder: Path,
) -> None:
    app = pytest.importorskip("datasette.app", reason="Datasette is not installed; it is no part of GuideX")
    datasette = app.Datasette([str(folder / "run.db")], metadata=METADATA)
    await datasette.invoke_startup()
    database = datasette.get_database("run")
    for name in (*TABLES, *QUERIES):
        answer = await datasette.client.get(f"/run/{name}?words=Lovelace&call=x")
        assert answer.status_code == 200, name
    assert "_sqlite_migrations" in await database.hidden_table_names()
    found = await datasette.client.get("/run/documents.json?_search=Babbage+1&_shape=array")
    assert [row["id"] for row in found.json()] == ["d1"]
    answers = await datasette.client.get("/run/calls.json?_search=value&_shape=array")
    assert {row["agent"] for row in answers.json()} == {"annotator"}
    database.close()
    datasette.executor.shutdown()
