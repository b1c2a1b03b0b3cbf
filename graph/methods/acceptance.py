"""What each method takes to accept a document.

The agents are held to all thresholds, but with a schema that nobody in the loop can mend to its annotations
alone. The controls are to show what they find at full coverage, so that they are accepted with whatever is
left once mentions that do not stand in the document are dropped, as long as there are
`thresholds.min_instances`. What a control is sure of is on record with the scores (agreement), so that its
risk can be drawn over coverage afterwards. Self-consistency can be given a least agreement of its own,
`self_consistency.agreement`.
"""

from __future__ import annotations

from graph.merits import Merits, merits_of, obstacles
from schemas.job import Job, Mode
from schemas.judgement import THRESHOLD_SCORES, Decision, Outcome, Thresholds
from schemas.methods import Method
from schemas.rounds import Round


def thresholds_of(job: Job, *, frozen: bool | None = None) -> Thresholds:
    """The thresholds that decide, by the job's method; those that decide nothing are 0.

    Args:
        job: The job.
        frozen: Whether its documents share a schema that none of them changes; default: by its mode.
    """
    given = job.thresholds
    if job.method is Method.AGENTS:
        is_frozen = job.mode is not Mode.PER_DOCUMENT if frozen is None else frozen
        return given.model_copy(update={"guideline": 0.0, "schema_fit": 0.0}) if is_frozen else given
    held = dict.fromkeys(THRESHOLD_SCORES, 0.0) | {"block_on_major": False}
    if job.method is Method.SELF_CONSISTENCY:
        held["agreement"] = job.self_consistency.agreement
    return given.model_copy(update=held)


def drops_ungrounded(method: Method) -> bool:
    """Whether a mention that does not stand in the document is dropped and blocks nothing."""
    return method is not Method.AGENTS


def weighed(job: Job, round_: Round) -> Merits:
    """The merits of a round, by the job's method."""
    return merits_of(round_, drops_ungrounded=drops_ungrounded(job.method))


def required(method: Method, thresholds: Thresholds) -> dict[str, float]:
    """The least value of each score that decides on a document; one that is not there decides nothing.

    Args:
        method: How documents are annotated.
        thresholds: Those in force.
    """
    held = {name: least for name in THRESHOLD_SCORES if (least := getattr(thresholds, name)) > 0}
    return held if drops_ungrounded(method) else {"grounding": 1.0} | held


def decide_in_one_pass(job: Job, merits: Merits, thresholds: Thresholds) -> Decision:
    """The verdict of a control on its only round."""
    against = obstacles(merits, thresholds, settled=True)
    found = f"{merits.left} instance{'s' * (merits.left != 1)} kept"
    return Decision(
        outcome=Outcome.REJECTED if against else Outcome.ACCEPTED,
        reason=f"{_manner(job)}: {'; '.join(against) or found}",
        round=merits.number,
    )


def _manner(job: Job) -> str:
    """How the result of a control came about, in words."""
    if job.method is Method.LINEAR:
        return "one pass"
    count = job.self_consistency.samples
    return f"majority of {count} samples" if count > 1 else "one sample"
