"""Between a passage and its document: instances with offsets into the one, and into the other."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.annotation import Instance, Mention, Value
from schemas.documents import Passage
from schemas.locate import TextIndex


def shifted(instances: Sequence[Instance], passage: Passage, whole: TextIndex) -> tuple[Instance, ...]:
    """Instances with offsets into a passage, as instances with offsets into its document.

    Args:
        instances: What was found in the passage.
        passage: The passage.
        whole: The document's text; occurrences are counted anew in it.
    """
    if len(passage.text) == len(whole.text):
        return tuple(instances)
    return tuple(moved(instance, passage.start, whole) for instance in instances)


def within(instances: Sequence[Instance], passage: Passage) -> tuple[Instance, ...]:
    """The instances whose anchor lies in a passage, with offsets into it."""
    end = passage.start + len(passage.text)
    here = [
        instance
        for instance in instances
        if instance.anchor is not None
        and instance.anchor.span is not None
        and passage.start <= instance.anchor.span[0] < end
    ]
    return tuple(moved(instance, -passage.start) for instance in here) if passage.start else tuple(here)


def moved(instance: Instance, by: int, index: TextIndex | None = None) -> Instance:
    """An instance with other offsets, nested instances included.

    Args:
        instance: The instance.
        by: Added to the offsets, which count code points.
        index: The text it is moved to; occurrences are counted anew in it. None leaves them as they are.
    """

    def mention(old: Mention) -> Mention:
        if old.start is None or old.end is None:
            return old
        span = (old.start + by, old.end + by)
        update: dict[str, int] = {"start": span[0], "end": span[1]}
        if index is not None:
            spans = list(index.spans(old.quote.strip()))
            update["occurrence"] = spans.index(span) + 1 if span in spans else old.occurrence
        return old.model_copy(update=update)

    def value(old: Value) -> Value:
        if isinstance(old, tuple):
            return tuple(moved(item, by, index) if isinstance(item, Instance) else item for item in old)
        return moved(old, by, index) if isinstance(old, Instance) else old

    return instance.model_copy(
        update={
            "mentions": tuple(mention(old) for old in instance.mentions),
            "values": {name: value(old) for name, old in instance.values.items()},
        }
    )
