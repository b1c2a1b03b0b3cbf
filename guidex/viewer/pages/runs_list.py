"""The first page: the runs there are."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.store.listing import list_runs
from guidex.viewer.open_runs import runs_folder
from guidex.viewer.rendering import page


def runs(request: Request) -> Response:
    """All runs of the folder, the newest first."""
    folder = runs_folder(request).path
    return page(request, "runs_list.html", runs=list_runs(folder), folder=folder.as_posix())


ROUTES = [Route("/", runs, name="runs")]
