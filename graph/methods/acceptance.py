"""What each method takes to accept a document.

The agents are held to all thresholds. The controls are to show what they find at full coverage, so that they
are accepted with whatever is left once mentions that do not stand in the document are dropped, as long as
there are `thresholds.min_instances`. What a control is sure of is on record with the scores (agreement), so
that its risk can be drawn over coverage afterwards. Self-consistency can be given a least agreement of its
own, `self_consistency.agreement`.
"""

from __future__ import annotations

from graph.deciding import obstacles, shortfalls
from schemas.job import Job
from schemas.judgement import THRESHOLD_SCORES, Thresholds
from schemas.methods import Method
from schemas.rounds import Round


def obstacles_for(job: Job, round_: Round) -> tuple[str, ...]:
    """All that stands against accepting a round, by the job's method."""
    if job.method is Method.AGENTS:
        return obstacles(round_, job.thresholds)
    thresholds = Thresholds(
        **dict.fromkeys(THRESHOLD_SCORES, 0.0) | required(job), min_instances=job.thresholds.min_instances
    )
    # What is not grounded is dropped and blocks nothing.
    scores = round_.scores.model_copy(update={"grounding": 1.0})
    return shortfalls(scores, thresholds, len(round_.agreed.instances))


def required(job: Job) -> dict[str, float]:
    """The least value of each score that decides on a document, by the job's method."""
    if job.method is Method.AGENTS:
        return {"grounding": 1.0} | {name: getattr(job.thresholds, name) for name in THRESHOLD_SCORES}
    if job.method is Method.SELF_CONSISTENCY:
        return {"agreement": job.self_consistency.agreement}
    return {}
