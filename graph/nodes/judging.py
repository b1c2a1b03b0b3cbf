"""The last node of a round: scores, and accepted, sent back, or ended with the best round."""

from __future__ import annotations

from collections.abc import Callable

from graph.agreement import agreement_figures
from graph.consensus import key_of
from graph.deciding import (
    WORKING_ORDER,
    ending,
    entry,
    faithfulness,
    grounding,
    guideline_score,
    schema_score,
    settle,
    state_hash,
)
from graph.merits import decide, merits_of, obstacles
from graph.methods.acceptance import thresholds_of
from graph.nodes.state import DocumentState, in_order
from graph.objections import track
from schemas.job import Job
from schemas.judgement import Agent, Ending, Finding, Scores, Severity, Verdict
from schemas.rounds import Round


class Judging:
    """Scores rounds and decides what becomes of the document."""

    def __init__(self, job: Job, on_round: Callable[[str, Round], None], *, frozen: bool) -> None:
        """Judge by the job's thresholds.

        With a frozen schema a document is judged by its annotations alone: objections to the schema and to
        its guidelines are on record as minor ones, as nobody in the loop can mend them.
        """
        self._rounds = job.rounds
        self._on_round = on_round
        self._agents = (Agent.ANNOTATOR,) if frozen else WORKING_ORDER
        self._thresholds = thresholds_of(job, frozen=frozen)

    async def decide(self, state: DocumentState) -> DocumentState:
        """Score the round, then accept it, send it back, or end the loop with the best round."""
        round_, agent = self._round(state)
        self._on_round(state["document"].id, round_)
        rounds, merits = [*state["rounds"], round_], merits_of(round_)
        # Also once settled: where major findings do not block, too little may be left.
        if not any(obstacles(merits, self._thresholds, settled=each) for each in (False, True)):
            how = Ending.AGREED
        elif (end := ending(rounds, self._rounds)) is not None:
            how = end
        elif agent is None:
            how = Ending.STALEMATE
        else:
            return {
                "rounds": [round_],
                "number": state["number"] + 1,
                "entered": agent,
                "mending": round_.findings,
            }
        decision = decide([merits_of(each) for each in rounds], self._thresholds, how)
        kept = next(each for each in rounds if each.number == decision.round)
        return {"rounds": [round_], "kept": settle(kept), "decision": decision}

    def _round(self, state: DocumentState) -> tuple[Round, Agent | None]:
        """The round as judged, and the agent at which the one after it would begin."""
        schema, annotations = state["schema"], in_order(state)
        findings = tuple(map(self._weighed, state["findings"]))
        agreed = state["agreed"]
        judged = [said for i in agreed.instances if (said := state["judged"].get(key_of(i))) is not None]
        correct = sum(said.verdict is Verdict.CORRECT for said in judged)
        wanted = correct + state["missing"]
        round_ = Round(
            number=state["number"],
            entered=state["entered"],
            annotation_schema=schema,
            annotations=annotations,
            agreed=agreed,
            findings=findings,
            judgements=tuple(sorted(state["judged"].values(), key=lambda said: said.span)),
            scores=Scores(
                grounding=grounding(annotations),
                **agreement_figures(state["document"].text, annotations)._asdict(),
                faithfulness=faithfulness(judged),
                completeness=correct / wanted if wanted else None,
                guideline=guideline_score(schema, findings),
                schema_fit=schema_score(schema, findings),
            ),
            state_hash="",
        )
        entering = entry(round_, self._agents)
        update = {
            "objections": track(round_, state["rounds"][-1] if state["rounds"] else None),
            "state_hash": state_hash(schema, annotations, findings, entering),
        }
        return round_.model_copy(update=update), entering

    def _weighed(self, finding: Finding) -> Finding:
        """The finding, a minor one if no agent of the loop can mend it."""
        if finding.target in self._agents:
            return finding
        return finding.model_copy(update={"severity": Severity.MINOR})
