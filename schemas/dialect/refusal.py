"""How the reader refuses: with the line, and precisely why."""

from __future__ import annotations

import ast

from schemas.errors import DialectError

_REMEDY = "Write dataclasses with typed fields, `text = ...` and `result = [...]`; nothing else is read."


def refuse(where: ast.AST | int, reason: str) -> DialectError:
    """The error for a place in the code, to be raised.

    Args:
        where: A node, or a line number from 1.
        reason: Why, as the rest of the sentence `line N: ...`.
    """
    line = where if isinstance(where, int) else getattr(where, "lineno", 1)
    return DialectError(f"line {line}: {reason}.", _REMEDY)
