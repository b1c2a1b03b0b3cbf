"""Two runs side by side."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.store.reading import RunReader
from guidex.comparison import FIGURES, compare
from guidex.viewer.open_runs import runs_folder
from guidex.viewer.queries import PAGE, Query
from guidex.viewer.rendering import streamed_page

_CLASSES: Final = 50


class ComparisonQuery(Query):
    """Which two runs, and from where on the documents that ended differently."""

    run: str = ""


def comparison(request: Request) -> Response:
    """The two runs that the address names."""
    names = request.query_params.getlist("run")
    if len(names) != 2 or names[0] == names[1]:
        raise HTTPException(400, f"Two runs are compared; {_chosen(names)}. Choose two in the list of runs.")
    offset = ComparisonQuery.of(request).offset
    with ExitStack() as opened:
        first, second = (opened.enter_context(RunReader(runs_folder(request).folder(name))) for name in names)
        readers = opened.pop_all()

    return streamed_page(
        request,
        "compare.html",
        readers,
        names=names,
        letters="AB",
        labels=FIGURES,
        limit=PAGE,
        offset=offset,
        most_classes=_CLASSES,
        as_json=json.dumps,
        at=lambda start: request.app.state.links.compare(*names, offset=start),
        compared=lambda: compare(first, second),
    )


def _chosen(names: list[str]) -> str:
    """What was chosen instead of two runs."""
    if len(names) == 2:
        return "the same one was named twice"
    return {0: "none was chosen", 1: "only one was chosen"}.get(len(names), f"{len(names)} were chosen")


ROUTES = [Route("/compare", comparison, name="compare")]
