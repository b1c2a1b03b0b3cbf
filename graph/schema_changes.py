"""What has changed from one schema to the next: classes, fields and rules, down to the words.

For people who follow a document through its rounds, on the terminal as in the browser. Order is not compared:
a rule that moves says the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum

from pydantic import Field

from schemas.base import Model
from schemas.dialect.comments import comment_text
from schemas.dialect.types import type_source
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, Guideline

_ALIKE = 0.5
"""Share of words that two texts have in common, from which on one is the other one changed."""
_MOST_TEXTS = 10_000
_MOST_WORDS = 1_000_000
"""Pairs of texts or of words that are compared at most, as what a model wrote may be as long as it likes;
beyond them all is replaced."""
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


class Change(StrEnum):
    """What became of something."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


class Piece(Model):
    """Words that were added, removed or kept together."""

    text: str = Field(description="The words, with the spaces between them and around them.")
    change: Change = Field(description="added, removed or same.")


class TextChange(Model):
    """A rule of a guideline, a field or the domain, before and after."""

    part: str = Field(
        description="What it is: 'domain', 'field', or the part of the guideline by its name in `Guideline`."
    )
    sibling: str | None = Field(default=None, description="The other class, for part 'contrast'.")
    change: Change = Field(description="What became of it.")
    pieces: tuple[Piece, ...] = Field(
        description="Its words; with those added left out, the text before; with those removed, after."
    )

    @property
    def before(self) -> str:
        """The text before; empty for one that was added."""
        return "".join(piece.text for piece in self.pieces if piece.change is not Change.ADDED)

    @property
    def after(self) -> str:
        """The text after; empty for one that was removed."""
        return "".join(piece.text for piece in self.pieces if piece.change is not Change.REMOVED)


class ClassChange(Model):
    """A class, before and after."""

    name: str = Field(description="Its name; a class that is renamed is removed and added.")
    change: Change = Field(description="What became of it.")
    fields: tuple[TextChange, ...] = Field(
        description="Its fields as in code, `name: type  # comment`; those that are gone last."
    )
    rules: tuple[TextChange, ...] = Field(
        description="Its guideline, part by part; in each those rules that are gone last."
    )


class SchemaChanges(Model):
    """A schema beside the one before it."""

    domain: TextChange | None = Field(description="The subject matter; None if neither names it.")
    classes: tuple[ClassChange, ...] = Field(
        description="All classes, in the order of the schema; those that are gone last."
    )

    @property
    def any(self) -> bool:
        """Whether there is a change at all."""
        domain = self.domain is not None and self.domain.change is not Change.SAME
        return domain or any(one.change is not Change.SAME for one in self.classes)


def schema_changes(before: AnnotationSchema | None, after: AnnotationSchema) -> SchemaChanges:
    """What became of each class, each field and each rule.

    A rule that is gone and one that is new are the same rule, changed, if they belong to the same part of the
    guideline and have half of their words in common.

    Args:
        before: The schema before; None for the first one, of which everything is added.
        after: The schema after.
    """
    old = {} if before is None else {spec.name: spec for spec in before.classes}
    new = {spec.name: spec for spec in after.classes}
    classes = [_class_change(old.get(name), spec) for name, spec in new.items()]
    classes += [_class_change(spec, None) for name, spec in old.items() if name not in new]
    domain = tuple(_text("domain", before.domain if before else "", after.domain))
    return SchemaChanges(domain=domain[0] if domain else None, classes=tuple(classes))


def _class_change(before: ClassSpec | None, after: ClassSpec | None) -> ClassChange:
    present = after or before
    assert present is not None
    fields = tuple(_field_changes(before.fields if before else (), after.fields if after else ()))
    rules = tuple(
        _rule_changes(before.guideline if before else Guideline(), after.guideline if after else Guideline())
    )
    if before is None or after is None:
        change = Change.ADDED if before is None else Change.REMOVED
    else:
        same = all(one.change is Change.SAME for one in (*fields, *rules))
        change = Change.SAME if same else Change.CHANGED
    return ClassChange(name=present.name, change=change, fields=fields, rules=rules)


def _field_changes(before: Sequence[FieldSpec], after: Sequence[FieldSpec]) -> Iterator[TextChange]:
    old = {field.name: field_line(field) for field in before}
    new = {field.name: field_line(field) for field in after}
    for name, line in new.items():
        yield _text_change("field", old.get(name), line)
    for name, line in old.items():
        if name not in new:
            yield _text_change("field", line, None)


def field_line(field: FieldSpec) -> str:
    """A field as in code, with what is said of it as a comment: `size: Optional[int]  # Count`."""
    comment = comment_text(field)
    return f"{field.name}: {type_source(field.type)}" + (f"  # {comment}" if comment else "")


def _rule_changes(before: Guideline, after: Guideline) -> Iterator[TextChange]:
    yield from _text("definition", before.definition, after.definition)
    yield from _texts("include", before.include, after.include)
    yield from _texts("exclude", before.exclude, after.exclude)
    yield from _text("boundary", before.boundary, after.boundary)
    for sibling in dict.fromkeys(one.sibling for one in (*after.contrast, *before.contrast)):
        old, new = (
            [one.difference for one in guideline.contrast if one.sibling == sibling]
            for guideline in (before, after)
        )
        yield from _texts("contrast", old, new, sibling)
    yield from _texts("negatives", before.negatives, after.negatives)


def _text(part: str, before: str, after: str) -> Iterator[TextChange]:
    """A text of which there is one, or none."""
    if before or after:
        yield _text_change(part, before or None, after or None)


def _texts(
    part: str, before: Sequence[str], after: Sequence[str], sibling: str | None = None
) -> Iterator[TextChange]:
    """Texts in the order they have now, those that are gone last."""
    gone = list(before)
    old: list[str | None] = []
    for text in after:
        old.append(text if text in gone else None)
        if text in gone:
            gone.remove(text)
    comparable = len(gone) * old.count(None) <= _MOST_TEXTS
    for text, same in zip(after, old, strict=True):
        found = _most_alike(text, gone) if same is None and comparable else None
        if found is not None:
            gone.remove(found)
        yield _text_change(part, same if found is None else found, text, sibling)
    for text in gone:
        yield _text_change(part, text, None, sibling)


def _most_alike(text: str, others: Sequence[str]) -> str | None:
    """The other text with most words in common, if these are enough to take it for the same, changed."""
    words = Counter(_WORD.findall(text.casefold()))
    best, found = _ALIKE, None
    for other in others:
        theirs = Counter(_WORD.findall(other.casefold()))
        likeness = 2 * (words & theirs).total() / ((words.total() + theirs.total()) or 1)
        if likeness >= best and (found is None or likeness > best):
            best, found = likeness, other
    return found


def _text_change(part: str, before: str | None, after: str | None, sibling: str | None = None) -> TextChange:
    if before is None or after is None:
        change = Change.ADDED if before is None else Change.REMOVED
        pieces = [Piece(text=before or after or "", change=change)]
    elif before == after:
        change, pieces = Change.SAME, [Piece(text=after, change=Change.SAME)]
    else:
        change, pieces = Change.CHANGED, list(_pieces(before, after))
    return TextChange(part=part, sibling=sibling, change=change, pieces=tuple(pieces))


def _pieces(before: str, after: str) -> Iterator[Piece]:
    """The words of both texts; what is kept between two changes is more than a space."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    gone = come = ""
    if len(old) * len(new) <= _MOST_WORDS:
        for _, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            was, now = "".join(old[start:end]), "".join(new[first:last])
            if was != now or ((gone or come) and now.isspace() and end < len(old) and last < len(new)):
                gone, come = gone + was, come + now
                continue
            yield from _replacement(gone, come)
            gone = come = ""
            yield Piece(text=now, change=Change.SAME)
    else:
        gone, come = before, after
    yield from _replacement(gone, come)


def _replacement(gone: str, come: str) -> Iterator[Piece]:
    if gone:
        yield Piece(text=gone, change=Change.REMOVED)
    if come:
        yield Piece(text=come, change=Change.ADDED)
