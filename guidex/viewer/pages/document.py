"""A document: its text with what was found in it, and why it ended as it did, round by round."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.consensus import key_of
from graph.schema_changes import SchemaChanges, schema_changes
from graph.store.document_search import beside, id_at
from graph.store.reading import RunReader
from guidex.side_by_side import given_up, in_words, side_by_side
from guidex.stories import RoundStory, Story, story_of
from guidex.viewer.code import schema_code
from guidex.viewer.highlights import Closing, Opening, lay_out
from guidex.viewer.marks import AGREED, EVERYTHING, looks_of, marks, places, shown
from guidex.viewer.open_runs import open_run
from guidex.viewer.pages.documents import ListQuery
from guidex.viewer.queries import LAST_POSITION
from guidex.viewer.rendering import page
from guidex.viewer.reviewing import review_panel
from guidex.viewer.timeline import LENGTH, timeline
from schemas.judgement import JUDGED_SCORES
from schemas.objections import Objection
from schemas.rounds import Round

_MOST_COLUMNS: Final = 6
"""Annotators that have a column each; of more, a count must do."""


class DocumentQuery(ListQuery):
    """How a document is looked at, and in which list it stands."""

    round: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Of which round; the one kept, if it is not given or there is none such.",
    )
    show: str = Field(
        default=EVERYTHING,
        pattern=rf"^({EVERYTHING}|{AGREED}|[1-9][0-9]?)$",
        description="Which mentions: all, agreed, or those of an annotator by number.",
    )

    def listed(self) -> dict[str, Any]:
        """The query of the list."""
        return {name: value for name, value in self.changed().items() if name not in ("round", "show")}


def document(request: Request) -> Response:
    """A document of a run."""
    query = DocumentQuery.of(request)
    position = request.path_params["position"]
    with open_run(request) as reader:
        links = request.app.state.links
        context = document_context(reader, position, query, links.positions)
        if links.beside_run:
            context["review"] = review_panel(reader, context["story"])
    return page(request, "document.html", run=request.path_params["run"], here="documents", **context)


def document_context(
    reader: RunReader,
    position: int,
    query: DocumentQuery | None = None,
    positions: Collection[int] | None = None,
) -> dict[str, Any]:
    """What the template `document.html` shows of a document, beside the run's name.

    Args:
        reader: The run.
        position: The document's place in the run.
        query: How it is looked at; None for the round that was kept, or else the last one, all that was
            found in it, and all documents as the list.
        positions: Of the documents that are listed; None for all.

    Raises:
        HTTPException: 404, there is no such document.
        StoreError: The run cannot be read.
    """
    query = query or DocumentQuery()
    document_id = id_at(reader, position) if position <= LAST_POSITION else None
    if document_id is None:
        raise HTTPException(404, "There is no such document in this run.")
    story = story_of(reader, document_id)
    wanted = replace(query.wanted(), positions=positions)
    at = _round_at(story, query.round)
    bars = timeline(story.calls)
    return {
        "story": story,
        "position": position,
        "place": beside(reader, position, wanted, order=query.sort, descending=query.down),
        "listed": query.listed(),
        "bars": bars,
        "over": max((bar.after + (bar.seconds or 0.0) for bar in bars), default=0.0),
        "line": LENGTH,
        "scores": JUDGED_SCORES,
        "show": query.show,
        "told": None if at is None else story.rounds[at],
        "pieces": (story.document.text,) if story.document else (),
        "in_words": in_words,
        **({} if at is None else _round_context(story, at, query.show)),
    }


def _round_at(story: Story, number: int | None) -> int | None:
    """Which of the rounds is looked at; None if there is none yet.

    Calls lead to their round, which is not there if one of its calls failed.
    """
    numbers = [told.result.number for told in story.rounds]
    if number not in numbers:
        kept = story.decision.round if story.decision else None
        if kept in numbers:
            return numbers.index(kept)
        return len(numbers) - 1 if numbers else None
    return numbers.index(number)


def _round_context(story: Story, at: int, show: str) -> dict[str, Any]:
    told = story.rounds[at]
    round_ = told.result
    before = story.rounds[at - 1].result if at else None
    objections = _objections(told)
    rows = side_by_side(round_, before, objections)
    found = _classes_found(story)
    looks = looks_of([name for name in round_.annotation_schema.names if name in found])
    visible = [row for row in rows if shown(row, show)]
    highlights = marks(rows, objections, looks, show)
    text = story.document.text if story.document else ""
    is_kept = story.decision is not None and story.decision.round == round_.number
    kept = {key_of(each) for each in story.result.instances} if is_kept and story.result else None
    counts = {name: sum(row.instance.class_name == name for row in visible) for name in looks}
    return {
        "before": None if at == 0 else story.rounds[at - 1],
        "after": story.rounds[at + 1] if at + 1 < len(story.rounds) else None,
        "is_kept": is_kept,
        "kept": kept,
        "key_of": key_of,
        "rows": rows,
        "given_up": given_up(round_, before),
        "annotators": [annotation.annotator for annotation in round_.annotations],
        "has_columns": len(round_.annotations) <= _MOST_COLUMNS,
        "objections": objections,
        "ends": {each.number: each for each in story.objections},
        "places": places(highlights),
        "looks": looks,
        "counts": {name: count for name, count in counts.items() if count},
        "pieces": lay_out(text, highlights),
        "is_opening": lambda piece: isinstance(piece, Opening),
        "is_closing": lambda piece: isinstance(piece, Closing),
        "code": schema_code(round_.annotation_schema),
        "changes": _changes(round_, before),
    }


def _classes_found(story: Story) -> set[str]:
    """The classes of instances in any round: with looks for these alone, few share one."""
    return {
        instance.class_name
        for told in story.rounds
        for annotation in told.result.annotations
        for instance in annotation.instances
    }


def _objections(told: RoundStory) -> tuple[Objection, ...]:
    """What was objected to up to the round; in a run that did not follow findings, those of the round."""
    if told.result.objections:
        return told.result.objections
    return tuple(
        Objection(number=number, finding=finding, raised_in=told.result.number)
        for number, finding in enumerate(told.result.findings, 1)
    )


def _changes(round_: Round, before: Round | None) -> SchemaChanges | None:
    """What the round changed of schema and guidelines; None if nothing, or if it is the first one."""
    if before is None:
        return None
    changes = schema_changes(before.annotation_schema, round_.annotation_schema)
    return changes if changes.any else None


ROUTES = [Route("/runs/{run}/documents/{position:int}", document, name="document")]
