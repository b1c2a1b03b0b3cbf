"""What of a round counts when a document is decided, and the decision: one rule, live and from the store.

A run decides on rounds as they come (`graph.nodes.judging`); a new version of decisions is taken from what
the store has of them (`graph.thresholds`). Both see no more of a round than its merits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graph.deciding import undisputed
from graph.objections import INSTANCE_CODES
from schemas.judgement import (
    JUDGED_SCORES,
    THRESHOLD_SCORES,
    Decision,
    Ending,
    FindingCode,
    Outcome,
    Scores,
    Severity,
    Thresholds,
)
from schemas.rounds import Round


@dataclass(frozen=True, slots=True)
class Merits:
    """What counts for and against a round, as it was judged and once it is settled.

    Attributes:
        number: The round.
        scores: As judged; settling does not change them.
        instances: Agreed instances.
        left: Those that are left once the disputed ones are dropped.
        major: Codes of open major findings, one for each finding.
        is_grounded: Whether all that counts stands in the document.
    """

    number: int
    scores: Scores
    instances: int
    left: int
    major: tuple[FindingCode, ...]
    is_grounded: bool

    @property
    def mean_score(self) -> float:
        """Mean of the scores that decide, of those that were judged."""
        known: list[float] = [
            value for name in JUDGED_SCORES if (value := getattr(self.scores, name)) is not None
        ]
        return sum(known) / len(known)


def merits_of(round_: Round, *, drops_ungrounded: bool = False) -> Merits:
    """The merits of a round.

    Args:
        round_: As it was judged.
        drops_ungrounded: Whether mentions that do not stand in the document are dropped and block nothing.
    """
    return Merits(
        number=round_.number,
        scores=round_.scores,
        instances=len(round_.agreed.instances),
        left=len(undisputed(round_.agreed, round_.findings)),
        major=tuple(finding.code for finding in round_.findings if finding.severity is Severity.MAJOR),
        is_grounded=drops_ungrounded or round_.scores.grounding >= 1,
    )


def faults(merits: Merits, thresholds: Thresholds, *, settled: bool) -> Iterator[tuple[str, str]]:
    """All that stands against accepting a round; a score of None was not judged and passes.

    Args:
        merits: Of the round.
        thresholds: What a document must reach.
        settled: Whether what is disputed is dropped: its findings then count no more, nor do its instances.

    Yields:
        What it is, by the name of the score or threshold, and the same in words.
    """
    scores = merits.scores
    if not merits.is_grounded:
        yield "grounding", f"grounding {_below(scores.grounding, 1)}"
    for name in THRESHOLD_SCORES:
        value, least = getattr(scores, name), getattr(thresholds, name)
        if value is not None and value < least:
            yield name, f"{name} {_below(value, least)}"
    instances = merits.left if settled else merits.instances
    if instances < thresholds.min_instances:
        yield "min_instances", f"{_number(instances, 'agreed instance')}, {thresholds.min_instances} wanted"
    if merits.major and thresholds.block_on_major:
        major = [code for code in merits.major if not (settled and code in INSTANCE_CODES)]
        if major:
            codes = ", ".join(sorted({code.value for code in major}))
            yield "block_on_major", f"{_number(len(major), 'open major finding')} ({codes})"


def _below(value: float, least: float) -> str:
    """Two numbers of which the first is the less, with as many digits as show it: `0.897 < 0.9`."""
    digits = next((digits for digits in range(2, 17) if float(f"{value:.{digits}f}") < least), 17)
    return f"{value:.{digits}f} < {least:g}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def obstacles(merits: Merits, thresholds: Thresholds, *, settled: bool) -> tuple[str, ...]:
    """All that stands against accepting a round, in words; arguments as those of `faults`."""
    return tuple(words for _, words in faults(merits, thresholds, settled=settled))


def is_sound(merits: Merits, thresholds: Thresholds) -> bool:
    """Whether nothing stands against accepting a round once it is settled."""
    return next(faults(merits, thresholds, settled=True), None) is None


def best(rounds: Sequence[Merits], thresholds: Thresholds) -> Merits:
    """The round to keep: fewest obstacles once settled, then as judged, then best mean score, then earliest.

    Settled first, as that is what a round is kept for: one whose disputed mentions can be dropped is worth
    more than one that fails in a way that cannot be mended.
    """

    def rank(merits: Merits) -> tuple[int, int, float]:
        left, judged = (len(obstacles(merits, thresholds, settled=settled)) for settled in (True, False))
        return left, judged, -merits.mean_score

    return min(rounds, key=rank)


def decide(rounds: Sequence[Merits], thresholds: Thresholds, how: Ending) -> Decision:
    """The verdict on a document: on the best of its rounds, settled.

    Args:
        rounds: All its rounds, in order.
        thresholds: What it must reach.
        how: How its loop came to its end. Under other thresholds than the loop's, another round than that in
            which everything was agreed may be the best one.
    """
    kept = best(rounds, thresholds)
    against = obstacles(kept, thresholds, settled=True)
    is_last = kept is rounds[-1]
    reason = how.value
    if how is Ending.AGREED:
        reason += f" in round {rounds[-1].number}"
    if how is not Ending.AGREED or not is_last:
        reason += f", round {kept.number} kept"
    if against:
        reason += ": " + "; ".join(against)
    elif how is not Ending.AGREED or not is_last:
        reason += ": accepted on what is agreed, the disputed is dropped"
    outcome = Outcome.REJECTED if against else Outcome.ACCEPTED
    return Decision(outcome=outcome, reason=reason, ending=how, round=kept.number)
