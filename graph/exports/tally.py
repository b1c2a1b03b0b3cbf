"""What an export holds, counted while it is written: for its summary and its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from finetune.examples.reading import CREDIT, LICENCE, said
from graph.exports.documents import ExportedDocument

NOT_STATED = "not stated"
"""A licence or source that no record says."""
_MOST = 10_000
"""Different sources, and licences, that are told apart."""

_OTHERS = "others"


class Lost(StrEnum):
    """What a format cannot hold, in words."""

    OVERLAPPING = "mentions within or across another one"
    BLANK = "mentions of white space alone"
    UNKNOWN = "mentions of classes that are in dispute in their document"
    NO_CLASS = "documents in which every class is in dispute"


@dataclass
class Tally:
    """Counts over the documents of one export.

    Attributes:
        rows: Written.
        documents: Seen.
        empty: Documents without a mention, which are negatives.
        partial: Documents in which the absence of some class proves nothing.
        mentions: That stand for an instance, by class.
        lost: What the format could not hold.
        licences: Documents by the licence that their records name.
        sources: Documents by where their records say they are from.
    """

    rows: int = 0
    documents: int = 0
    empty: int = 0
    partial: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    lost: Counter[Lost] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    _agreements: list[float] = field(default_factory=list)

    def watched(self, documents: Iterable[ExportedDocument]) -> Iterator[ExportedDocument]:
        """Count documents as they pass."""
        for one in documents:
            spans = one.spans
            self.documents += 1
            self.empty += not spans
            self.partial += bool(one.unknown)
            self.mentions.update(span.label for span in spans)
            meta = one.document.meta
            _count(self.licences, said(meta, *LICENCE))
            _count(self.sources, said(meta, *CREDIT))
            if one.kept.scores.agreement is not None:
                self._agreements.append(one.kept.scores.agreement)
            yield one

    @property
    def agreement(self) -> float | None:
        """Mean agreement of the documents that have one."""
        return sum(self._agreements) / len(self._agreements) if self._agreements else None


def _count(counts: Counter[str], name: str) -> None:
    name = name or NOT_STATED
    counts[name if name in counts or len(counts) < _MOST else _OTHERS] += 1
