"""What a run will take as a whole, from a random sample of its documents that has ended."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import Field

from graph.store.attempts import SENT
from graph.store.reading import RunReader
from guidex.run_summary import how_to_price
from schemas.base import Model
from schemas.errors import StoppedError
from schemas.job import Job
from schemas.judgement import Outcome

CONFIDENCE = 0.9
"""How often the range holds the truth, if the documents' lengths say as much as the estimate assumes."""

# Student's t for 90 %, two-sided, by degrees of freedom; the last is for all from there on.
_T = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753)
_T_MANY = 1.645


class Quantity(Model):
    """Something that a run takes."""

    sample: float = Field(description="What the sampled documents took.")
    expected: float = Field(description="Of the whole run.")
    low: float | None = Field(description="Lower end of the range; None where one document says nothing.")
    high: float | None = Field(description="Upper end of the range.")


class Estimate(Model):
    """What a run will take as a whole."""

    name: str = Field(description="The run.")
    folder: Path = Field(description="Its folder.")
    documents: int = Field(description="Documents of the run, without those left out.")
    pending: int = Field(description="Of these, not worked on yet.")
    sample: tuple[str, ...] = Field(description="Sampled documents that have ended.")
    calls: Quantity = Field(description="Calls to models.")
    input_tokens: Quantity = Field(description="Prompt tokens of all attempts.")
    output_tokens: Quantity = Field(description="Generated tokens of all attempts.")
    cost: Quantity | None = Field(description="USD; None where a price is not known.")
    price_remedy: str = Field(description="How to say the price of a model, if one is not known.")
    seconds: Quantity = Field(description="Wall time.")


@dataclass(frozen=True)
class Sampled:
    """What one document took.

    Attributes:
        length: Characters of its text.
        calls: Calls to models.
        input_tokens: Of all attempts.
        output_tokens: Of all attempts.
        cost: USD of the attempts whose cost is known.
        seconds: Of all attempts.
        unpriced: Answered calls whose cost is not known.
    """

    length: int
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float
    seconds: float
    unpriced: int


def estimate(reader: RunReader, document_ids: Sequence[str], at_once: tuple[int, int] | None) -> Estimate:
    """Extrapolate from the documents of a random sample.

    Time is what the calls take divided by how many run at the same time: expected at the first number of
    `at_once`, at the second at best, and at worst as few as in the sample.

    Args:
        reader: Of the run.
        document_ids: Of the sample; those that have not ended are left out.
        at_once: Calls at the same time, in the beginning and at most; None where the machine does no more
            than it did in the sample, as with models in this process.

    Raises:
        StoppedError: No document of the sample has ended.
    """
    run, totals = reader.run(), reader.totals()
    ended = [i for i, outcome in reader.outcomes(document_ids).items() if outcome is not Outcome.PENDING]
    sample = _sampled(reader, ended)
    if not sample:
        raise StoppedError(
            f"No document of the sample of run {run.name} has ended.",
            "Run the command again to go on; what was finished is kept.",
        )
    ((pending, length),) = reader.rows(
        "SELECT count(*), coalesce(sum(characters), 0) FROM documents WHERE outcome = ?",
        Outcome.PENDING.value,
    )
    lengths = [each.length for each in sample]

    def quantity(taken: Sequence[float], so_far: float) -> Quantity:
        more, error = extrapolate(taken, lengths, pending, length)
        expected = so_far + more
        if error is None:
            return Quantity(sample=sum(taken), expected=expected, low=None, high=None)
        low, high = so_far + max(0.0, more - error), expected + error
        return Quantity(sample=sum(taken), expected=expected, low=low, high=high)

    known = not any(each.unpriced for each in sample)
    busy, passed = sum(each.seconds for each in sample), _seconds_busy(reader, ended)
    return Estimate(
        name=run.name,
        folder=reader.folder,
        documents=totals.admitted,
        pending=pending,
        sample=tuple(ended),
        calls=quantity([each.calls for each in sample], totals.calls),
        input_tokens=quantity([each.input_tokens for each in sample], totals.input_tokens),
        output_tokens=quantity([each.output_tokens for each in sample], totals.output_tokens),
        cost=quantity([each.cost for each in sample], totals.cost) if known else None,
        price_remedy="" if known else how_to_price(reader),
        seconds=_side_by_side(
            quantity([each.seconds for each in sample], totals.seconds), busy, passed, at_once
        ),
    )


def extrapolate(
    taken: Sequence[float], lengths: Sequence[int], pending: int, length: int
) -> tuple[float, float | None]:
    """What the documents outside of a sample take, and half the width of its range.

    Either as much as those of the sample on average, or in proportion to their length (the ratio estimator
    with length as the auxiliary variable), whichever fits the sample better: calls hardly depend on length,
    tokens of long documents do. Both estimates and their variances: W. G. Cochran, Sampling Techniques, 3rd
    ed., 1977, chapters 2 and 6. With n documents of the sample, N in all, and a fit `f_i`, the mean or
    `sum(taken) / sum(lengths) * lengths_i`, the variance of the total is
    `N^2 (1 - n/N) / n * sum((taken_i - f_i)^2) / (n - 1)`; the range takes Student's t with n - 1 degrees of
    freedom.

    Args:
        taken: By each document of the sample.
        lengths: Of these documents, in characters.
        pending: How many documents are not in the sample.
        length: Of all of those together, in characters.

    Returns:
        The expected value, and the half width; None for a sample of one, which says nothing about it.
    """
    size, whole = len(taken), len(taken) + pending
    if not pending:
        return 0.0, 0.0
    mean, ratio = sum(taken) / size, sum(taken) / max(1, sum(lengths))
    by_count = sum((y - mean) ** 2 for y in taken)
    by_length = sum((y - ratio * x) ** 2 for y, x in zip(taken, lengths, strict=True))
    # One document fits both; its length is then the better guess.
    expected = mean * pending if size > 1 and by_count <= by_length else ratio * length
    if size < 2:
        return expected, None
    variance = whole**2 * (1 - size / whole) / size * min(by_count, by_length) / (size - 1)
    student = _T[size - 2] if size - 2 < len(_T) else _T_MANY
    return expected, student * math.sqrt(variance)


def calls_at_once(job: Job) -> tuple[int, int] | None:
    """Calls at the same time in the beginning and at most; None where a model runs in this process."""
    if any(config.name.startswith("local/") for config in job.models):
        return None
    bounds = job.run.connections
    # A document has as many calls under way as annotators work on it, at most.
    documents = job.run.documents_in_flight
    most = bounds.most if documents is None else min(bounds.most, documents * len(job.annotators_at_work))
    return min(bounds.start, most), most


def _sampled(reader: RunReader, document_ids: Sequence[str]) -> list[Sampled]:
    rows = reader.rows(
        f"""SELECT d.characters, count(c.id), coalesce(sum(c.input_tokens), 0),
            coalesce(sum(c.output_tokens), 0), coalesce(sum(c.cost), 0.0), coalesce(sum(c.seconds), 0.0),
            coalesce(sum(c.cost IS NULL AND c.input_tokens > 0), 0)
        FROM documents d LEFT JOIN calls c ON c.document_id = d.id AND {SENT}
        WHERE d.id IN (SELECT value FROM json_each(?)) AND d.characters IS NOT NULL
        GROUP BY d.id""",
        json.dumps(list(document_ids)),
    )
    return [Sampled(*row) for row in rows]


def _seconds_busy(reader: RunReader, document_ids: Sequence[str]) -> float:
    """Seconds in which a call of these documents was under way, gaps between sessions left out."""
    rows = reader.rows(
        """SELECT opened, closed FROM calls WHERE status != 'replayed' AND closed IS NOT NULL
        AND document_id IN (SELECT value FROM json_each(?)) ORDER BY opened""",
        json.dumps(list(document_ids)),
    )
    times = ((_seconds(opened), _seconds(closed)) for opened, closed in rows)
    return _covered(times)


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Length of what intervals cover together; by rising beginning."""
    covered, end = 0.0, -math.inf
    for start, stop in intervals:
        covered += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return covered


def _side_by_side(seconds: Quantity, busy: float, passed: float, at_once: tuple[int, int] | None) -> Quantity:
    """Seconds of calls as wall time."""
    in_sample = max(1.0, busy / passed) if passed else 1.0
    expected, best = (max(in_sample, each) for each in at_once) if at_once else (in_sample, in_sample)
    return Quantity(
        sample=passed,
        expected=seconds.expected / expected,
        low=None if seconds.low is None else seconds.low / best,
        high=None if seconds.high is None else seconds.high / in_sample,
    )
