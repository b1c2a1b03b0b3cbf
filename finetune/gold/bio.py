"""CoNLL files: a token and its BIO tag a line, a blank line between sentences (CrossNER, CoNLL-2003)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from finetune.gold.models import GoldDocument, GoldMention
from schemas.errors import DocumentError

_TAG = re.compile(r"O|([BI])-(\S.*)")
_HEADING = "-DOCSTART-"

Sentence = tuple[GoldDocument, tuple[str, ...]]
"""A sentence, and the places of tags in it that had to be repaired."""


def read_conll(path: Path, file: str) -> Iterator[Sentence]:
    """Sentences in their order; the text is the tokens, joined by single spaces.

    The first column is the token and the last one the tag; columns are divided by tabs, or by spaces where a
    line has no tab. A tag I-X that continues no X begins one, as in the CoNLL scorer. `-DOCSTART-` lines are
    passed over.

    Raises:
        DocumentError: A line is no token with a tag, or the file is not UTF-8.
        OSError: The file cannot be read.
    """
    making = _Sentence(file, 1)
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DocumentError(f"{file}:{number} is not UTF-8.", "Convert the file to UTF-8.") from error
            if line.strip(" \t"):
                making.add(line, number)
            elif making.tokens:
                yield making.made()
                making = _Sentence(file, number + 1)
    if making.tokens:
        yield making.made()


class _Sentence:
    """A sentence while its lines come in."""

    def __init__(self, file: str, line: int) -> None:
        self.file, self.line = file, line
        self.tokens: list[str] = []
        self._length = 0
        self._mentions: list[GoldMention] = []
        self._open: str | None = None
        self._repaired: list[str] = []

    def add(self, line: str, number: int) -> None:
        columns = line.split("\t") if "\t" in line else [part for part in line.split(" ") if part]
        token, tag = columns[0].strip(" "), columns[-1].strip(" ")
        if token == _HEADING:
            return
        matched = _TAG.fullmatch(tag)
        if len(columns) < 2 or not token or matched is None:
            raise DocumentError(
                f"{self.file}:{number} is no token with a BIO tag: {line[:60]!r}.",
                "Each line holds a token, a tab or space, and O, B-CLASS or I-CLASS; a blank line ends a "
                "sentence. Gold with offsets goes into a .jsonl file.",
            )
        start = self._length + bool(self.tokens)
        self._length = start + len(token)
        if not self.tokens:
            self.line = number
        self.tokens.append(token)
        self._tag(*matched.groups(), start=start, place=f"{self.file}:{number}")

    def _tag(self, prefix: str | None, label: str | None, *, start: int, place: str) -> None:
        if label is not None:
            if prefix == "I" and label == self._open:
                start = self._mentions.pop().start
            elif prefix == "I":
                self._repaired.append(place)
            self._mentions.append(GoldMention(start, self._length, label))
        self._open = label

    def made(self) -> Sentence:
        document = GoldDocument(
            " ".join(self.tokens), tuple(self._mentions), place=f"{self.file}:{self.line}"
        )
        return document, tuple(self._repaired)
