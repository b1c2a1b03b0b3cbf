"""What becomes of sources before they are examples: copies out, blocked classes out, some held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random

from finetune.examples.models import LeftOut, Source
from finetune.examples.near_copies import NearCopies
from schemas.documents import text_id
from schemas.grounded import UngroundedError, require_grounded
from schemas.restriction import restricted


def without_copies(
    sources: Iterable[Source], threshold: float
) -> tuple[list[Source], list[tuple[Source, LeftOut]]]:
    """Leave out every text that equals, or nearly equals, an earlier one.

    Args:
        sources: In their order; of copies the first one stays.
        threshold: Estimated Jaccard similarity from which texts are nearly equal; 1: only equal ones.
    """
    kept: list[Source] = []
    left_out: list[tuple[Source, LeftOut]] = []
    texts: set[str] = set()
    near = NearCopies(threshold) if threshold < 1 else None
    for number, source in enumerate(sources):
        if source.text in texts:
            left_out.append((source, LeftOut.EQUAL))
        elif near is not None and near.add(str(number), source.text):
            left_out.append((source, LeftOut.NEAR))
        else:
            texts.add(source.text)
            kept.append(source)
    return kept, left_out


def with_distinct_ids(sources: Sequence[Source]) -> list[Source]:
    """The sources, those that share an id told apart by a hash of their text."""
    counts = Counter(source.id for source in sources)
    return [
        source
        if counts[source.id] == 1
        else Source.model_validate({**dict(source), "id": f"{source.id}~{text_id(source.text)}"})
        for source in sources
    ]


def with_grounded_instances(source: Source) -> tuple[Source, int]:
    """The source without instances that do not stand in its text, and how many those are.

    Their classes become unknown, as of what is dropped in dispute: it may stand there in other words.
    """
    unknown: list[str] = []
    instances = []
    for instance in source.annotation.instances:
        try:
            require_grounded(instance, source.annotation_schema, source.text)
        except UngroundedError:
            unknown.append(instance.class_name)
        else:
            instances.append(instance)
    if not unknown:
        return source, 0
    unknown_classes = tuple(dict.fromkeys((*source.annotation.unknown_classes, *unknown)))
    annotation = source.annotation.model_copy(
        update={"instances": tuple(instances), "unknown_classes": unknown_classes}
    )
    # Where such an instance may stand is not known, so that its class is unknown everywhere.
    disputes = tuple(each for each in source.disputes if each[2] not in unknown)
    return source.model_copy(update={"annotation": annotation, "disputes": disputes}), len(unknown)


def restricted_to(source: Source, names: Sequence[str]) -> Source | None:
    """The source with some of its classes, see `schemas.restriction`; None if it has none of them."""
    if not set(names) & set(source.annotation_schema.names):
        return None
    schema, annotation = restricted(source.annotation_schema, source.annotation, names)
    return source.model_copy(update={"annotation_schema": schema, "annotation": annotation})


def held_out(documents: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """Ids of the documents that are held out: a share of all, at least one and never all.

    Whether a document is held out depends on the seed and the set of ids, not on their order.
    """
    ids = sorted(set(documents))
    if not share or len(ids) < 2:
        return frozenset()
    count = min(max(round(share * len(ids)), 1), len(ids) - 1)
    return frozenset(Random(f"{seed} held out").sample(ids, count))
