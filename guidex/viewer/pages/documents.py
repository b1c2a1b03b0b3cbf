"""A run's documents: filtered, sorted and paged in the database."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.store.document_search import (
    DocumentFilter,
    DocumentOrder,
    FoundDocument,
    classes_found,
    find_documents,
)
from graph.store.reading import RunReader
from graph.store.records import Found
from guidex.stories import held_to
from guidex.viewer.open_runs import open_run
from guidex.viewer.queries import PAGE, Query
from guidex.viewer.rendering import page
from schemas.judgement import JUDGED_SCORES, Ending, FindingCode, Outcome

_COLUMNS: Final = (
    (DocumentOrder.POSITION, "Place"),
    (DocumentOrder.ID, "Document"),
    (DocumentOrder.ROUNDS, "Rounds"),
    *((DocumentOrder(name), name.replace("_", " ").capitalize()) for name in JUDGED_SCORES),
    (DocumentOrder.LENGTH, "Length"),
    (DocumentOrder.TOKENS, "Tokens"),
    (DocumentOrder.COST, "Cost"),
)
"""What can be sorted by, with headings."""

_GREATEST_FIRST: Final = frozenset(
    {DocumentOrder.LENGTH, DocumentOrder.ROUNDS, DocumentOrder.TOKENS, DocumentOrder.COST}
)
"""What is looked for at its upper end; scores are looked for at their lower one."""


class ListQuery(Query):
    """Which documents are asked for."""

    outcome: Outcome | None = Field(default=None, description="Where they ended.")
    ending: Ending | None = Field(default=None, description="How their loop ended.")
    found: str | None = Field(default=None, max_length=100, description="A class found in them.")
    finding: FindingCode | None = Field(default=None, description="What is still objected to.")
    rounds: int | None = Field(default=None, ge=1, le=1000, description="How many rounds they took.")
    score: str = Field(default="agreement", description="The score that `least` and `most` are about.")
    least: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False, description="Of the score.")
    most: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False, description="Of the score.")
    reviewed: Literal["yes", "no"] | None = Field(
        default=None, description="Whether somebody has reviewed them."
    )
    sort: DocumentOrder = Field(default=DocumentOrder.POSITION, description="By what.")
    down: bool = Field(default=False, description="The greatest first.")

    @model_validator(mode="after")
    def _known_score(self) -> Self:
        if self.score not in JUDGED_SCORES:
            raise ValueError(f"there is no score {self.score!r}")
        return self

    @property
    def narrows(self) -> bool:
        """Whether something beside words and outcome is asked for."""
        given = (self.ending, self.found, self.finding, self.rounds, self.reviewed, self.least, self.most)
        return any(value is not None for value in given)

    def wanted(self) -> DocumentFilter:
        """The filter that is asked for."""
        return DocumentFilter(
            outcome=self.outcome,
            ending=self.ending,
            class_name=self.found,
            finding=self.finding,
            rounds=self.rounds,
            words=self.q,
            reviewed=None if self.reviewed is None else self.reviewed == "yes",
            least={} if self.least is None else {self.score: self.least},
            most={} if self.most is None else {self.score: self.most},
        )

    def by(self, order: DocumentOrder) -> dict[str, Any]:
        """The same documents by an order; asked for twice, the other way round."""
        down = not self.down if self.sort == order else order in _GREATEST_FIRST
        return self.changed(sort=DocumentOrder(order).value, down=down)

    def changed(self, **changes: Any) -> dict[str, Any]:
        """As of any query; a score without a range says nothing."""
        asked = super().changed(**changes)
        if "least" not in asked and "most" not in asked:
            asked.pop("score", None)
        return asked


def documents(request: Request) -> Response:
    """The documents of a run."""
    query = ListQuery.of(request)
    with open_run(request) as reader:
        found = find_documents(
            reader, query.wanted(), order=query.sort, descending=query.down, limit=PAGE, offset=query.offset
        )
        table = table_context(reader, found)
        classes = classes_found(reader)
    return page(
        request,
        "documents.html",
        run=request.path_params["run"],
        query=query,
        limit=PAGE,
        classes=classes,
        endings=list(Ending),
        codes=list(FindingCode),
        **table,
    )


def table_context(reader: RunReader, found: Found[FoundDocument]) -> dict[str, Any]:
    """What the table of documents shows, and by which outcome they can be told apart."""
    return {
        "here": "documents",
        "found": found,
        "required": held_to(reader),
        "scores": JUDGED_SCORES,
        "columns": _COLUMNS,
        "outcomes": list(Outcome),
    }


ROUTES = [Route("/runs/{run}/documents", documents, name="documents")]
