"""The last node of the controls: what most annotations say is kept, and nobody is asked about it."""

from __future__ import annotations

from collections.abc import Callable

from graph.agreement import agreement_figures
from graph.consensus import agree
from graph.deciding import grounding, state_hash
from graph.methods.acceptance import decide_in_one_pass, thresholds_of, weighed
from graph.nodes.state import DocumentState, in_order
from schemas.job import Job
from schemas.judgement import Scores
from schemas.rounds import Round


class Keeping:
    """Keeps what more than half of the annotations say, all of it grounded, and decides in one pass."""

    def __init__(self, job: Job, on_round: Callable[[str, Round], None]) -> None:
        """Decide by what the job's method takes; `on_round` is told the result, with the document's id."""
        self._job = job
        self._on_round = on_round

    async def keep(self, state: DocumentState) -> DocumentState:
        """Score and decide; what was not judged has no score."""
        document, schema, annotations = state["document"], state["schema"], in_order(state)
        round_ = Round(
            number=state["number"],
            entered=state["entered"],
            annotation_schema=schema,
            annotations=annotations,
            agreed=agree(document.id, schema, annotations),
            scores=Scores(
                grounding=grounding(annotations), **agreement_figures(document.text, annotations)._asdict()
            ),
            state_hash=state_hash(schema, annotations, ()),
        )
        self._on_round(document.id, round_)
        decision = decide_in_one_pass(self._job, weighed(self._job, round_), thresholds_of(self._job))
        return {"rounds": [round_], "kept": round_, "decision": decision}
