"""What gold consists of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple


class GoldMention(NamedTuple):
    """A typed span.

    Attributes:
        start: First code point of the text.
        end: One past the last code point.
        label: The class, as the gold writes it.
    """

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class GoldDocument:
    """A text with all its mentions.

    Attributes:
        text: The text; offsets count its code points.
        mentions: Each once, by offset.
        id: As given; None where the gold has none.
        place: File and line, for people.
    """

    text: str
    mentions: tuple[GoldMention, ...]
    id: str | None = None
    place: str = ""


@dataclass(frozen=True)
class Gold:
    """Gold of one or several files, in their order.

    Attributes:
        documents: Each text once, unless copies were asked for.
        repeated: Places of further copies of a text; they are left out.
        repaired: Places of tags that continue a mention which has not begun; they begin one.
    """

    documents: tuple[GoldDocument, ...]
    repeated: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()

    @property
    def labels(self) -> Counter[str]:
        """How many mentions each class has."""
        return Counter(mention.label for document in self.documents for mention in document.mentions)
