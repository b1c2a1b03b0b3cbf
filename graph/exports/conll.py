"""CoNLL lines with BIO2 tags: a token a line, with its offsets in the columns between.

    TOKEN <tab> START <tab> END <tab> TAG

Readers take the first and the last column, as of CoNLL-2003. A line `-DOCSTART-` begins each document and
has its id and the classes whose absence proves nothing, as JSON; the tags cannot say that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from graph.exports.about import Export
from graph.exports.documents import ExportedDocument, Span
from graph.exports.tally import Lost, Tally
from graph.exports.tokens import outermost, tokens_in, tokens_of
from graph.json_lines import json_text
from schemas.splitting import split

HEADING = "-DOCSTART-"

_SENTENCE = 1000
"""Most bytes of a block, which is cut between sentences where it can be."""


def write_conll(documents: Iterable[ExportedDocument], path: Path, export: Export) -> None:
    """Write documents as blocks of lines, a blank one behind each.

    A mention within another one, or across its end, has no tag: the first to start has it, of these the
    longest. Blocks are cut where no mention is.
    """
    with path.open("wb") as file:
        for document in documents:
            file.write("".join(_lines(document, export.tally)).encode())
            export.tally.rows += 1


def _lines(document: ExportedDocument, tally: Tally) -> Iterator[str]:
    text = document.document.text
    said = {"id": document.document.id, "unknown_classes": list(document.unknown)}
    yield f"{HEADING}\t{json_text(said)}\t-\tO\n\n"
    kept = outermost(document.spans)
    tally.lost[Lost.OVERLAPPING] += len(document.spans) - len(kept)
    tokens = tokens_of(text, kept)
    tags = ["O"] * len(tokens)
    for span in kept:
        within = tokens_in(span, tokens)
        if within is None:
            tally.lost[Lost.BLANK] += 1
            continue
        for number in within:
            tags[number] = f"{'B' if number == within.start else 'I'}-{span.label}"
    ends = _ends_of_blocks(text, kept)
    end = next(ends, None)
    begun = False
    for (start, stop), tag in zip(tokens, tags, strict=True):
        while end is not None and start >= end:
            if begun:
                yield "\n"
            begun, end = False, next(ends, None)
        yield f"{text[start:stop]}\t{start}\t{stop}\t{tag}\n"
        begun = True
    if begun:
        yield "\n"


def _ends_of_blocks(text: str, spans: Sequence[Span]) -> Iterator[int]:
    for passage in split(text, _SENTENCE):
        if not any(span.start < passage.start < span.end for span in spans):
            yield passage.start
