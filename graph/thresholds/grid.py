"""Sums over the accepted documents at every setting of a grid of thresholds, without trying them one by one.

A round is sound at all settings below its scores: a box that begins at the lowest corner of the grid.
Of several sound rounds the first of an order that no threshold changes is kept, so that a document is the
sum of a few such boxes, some of them subtracted. Each is put at its upper corner, and sums from there
downwards along each axis give all settings at once (a summed-area table).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from finetune.scoring.resampling import Lanes
from graph.merits import Merits, faults
from graph.thresholds.facts import DocumentFacts, RunFacts
from schemas.judgement import THRESHOLD_SCORES, Thresholds

MIN_INSTANCES = "min_instances"
SWEPT = (*THRESHOLD_SCORES, MIN_INSTANCES)
"""Thresholds that are tried one by one."""
JOINT = ("agreement", "faithfulness", "completeness")
"""Thresholds that are tried together: those of what annotators and critic say of the mentions."""

_STEP = 0.05
_MOST_INSTANCES = 10
_UNIT = 1 << 20
"""Scores are summed in parts of one."""

Quantify = Callable[[DocumentFacts, int], Mapping[str, int]]
"""What a document adds to the sums if the round at this place is kept; no quantity is negative."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A threshold and the values that are tried.

    Attributes:
        name: As in `Thresholds`.
        values: Rising, from 0.
    """

    name: str
    values: tuple[float, ...]


def axes_of(facts: RunFacts, names: Sequence[str]) -> tuple[Axis, ...]:
    """The axes of those thresholds that have an effect: steps of 0.05, and what is in force.

    A score that no round has decides nothing, so it has no axis.
    """
    made = []
    for name in names:
        if name == MIN_INSTANCES:
            steps = {float(number) for number in range(_MOST_INSTANCES + 1)}
        elif any(_value(merits, name) is not None for each in facts.documents for merits in each.rounds):
            steps = {round(number * _STEP, 10) for number in range(round(1 / _STEP) + 1)}
        else:
            continue
        made.append(Axis(name, tuple(sorted(steps | {float(getattr(facts.thresholds, name))}))))
    return tuple(made)


def _value(merits: Merits, name: str) -> float | None:
    value: float | None = merits.left if name == MIN_INSTANCES else getattr(merits.scores, name)
    return value


def yields(document: DocumentFacts, place: int) -> dict[str, int]:
    """What is accepted with a document: itself, its instances, and its scores."""
    merits = document.rounds[place]
    made = {"documents": 1, "instances": merits.left}
    for name in JOINT:
        value = getattr(merits.scores, name)
        if value is not None:
            made[f"{name}.sum"], made[f"{name}.count"] = round(value * _UNIT), 1
    return made


def mean_of(sums: Mapping[str, int], name: str) -> float | None:
    """Mean of a score over the accepted documents that have it."""
    count = sums.get(f"{name}.count", 0)
    return sums[f"{name}.sum"] / _UNIT / count if count else None


class Summands:
    """Documents, what they add to sums by the round that is kept, and what stands against each round.

    Made once for all grids.
    """

    def __init__(
        self, documents: Sequence[DocumentFacts], held: Thresholds, quantify: Quantify = yields
    ) -> None:
        """Take the documents.

        Args:
            documents: The documents.
            held: Thresholds in force, which hold where they are no axis of a grid.
            quantify: What is summed.
        """
        self.documents, self.held = tuple(documents), held
        made = [[quantify(each, place) for place in range(len(each.rounds))] for each in documents]
        self.lanes = Lanes(name for of_document in made for each in of_document for name in each)
        self.packed = [[self.lanes.pack(each) for each in of_document] for of_document in made]
        self.lacking = [
            [{name for name, _ in faults(merits, held, settled=True)} for merits in each.rounds]
            for each in documents
        ]


class Grid:
    """Documents on a grid of thresholds; the others are held."""

    def __init__(self, summands: Summands, axes: Sequence[Axis]) -> None:
        """Work out where each document is accepted, and with which round.

        Args:
            summands: The documents.
            axes: The grid.
        """
        self.axes, self._held, self._lanes = tuple(axes), summands.held, summands.lanes
        self._names = {axis.name for axis in axes}
        self._shape = tuple(len(axis.values) for axis in axes)
        self._strides = tuple(prod(self._shape[number + 1 :]) for number in range(len(axes)))
        of_documents = zip(summands.documents, summands.packed, summands.lacking, strict=True)
        self._parts = [
            tuple((cell, sign * packed[place]) for cell, place, sign in self._boxes(document, lacking))
            for document, packed, lacking in of_documents
        ]

    def _boxes(self, document: DocumentFacts, lacking: Sequence[set[str]]) -> Iterator[tuple[int, int, int]]:
        """(cell, place of the round, sign): the boxes of settings that make up where each round is kept."""
        covered: dict[tuple[int, ...], int] = {}
        sound = [place for place, lacks in enumerate(lacking) if lacks <= self._names]
        for place in document.preferred(sound, self._held.block_on_major):
            merits = document.rounds[place]
            corner = tuple(self._reached(merits, axis) for axis in self.axes)
            # All settings of its box, less those where an earlier round of the order is kept.
            added = {corner: 1}
            for other, sign in covered.items():
                met = tuple(map(min, corner, other))
                added[met] = added.get(met, 0) - sign
            for at, sign in added.items():
                if sign:
                    covered[at] = covered.get(at, 0) + sign
                    yield self._cell(at), place, sign
            covered = {at: sign for at, sign in covered.items() if sign}

    @staticmethod
    def _reached(merits: Merits, axis: Axis) -> int:
        """The last value of an axis that a round reaches; a score that was not judged passes everywhere."""
        value = _value(merits, axis.name)
        return len(axis.values) - 1 if value is None else bisect_right(axis.values, value) - 1

    def _cell(self, at: Sequence[int]) -> int:
        return sum(index * stride for index, stride in zip(at, self._strides, strict=True))

    def over(self, numbers: Iterable[int]) -> Cells:
        """The sums over some of the documents, by their number; one may be given several times."""
        cells = [0] * prod(self._shape)
        for number in numbers:
            for cell, part in self._parts[number]:
                cells[cell] += part
        for size, stride in zip(self._shape, self._strides, strict=True):
            for cell in range(len(cells) - stride - 1, -1, -1):
                if cell // stride % size < size - 1:
                    cells[cell] += cells[cell + stride]
        return Cells(cells, self._lanes)

    def values(self) -> Iterator[tuple[float, ...]]:
        """The values of the axes at every setting, in the order of the cells."""
        return product(*(axis.values for axis in self.axes))

    def setting(self, cell: int) -> Thresholds:
        """The thresholds of a setting."""
        tried = {
            axis.name: axis.values[cell // stride % size]
            for axis, stride, size in zip(self.axes, self._strides, self._shape, strict=True)
        }
        whole = {name: int(value) if name == MIN_INSTANCES else value for name, value in tried.items()}
        return self._held.model_copy(update=whole)


class Cells:
    """Sums at every setting; those of several groups of documents can be added and subtracted."""

    def __init__(self, cells: list[int], lanes: Lanes) -> None:
        self._cells, self._lanes = cells, lanes

    def __len__(self) -> int:
        return len(self._cells)

    def total(self, cell: int) -> int:
        """The sums at a setting as one number; equal ones are equal sums."""
        return self._cells[cell]

    def __getitem__(self, cell: int) -> dict[str, int]:
        return self._lanes.unpack(self._cells[cell])

    def __sub__(self, part: Cells) -> Cells:
        return Cells([a - b for a, b in zip(self._cells, part._cells, strict=True)], self._lanes)
