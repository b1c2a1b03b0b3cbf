"""Rows of exports, of documents that are made in a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graph.exports import Tally, exported, format_named
from schemas.documents import Document
from schemas.example_bank import SharedSchema
from schemas.rounds import Round


def rows(
    pairs: Iterable[tuple[Document, Round]],
    name: str,
    shared: SharedSchema | None = None,
    versions: Mapping[str, int] | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of a format of JSON lines."""
    make, tally = format_named(name).row, Tally()
    assert make is not None
    for document in exported(pairs, shared, versions):
        row = make(document, tally)
        if row is not None:
            yield dict(row)
