"""Examples to train on, pass by pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from random import Random

from finetune.examples.drawing import CountTokens, Drawing, Piece
from finetune.examples.models import Example, ExamplesReport
from schemas.recipe import ExamplesConfig


class ExampleSet:
    """Examples to train on, regularised anew for every pass, and some that are held out.

    Attributes:
        validation: The examples that are held out, without any regularisation.
        report: What became of the sources.
        data_hash: Hash (hex) of the examples, their settings and the seed: equal hashes, equal passes.
    """

    def __init__(
        self,
        training: Sequence[Piece],
        validation: Sequence[Piece],
        config: ExamplesConfig,
        seed: int,
        count_tokens: CountTokens,
        report: ExamplesReport,
    ) -> None:
        """Take what `build_examples` has prepared."""
        self._parts = (
            [piece for piece in training if not piece.is_gold],
            [piece for piece in training if piece.is_gold],
        )
        self._counts = _counts(len(self._parts[0]), len(self._parts[1]), config.gold_share)
        self._seed = seed
        self._drawing = Drawing(training, config, count_tokens)
        self.report = report
        self.validation = tuple(piece.plain for piece in validation)
        digest = hashlib.sha256(f"{seed} {config.model_dump_json()}".encode())
        for held_out, pieces in enumerate((training, validation)):
            for piece in sorted(pieces, key=lambda each: each.id):
                digest.update(repr((held_out, piece.is_gold, *piece.plain)).encode())
        self.data_hash = digest.hexdigest()

    def __len__(self) -> int:
        """Examples of one pass."""
        return sum(self._counts)

    def epoch(self, number: int) -> tuple[Example, ...]:
        """The examples of a pass, in a random order, regularised for this pass.

        What is drawn for an example depends on the seed, the pass, its id and which of its copies it is, and
        on what other documents have to give; not on the order of documents.

        Args:
            number: Of the pass, from 0.
        """
        made = [
            self._drawing.drawn(piece, Random(f"{self._seed} {number} {copy} {piece.id}"))
            for piece, copy in self._copies(number)
        ]
        Random(f"{self._seed} {number} order").shuffle(made)
        return tuple(made)

    def _copies(self, number: int) -> Iterator[tuple[Piece, int]]:
        """Pieces with the number of their copy; which have one copy more is drawn for each pass."""
        for kind, (part, count) in enumerate(zip(self._parts, self._counts, strict=True)):
            rest = count % len(part) if part else 0
            more = Random(f"{self._seed} {number} copies {kind}").sample(range(len(part)), rest)
            for copy in range(count // len(part) if part else 0):
                yield from ((piece, copy) for piece in part)
            yield from ((part[place], count // len(part)) for place in sorted(more))


def _counts(own: int, gold: int, share: float | None) -> tuple[int, int]:
    """How many examples of data and of gold a pass has: the smaller part is repeated up to its share."""
    if share is None:
        return own, gold
    if share in (0, 1):
        return (own, 0) if share == 0 else (0, gold)
    if not own or not gold:
        return own, gold
    total = max(own / (1 - share), gold / share)
    return round(total * (1 - share)), round(total * share)
