"""Reviews: what a person says of a document, and the way to the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from graph.reviews import add_review, reviews_of
from graph.store.document_search import id_at, positions
from guidex.viewer.open_runs import open_run
from guidex.viewer.queries import LAST_POSITION, Query
from guidex.viewer.reviewing import next_to_review, reviewed_documents
from guidex.viewer.writing import writes
from schemas.base import Model
from schemas.errors import UsageError
from schemas.reviews import Review, ReviewVerdict, WrongMention

LONGEST_NAME: Final = 100
LONGEST_NOTE: Final = 2000
_MOST_MARKS: Final = 1000


class NewReview(Model):
    """What a reviewer sends."""

    round: int = Field(ge=1, le=1000, description="The round that was looked at.")
    verdict: ReviewVerdict = Field(description="Whether the annotations are good enough.")
    wrong: tuple[WrongMention, ...] = Field(
        default=(), max_length=_MOST_MARKS, description="Mentions that are wrong."
    )
    note: str = Field(default="", max_length=LONGEST_NOTE, description="Anything else.")
    reviewer: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)
    ] = Field(description="Who looked.")


class NextQuery(Query):
    """Which document is wanted."""

    after: int | None = Field(default=None, ge=0, le=LAST_POSITION, description="The one looked at.")


def review(request: Request, asked: NewReview) -> Mapping[str, Any]:
    """Store a review of the round that is kept."""
    position = request.path_params["position"]
    with open_run(request) as reader:
        document_id = id_at(reader, position) if position <= LAST_POSITION else None
        if document_id is None:
            raise HTTPException(404, "There is no such document in this run.")
        decision = reader.decision(document_id)
        if decision is None or decision.round != asked.round:
            raise UsageError(
                "Another round of this document is kept than the one that was reviewed.",
                "Load the page again and look at what is kept now.",
            )
        add_review(
            reader,
            Review(
                document_id=document_id,
                round=asked.round,
                reviewer=asked.reviewer,
                verdict=asked.verdict,
                wrong=asked.wrong,
                note=asked.note,
            ),
        )
        made = reviews_of(reader, document_id)
        return {"reviews": len(made), "reviewed": len(reviewed_documents(reader))}


def next_review(request: Request) -> Response:
    """To the document that is reviewed next; if there is none, to the list of those that are not."""
    query = NextQuery.of(request)
    run, links = request.path_params["run"], request.app.state.links
    with open_run(request) as reader:
        after = None if query.after is None else id_at(reader, query.after)
        found = next_to_review(request.app.state.measured.facts(reader), reviewed_documents(reader), after)
        if found is None:
            return RedirectResponse(links.documents(run, reviewed="no"), 303)
        return RedirectResponse(links.document(run, positions(reader, [found])[found]), 303)


ROUTES = [
    Route("/runs/{run}/reviews/next", next_review, name="next_review"),
    Route(
        "/runs/{run}/documents/{position:int}/reviews",
        writes(NewReview, review),
        methods=["POST"],
        name="review",
    ),
]
