"""Python's parser, made quiet. It yields syntax trees only; nothing is compiled to code."""

from __future__ import annotations

import ast
import threading
import warnings

_lock = threading.Lock()  # warnings.catch_warnings changes state of the whole process


def parse_module(source: str) -> ast.Module:
    """Syntax tree of a program; unknown escapes, which models write, raise no warning.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: As `ast.parse` does.
    """
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def parse_expression(source: str) -> ast.expr | None:
    """Syntax tree of one expression, or None if the source is anything else."""
    try:
        body = parse_module(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
