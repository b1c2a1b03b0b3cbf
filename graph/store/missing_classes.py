"""Classes that the shared schema of a run was found to lack: reported, as no document can add them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from graph.store.opening import OpenedRun
from schemas.job import Job, Mode
from schemas.judgement import FindingCode
from schemas.lint import folded_name

_UNNAMED = ""


@dataclass
class MissingClass:
    """A class the critic missed in some documents.

    Attributes:
        name: As most of them call it; empty where none was named.
        documents: Ids of these documents, in the order they were worked on.
        messages: What was said of it, each once.
    """

    name: str = _UNNAMED
    documents: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def missing_classes(run: OpenedRun) -> tuple[MissingClass, ...]:
    """What the documents' last takes say the schema lacks, the class most of them miss first.

    Names that differ in number, case and spelling alone are one. Empty for a run whose documents have schemas
    of their own: there the schema-designer mends it.
    """
    ((job,),) = run.rows("SELECT job FROM runs LIMIT 1")
    if Job.model_validate_json(job).mode is Mode.PER_DOCUMENT:
        return ()
    found: dict[str, MissingClass] = {}
    names: dict[str, Counter[str]] = {}
    for name, document_id, message in run.rows(
        """SELECT coalesce(f.class_name, ''), r.document_id, f.message
        FROM findings f JOIN rounds r ON r.id = f.round_id
        WHERE f.code = ? AND r.take = (SELECT max(take) FROM rounds l WHERE l.document_id = r.document_id)
        ORDER BY f.id""",
        FindingCode.SCHEMA_MISSING_CLASS.value,
    ):
        key = folded_name(name)
        group = found.setdefault(key, MissingClass())
        names.setdefault(key, Counter())[name] += 1
        group.name = names[key].most_common(1)[0][0]
        if document_id not in group.documents:
            group.documents.append(document_id)
        if message and message not in group.messages:
            group.messages.append(message)
    return tuple(sorted(found.values(), key=lambda group: -len(group.documents)))
