"""The code dialect for reading: its tokens with their kinds, which the style sheet colours."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

import black  # noqa: F401  # what formats the code; here, so that no document waits for its loading
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType

from schemas.dialect import render_schema
from schemas.schema import AnnotationSchema

_KINDS: Final[tuple[tuple[_TokenType, str], ...]] = (
    (Comment, "comment"),
    (String, "string"),
    (Keyword, "keyword"),
    (Number, "number"),
    (Name.Decorator, "keyword"),
    (Name.Class, "name"),
)
"""The first that a token is of; others have none."""

_LEXER: Final = PythonLexer(stripnl=False, ensurenl=False)


class Token(NamedTuple):
    """A piece of code.

    Attributes:
        kind: `comment`, `string`, `keyword`, `number`, `name`, or empty.
        text: Its text.
    """

    kind: str
    text: str


@lru_cache(maxsize=64)  # formatting takes longer than all else on the page, and rounds often share a schema
def schema_code(schema: AnnotationSchema) -> tuple[Token, ...]:
    """A schema with its guidelines as code; joined, the tokens are what `render_schema` writes."""
    tokens = ((_kind(kind), text) for kind, text in _LEXER.get_tokens(render_schema(schema)))
    return tuple(
        Token(kind, "".join(text for _, text in group))
        for kind, group in groupby(tokens, key=lambda token: token[0])
    )


def _kind(token: _TokenType) -> str:
    return next((name for kind, name in _KINDS if token[: len(kind)] == kind), "")
