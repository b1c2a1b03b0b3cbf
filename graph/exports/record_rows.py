"""Documents with all that is known of them: rows of `jsonl`."""

from __future__ import annotations

from typing import Any

from graph.exports.documents import ExportedDocument
from graph.exports.tally import Tally
from schemas.annotation import Instance, Value
from schemas.grounded import surface


def jsonl_row(document: ExportedDocument, tally: Tally) -> dict[str, Any]:
    """The document, its schema with guidelines, the instances with their offsets, the scores."""
    kept, read = document.with_examples(), document.document
    schema = kept.annotation_schema
    return {
        "id": read.id,
        "text": read.text,
        "source": read.source,
        "meta": read.meta,
        "domain": schema.domain,
        "schema": schema.model_dump(mode="json")["classes"],
        "instances": instance_records(document),
        "unknown_classes": list(document.unknown),
        "scores": kept.scores.model_dump(mode="json"),
        "decision_version": document.version,
    }


def instance_records(document: ExportedDocument) -> list[dict[str, Any]]:
    """Its instances, with their values and mentions."""
    return [_instance(instance, document.document.text) for instance in document.kept.agreed.instances]


def _instance(instance: Instance, text: str) -> dict[str, Any]:
    return {
        "class": instance.class_name,
        "values": {name: _value(value, text) for name, value in instance.values.items()},
        "mentions": [
            {
                "field": mention.field,
                "start": mention.start,
                "end": mention.end,
                "surface": surface(mention, text),
                "quote": mention.quote,
                "status": mention.status.value,
            }
            for mention in instance.mentions
        ],
    }


def _value(value: Value, text: str) -> object:
    if isinstance(value, tuple):
        return [_value(item, text) for item in value]
    return _instance(value, text) if isinstance(value, Instance) else value
