"""One known error of a code in a correct annotation, everything else untouched."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graph.flip_test.specimens import Specimen
from schemas.annotation import Instance
from schemas.judgement import FindingCode
from schemas.locate import TextIndex, ground, instance_at
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

Span = tuple[int, int]

_WORD = re.compile(r"\w+(?:[-'\u2019]\w+)*")
_COMMON_WORD = re.compile(r"[a-z]{3,}")
"""No name, whatever language it is of that writes names with capitals."""

GENERIC = "Entity"
"""A class name that says nothing."""


@dataclass(frozen=True)
class Flip:
    """A specimen with one error in it, and where that is.

    Attributes:
        code: What is wrong.
        schema: The classes, changed for errors of guidelines and schema.
        instances: The annotation, changed for errors of annotations.
        class_name: The class it is about; None for one that is gone.
        span: The mention it is about, or that is gone; None for others and where a quote stands nowhere.
        quote: Such a quote.
    """

    code: FindingCode
    schema: AnnotationSchema
    instances: tuple[Instance, ...]
    class_name: str | None
    span: Span | None = None
    quote: str | None = None


def flip(specimen: Specimen, code: FindingCode, chance: random.Random) -> Flip | None:
    """Put one error of a code into a specimen.

    Args:
        specimen: Correct; it is not changed.
        code: Which error.
        chance: Decides where, among all places where it can be.

    Returns:
        The error; None where the specimen has no place for it.
    """
    ways = list(_WAYS[code](specimen))
    return chance.choice(ways) if ways else None


# --- annotations: every way to make the error, as what is to be chosen from ---


def _anchored(specimen: Specimen) -> Iterator[tuple[int, Instance, Span]]:
    for number, instance in enumerate(specimen.annotation.instances):
        if instance.anchor is not None and instance.anchor.span is not None:
            yield number, instance, instance.anchor.span


def _spans(specimen: Specimen) -> set[Span]:
    return {span for _, _, span in _anchored(specimen)}


def _changed(specimen: Specimen, code: FindingCode, number: int, *put: Instance, **about: object) -> Flip:
    """The instance of that number gone, and others in its place."""
    before = specimen.annotation.instances
    instances = (*before[:number], *put, *before[number + 1 :])
    return Flip(code, specimen.schema, instances, **about)  # type: ignore[arg-type]


def _ungrounded(specimen: Specimen) -> Iterator[Flip]:
    index = TextIndex(specimen.document.text)
    for number, instance, _ in _anchored(specimen):
        anchor = instance.anchor
        for quote in _altered(instance.surface):
            if anchor is not None and instance.values.get(anchor.field) == instance.surface:
                if index.locate(quote) is None:
                    values = {**instance.values, anchor.field: quote}
                    bare = Instance(class_name=instance.class_name, values=values)
                    made = ground(bare, specimen.schema, index)
                    yield _changed(
                        specimen,
                        FindingCode.UNGROUNDED,
                        number,
                        made,
                        class_name=instance.class_name,
                        quote=quote,
                    )
                    break


def _altered(quote: str) -> Iterator[str]:
    """The quote with two neighbouring letters the other way round, or one letter twice."""
    for at in range(len(quote) - 1):
        if quote[at].isalpha() and quote[at + 1].isalpha() and quote[at].lower() != quote[at + 1].lower():
            yield quote[:at] + quote[at + 1] + quote[at] + quote[at + 2 :]
    for at, letter in enumerate(quote):
        if letter.isalpha():
            yield quote[:at] + letter + quote[at:]


def _duplicate(specimen: Specimen) -> Iterator[Flip]:
    for number, one, span in _anchored(specimen):
        yield _changed(
            specimen, FindingCode.DUPLICATE, number, one, one, class_name=one.class_name, span=span
        )


def _boundary(specimen: Specimen) -> Iterator[Flip]:
    """An end a word further out, or further in."""
    index, taken = TextIndex(specimen.document.text), _spans(specimen)
    words = [match.span() for match in _WORD.finditer(index.text)]
    for number, instance, (start, end) in _anchored(specimen):
        spec = specimen.schema.get(instance.class_name)
        inside = [word for word in words if start <= word[0] and word[1] <= end]
        after = next((word[1] for word in words if word[0] >= end), None)
        before = next((word[0] for word in reversed(words) if word[1] <= start), None)
        shifted = [(start, after), (before, end)]
        if len(inside) > 1:
            shifted += [(inside[1][0], end), (start, inside[-2][1])]
        for first, last in shifted:
            if spec is not None and first is not None and last is not None and (first, last) not in taken:
                made = instance_at(spec, index, (first, last))
                about = {"class_name": spec.name, "span": (first, last)}
                yield _changed(specimen, FindingCode.BOUNDARY, number, made, **about)


def _type(specimen: Specimen) -> Iterator[Flip]:
    index = TextIndex(specimen.document.text)
    given = {(instance.class_name, span) for _, instance, span in _anchored(specimen)}
    for number, _, span in _anchored(specimen):
        for sibling in specimen.schema.classes:
            if (sibling.name, span) not in given and sibling.anchor is not None:
                made = instance_at(sibling, index, span)
                yield _changed(specimen, FindingCode.TYPE, number, made, class_name=sibling.name, span=span)


def _spurious(specimen: Specimen) -> Iterator[Flip]:
    """A common word outside all mentions."""
    index, taken = TextIndex(specimen.document.text), _spans(specimen)
    for match in _WORD.finditer(index.text):
        start, end = match.span()
        if _COMMON_WORD.fullmatch(match.group()) and not any(s < end and start < e for s, e in taken):
            for spec in specimen.schema.classes:
                if spec.anchor is not None:
                    instances = (*specimen.annotation.instances, instance_at(spec, index, (start, end)))
                    yield Flip(FindingCode.SPURIOUS, specimen.schema, instances, spec.name, (start, end))


def _missing(specimen: Specimen) -> Iterator[Flip]:
    for number, instance, span in _anchored(specimen):
        yield _changed(specimen, FindingCode.MISSING, number, class_name=instance.class_name, span=span)


# --- guidelines and schema ---


def _with_class(specimen: Specimen, code: FindingCode, spec: ClassSpec, **changed: object) -> Flip:
    classes = tuple(
        each.model_copy(update=changed) if each is spec else each for each in specimen.schema.classes
    )
    schema = specimen.schema.model_copy(update={"classes": classes})
    return Flip(code, schema, specimen.annotation.instances, spec.name)


def _underspecified(specimen: Specimen) -> Iterator[Flip]:
    """A guideline that says nothing any more."""
    for spec in specimen.schema.classes:
        if spec.guideline.definition:
            yield _with_class(specimen, FindingCode.GUIDELINE_UNDERSPECIFIED, spec, guideline=Guideline())


def _contradiction(specimen: Specimen) -> Iterator[Flip]:
    """What a guideline says to annotate, it says not to annotate as well."""
    for spec in specimen.schema.classes:
        for rule in spec.guideline.include or (spec.guideline.definition,):
            if rule:
                guideline = spec.guideline.model_copy(update={"exclude": (*spec.guideline.exclude, rule)})
                yield _with_class(specimen, FindingCode.GUIDELINE_CONTRADICTION, spec, guideline=guideline)


def _generic(specimen: Specimen) -> Iterator[Flip]:
    """A class under a name that says nothing."""
    if GENERIC in specimen.schema.names or _refers(specimen.schema):
        return
    for spec in specimen.schema.classes:
        renamed = _with_class(specimen, FindingCode.SCHEMA_GENERIC, spec, name=GENERIC)
        instances = tuple(
            one.model_copy(update={"class_name": GENERIC}) if one.class_name == spec.name else one
            for one in specimen.annotation.instances
        )
        yield Flip(renamed.code, renamed.schema, instances, GENERIC)


def _overlap(specimen: Specimen) -> Iterator[Flip]:
    """A class once more, under another name."""
    for spec in specimen.schema.classes:
        name = f"{spec.name}Mention"
        if spec.guideline.definition and name not in specimen.schema.names:
            classes = (*specimen.schema.classes, spec.model_copy(update={"name": name}))
            schema = specimen.schema.model_copy(update={"classes": classes})
            yield Flip(FindingCode.SCHEMA_OVERLAP, schema, specimen.annotation.instances, name)


def _missing_class(specimen: Specimen) -> Iterator[Flip]:
    """A class that has mentions, gone with them."""
    used = {instance.class_name for instance in specimen.annotation.instances}
    if len(specimen.schema.classes) < 2 or _refers(specimen.schema):
        return
    for spec in specimen.schema.classes:
        if spec.name in used:
            classes = tuple(each for each in specimen.schema.classes if each is not spec)
            instances = tuple(one for one in specimen.annotation.instances if one.class_name != spec.name)
            schema = specimen.schema.model_copy(update={"classes": classes})
            yield Flip(FindingCode.SCHEMA_MISSING_CLASS, schema, instances, None)


def _refers(schema: AnnotationSchema) -> bool:
    """Whether classes name each other, so that one cannot change its name or go without a further error."""
    return any(
        spec.guideline.contrast or any(field.type.class_name for field in spec.fields)
        for spec in schema.classes
    )


_WAYS: dict[FindingCode, Callable[[Specimen], Iterator[Flip]]] = {
    FindingCode.UNGROUNDED: _ungrounded,
    FindingCode.DUPLICATE: _duplicate,
    FindingCode.BOUNDARY: _boundary,
    FindingCode.TYPE: _type,
    FindingCode.SPURIOUS: _spurious,
    FindingCode.MISSING: _missing,
    FindingCode.GUIDELINE_UNDERSPECIFIED: _underspecified,
    FindingCode.GUIDELINE_CONTRADICTION: _contradiction,
    FindingCode.SCHEMA_GENERIC: _generic,
    FindingCode.SCHEMA_OVERLAP: _overlap,
    FindingCode.SCHEMA_MISSING_CLASS: _missing_class,
}
