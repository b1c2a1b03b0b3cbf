"""What one session of a run is to do: begin or go on, what to take up again, which documents to work on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.judgement import Outcome


@dataclass(frozen=True)
class Retry:
    """Documents that have ended and are taken up again.

    Finished calls of failed documents answer from the ledger; what failed is asked anew. Documents that were
    accepted or rejected are drawn anew, with other seeds: their old answers would lead to the same end.

    Attributes:
        outcomes: Those that ended so, also if a retry took them up since and was stopped or killed.
        ids: Only these; with ids, `outcomes` does not matter.
    """

    outcomes: frozenset[Outcome] = frozenset({Outcome.FAILED})
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A few documents of a run, to see or to extrapolate from.

    Attributes:
        size: How many; all if there are fewer.
        seed: Of the draw, which is the same for the same documents; None for the first ones of the source.
    """

    size: int
    seed: int | None = None


@dataclass(frozen=True)
class Plan:
    """One session of a run.

    Attributes:
        allow_changes: Go on although the job differs from the run's in what can change answers.
        reuse: Folders of other runs whose answers to equal calls are used.
        retry: What to take up again; with it, nothing else is worked on.
        sample: Work on these alone.
        all_pending: Work on all documents that the run has left, also those that the job's limit or ids leave
            out: a session with `--limit` or `--doc-id` narrows the job of those after it.
    """

    allow_changes: bool = False
    reuse: tuple[Path, ...] = ()
    retry: Retry | None = None
    sample: Sample | None = None
    all_pending: bool = False
