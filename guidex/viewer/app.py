"""The application: the pages behind their guards, and errors as pages."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from finetune.gold import Gold
from guidex.viewer.links import Links
from guidex.viewer.measured_runs import MeasuredRuns
from guidex.viewer.open_runs import RunsFolder
from guidex.viewer.pages import (
    calls,
    comparing,
    document,
    documents,
    plot_looks,
    reviews,
    run_page,
    runs_list,
    thresholds,
)
from guidex.viewer.rendering import LINKS, page
from guidex.viewer.security import HEADERS, GuardedHeaders, GuardedWrites
from schemas.errors import GuidexError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names under which a browser on this machine asks for it."""

_LARGEST_BODY = 64 * 1024
"""Bytes; what pages send is a few settings."""


def create_app(
    runs: Path, hosts: Collection[str] = LOOPBACK, links: Links = LINKS, gold: Gold | None = None
) -> Starlette:
    """Make the viewer of a folder's runs.

    Args:
        runs: The folder that holds the runs' folders.
        hosts: Names (without port) under which it may be asked; a request to another one is refused.
        links: Makes the addresses that pages have.
        gold: Gold annotations, by which thresholds are measured.
    """
    token = secrets.token_urlsafe(32)
    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(GuardedHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(GuardedWrites, token=token),
            Middleware(RequestBodyLimitMiddleware, max_body_size=_LARGEST_BODY),
        ],
        exception_handlers={HTTPException: _refused, GuidexError: _failed, Exception: _faulted},
    )
    app.state.runs = RunsFolder(runs)
    app.state.token = token
    app.state.links = links
    app.state.measured = MeasuredRuns(gold)
    return app


def _routes() -> list[BaseRoute]:
    return [
        *runs_list.ROUTES,
        *documents.ROUTES,
        *run_page.ROUTES,
        *comparing.ROUTES,
        *plot_looks.ROUTES,
        *document.ROUTES,
        *calls.ROUTES,
        *thresholds.ROUTES,
        *reviews.ROUTES,
        Mount("/static", StaticFiles(packages=[("guidex.viewer", "static")]), name="static"),
    ]


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return page(
        request,
        "error.html",
        status=error.status_code,
        title=HTTPStatus(error.status_code).phrase.capitalize(),
        message=error.detail,
    )


async def _failed(request: Request, error: Exception) -> Response:
    """What GuideX itself says went wrong, with its remedy."""
    assert isinstance(error, GuidexError)
    return page(
        request, "error.html", status=500, title="This did not work", message=str(error), remedy=error.remedy
    )


async def _faulted(request: Request, error: Exception) -> Response:
    """A fault of the program; the server logs it. This answer is made outside of the guards."""
    answer = page(
        request,
        "error.html",
        status=500,
        title="This is a fault of GuideX",
        message="The page could not be made; the terminal says more.",
    )
    answer.headers.update(HEADERS)
    return answer
