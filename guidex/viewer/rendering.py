"""Pages from templates: all that is put into one is text, escaped, with control characters made visible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse

from guidex.cli.console import counted, safe
from guidex.viewer.formats import dollars, duration, moment, number, percent, score
from guidex.viewer.links import Links
from schemas.judgement import Scores

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
    made.globals.update(
        counted=counted,
        score_meanings={name: field.description for name, field in Scores.model_fields.items()},
    )
    return made


_ENVIRONMENT: Final = environment()


def render(template: str, **context: Any) -> str:
    """A template as a whole page or as a part of one.

    Args:
        template: Its file in `templates/`.
        **context: What it shows. `links` is there, unless it is given.
    """
    return _ENVIRONMENT.get_template(template).render({"links": LINKS, **context})


FLUSH: Final = Markup("\0flush\0")
"""What a streamed template has as `flush`. No other output equals it, as control characters are escaped."""


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Answer with a page.

    Args:
        request: What is answered.
        template: Its file in `templates/`.
        status: Of HTTP.
        **context: What it shows.
    """
    state = request.app.state
    return HTMLResponse(render(template, token=state.token, links=state.links, **context), status)


def streamed_page(
    request: Request, template: str, reader: AbstractContextManager[object], **context: Any
) -> StreamingResponse:
    """Answer with a page in pieces, so that the first is read while the others are worked out.

    Args:
        request: What is answered.
        template: Its file in `templates/`; each `{{ flush }}` in it ends a piece.
        reader: What the page is read from; it is closed with the last piece.
        **context: What it shows. What takes time is given as a function, and called by the template.
    """
    state = request.app.state

    def pieces() -> Iterator[str]:
        with reader:
            made: list[str] = []
            for part in _ENVIRONMENT.get_template(template).generate(
                {"links": state.links, "token": state.token, "flush": FLUSH, **context}
            ):
                if part == FLUSH:
                    yield "".join(made)
                    made.clear()
                else:
                    made.append(part)
            yield "".join(made)

    return StreamingResponse(pieces(), media_type="text/html")
