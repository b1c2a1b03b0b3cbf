"""String literals of the dialect: double-quoted, on one line, exact for every text."""

from __future__ import annotations

import ast
import math
import re

from schemas.dialect.syntax import parse_expression
from schemas.errors import DialectError

MARKER = "result ="
"""Where a row is split into prompt and result; it stands exactly once in a rendered text."""

_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Escapes(dict[int, str]):
    """Translation table that is filled as characters are met, so that long texts stay fast."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        escaped = _SHORT.get(character) or (character if character.isprintable() else _hexadecimal(code))
        self[code] = escaped
        return escaped


def _hexadecimal(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def string_literal(text: str) -> str:
    """Python literal that `ast.literal_eval` turns into exactly `text`.

    Printable characters of any script stay as they are; the others are escaped in lower-case hex (never
    as surrogate pairs). The equals sign of the marker `result =` is escaped, too.
    """
    return f'"{text.translate(_Escapes())}"'.replace(MARKER, "result \\x3d")


def number_literal(value: float) -> str:
    """Python expression of an int or a float.

    Raises:
        DialectError: The integer has more digits than Python writes (4,300).
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    try:
        return repr(value)
    except ValueError as error:
        raise DialectError(f"An integer is too long to be written: {error}.") from error


def whole_string(text: str) -> str:
    """Join surrogate pairs, which models write as in JSON, to the character they stand for.

    Raises:
        ValueError: A surrogate stands alone: the text is no Unicode text.
    """
    if not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise ValueError("a string holds a lone surrogate, which is no Unicode text") from error


def read_string(source: str) -> str | None:
    """Value of one string literal, or None if the source is anything else."""
    node = parse_expression(source)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
