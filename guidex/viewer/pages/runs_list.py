"""The first page: the runs there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.store.listing import list_runs
from guidex.viewer.open_runs import runs_folder
from guidex.viewer.rendering import page

_ELSEWHERE: Final = "It is a link to another place. `guidex view` shows it there, by the path of its folder."


def runs(request: Request) -> Response:
    """All runs of the folder, the newest first."""
    folder = runs_folder(request)
    listed = [
        run if folder.holds(run.folder) else replace(run, problem=_ELSEWHERE)
        for run in list_runs(folder.path)
    ]
    return page(request, "runs_list.html", runs=listed, folder=folder.path.as_posix())


ROUTES = [Route("/", runs, name="runs")]
