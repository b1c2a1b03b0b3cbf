"""The looks of charts, which the charts' own module says, as a style sheet."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guidex.plots import LOOKS


def plot_looks(_: Request) -> Response:
    """The style sheet of charts; it stands beside the viewer's own files."""
    return Response(LOOKS, media_type="text/css")


ROUTES = [Route("/static/plots.css", plot_looks, name="plot_looks")]
