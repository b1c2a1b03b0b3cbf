"""What becomes of sources before they are examples: copies out, blocked classes out, some held out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from finetune.examples.models import LeftOut, Source
from finetune.examples.names import NEAR, Similarity, nearest, string_similarity
from finetune.examples.near_copies import NearCopies
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


def blocked_names(
    names: Iterable[str],
    labels: Sequence[str],
    similarity: Similarity = string_similarity,
    threshold: float = NEAR,
) -> dict[str, str]:
    """Which class names are, or are near to, labels that must not be seen; each with the label.

    Args:
        names: Names of classes.
        labels: The labels that are blocked.
        similarity: Of names in plain words.
        threshold: From which similarity a name is near.
    """
    found = {name: nearest(name, labels, similarity) for name in names}
    return {name: near[0] for name, near in found.items() if near is not None and near[1] >= threshold}


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
