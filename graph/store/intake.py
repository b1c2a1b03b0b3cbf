"""What comes of records that were read: new rows, or another state of rows that are there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graph.store import rows
from graph.store.batch import Batch
from schemas.documents import Document, LeftOut, Unreadable
from schemas.errors import StoreError
from schemas.judgement import Outcome

Record = Document | Unreadable | LeftOut


class Known(NamedTuple):
    """What the store has of documents, by id; no text of those unreadable or left out."""

    texts: Mapping[str, str | None]
    outcomes: Mapping[str, Outcome]


class Intake:
    """The steps of one transaction.

    Attributes:
        steps: What is to be written.
        added: How many documents are new, without those left out.
    """

    def __init__(
        self, known: Known, new_id: Callable[[str], int], redact: Callable[[str], str], *, take_in: bool
    ) -> None:
        """Begin with nothing.

        Args:
            known: Of the records that will come.
            new_id: Gives the next id of a table.
            redact: Makes a text what is stored of it.
            take_in: Make documents pending that were left out before.
        """
        self.steps: list[Callable[[Batch], None]] = []
        self.added = 0
        self._known = known
        self._new_id = new_id
        self._redact = redact
        self._take_in = take_in

    def add(self, identifier: str, record: Record) -> None:
        """Add a record.

        Args:
            identifier: Under which it is stored.
            record: As it was read.

        Raises:
            StoreError: The id is taken by a document of another text.
        """
        outcome = self._known.outcomes.get(identifier)
        if outcome is None:
            self.steps.append(self._row(identifier, record))
            self.added += not isinstance(record, LeftOut)
        elif isinstance(record, LeftOut):
            if outcome is Outcome.PENDING:
                decision_id = self._new_id("decisions")
                self.steps.append(lambda batch: rows.leave_out(batch, identifier, record, decision_id))
        elif isinstance(record, Document):
            if (text := self._known.texts[identifier]) is not None and text != self._redact(record.text):
                raise StoreError(
                    f"The document {record.id!r} has another text than the run has stored for that id.",
                    "Start a new run for changed documents.",
                )
            if self._take_in and outcome is Outcome.SKIPPED:
                self.steps.append(lambda batch: rows.take_in(batch, record))

    def write(self, batch: Batch) -> None:
        """Queue all rows."""
        for step in self.steps:
            step(batch)

    def _row(self, identifier: str, record: Record) -> Callable[[Batch], None]:
        position = self._new_id("documents")
        if isinstance(record, Document):
            return lambda batch: rows.add_document(batch, position, record)
        decision_id = self._new_id("decisions")
        if isinstance(record, Unreadable):
            return lambda batch: rows.add_unreadable(batch, position, identifier, record, decision_id)
        return lambda batch: rows.add_left_out(batch, position, record, decision_id)
