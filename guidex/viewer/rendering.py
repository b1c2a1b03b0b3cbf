"""Pages from templates: all that is put into one is text, escaped, with control characters made visible."""

from __future__ import annotations

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from guidex.cli.console import counted, safe
from guidex.viewer.formats import dollars, duration, moment, number, percent, score
from guidex.viewer.links import Links

LINKS: Final = Links()


def _visible(value: Any) -> Any:
    """What an expression of a template puts out; markup that a template has made stays as it is."""
    return safe(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def environment() -> Environment:
    """The viewer's templates."""
    made = Environment(
        loader=PackageLoader("guidex.viewer"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=number, score=score, percent=percent, duration=duration, dollars=dollars, moment=moment
    )
    made.globals.update(counted=counted)
    return made


_ENVIRONMENT: Final = environment()


def render(template: str, **context: Any) -> str:
    """A template as a whole page or as a part of one.

    Args:
        template: Its file in `templates/`.
        **context: What it shows. `links` is there, unless it is given.
    """
    return _ENVIRONMENT.get_template(template).render({"links": LINKS, **context})


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Answer with a page.

    Args:
        request: What is answered.
        template: Its file in `templates/`.
        status: Of HTTP.
        **context: What it shows.
    """
    return HTMLResponse(render(template, token=request.app.state.token, **context), status)
