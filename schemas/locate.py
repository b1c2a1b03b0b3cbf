"""Locating quotes: where in a document the words that a model gave really stand.

A model is never asked for offsets. It gives a quote, and `TextIndex.locate` finds it: as it is, or else
in a normal form that both sides are brought to (canonical Unicode form, case, runs of white space,
typographic quotes, dashes). Offsets count code points of the text as stored, so that `text[start:end]` is
always the surface that stands there. What stands nowhere is not found; nothing is guessed.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from schemas.annotation import Instance, Mention, MentionStatus, Scalar, Value
from schemas.schema import AnnotationSchema, ClassSpec

Span = tuple[int, int]

OVERLAP_WORK = 4_000_000
"""Comparisons (code points) spent on candidates that overlap; it bounds the time on repeated patterns."""

_ZERO_WIDTH_JOINER = "\u200d"
_APOSTROPHES = "\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u02bd`\u00b4\u2039\u203a\uff07"
_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u301d\u301e\u301f\uff02"
_DASHES = (
    "\u02d7\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e17\u2e1a\u2e3a"
    "\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead"
)
_PUNCTUATION = str.maketrans(
    dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_QUOTES, '"') | dict.fromkeys(_DASHES, "-")
)
_RUNS = re.compile(r"\s+|[^\s\x80-\U0010ffff]+|[^\s\x00-\x7f]+")  # white space, ASCII, the rest


@dataclass(frozen=True)
class Located:
    """A quote that was found.

    Attributes:
        start: First code point in the text.
        end: One past the last code point.
        status: EXACT if the surface equals the quote, else NORMALISED.
        occurrence: Which occurrence it is, from 1; less than asked for if the text has not so many.
    """

    start: int
    end: int
    status: MentionStatus
    occurrence: int


@lru_cache(maxsize=4096)
def extends(character: str) -> bool:
    """Whether a character belongs to the one before it: marks, joiners, Hangul vowels and finals."""
    return (
        unicodedata.category(character)[0] == "M"
        or character in ("\u200c", _ZERO_WIDTH_JOINER)
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7ff"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


@lru_cache(maxsize=4096)
def _in_word(character: str) -> bool:
    """Whether a word goes on through a character; no for scripts that are written without spaces."""
    if not (character.isalnum() or character == "_" or extends(character)):
        return False
    southeast_asian = any(
        low <= character <= high
        for low, high in (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))
    )
    return not southeast_asian and unicodedata.east_asian_width(character) not in "WF"


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    """Canonical caseless form (Unicode, definition D145) with plain quotes and dashes.

    Decomposed rather than composed: the form of a text is then the sequence of the forms of its characters,
    and equality is the same as under NFC.
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    decomposed = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFD", decomposed).translate(_PUNCTUATION)


def normal_form(quote: str) -> str:
    """The form in which quotes are compared: `_fold`, white space folded to single spaces and stripped."""
    return " ".join(_fold(quote).split())


class TextIndex:
    r"""A text, prepared for locating many quotes in it; what is costly is built once, when first needed.

    A quote's occurrences are those that are whole words: not preceded or followed by more of the same word,
    where the quote itself starts or ends with a word character. Only if there is none, occurrences inside
    words count. Exact occurrences win over normalised ones. Occurrences do not overlap, and never cut a
    character from its combining marks: 'e' does not stand in 'e\u0301'.

    Attributes:
        text: The text as stored.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[str, tuple[MentionStatus, Sequence[Span]]] = {}

    def locate(self, quote: str, occurrence: int = 1) -> Located | None:
        """Find a quote.

        Args:
            quote: What to find; an empty or blank one is not found.
            occurrence: Which occurrence, from 1. If the text has fewer, the last one is taken, and the
                result says which that was: a model that miscounts has still quoted the text.
        """
        status, spans = self._occurrences(quote)
        if not spans:
            return None
        taken = max(1, min(occurrence, len(spans)))
        start, end = spans[taken - 1]
        return Located(start, end, status, taken)

    def spans(self, quote: str) -> Sequence[Span]:
        """(start, end) of all occurrences that `locate` can give, in text order."""
        return self._occurrences(quote)[1]

    def whole_words(self, quote: str) -> tuple[Span, ...]:
        """(start, end) of the occurrences in just these characters that cut no word, in text order."""
        return tuple(
            (start, end)
            for start, end in self.spans(quote)
            if self.text[start:end] == quote and self._is_whole(start, end)
        )

    def _occurrences(self, quote: str) -> tuple[MentionStatus, Sequence[Span]]:
        if quote not in self._found:
            self._found[quote] = self._search(quote)
        return self._found[quote]

    def _search(self, quote: str) -> tuple[MentionStatus, Sequence[Span]]:
        if not quote.strip():
            return MentionStatus.NOT_FOUND, ()
        exact = self._scan(self.text, quote, self._exact_span)
        if exact:
            return MentionStatus.EXACT, exact
        normalised = self._scan(self._normal[0], normal_form(quote), self._normalised_span)
        return (MentionStatus.NORMALISED if normalised else MentionStatus.NOT_FOUND), normalised

    def _scan(self, text: str, quote: str, span_at: Callable[[int, int], Span | None]) -> Sequence[Span]:
        """Spans of the quote that are whole words; if there is none, all spans. In order, without overlap."""
        whole: list[Span] = []
        inside: list[Span] = []
        work = 0
        position = text.find(quote)
        while position >= 0:
            span = span_at(position, position + len(quote))
            if span is not None and self._is_whole(*span):
                whole.append(span)
                step = len(quote)
            else:
                if span is not None and not whole and (not inside or inside[-1][1] <= span[0]):
                    inside.append(span)
                # Candidates that overlap a refused one are looked at too, up to a bound.
                work += len(quote)
                step = 1 if work < OVERLAP_WORK else len(quote)
            position = text.find(quote, position + step)
        return whole or inside

    def _exact_span(self, start: int, end: int) -> Span | None:
        return (start, end) if self._is_boundary(start) and self._is_boundary(end) else None

    def _normalised_span(self, start: int, end: int) -> Span | None:
        origin = self._normal[1]
        return (origin[start], origin[end]) if origin[start] >= 0 and origin[end] >= 0 else None

    @cached_property
    def _normal(self) -> tuple[str, array[int]]:
        """The text's normal form, and for each of its characters where the original one starts.

        An original character may have several characters in the normal form; only the first of them has an
        offset, the others have -1, as no match may begin or end there. One offset more is the text's end.
        """
        pieces: list[str] = []
        origin = array("q")
        for start, end in self._segments():
            segment = self.text[start:end]
            if segment.isspace():
                pieces.append(" ")
                origin.append(start)
                continue
            folded = _fold(segment)
            pieces.append(folded)
            if segment.isascii():
                origin.extend(range(start, end))
            else:
                origin.append(start)
                origin.extend([-1] * (len(folded) - 1))
        origin.append(len(self.text))
        return "".join(pieces), origin

    def _segments(self) -> Iterator[Span]:
        """Cut the text into runs of white space, runs of ASCII, and single characters with their marks."""
        held = None  # an ASCII character that waits for its marks
        for run in _RUNS.finditer(self.text):
            start, end = run.span()
            first = run.group()[0]
            if first.isspace():
                yield start, end
            elif first.isascii():
                held = end - 1 if not self._is_boundary(end) else None
                if held is None or held > start:
                    yield start, end if held is None else held
            else:
                begin = start if held is None else held
                held = None
                for position in range(start + (begin == start), end + 1):
                    if position == end or self._is_boundary(position):
                        yield begin, position
                        begin = position

    def _is_boundary(self, position: int) -> bool:
        """Whether a position lies between characters as people see them (grapheme clusters, in the main)."""
        if position in (0, len(self.text)):
            return True
        before, after = self.text[position - 1], self.text[position]
        if after.isascii():
            return True
        if before.isspace() or after.isspace():
            return True
        if before == _ZERO_WIDTH_JOINER and unicodedata.category(after) == "So":
            return False
        return not extends(after)

    def _is_whole(self, start: int, end: int) -> bool:
        text = self.text
        if start > 0 and _in_word(text[start - 1]) and _in_word(text[start]):
            return False
        return not (end < len(text) and _in_word(text[end]) and _in_word(text[end - 1]))


def locate(text: str, quote: str, occurrence: int = 1) -> Located | None:
    """Find one quote in a text; see `TextIndex.locate`. For many quotes, keep a `TextIndex`."""
    return TextIndex(text).locate(quote, occurrence)


def instance_at(
    spec: ClassSpec, index: TextIndex, span: Span, status: MentionStatus = MentionStatus.EXACT
) -> Instance:
    """An instance of a class that has nothing but its mention, which stands at a place that is known.

    Args:
        spec: The class; it has an anchor.
        index: The document's text.
        span: (start, end) in code points.
        status: How the place was found.
    """
    if spec.anchor is None:
        raise ValueError(f"class {spec.name} has no field for a mention")
    start, end = span
    surface, field = index.text[start:end], spec.anchor.name
    places = list(index.spans(surface))
    occurrence = places.index(span) + 1 if span in places else 1
    mention = Mention(field=field, quote=surface, occurrence=occurrence, start=start, end=end, status=status)
    return Instance(class_name=spec.name, values={field: surface}, mentions=(mention,))


def ground(
    instance: Instance,
    schema: AnnotationSchema,
    index: TextIndex,
    occurrences: Mapping[str, int] | None = None,
) -> Instance:
    """Give an instance its mentions: one per verbatim value, in field order, nested instances included.

    String values become the surface that stands in the text; what is not found keeps its value and has a
    mention of status NOT_FOUND. Space around a quote is no part of the mention. Grounding is idempotent.

    Args:
        instance: As a model gave it. A mention that it has already says which occurrence is meant.
        schema: Where its class is looked up.
        index: The document's text.
        occurrences: Field name to occurrence, from 1, of the instance's own values; wins over its mentions.

    Raises:
        ValueError: The schema does not have the instance's class.
    """
    return _Grounding(schema, index, None).ground(instance, occurrences or {})


def ground_all(
    instances: Sequence[Instance], schema: AnnotationSchema, index: TextIndex
) -> tuple[Instance, ...]:
    """Ground the instances of one annotation and put them in document order, those not found last.

    A model that lists a surface twice means two occurrences. So where an instance does not say which
    occurrence it means (by a mention it has already), the value of its anchor field takes the first one that
    no instance of its class has taken before, and the last one once all are taken.

    Raises:
        ValueError: The schema does not have an instance's class.
    """
    grounding = _Grounding(schema, index, set())
    grounded = [grounding.ground(instance, {}) for instance in instances]
    return tuple(sorted(grounded, key=_place))


def _place(instance: Instance) -> tuple[int, int]:
    span = instance.anchor.span if instance.anchor else None
    return span if span is not None else (sys.maxsize, sys.maxsize)


class _Grounding:
    """One pass over instances; `taken` holds (class, start, end) of anchors, or is None if none are kept."""

    def __init__(
        self, schema: AnnotationSchema, index: TextIndex, taken: set[tuple[str, int, int]] | None
    ) -> None:
        self._schema = schema
        self._index = index
        self._taken = taken

    def ground(self, instance: Instance, occurrences: Mapping[str, int]) -> Instance:
        spec = self._schema.get(instance.class_name)
        if spec is None:
            raise ValueError(f"the schema has no class {instance.class_name!r}")
        values: dict[str, Value] = dict(instance.values)
        mentions: list[Mention] = []
        for field in spec.fields:
            value = values.get(field.name)
            hints = iter([mention for mention in instance.mentions if mention.field == field.name])
            items: list[Scalar] = []
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Instance):
                    item = self.ground(item, {})
                elif isinstance(item, str) and field.verbatim:
                    mention = self._mention(spec, field.name, item, next(hints, None), occurrences)
                    mentions.append(mention)
                    item = item if mention.span is None else self._index.text[slice(*mention.span)]
                items.append(item)
            if field.name in values:
                values[field.name] = tuple(items) if isinstance(value, tuple) else items[0]
        return instance.model_copy(update={"values": values, "mentions": tuple(mentions)})

    def _mention(
        self, spec: ClassSpec, field: str, value: str, hint: Mention | None, occurrences: Mapping[str, int]
    ) -> Mention:
        quote = value
        if hint is not None and hint.span is not None and self._index.text[slice(*hint.span)] == value:
            quote = hint.quote  # grounded before: the value is the surface, the quote what the model gave
        asked = occurrences.get(field) or (hint.occurrence if hint is not None else None)
        is_anchor = spec.anchor is not None and spec.anchor.name == field
        occurrence = asked or (self._next(spec, quote) if is_anchor else 1)
        located = self._index.locate(quote.strip(), occurrence)
        if located is None:
            return Mention(field=field, quote=quote, occurrence=asked or 1)
        if self._taken is not None and is_anchor:
            self._taken.add((spec.name, located.start, located.end))
        return Mention(
            field=field,
            quote=quote,
            occurrence=located.occurrence,
            start=located.start,
            end=located.end,
            status=located.status,
        )

    def _next(self, spec: ClassSpec, quote: str) -> int:
        """The first occurrence that no instance of the class has taken; the last one if all are."""
        if self._taken is None:
            return 1
        spans = self._index.spans(quote.strip())
        free = (n for n, span in enumerate(spans, 1) if (spec.name, *span) not in self._taken)
        return next(free, len(spans) or 1)
