"""Runs as they are measured: facts, what is known of them, and a sweep that is asked again and again."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from finetune.gold import Gold
from graph.store.reading import RunReader
from graph.thresholds import RunFacts, load
from graph.thresholds.models import Point, SweepReport
from graph.thresholds.sweeping import Sweep, SweepSettings
from graph.thresholds.truth import Truth, truth_of_gold, truth_of_reviews
from guidex.viewer.kept import Kept, decided, decided_and_reviewed
from schemas.errors import UsageError

_SAMPLES: Final = 200


class MeasuredRun:
    """A run with judged documents, and what is known of them."""

    def __init__(self, facts: RunFacts, truth: Truth | None, without: str = "") -> None:
        """Measure nothing yet.

        Args:
            facts: Of the run.
            truth: What is known; None for nothing.
            without: Why there is no gold of it, where some was given.
        """
        self.truth, self.without = truth, without
        self.sweep = Sweep(facts, truth, SweepSettings(samples=_SAMPLES))
        """Tells the figures of a setting with their intervals."""
        self._plain = Sweep(facts, truth, SweepSettings(samples=0))

    @cached_property
    def report(self) -> SweepReport:
        """All settings, without intervals, which would take long."""
        return self._plain.report()

    @cached_property
    def in_force(self) -> Point:
        """The figures of what is in force, with intervals."""
        return self.sweep.at(self.report.thresholds)

    @property
    def recommending(self) -> Sweep:
        """Tells the setting for a target."""
        return self._plain


class MeasuredRuns:
    """What the viewer knows of the runs whose thresholds are tried."""

    def __init__(self, gold: Gold | None = None) -> None:
        """Know nothing yet.

        Args:
            gold: What is known to be right, of documents of any run.
        """
        self._gold = gold
        self._facts = Kept(load, decided)
        self._measured = Kept(self._measure, decided_and_reviewed)

    @property
    def has_gold(self) -> bool:
        """Whether there is gold of some run."""
        return self._gold is not None

    def facts(self, reader: RunReader) -> RunFacts:
        """The facts of a run as they are now.

        Raises:
            StoreError: It cannot be read.
        """
        return self._facts.of(reader)

    def measured(self, reader: RunReader) -> MeasuredRun:
        """A run by its gold, or else by its reviews, if there are any; the first time it takes a while.

        Raises:
            UsageError: No document was judged.
            StoreError: It cannot be read.
        """
        return self._measured.of(reader)

    def _measure(self, reader: RunReader) -> MeasuredRun:
        facts, without = self.facts(reader), ""
        if self._gold is not None:
            try:
                return MeasuredRun(facts, truth_of_gold(reader, facts, self._gold))
            except UsageError as error:  # the gold is of another run of the folder
                without = str(error)
        try:
            return MeasuredRun(facts, truth_of_reviews(reader, facts), without)
        except UsageError:
            return MeasuredRun(facts, None, without)
