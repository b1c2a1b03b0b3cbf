"""The critic's node: every mention judged, missing ones named, passage by passage."""

from __future__ import annotations

from collections.abc import Sequence

from agents.critic import Judged, PassageCritique, criticise, objection
from graph.consensus import agree, candidates, key_of
from graph.nodes.state import DocumentState, in_order, purpose, side_by_side
from graph.objections import CRITIC, holders
from graph.team import Team
from schemas.annotation import Instance
from schemas.documents import Passage
from schemas.judgement import Agent, Finding, FindingCode, MentionJudgement, Severity, Verdict
from schemas.locate import instance_at
from schemas.passages import shifted, within


class Critiquing:
    """Lets the critic judge what the annotators gave, before it sees any vote."""

    def __init__(self, team: Team, correct: float | None = None) -> None:
        """Let the team's critic judge.

        Args:
            team: Who works.
            correct: See `schemas.judgement.Thresholds.correct`.
        """
        self._team = team
        self._correct = correct

    async def critique(self, state: DocumentState) -> DocumentState:
        """Let the critic judge every mention and look for missing ones, passage by passage.

        In a round that began at the annotators schema and guidelines are as they were, and so is most of
        the annotation. The critic is then asked only what may have another answer than before: about mentions
        that are new, and, so that it can concede, about its objections that no annotator gave way to. What
        it misses is put to it like what was annotated.
        """
        annotations = in_order(state)
        listed = candidates(annotations)
        agreed = agree(state["document"].id, state["schema"], annotations)
        judged: dict[tuple[object, ...], MentionJudgement] = {}
        missed: list[Finding] = []
        remarks: list[Finding] = []
        again = bool(state["rounds"]) and state["entered"] is Agent.ANNOTATOR
        if again:
            judged = {
                key_of(item): state["judged"][key_of(item)]
                for item in listed
                if key_of(item) in state["judged"]
            }
            own = [finding for finding in state["mending"] if finding.raised_by == CRITIC]
            remarks = [finding for finding in own if finding.target is not Agent.ANNOTATOR]
            missed = [f for f in own if f.code is FindingCode.MISSING and not holders(f, annotations)]
        asked = [
            item
            for item in listed
            if (before := judged.get(key_of(item))) is None or before.verdict is not Verdict.CORRECT
        ]
        wanted = self._instances(missed, state)
        results = await self._asked(state, (*asked, *wanted), sweep=not again)
        said: dict[tuple[object, ...], MentionJudgement] = {}
        for passage, here, critique in results:
            for instance, judgement in zip(here, critique.judged, strict=True):
                if judgement is not None:
                    said[key_of(instance)] = _judgement(instance, judgement.required(self._correct))
            missed += [_missing(class_name, passage, *span) for class_name, span in critique.missing]
            remarks += critique.remarks
        judged |= {key_of(item): said[key_of(item)] for item in asked if key_of(item) in said}
        missed = [
            one
            for one in missed
            if (after := said.get((one.class_name, one.span))) is None or after.verdict is Verdict.CORRECT
        ]
        undisputed = {key_of(item) for item in agreed.instances}
        objected = [
            objection(one.verdict, item, one.class_found, disputed=key_of(item) not in undisputed)
            for item in listed
            if (one := judged.get(key_of(item))) is not None and one.verdict is not Verdict.CORRECT
        ]
        raised = tuple(dict.fromkeys((*state["findings"], *objected, *missed, *remarks)))
        return {"findings": raised, "agreed": agreed, "judged": judged, "missing": len(missed)}

    async def _asked(
        self, state: DocumentState, instances: Sequence[Instance], *, sweep: bool
    ) -> list[tuple[Passage, tuple[Instance, ...], PassageCritique]]:
        """What the critic says of instances, by passage; passages without any are only swept."""
        whole = state["index_of"](state["document"].text)

        async def one(number: int, passage: Passage) -> tuple[Passage, tuple[Instance, ...], PassageCritique]:
            here = within(instances, passage)
            asking = purpose(state, Agent.CRITIC, passage=number)
            index = state["index_of"](passage.text)
            critique = await criticise(self._team.critic, index, asking, state["schema"], here, sweep=sweep)
            return passage, shifted(here, passage, whole), critique

        passages = enumerate(state["passages"])
        return await side_by_side(one(n, part) for n, part in passages if sweep or within(instances, part))

    def _instances(self, missed: Sequence[Finding], state: DocumentState) -> list[Instance]:
        """The missing mentions as if they were annotated."""
        whole = state["index_of"](state["document"].text)
        specs = [(state["schema"].get(finding.class_name or ""), finding.span) for finding in missed]
        return [
            instance_at(spec, whole, span)
            for spec, span in specs
            if spec is not None and spec.anchor is not None and span is not None
        ]


def _judgement(instance: Instance, judged: Judged) -> MentionJudgement:
    """What was said of an instance with offsets into the document; it has an anchor that was found."""
    start, end = (instance.anchor and instance.anchor.span) or (0, 0)
    return MentionJudgement(
        class_name=instance.class_name,
        start=start,
        end=end,
        verdict=judged.verdict,
        probability=judged.probability,
        class_found=judged.class_found,
    )


def _missing(class_name: str, passage: Passage, start: int, end: int) -> Finding:
    return Finding(
        code=FindingCode.MISSING,
        severity=Severity.MINOR,
        raised_by=CRITIC,
        class_name=class_name,
        quote=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
        message="a mention of the class that was not annotated",
    )
