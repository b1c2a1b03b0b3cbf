"""How the pilot of a corpus is stored: written once, when its schema is frozen, and not changed after."""

from __future__ import annotations

import json
from collections.abc import Sequence

from graph.store.batch import Batch
from graph.store.opening import OpenedRun
from graph.store.records import PILOT
from graph.store.rows import add_event, compact
from schemas.example_bank import Example
from schemas.pilot import MergeProposal, Pilot, RegisteredClass, Ruling, SchemaVersion
from schemas.schema import AnnotationSchema


def add_pilot(batch: Batch, pilot: Pilot, examples: Sequence[Example]) -> None:
    """What a pilot came to, and the examples it gives for the guidelines of documents."""
    for version in pilot.versions:
        batch.add(
            "schema_versions",
            version.version,
            batch.time,
            batch.text(version.annotation_schema.model_dump_json()),
            version.note,
            version.agreement,
            compact(version.by_class),
            int(version.frozen),
        )
    for entry in pilot.registry:
        batch.add("class_registry", entry.name, entry.definition, compact(entry.documents), entry.kept_as)
    for merge in pilot.merges:
        batch.add(
            "merge_proposals",
            merge.kept,
            merge.merged,
            merge.similarity,
            merge.reason,
            merge.ruling.value,
            merge.ruled_by,
        )
    for example in examples:
        batch.add(
            "guideline_examples", example.class_name, example.field, example.phrase, example.document_id
        )
    add_event(batch, PILOT, pilot.ending, {"documents": pilot.documents, "ending": pilot.ending})


def stored_pilot(run: OpenedRun) -> tuple[Pilot, tuple[Example, ...]] | None:
    """What the pilot of a run came to, and its examples; None before its schema was frozen."""
    versions = tuple(
        SchemaVersion(
            version=version,
            annotation_schema=AnnotationSchema.model_validate_json(schema),
            note=note,
            agreement=agreement,
            by_class=json.loads(by_class),
            frozen=bool(frozen),
        )
        for version, schema, note, agreement, by_class, frozen in run.rows(
            """SELECT v.version, t.text, v.note, v.agreement, v.by_class, v.frozen
            FROM schema_versions v JOIN texts t ON t.id = v.schema_id ORDER BY v.version"""
        )
    )
    if not versions:
        return None
    ((ending,),) = run.rows(
        "SELECT data FROM events WHERE kind = ? AND data LIKE '%\"ending\"%' ORDER BY id DESC LIMIT 1", PILOT
    )
    pilot = Pilot(
        **json.loads(ending),
        versions=versions,
        registry=tuple(
            RegisteredClass(
                name=name, definition=definition, documents=json.loads(documents), kept_as=kept_as
            )
            for name, definition, documents, kept_as in run.rows(
                "SELECT name, definition, documents, kept_as FROM class_registry ORDER BY rowid"
            )
        ),
        merges=tuple(
            MergeProposal(
                kept=kept,
                merged=merged,
                similarity=similarity,
                reason=reason,
                ruling=Ruling(ruling),
                ruled_by=ruled_by,
            )
            for kept, merged, similarity, reason, ruling, ruled_by in run.rows(
                "SELECT kept, merged, similarity, reason, ruling, ruled_by FROM merge_proposals ORDER BY id"
            )
        ),
    )
    examples = run.rows("SELECT class, field, phrase, document_id FROM guideline_examples ORDER BY id")
    return pilot, tuple(Example(*row) for row in examples)


def begun_pilot(run: OpenedRun) -> tuple[str, ...]:
    """Ids of the documents that an unfinished pilot has chosen; none if it has not."""
    for (data,) in run.rows("SELECT data FROM events WHERE kind = ? AND data IS NOT NULL ORDER BY id", PILOT):
        documents = json.loads(data).get("documents")
        if documents:
            return tuple(documents)
    return ()
