"""Long texts as several examples, cut at sentences; a phrase that is annotated is never cut."""

from __future__ import annotations

from collections.abc import Iterator

from semantic_text_splitter import TextSplitter

from finetune.examples.models import Source
from schemas.annotation import Instance
from schemas.documents import Passage
from schemas.locate import TextIndex
from schemas.passages import within


def passages_of(source: Source, most: int | None) -> Iterator[Source]:
    """The passages of a source, each with its own instances and the whole schema.

    An instance belongs to the passage that holds all of its mentions; passages that share an instance are
    one. A text with an instance that stands nowhere in it stays whole.

    Args:
        source: A source.
        most: Most characters of a passage, unless an instance needs more; None leaves the text whole.
    """
    extents = [extent(one) for one in source.annotation.instances]
    placed = [each for each in extents if each is not None]
    if most is None or len(source.text) <= most or len(placed) < len(extents):
        yield source
        return
    for piece in _merged(_pieces(source.text, most), placed):
        # White space at the ends is no part of a sentence.
        begin = piece.start + len(piece.text) - len(piece.text.lstrip())
        text = piece.text.strip()
        instances = within(source.annotation.instances, Passage(text=text, start=begin), TextIndex(text))
        yield source.model_copy(
            update={"text": text, "annotation": source.annotation.model_copy(update={"instances": instances})}
        )


def extent(instance: Instance) -> tuple[int, int] | None:
    """From the first to the last code point of an instance's mentions; None if none stands in the text."""
    spans = [mention.span for one in instance.walk() for mention in one.mentions if mention.span]
    return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None


def _pieces(text: str, most: int) -> list[Passage]:
    start, pieces = 0, []
    for chunk in TextSplitter(most, trim=False).chunks(text):
        pieces.append(Passage(text=chunk, start=start))
        start += len(chunk)
    return pieces


def _merged(pieces: list[Passage], extents: list[tuple[int, int]]) -> Iterator[Passage]:
    """Pieces that an instance spans become one; blank ones are left out."""
    inner = {piece.start for piece in pieces[1:]}
    cut = {start for start in inner for first, end in extents if first < start < end}
    text, begin = pieces[0].text, 0
    for piece in pieces[1:]:
        if piece.start in cut:
            text += piece.text
            continue
        if text.strip():
            yield Passage(text=text, start=begin)
        text, begin = piece.text, piece.start
    if text.strip():
        yield Passage(text=text, start=begin)
