"""From untrusted text to a syntax tree, within limits that are checked before the parser runs.

Python's own parser can exhaust the stack on nested or chained input, so the tokens are screened first:
their number, the depth of brackets and blocks, the length of chains of operators, and every keyword and
operator that the dialect has no use for. Nothing is compiled to code.
"""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.dialect.refusal import refuse
from schemas.dialect.syntax import parse_module
from schemas.errors import DialectError


@dataclass(frozen=True, slots=True)
class Limits:
    """What the reader takes on.

    Attributes:
        characters: Longest text, in characters.
        nodes: Most tokens, and most nodes of the syntax tree.
        classes: Most classes.
        depth: Deepest nesting of brackets, of blocks, and longest chain of operators.
    """

    characters: int = 12_000_000
    nodes: int = 100_000
    classes: int = 500
    depth: int = 32


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of the source."""

    text: str
    alone: bool
    """Whether it has the line to itself."""


@dataclass(frozen=True, slots=True)
class Program:
    """A syntax tree and the comments, which the tree does not hold, by line."""

    tree: ast.Module
    comments: dict[int, Comment]


_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)[^`]*")
_LANGUAGES = frozenset(("", "python", "py", "python3"))
_KEYWORDS = frozenset("class from import as pass None True False".split())
_OPERATORS = frozenset("( ) [ ] { } , : = ; ...".split())
_CHAINED = frozenset("- | . @".split())
_FSTRING = re.compile(r"[a-z]*[ft][a-z]*['\"]", re.IGNORECASE)
_LONGEST_NUMBER = 4300  # what Python itself reads and writes
_SILENT = frozenset((tokenize.NL, tokenize.COMMENT))


def read_program(text: str, limits: Limits) -> Program:
    """Parse a text that is code, or holds code in Markdown fences with prose around it.

    Raises:
        DialectError: It is too large or too deep, no Python, or uses what the dialect does not have.
    """
    if len(text) > limits.characters:
        raise refuse(1, f"the text has {len(text):,} characters, more than {limits.characters:,}")
    if "\0" in text:  # later tokenizers fail on it in ways of their own
        raise refuse(text.count("\n", 0, text.index("\0")) + 1, "this is no Python: a null character")
    code = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        return _parse(_align(code), limits)
    except DialectError:
        fenced = _fenced(code)
        if fenced is None:
            raise
    return _parse(_align(fenced), limits)


def _fenced(text: str) -> str | None:
    """The text with every line outside of Python fences made empty, so that line numbers stay."""
    kept: list[str] = []
    closing: str | None = None
    wanted = found = False
    for line in text.split("\n"):
        match = _FENCE.fullmatch(line)
        keep = ""
        if closing is None:
            if match:
                closing, wanted = match["fence"], match["language"].lower() in _LANGUAGES
                found = found or wanted
        elif match and not match["language"] and match["fence"].startswith(closing):
            closing = None
        elif wanted:
            keep = line
        kept.append(keep)
    return "\n".join(kept) if found else None


def _align(code: str) -> str:
    """Take the common indentation off; a model's answer often starts with the blank after `result =`."""
    if not code[:1].isspace():
        return code
    lines = code.split("\n")
    margins = [(len(line) - len(line.lstrip(" \t")), line) for line in lines if line.strip()]
    if not margins:
        return code
    margin = min(width for width, _ in margins)
    if margin == 0:  # only the first line can be put right
        first = next(number for number, line in enumerate(lines) if line.strip())
        lines[first] = lines[first].lstrip(" \t")
        return "\n".join(lines)
    return "\n".join(line[margin:] if line.strip() else "" for line in lines)


def _parse(code: str, limits: Limits) -> Program:
    comments = _screen(code, limits)
    try:
        tree = parse_module(code)
    except SyntaxError as error:
        raise refuse(error.lineno or 1, f"this is no Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise refuse(1, f"this cannot be parsed: {str(error) or type(error).__name__}") from error
    for count, _ in enumerate(ast.walk(tree), 1):
        if count > limits.nodes:
            raise refuse(1, f"the code has more than {limits.nodes:,} nodes")
    return Program(tree, comments)


@dataclass(slots=True)
class _Screen:
    """State of the screening."""

    limits: Limits
    chains: list[int] = field(default_factory=lambda: [0])
    """Chained operators since the last comma, per open bracket."""
    blocks: int = 0
    previous: str = ""

    def take(self, token: tokenize.TokenInfo) -> None:
        if token.type == tokenize.NAME:
            if keyword.iskeyword(token.string) and token.string not in _KEYWORDS:
                raise refuse(token.start[0], f"`{token.string}` is not in the dialect")
        elif token.type == tokenize.OP:
            self._operator(token)
        elif token.type == tokenize.INDENT:
            self.blocks += 1
            self._within(self.blocks, token, "blocks")
        elif token.type == tokenize.DEDENT:
            self.blocks -= 1
        elif token.type == tokenize.NEWLINE:
            self.chains[-1] = 0
        elif token.type != tokenize.COMMENT:
            self._literal(token)

    @staticmethod
    def _literal(token: tokenize.TokenInfo) -> None:
        line = token.start[0]
        if token.type == tokenize.NUMBER and len(token.string) > _LONGEST_NUMBER:
            raise refuse(line, f"a number of more than {_LONGEST_NUMBER:,} digits")
        if _FSTRING.match(token.string):
            raise refuse(line, "f-strings and template strings are not in the dialect")
        if token.type == tokenize.ERRORTOKEN:
            # At the first of the blanks before it: each of them takes as long as all that follow it.
            sign = token.line[token.start[1] :].lstrip()[:1]
            raise refuse(line, f"this is no Python: {sign!r} has no place here")

    def _operator(self, token: tokenize.TokenInfo) -> None:
        operator = token.string
        if operator in _CHAINED:
            self.chains[-1] += 1
            self._within(self.chains[-1], token, "operators in a row")
        elif operator not in _OPERATORS:
            raise refuse(token.start[0], f"operator `{operator}` is not in the dialect")
        if operator in "([{":
            if self.previous in (")", "]", "}"):
                raise refuse(token.start[0], "calling or indexing a result is not in the dialect")
            self.chains.append(0)
            self._within(len(self.chains), token, "brackets")
        elif operator in ")]}" and len(self.chains) > 1:
            self.chains.pop()
        elif operator in ",;":
            self.chains[-1] = 0

    def _within(self, depth: int, token: tokenize.TokenInfo, what: str) -> None:
        if depth > self.limits.depth:
            raise refuse(token.start[0], f"more than {self.limits.depth} {what}")


def _screen(code: str, limits: Limits) -> dict[int, Comment]:
    """Refuse what must not reach the parser; return the comments."""
    comments: dict[int, Comment] = {}
    screen = _Screen(limits)
    last_line = 0
    for count, token in enumerate(_tokens(code), 1):
        if count > limits.nodes:
            raise refuse(token.start[0], f"the code has more than {limits.nodes:,} tokens")
        screen.take(token)
        if token.type == tokenize.COMMENT:
            text = token.string.removeprefix("#").strip()
            comments[token.start[0]] = Comment(text, alone=last_line != token.start[0])
        if token.type not in _SILENT:
            screen.previous = token.string
            last_line = token.end[0]
    return comments


def _tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(code).readline)
    except tokenize.TokenError as error:
        message, (line, _) = error.args
        if "EOF" in message:
            message = "the text ends before its brackets or quotes are closed"
        raise refuse(min(line, code.count("\n") + 1), f"this is no Python: {message}") from error
    except SyntaxError as error:
        raise refuse(error.lineno or 1, f"this is no Python: {error.msg}") from error
