"""Views for people who open a run in Datasette, sqlite-utils or SQLite's own shell; nothing here reads them.

They tell what the tables say without joining them by hand. What takes code to work out is not in them: which
accepted mentions are dropped as disputed (`graph.deciding.settle`) is told as `objected_to`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def m018_more_views(db: Database) -> None:
    """Decisions by version, verdicts, disagreements, use by agent, rounds it took, classes."""
    db.executescript("""
        CREATE VIEW decision_list AS
            SELECT e.document_id, e.version, e.id = d.decision_id AS in_force, e.outcome, e.reason, e.ending,
                e.round, e.grounding, e.agreement, e.faithfulness, e.completeness, e.guideline, e.schema_fit,
                e.created, v.note AS version_note
            FROM decisions e JOIN documents d ON d.id = e.document_id
                JOIN decision_versions v ON v.version = e.version;
        CREATE VIEW verdict_list AS
            SELECT r.document_id, r.take, r.number AS round, v.number, v.class,
                substr(t.text, v.start + 1, v."end" - v.start) AS surface, v.verdict, v.probability,
                v.class_found, v.start, v."end"
            FROM verdicts v JOIN rounds r ON r.id = v.round_id JOIN documents d ON d.id = r.document_id
                JOIN texts t ON t.id = d.text_id;
        CREATE VIEW disagreement_list AS
            SELECT d.id AS document_id, d.outcome, e.round, m.class, m.field, m.surface, m.start, m."end",
                a.annotator AS found_by, o.annotator AS not_by
            FROM documents d JOIN decisions e ON e.id = d.decision_id
                CROSS JOIN annotations a ON a.round_id = e.round_id AND a.agreed = 0
                CROSS JOIN annotations o ON o.round_id = e.round_id AND o.agreed = 0 AND o.id != a.id
                CROSS JOIN mentions m ON m.annotation_id = a.id AND m.start IS NOT NULL
            WHERE NOT EXISTS (SELECT 1 FROM mentions n WHERE n.annotation_id = o.id AND n.start = m.start
                AND n."end" = m."end" AND n.class = m.class AND n.field = m.field);
        CREATE VIEW agent_list AS
            SELECT agent, provider, model,
                count(*) FILTER (WHERE status != 'replayed' AND NOT (status = 'cancelled' AND attempts = 0))
                    AS calls,
                sum(status = 'replayed') AS replays,
                sum(status NOT IN ('answered', 'replayed', 'open')) AS unanswered,
                sum(attempts) AS attempts, sum(input_tokens) AS input_tokens,
                sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens,
                sum(seconds) AS seconds, sum(cost) AS cost, sum(unpriced) AS unpriced
            FROM calls GROUP BY agent, provider, model;
        CREATE VIEW round_list AS
            SELECT r.document_id, r.take, r.number AS round, r.id IS e.round_id AS kept, r.entered,
                s.grounding, s.agreement, s.faithfulness, s.completeness, s.guideline, s.schema_fit,
                s.agreement_untyped, s.agreement_overlap, s.agreement_fields, s.agreement_alpha, s.both_empty,
                (SELECT count(*) FROM findings f WHERE f.round_id = r.id AND f.severity = 'major') AS major,
                (SELECT count(*) FROM findings f WHERE f.round_id = r.id AND f.severity = 'minor') AS minor,
                r.created
            FROM rounds r JOIN scores s ON s.round_id = r.id JOIN documents d ON d.id = r.document_id
                LEFT JOIN decisions e ON e.id = d.decision_id;
        CREATE VIEW rounds_taken AS
            SELECT l.rounds, e.ending, e.outcome, count(*) AS documents
            FROM documents d JOIN decisions e ON e.id = d.decision_id JOIN rounds k ON k.id = e.round_id
                JOIN (SELECT document_id, take, max(number) AS rounds FROM rounds
                    GROUP BY document_id, take) l ON l.document_id = k.document_id AND l.take = k.take
            GROUP BY l.rounds, e.ending, e.outcome;
        CREATE VIEW class_list AS
            SELECT m.class, m.field, count(*) AS mentions, count(DISTINCT d.id) AS documents,
                sum(EXISTS (SELECT 1 FROM findings f WHERE f.round_id = e.round_id AND f.severity = 'major'
                    AND f.code IN ('SPURIOUS', 'TYPE', 'BOUNDARY') AND f.class_name = m.class
                    AND (f.start = m.start AND f."end" = m."end" OR f.start IS NULL AND f.quote = m.surface)))
                    AS objected_to
            FROM documents d JOIN decisions e ON e.id = d.decision_id
                JOIN annotations a ON a.round_id = e.round_id AND a.agreed = 1
                JOIN mentions m ON m.annotation_id = a.id
            WHERE d.outcome = 'accepted' GROUP BY m.class, m.field;
    """)
