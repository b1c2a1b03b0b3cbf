"""Long texts as several examples, cut at sentences; a phrase that is annotated is never cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from finetune.examples.models import Source
from schemas.annotation import Instance
from schemas.locate import Span, TextIndex
from schemas.passages import moved
from schemas.splitting import split


def passages_of(source: Source, most: int | None) -> Iterator[Source]:
    """The passages of a source, each with its own instances and disputes, and the whole schema.

    An instance belongs to the passage that holds all of its mentions; passages that share an instance are
    one. A text with an instance that stands nowhere in it stays whole. A sentence that is too long alone is
    cut between words.

    Args:
        source: A source.
        most: Most characters of a passage, unless an instance needs more; None leaves the text whole.
    """
    instances = source.annotation.instances
    extents = [extent(one) for one in instances]
    placed = [each for each in extents if each is not None]
    if most is None or len(source.text) <= most or len(placed) < len(extents):
        yield source
        return
    for begin, end in _uncut(source.text, most, placed):
        text = source.text[begin:end]
        index = TextIndex(text)
        here = tuple(
            moved(one, -begin, index)
            for one, (first, _) in zip(instances, placed, strict=True)
            if begin <= first < end
        )
        disputes = tuple(
            (first - begin, last - begin, name)
            for first, last, name in source.disputes
            if first < end and begin < last
        )
        yield source.model_copy(
            update={
                "text": text,
                "annotation": source.annotation.model_copy(update={"instances": here}),
                "disputes": disputes,
            }
        )


def extent(instance: Instance) -> Span | None:
    """From the first to the last code point of an instance's mentions; None if none stands in the text."""
    spans = [mention.span for one in instance.walk() for mention in one.mentions if mention.span]
    return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None


def _uncut(text: str, most: int, extents: Sequence[Span]) -> Iterator[Span]:
    """Where passages begin and end, without the white space at their ends, which is no part of a sentence.

    A boundary that lies within an instance is none.
    """
    starts = [passage.start for passage in split(text, most, len)]
    boundaries = [start for start in starts if not any(first < start < end for first, end in extents)]
    for begin, end in pairwise([0, *(start for start in boundaries if start), len(text)]):
        piece = text[begin:end]
        first = begin + len(piece) - len(piece.lstrip())
        if piece.strip():
            yield first, first + len(piece.strip())
