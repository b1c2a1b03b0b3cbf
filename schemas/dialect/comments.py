"""Field comments, both ways: `# description Such as: "a", "b"`.

String values that need not stand in the document are marked `# free text: description`. Two escapes
keep every description readable: `verbatim:` before one that begins with a mark, and an empty `Such as:`
after one that ends like a list of examples.
"""

from __future__ import annotations

import re

from schemas.base import one_line
from schemas.dialect.literals import read_string, string_literal, whole_string
from schemas.schema import FieldSpec, Kind

_MARK = re.compile(r"(free text|verbatim):(?: |$)", re.IGNORECASE)
_SUCH_AS = re.compile(r"(?<!\S)Such as:(?!\S)\s*", re.IGNORECASE)
_STRING = r"""(?:"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')"""
_EXAMPLES = re.compile(rf"{_STRING}(?:, ?{_STRING})*+")
_EACH = re.compile(_STRING)


def comment_text(field: FieldSpec) -> str:
    """Text of the field's comment; empty if there is nothing to say."""
    text = field.description
    if field.type.kind is Kind.STR and not field.verbatim:
        text = f"free text: {text}"
    elif _MARK.match(text):
        text = f"verbatim: {text}"
    text = text.rstrip()
    if field.examples:
        text += " Such as: " + ", ".join(string_literal(example) for example in field.examples)
    elif _split(text) != (text, ()):
        text += " Such as:"
    return text.strip()


def read_comment(text: str) -> tuple[str, bool, tuple[str, ...]]:
    """Description, whether string values stand in the document, and examples.

    Raises:
        ValueError: An example is no Unicode text.
    """
    text, examples = _split(text.strip())
    text = str(one_line(text))
    mark = _MARK.match(text)
    free = mark is not None and mark[1].lower() == "free text"
    return (text[mark.end() :] if mark else text), not free, examples


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """Cut the examples off a comment. At most one split leaves a whole list of literals behind."""
    for match in _SUCH_AS.finditer(text):
        if match.end() == len(text):
            return text[: match.start()], ()
        literals = _EXAMPLES.fullmatch(text, match.end())
        if literals:
            found = [read_string(literal) for literal in _EACH.findall(literals[0])]
            if None not in found:
                return text[: match.start()], tuple(whole_string(item) for item in found if item is not None)
    return text, ()
