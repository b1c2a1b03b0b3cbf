"""The code dialect: annotation schema, document and result as Python, written and read, never executed."""

from schemas.dialect.literals import MARKER, string_literal
from schemas.dialect.parse import Flavour, Parsed, parse
from schemas.dialect.render import as_gollie, render, render_schema, split_prompt
from schemas.dialect.scan import Limits

__all__ = [
    "MARKER",
    "Flavour",
    "Limits",
    "Parsed",
    "as_gollie",
    "parse",
    "render",
    "render_schema",
    "split_prompt",
    "string_literal",
]
