"""Two runs side by side: settings, figures, and what became of the documents that both have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, Final, NamedTuple

from pydantic import Field

from graph.agreement import overlap_f1, span_f1, untyped
from graph.fingerprint import differences
from graph.store.accepted_spans import accepted_spans
from graph.store.reading import RunReader
from graph.store.versions import job_of_run
from guidex.run_summary import RunSummary, summary_of
from schemas.annotation import TypedSpan
from schemas.base import Model
from schemas.errors import UsageError
from schemas.judgement import JUDGED_SCORES, Outcome


class Setting(Model):
    """A key of the job file that can change answers and differs."""

    key: str = Field(description="Dotted.")
    first: Any = Field(description="Value in the first run; None where it has none.")
    second: Any = Field(description="Value in the second one.")


class Figure(Model):
    """A number that both runs have."""

    name: str = Field(description="What is measured, a key of `FIGURES`.")
    first: float | None = Field(description="In the first run; None where it is not known.")
    second: float | None = Field(description="In the second one.")
    difference: float | None = Field(description="Second less first.")


class OutcomePair(Model):
    """How many documents of both runs ended in one way in the first and in one way in the second."""

    first: Outcome = Field(description="In the first run.")
    second: Outcome = Field(description="In the second one.")
    documents: int = Field(description="How many.")


class OtherEnd(Model):
    """A document that ended differently."""

    id: str = Field(description="In both runs.")
    first: Outcome = Field(description="Where it ended in the first run.")
    second: Outcome = Field(description="Where it ended in the second one.")
    first_position: int = Field(description="Where it is in the first run.")
    second_position: int = Field(description="Where it is in the second one.")


class SharedDocuments(Model):
    """The documents that both runs have: of the same id and the same text."""

    both: int = Field(description="How many.")
    only_first: int = Field(description="Ids that the first run alone has.")
    only_second: int = Field(description="Ids that the second one alone has.")
    other_text: int = Field(description="Ids that both have with different texts; nothing else counts them.")
    outcomes: tuple[OutcomePair, ...] = Field(description="How they ended; pairs without documents left out.")
    differing: tuple[OtherEnd, ...] = Field(
        description="Those that ended differently, in the order of the first."
    )

    def crossed(self) -> tuple[tuple[Outcome, ...], tuple[tuple[Outcome, tuple[int, ...]], ...]]:
        """The outcomes as a table: states of the second run, and for each of the first one its counts."""
        counts = {(pair.first, pair.second): pair.documents for pair in self.outcomes}
        columns = tuple(state for state in Outcome if any(second is state for _, second in counts))
        rows = (state for state in Outcome if any(first is state for first, _ in counts))
        return columns, tuple((row, tuple(counts.get((row, each), 0) for each in columns)) for row in rows)


class SharedMentions(Model):
    """How far the mentions agree in documents that both runs accepted.

    Means are over these documents, as if the runs were two annotators (`graph.agreement`).
    """

    documents: int = Field(description="How many both accepted.")
    both: int = Field(description="Mentions of the same place and class in both.")
    only_first: int = Field(description="Mentions that the first run alone has.")
    only_second: int = Field(description="Mentions that the second one alone has.")
    agreement: float | None = Field(description="Mean span-F1, strict; None without such documents.")
    untyped: float | None = Field(description="The same whatever the class.")
    overlap: float | None = Field(description="The same whatever the boundaries.")


class ClassPair(Model):
    """Mentions of one class in documents that both runs accepted; fields count as `Class.field`."""

    name: str = Field(description="The class.")
    first: int = Field(description="Mentions in the first run.")
    second: int = Field(description="Mentions in the second one.")
    both: int = Field(description="Of these, at the same places.")


class ComparedRun(Model):
    """One of the two."""

    name: str = Field(description="The run.")
    folder: Path = Field(description="Its folder.")


class Comparison(Model):
    """Two runs side by side."""

    first: ComparedRun = Field(description="The first run.")
    second: ComparedRun = Field(description="The second run.")
    settings: tuple[Setting, ...] = Field(description="Keys of the job that can change answers and differ.")
    figures: tuple[Figure, ...] = Field(description="Numbers of both.")
    documents: SharedDocuments = Field(description="The documents that both have.")
    mentions: SharedMentions = Field(description="The mentions in those that both accepted.")
    classes: tuple[ClassPair, ...] = Field(description="The same by class, the most frequent first.")


class Measured(NamedTuple):
    """A figure of a run, and how it is told."""

    label: str
    kind: str
    """'count', 'share', 'score', 'dollars' or 'seconds'."""
    of: Callable[[RunSummary], float | None]


def _state(name: str) -> Callable[[RunSummary], float | None]:
    return lambda summary: summary.documents[name]


def _per_accepted(total: Callable[[RunSummary], float | None]) -> Callable[[RunSummary], float | None]:
    def each(summary: RunSummary) -> float | None:
        value, accepted = total(summary), summary.documents["accepted"]
        return None if value is None or not accepted else value / accepted

    return each


def _yield(summary: RunSummary) -> float | None:
    ended = summary.documents["in"] - summary.documents["pending"]
    return summary.documents["accepted"] / ended if ended else None


def _tokens(summary: RunSummary) -> float:
    return summary.input_tokens + summary.output_tokens


_RESULTS: Final[Mapping[str, Measured]] = {
    "documents": Measured("Documents in", "count", _state("in")),
    **{
        outcome.value: Measured(outcome.value.capitalize(), "count", _state(outcome.value))
        for outcome in Outcome
    },
    "yield": Measured("Yield, of those decided", "share", _yield),
}
_SPENT: Final[Mapping[str, Measured]] = {
    "calls": Measured("Calls", "count", lambda summary: summary.calls),
    "attempts": Measured("Requests", "count", lambda summary: summary.attempts),
    "input_tokens": Measured("Tokens in", "count", lambda summary: summary.input_tokens),
    "cached_tokens": Measured("Tokens in, cached", "count", lambda summary: summary.cached_tokens),
    "output_tokens": Measured("Tokens out", "count", lambda summary: summary.output_tokens),
    "tokens_per_accepted": Measured("Tokens per accepted document", "count", _per_accepted(_tokens)),
    "cost": Measured("Cost", "dollars", lambda summary: summary.cost),
    "cost_per_accepted": Measured(
        "Cost per accepted document", "dollars", _per_accepted(lambda summary: summary.cost)
    ),
    "model_seconds": Measured("Time of calls", "seconds", lambda summary: summary.model_seconds),
    "wall_seconds": Measured("Wall time", "seconds", lambda summary: summary.wall_seconds),
}
_SCORES: Final[Mapping[str, str]] = {name: f"Mean {name.replace('_', ' ')}" for name in JUDGED_SCORES}

FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    **{name: (measured.label, measured.kind) for name, measured in _RESULTS.items()},
    **{name: (label, "score") for name, label in _SCORES.items()},
    **{name: (measured.label, measured.kind) for name, measured in _SPENT.items()},
}
"""The figures in their order, each with its label and its kind (see `Measured.kind`)."""


def compare(first: RunReader, second: RunReader) -> Comparison:
    """Compare two runs.

    Raises:
        UsageError: They are one and the same.
        StoreError: One of them cannot be read.
    """
    if first.folder.resolve() == second.folder.resolve():
        raise UsageError(
            f"Run {first.folder.name} cannot be compared with itself.", "Name two different runs."
        )
    documents, same = _documents(first, second)
    ours, theirs = accepted_spans(first), accepted_spans(second)
    pairs = [(ours[each], theirs[each]) for each in ours if each in theirs and each in same]
    return Comparison(
        first=ComparedRun(name=first.folder.name, folder=first.folder),
        second=ComparedRun(name=second.folder.name, folder=second.folder),
        settings=_settings(first, second),
        figures=_figures(first, second),
        documents=documents,
        mentions=_mentions(pairs),
        classes=_classes(pairs),
    )


def _settings(first: RunReader, second: RunReader) -> tuple[Setting, ...]:
    before, after = (job_of_run(reader) for reader in (first, second))
    found = differences(before, after, first.folder, second.folder)
    return tuple(Setting(key=key, first=ours, second=theirs) for key, (ours, theirs) in found.items())


def _figures(first: RunReader, second: RunReader) -> tuple[Figure, ...]:
    ours, theirs = _values(first), _values(second)
    made = []
    for name in FIGURES:
        left, right = ours[name], theirs[name]
        difference = None if left is None or right is None else right - left
        made.append(Figure(name=name, first=left, second=right, difference=difference))
    return tuple(made)


def _values(reader: RunReader) -> dict[str, float | None]:
    summary = summary_of(reader)
    means = reader.mean_scores(JUDGED_SCORES)
    return {
        **{name: measured.of(summary) for name, measured in {**_RESULTS, **_SPENT}.items()},
        **{name: means[name][0] if name in means else None for name in _SCORES},
    }


def _documents(first: RunReader, second: RunReader) -> tuple[SharedDocuments, set[str]]:
    """What became of the documents of both, and the ids of those that are the same."""
    ours, theirs = _ends(first), _ends(second)
    shared = [each for each in ours if each in theirs]
    same = [each for each in shared if ours[each][2] == theirs[each][2]]
    pairs = Counter((ours[each][1], theirs[each][1]) for each in same)
    states = list(Outcome)
    differing = (
        OtherEnd(
            id=each,
            first=ours[each][1],
            second=theirs[each][1],
            first_position=ours[each][0],
            second_position=theirs[each][0],
        )
        for each in same
        if ours[each][1] is not theirs[each][1]
    )
    told = SharedDocuments(
        both=len(same),
        only_first=len(ours) - len(shared),
        only_second=len(theirs) - len(shared),
        other_text=len(shared) - len(same),
        outcomes=tuple(
            OutcomePair(first=left, second=right, documents=pairs[left, right])
            for left in states
            for right in states
            if pairs[left, right]
        ),
        differing=tuple(differing),
    )
    return told, set(same)


def _ends(reader: RunReader) -> dict[str, tuple[int, Outcome, str | None]]:
    """Position, outcome and hash of the text of each document; records that were not read have none."""
    rows = reader.rows(
        """SELECT d.id, d.position, d.outcome, t.hash FROM documents d LEFT JOIN texts t ON t.id = d.text_id
        ORDER BY d.position"""
    )
    return {document_id: (position, Outcome(outcome), text) for document_id, position, outcome, text in rows}


_Pair = tuple[frozenset[TypedSpan], frozenset[TypedSpan]]


def _mentions(pairs: list[_Pair]) -> SharedMentions:
    return SharedMentions(
        documents=len(pairs),
        both=sum(len(ours & theirs) for ours, theirs in pairs),
        only_first=sum(len(ours - theirs) for ours, theirs in pairs),
        only_second=sum(len(theirs - ours) for ours, theirs in pairs),
        agreement=_mean(span_f1, pairs),
        untyped=_mean(lambda ours, theirs: span_f1(untyped(ours), untyped(theirs)), pairs),
        overlap=_mean(overlap_f1, pairs),
    )


def _mean(
    measure: Callable[[frozenset[TypedSpan], frozenset[TypedSpan]], float], pairs: list[_Pair]
) -> float | None:
    return fmean(measure(*pair) for pair in pairs) if pairs else None


def _classes(pairs: list[_Pair]) -> tuple[ClassPair, ...]:
    ours, theirs, both = (
        Counter(name for pair in pairs for _, _, name in of(*pair))
        for of in (lambda left, _: left, lambda _, right: right, frozenset.intersection)
    )
    made = (
        ClassPair(name=name, first=ours[name], second=theirs[name], both=both[name])
        for name in ours.keys() | theirs.keys()
    )
    return tuple(sorted(made, key=lambda each: (-each.first - each.second, each.name)))
