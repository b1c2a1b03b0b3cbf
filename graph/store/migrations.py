"""How the run database came to its present form: one small function a step, in order, none ever changed.

sqlite-utils applies them and records each, in one transaction, in `_sqlite_migrations`. A migration
may add and rename; it never drops a row. The library is imported only to write, as it costs 100 ms.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from graph.store.first_migrations import (
    m001_runs,
    m002_texts,
    m003_documents,
    m004_calls,
    m005_rounds,
    m006_decisions,
    m007_views,
    m008_costs,
    m009_taking_up_again,
    m010_fewer_indexes,
    m011_sessions,
)
from graph.store.views import m018_more_views
from schemas.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

MIGRATION_SET: Final = "guidex.run"


def m012_objections(db: Database) -> None:
    """Where in the document findings are, and objections: findings followed over the rounds.

    What is still open about annotations when a document is decided is dropped with its mentions. That follows
    from the round which is kept, as what is left of its annotation does; the view tells it.
    """
    db.executescript("""
        ALTER TABLE findings ADD COLUMN start INTEGER;  -- code points; NULL: about no place
        ALTER TABLE findings ADD COLUMN "end" INTEGER;
        CREATE TABLE objections (
            round_id INTEGER NOT NULL REFERENCES rounds(id),
            number INTEGER NOT NULL,  -- in its document, from 1
            raised_in INTEGER NOT NULL,  -- round
            status TEXT NOT NULL,  -- after this round: open, mended or conceded
            settled_in INTEGER,  -- round; NULL: open
            gave_way TEXT,  -- JSON: who
            code TEXT NOT NULL, severity TEXT NOT NULL, raised_by TEXT NOT NULL,
            class_name TEXT, quote TEXT, message TEXT NOT NULL,
            start INTEGER, "end" INTEGER,
            PRIMARY KEY (round_id, number)
        ) STRICT, WITHOUT ROWID;
        CREATE VIEW objection_list AS
            SELECT r.document_id, r.take, r.number AS round, o.number,
                CASE WHEN o.status = 'open'
                    AND o.code IN ('UNGROUNDED', 'BOUNDARY', 'TYPE', 'SPURIOUS', 'MISSING', 'DUPLICATE')
                    AND EXISTS (SELECT 1 FROM documents d JOIN decisions e ON e.id = d.decision_id
                        JOIN rounds k ON k.id = e.round_id AND k.take = r.take
                        JOIN objections p ON p.round_id = k.id AND p.number = o.number AND p.status = 'open'
                        WHERE d.id = r.document_id)
                    THEN 'dropped' ELSE o.status END AS status,
                o.raised_in, o.settled_in, o.gave_way, o.code, o.severity, o.raised_by, o.class_name, o.quote,
                o.message, o.start, o."end"
            FROM objections o JOIN rounds r ON r.id = o.round_id
            WHERE r.number = (SELECT max(number) FROM rounds l
                WHERE l.document_id = r.document_id AND l.take = r.take);
    """)


def m013_agreement(db: Database) -> None:
    """What stands beside the agreement of a round; NULL in rounds of older versions."""
    names = ("agreement_untyped", "agreement_overlap", "agreement_fields", "agreement_alpha", "both_empty")
    db.executescript(
        "".join(
            f"ALTER TABLE {table} ADD COLUMN {name} REAL;\n"
            for table in ("scores", "decisions")
            for name in names
        )
    )


def m014_verdicts(db: Database) -> None:
    """What the critic said of each mention, and the probabilities behind its answers."""
    db.executescript("""
        CREATE TABLE verdicts (
            round_id INTEGER NOT NULL REFERENCES rounds(id),
            number INTEGER NOT NULL,  -- in document order, from 0
            class TEXT NOT NULL,
            start INTEGER NOT NULL, "end" INTEGER NOT NULL,  -- code points
            verdict TEXT NOT NULL,
            probability REAL,  -- that the mention is correct; NULL: not known
            class_found TEXT,  -- NULL: none was named
            PRIMARY KEY (round_id, number)
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE calls ADD COLUMN choices TEXT;  -- JSON: probabilities of what the answer was chosen from
    """)


def m015_schema_versions(db: Database) -> None:
    """What the pilot of a corpus came to: versions of the schema, the registry of classes, examples."""
    db.executescript("""
        CREATE TABLE schema_versions (
            version INTEGER PRIMARY KEY, created TEXT NOT NULL,
            schema_id INTEGER NOT NULL REFERENCES texts(id),
            note TEXT NOT NULL,
            agreement REAL,
            by_class TEXT NOT NULL,  -- JSON: agreement on each class
            frozen INTEGER NOT NULL  -- 1: all documents are annotated with it
        ) STRICT;
        CREATE TABLE class_registry (
            name TEXT PRIMARY KEY, definition TEXT NOT NULL,
            documents TEXT NOT NULL,  -- JSON: ids of those it was proposed for
            kept_as TEXT  -- the class of the frozen schema that stands for it
        ) STRICT;
        CREATE TABLE merge_proposals (
            id INTEGER PRIMARY KEY, kept TEXT NOT NULL, merged TEXT NOT NULL, similarity REAL NOT NULL,
            reason TEXT NOT NULL, ruling TEXT NOT NULL, ruled_by TEXT NOT NULL
        ) STRICT;
        CREATE TABLE guideline_examples (
            id INTEGER PRIMARY KEY, class TEXT NOT NULL,
            field TEXT NOT NULL,  -- empty: the phrase is no mention of the class
            phrase TEXT NOT NULL, document_id TEXT NOT NULL
        ) STRICT;
    """)


def m016_merits(db: Database) -> None:
    """How many agreed instances a round has, and how many of them once it is settled.

    Which are dropped follows from its findings, but no statement of SQL tells it. NULL in rounds of older
    versions, whose annotations are read for it.
    """
    db.executescript("""
        ALTER TABLE rounds ADD COLUMN agreed_instances INTEGER;
        ALTER TABLE rounds ADD COLUMN settled_instances INTEGER;
    """)


def m017_reviews(db: Database) -> None:
    """What people say of documents: added, never overwritten; the newest of a reviewer counts."""
    db.executescript("""
        CREATE TABLE reviews (
            id INTEGER PRIMARY KEY,
            document_id TEXT NOT NULL REFERENCES documents(id),
            round_id INTEGER NOT NULL REFERENCES rounds(id),  -- what was looked at, settled
            reviewer TEXT NOT NULL, created TEXT NOT NULL,
            verdict TEXT NOT NULL,  -- accepted or rejected
            note TEXT NOT NULL
        ) STRICT;
        CREATE INDEX reviews_document ON reviews(document_id);
        CREATE TABLE wrong_mentions (
            review_id INTEGER NOT NULL REFERENCES reviews(id),
            start INTEGER NOT NULL, "end" INTEGER NOT NULL,  -- code points
            class TEXT NOT NULL,
            PRIMARY KEY (review_id, start, "end", class)
        ) STRICT, WITHOUT ROWID;
    """)


MIGRATIONS: Final[tuple[Callable[[Database], None], ...]] = (
    m001_runs,
    m002_texts,
    m003_documents,
    m004_calls,
    m005_rounds,
    m006_decisions,
    m007_views,
    m008_costs,
    m009_taking_up_again,
    m010_fewer_indexes,
    m011_sessions,
    m012_objections,
    m013_agreement,
    m014_verdicts,
    m015_schema_versions,
    m016_merits,
    m017_reviews,
    m018_more_views,
)
NAMES: Final = tuple(step.__name__ for step in MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the steps that the database has not seen."""
    from sqlite_utils import Database, Migrations

    steps = Migrations(MIGRATION_SET)
    for step in MIGRATIONS:
        steps()(step)
    steps.apply(Database(connection, recursive_triggers=False, execute_plugins=False))


def refuse_newer(applied: Iterable[str], place: str) -> None:
    """Refuse a database whose form this version does not know.

    Raises:
        StoreError: A migration was applied that is not among `MIGRATIONS`.
    """
    unknown = [name for name in applied if name not in NAMES]
    if unknown:
        raise StoreError(
            f"{place} was written by a newer GuideX (it has {unknown[-1]!r}).",
            "Upgrade GuideX, or read the run with the version that wrote it.",
        )
