"""How good an annotation is at each stage of the agents' loop: what agreement, second looks, critic add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from finetune.gold import read_gold
from graph.deciding import settle
from graph.quality.results import anchors
from graph.store.reading import RunReader
from schemas.annotation import Annotation
from schemas.rounds import Round

STAGES = {
    "annotator-1": "one annotator",
    "annotator-2": "the other",
    "agreed": "agreed by both, first round",
    "last": "agreed by both, last round",
    "settled": "less what the critic objects to",
}
"""What is measured, over all documents whether accepted or not."""


def stages(runs: Sequence[Path], golds: Sequence[Path]) -> Iterator[str]:
    """Precision, recall and F1 (strict, micro-averaged over all runs) by stage, in Markdown."""
    sums: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}
    for folder, path in zip(runs, golds, strict=True):
        gold = {document.id: document for document in read_gold([path]).documents}
        with RunReader(folder) as reader:
            for identifier in reader.document_ids():
                kept = reader.kept_round(identifier)
                if identifier not in gold or kept is None:
                    continue
                right = {(m.start, m.end, m.label) for m in gold[identifier].mentions}
                for stage, annotation in _annotations(reader.rounds(identifier), kept):
                    found = anchors(annotation)
                    sums[stage]["correct"] += len(found & right)
                    sums[stage]["found"] += len(found)
                    sums[stage]["right"] += len(right)
    yield "| stage | P | R | F1 |"
    yield "|---|---|---|---|"
    for stage, name in STAGES.items():
        correct, found, right = (sums[stage][part] for part in ("correct", "found", "right"))
        shares = (correct / max(1, found), correct / max(1, right), 2 * correct / max(1, found + right))
        yield f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} |"


def _annotations(rounds: Sequence[Round], kept: Round) -> Iterator[tuple[str, Annotation]]:
    first, last = rounds[0], rounds[-1]
    for annotation in first.annotations:
        if annotation.annotator in STAGES:
            yield annotation.annotator, annotation
    yield "agreed", first.agreed
    yield "last", last.agreed
    yield "settled", settle(kept).agreed
