"""The first steps of a run database: its tables as they were before objections were followed.

Steps are never changed; later ones are in `graph.store.migrations`, which applies them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def m001_runs(db: Database) -> None:
    """The run, its events and the versions of its decisions."""
    db.executescript("""
        CREATE TABLE runs (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
            started TEXT NOT NULL, ended TEXT, version TEXT NOT NULL,
            job TEXT NOT NULL, job_toml TEXT NOT NULL
        ) STRICT;
        CREATE TABLE events (
            id INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL, data TEXT
        ) STRICT;
        CREATE TABLE decision_versions (
            version INTEGER PRIMARY KEY, created TEXT NOT NULL, note TEXT NOT NULL, thresholds TEXT NOT NULL
        ) STRICT;
    """)


def m002_texts(db: Database) -> None:
    """Every text once: of documents, of parts of messages, of answers, of schemas.

    The index keeps no positions (detail=none): a fifth of the size; a phrase is checked on the hits.
    """
    db.executescript("""
        CREATE TABLE texts (
            id INTEGER PRIMARY KEY,
            hash TEXT NOT NULL UNIQUE,  -- BLAKE2b, 128 bits
            text TEXT NOT NULL
        ) STRICT;
        CREATE VIRTUAL TABLE texts_fts USING fts5 (text, content="texts", content_rowid="id", detail=none);
    """)


def m003_documents(db: Database) -> None:
    """Documents in the order of the source, each with the decision in force."""
    db.executescript("""
        CREATE TABLE documents (
            position INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            outcome TEXT NOT NULL,
            text_id INTEGER REFERENCES texts(id),  -- NULL: a record that could not be read
            characters INTEGER,
            source TEXT NOT NULL,
            meta TEXT,
            decision_id INTEGER REFERENCES decisions(id)  -- the decision in force
        ) STRICT;
        CREATE INDEX documents_outcome ON documents(outcome);
        CREATE INDEX documents_text ON documents(text_id);
        CREATE TABLE failures (
            id INTEGER PRIMARY KEY, time TEXT NOT NULL, document_id TEXT REFERENCES documents(id),
            agent TEXT NOT NULL, error_class TEXT NOT NULL, message TEXT NOT NULL
        ) STRICT;
    """)


def m004_calls(db: Database) -> None:
    """Calls, what was said in them, and each single request to the provider."""
    db.executescript("""
        CREATE TABLE calls (
            id TEXT PRIMARY KEY,  -- ULID: sorts by time
            key TEXT NOT NULL,  -- SHA-256 of what determines the answer
            agent TEXT NOT NULL,
            document_id TEXT REFERENCES documents(id),
            round INTEGER NOT NULL, sample INTEGER NOT NULL, passage INTEGER NOT NULL,
            provider TEXT NOT NULL, model TEXT NOT NULL, base_url TEXT, structured TEXT NOT NULL,
            sampling TEXT NOT NULL,
            answer_name TEXT NOT NULL, answer_schema TEXT NOT NULL,
            status TEXT NOT NULL, error TEXT,
            opened TEXT NOT NULL, closed TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            input_tokens INTEGER NOT NULL DEFAULT 0,
            output_tokens INTEGER NOT NULL DEFAULT 0,
            cached_tokens INTEGER NOT NULL DEFAULT 0,
            seconds REAL NOT NULL DEFAULT 0,
            retry INTEGER NOT NULL DEFAULT 0,
            answer_id INTEGER REFERENCES texts(id),
            replay_of TEXT REFERENCES calls(id)
        ) STRICT;
        CREATE INDEX calls_key ON calls(key);
        CREATE INDEX calls_document ON calls(document_id);
        CREATE INDEX calls_status ON calls(status);
        CREATE TABLE call_messages (
            call_id TEXT NOT NULL REFERENCES calls(id),
            message INTEGER NOT NULL,  -- from 0
            part INTEGER NOT NULL,  -- from 0
            role TEXT NOT NULL,
            text_id INTEGER NOT NULL REFERENCES texts(id),
            PRIMARY KEY (call_id, message, part)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX call_messages_text ON call_messages(text_id);
        CREATE TABLE attempts (
            call_id TEXT NOT NULL REFERENCES calls(id),
            number INTEGER NOT NULL,  -- from 1
            raw_id INTEGER NOT NULL REFERENCES texts(id),  -- the answer as received
            finish_reason TEXT,
            input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
            seconds REAL NOT NULL,
            error TEXT,
            PRIMARY KEY (call_id, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX attempts_raw ON attempts(raw_id);
    """)


def m005_rounds(db: Database) -> None:
    """What the agents said about a document. A document taken up anew begins a new take."""
    db.executescript("""
        CREATE TABLE rounds (
            id INTEGER PRIMARY KEY,
            document_id TEXT NOT NULL REFERENCES documents(id),
            take INTEGER NOT NULL,
            number INTEGER NOT NULL,
            entered TEXT NOT NULL,
            schema_id INTEGER NOT NULL REFERENCES texts(id),
            state_hash TEXT NOT NULL,
            created TEXT NOT NULL,
            UNIQUE (document_id, take, number)
        ) STRICT;
        CREATE TABLE annotations (
            id INTEGER PRIMARY KEY,
            round_id INTEGER NOT NULL REFERENCES rounds(id),
            document_id TEXT NOT NULL, annotator TEXT NOT NULL,
            agreed INTEGER NOT NULL,  -- 1: what the annotators agree on
            instances TEXT NOT NULL,  -- JSON: classes and values
            unknown_classes TEXT
        ) STRICT;
        CREATE INDEX annotations_round ON annotations(round_id);
        CREATE TABLE mentions (
            annotation_id INTEGER NOT NULL REFERENCES annotations(id),
            number INTEGER NOT NULL,
            instance INTEGER NOT NULL,  -- which of the annotation's, nested ones counted in depth-first order
            class TEXT NOT NULL, field TEXT NOT NULL,
            start INTEGER, "end" INTEGER,  -- code points; NULL: not found
            surface TEXT NOT NULL, status TEXT NOT NULL, occurrence INTEGER NOT NULL,
            quote TEXT,  -- as the model gave it; NULL: as the surface
            PRIMARY KEY (annotation_id, number)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE findings (
            id INTEGER PRIMARY KEY,
            round_id INTEGER NOT NULL REFERENCES rounds(id),
            code TEXT NOT NULL, severity TEXT NOT NULL, raised_by TEXT NOT NULL,
            class_name TEXT, quote TEXT, message TEXT NOT NULL
        ) STRICT;
        CREATE INDEX findings_round ON findings(round_id);
        CREATE TABLE scores (
            round_id INTEGER PRIMARY KEY REFERENCES rounds(id),
            grounding REAL NOT NULL, agreement REAL, faithfulness REAL, completeness REAL,
            guideline REAL, schema_fit REAL
        ) STRICT;
    """)


def m006_decisions(db: Database) -> None:
    """Decisions: added, never overwritten."""
    db.executescript("""
        CREATE TABLE decisions (
            id INTEGER PRIMARY KEY,
            document_id TEXT NOT NULL REFERENCES documents(id),
            version INTEGER NOT NULL REFERENCES decision_versions(version),
            outcome TEXT NOT NULL, reason TEXT NOT NULL, ending TEXT,
            round INTEGER, round_id INTEGER REFERENCES rounds(id),
            created TEXT NOT NULL,
            grounding REAL, agreement REAL, faithfulness REAL, completeness REAL,
            guideline REAL, schema_fit REAL
        ) STRICT;
        CREATE INDEX decisions_document ON decisions(document_id, version);
    """)


def m007_views(db: Database) -> None:
    """Views for people who open the file in Datasette or sqlite-utils."""
    db.executescript("""
        CREATE VIEW document_list AS
            SELECT d.position, d.id, d.outcome, e.reason, e.ending, e.round, d.characters, d.source,
                t.text, d.meta
            FROM documents d LEFT JOIN decisions e ON e.id = d.decision_id
                LEFT JOIN texts t ON t.id = d.text_id;
        CREATE VIEW mention_list AS
            SELECT r.document_id, r.take, r.number AS round, a.annotator, a.agreed, m.class, m.field, m.start,
                m."end", m.surface, m.status
            FROM mentions m JOIN annotations a ON a.id = m.annotation_id JOIN rounds r ON r.id = a.round_id;
        CREATE VIEW answer_list AS
            SELECT c.id, c.agent, c.document_id, c.round, c.sample, c.status, c.seconds, c.input_tokens,
                c.output_tokens, t.text AS answer
            FROM calls c LEFT JOIN texts t ON t.id = c.answer_id;
    """)


def m008_costs(db: Database) -> None:
    """What calls cost, in USD; NULL where it is not known."""
    db.executescript("""
        ALTER TABLE attempts ADD COLUMN cost REAL;
        ALTER TABLE calls ADD COLUMN cost REAL;  -- of those attempts whose cost is known
        ALTER TABLE calls ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0;  -- attempts whose cost is not
    """)


def m009_taking_up_again(db: Database) -> None:
    """How often a document's answers were drawn anew, and from which other run an answer was taken."""
    db.executescript("""
        ALTER TABLE documents ADD COLUMN draw INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE calls ADD COLUMN reused_from TEXT;  -- run and call; NULL: answered or replayed here
    """)


def m010_fewer_indexes(db: Database) -> None:
    """Drop indexes that cost each call more than they save a reader.

    Each is a page more in most of the transactions of a run, 10 microseconds of copying and check sums; what
    they were for reads 100,000 calls in some hundredths of a second without them.
    """
    db.executescript("""
        DROP INDEX calls_status;
        DROP INDEX call_messages_text;
        DROP INDEX attempts_raw;
    """)


def m011_sessions(db: Database) -> None:
    """Each time a process worked on the run; a run of an older version had one."""
    db.executescript("""
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, status TEXT NOT NULL,
            reason TEXT NOT NULL DEFAULT '', version TEXT NOT NULL,
            about TEXT  -- JSON: what it was to do, and what of the job was changed
        ) STRICT;
        INSERT INTO sessions (started, ended, status, reason, version)
            SELECT started, ended, status, reason, version FROM runs;
    """)
