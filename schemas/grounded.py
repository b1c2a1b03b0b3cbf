"""Whether what an annotation claims to stand in its text does."""

from __future__ import annotations

from itertools import zip_longest
from operator import itemgetter
from reprlib import repr as shorten

from schemas.annotation import Instance, Mention, Scalar, Value
from schemas.schema import AnnotationSchema


class UngroundedError(ValueError):
    """A value that claims to stand in the document does not; the message says what stands there."""


def require_grounded(instance: Instance, schema: AnnotationSchema, text: str) -> None:
    """Require that every verbatim value has its mention, in the same order, and stands there in the text.

    Args:
        instance: The instance; those nested in it are looked at too.
        schema: Where its class is looked up.
        text: The document's text.

    Raises:
        UngroundedError: One does not, or the schema does not have a class.
    """
    spec = schema.get(instance.class_name)
    if spec is None:
        raise UngroundedError(f"its schema has no class {instance.class_name!r}")
    claims = [
        (field.name, item)
        for field in spec.fields
        if field.verbatim
        for item in _items(instance.values.get(field.name))
        if item is not None
    ]
    found = [(mention.field, surface(mention, text)) for mention in instance.mentions]
    pairs = zip_longest(sorted(claims, key=itemgetter(0)), sorted(found, key=itemgetter(0)))
    for claim, stands in pairs:
        if claim != stands:
            raise UngroundedError(
                f"{spec.name} claims {shorten(claim)}, and at its offsets stands {shorten(stands)}"
            )
    for value in instance.values.values():
        for item in _items(value):
            if isinstance(item, Instance):
                require_grounded(item, schema, text)


def surface(mention: Mention, text: str) -> str | None:
    """What stands at a mention's offsets; None where they are no span of the text."""
    if mention.start is None or mention.end is None or not mention.start < mention.end <= len(text):
        return None
    return text[mention.start : mention.end]


def _items(value: Value) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)
