"""A run's calls: found, sorted and paged in the database; and each with all that was said in it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.store.call_search import CallFilter, CallOrder, find_calls
from graph.store.document_search import positions
from graph.store.reading import RunReader
from graph.store.records import CallStatus
from guidex.call_stories import CallStory, call_story_of, laid_out
from guidex.stories import CALLS_OF_A_DOCUMENT
from guidex.viewer.open_runs import open_run
from guidex.viewer.queries import PAGE, Query
from guidex.viewer.rendering import page
from schemas.errors import UsageError
from schemas.judgement import Agent

_ORDERS: Final = {
    CallOrder.OLDEST: "oldest first",
    CallOrder.NEWEST: "newest first",
    CallOrder.SLOWEST: "slowest first",
    CallOrder.TOKENS: "most tokens first",
}
"""What they can be sorted by, in words."""

_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class CallQuery(Query):
    """Which calls are asked for."""

    agent: Agent | None = Field(default=None, description="Who asked.")
    status: CallStatus | None = Field(default=None, description="What became of them.")
    document: str | None = Field(default=None, max_length=1000, description="Id of their document.")
    round: int | None = Field(default=None, ge=1, le=1000, description="Their round.")
    slow: Literal["auto"] | _Seconds | None = Field(
        default=None, description="Seconds that a request took more than."
    )
    re_asked: bool = Field(default=False, description="Only those that were asked again.")
    sort: CallOrder = Field(default=CallOrder.OLDEST, description="What comes first.")

    @property
    def narrows(self) -> bool:
        """Whether something beside words, agent and status is asked for."""
        return self.re_asked or any(each is not None for each in (self.document, self.round, self.slow))

    def wanted(self) -> CallFilter:
        """The filter that is asked for."""
        return CallFilter(
            document_id=self.document,
            agent=self.agent,
            status=self.status,
            round=self.round,
            re_asked=self.re_asked,
            slow=self.slow,
            words=self.q,
        )


def calls(request: Request) -> Response:
    """The calls of a run."""
    query = CallQuery.of(request)
    with open_run(request) as reader:
        found = find_calls(reader, query.wanted(), order=query.sort, limit=PAGE, offset=query.offset)
        named = {call.document_id for call in found.shown if call.document_id is not None}
        places = positions(reader, sorted(named))
    return page(
        request,
        "calls.html",
        run=request.path_params["run"],
        here="calls",
        query=query,
        found=found,
        limit=PAGE,
        places=places,
        agents=list(Agent),
        statuses=list(CallStatus),
        orders=_ORDERS,
    )


def call(request: Request) -> Response:
    """A call of a run."""
    with open_run(request) as reader:
        try:
            story = call_story_of(reader, request.path_params["call"])
        except UsageError as error:
            raise HTTPException(404, str(error)) from error
        before, after, place, count = _beside(reader, story)
        document_id = story.call.document_id
        position = None if document_id is None else positions(reader, [document_id]).get(document_id)
    return page(
        request,
        "call.html",
        run=request.path_params["run"],
        here="calls",
        story=story,
        call=story.call,
        position=position,
        before=before,
        after=after,
        place=place,
        count=count,
        answer=None if story.answer is None else laid_out(story.answer),
    )


def _beside(reader: RunReader, story: CallStory) -> tuple[str | None, str | None, int, int]:
    """The calls of its document before and after a call, its place among them from 1, and their number."""
    if story.call.document_id is None:
        return None, None, 1, 1
    wanted = CallFilter(story.call.document_id)
    ids = [each.id for each in find_calls(reader, wanted, limit=CALLS_OF_A_DOCUMENT).shown]
    at = ids.index(story.call.id) if story.call.id in ids else 0
    before = ids[at - 1] if at else None
    return before, ids[at + 1] if at + 1 < len(ids) else None, at + 1, len(ids)


ROUTES = [
    Route("/runs/{run}/calls", calls, name="calls"),
    Route("/runs/{run}/calls/{call}", call, name="call"),
]
