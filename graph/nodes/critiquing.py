"""The critic's node: every mention judged, missing ones named, passage by passage."""

from __future__ import annotations

from collections.abc import Sequence

from agents.critic import PassageCritique, Verdict, criticise, objection
from graph.consensus import agree, candidates, key_of
from graph.nodes.state import DocumentState, in_order, purpose, side_by_side
from graph.objections import CRITIC, holders
from graph.passages import shifted, within
from graph.team import Team
from schemas.annotation import Instance
from schemas.documents import Passage
from schemas.judgement import Agent, Finding, FindingCode, Severity
from schemas.locate import Located, instance_at


class Critiquing:
    """Lets the critic judge what the annotators gave, before it sees any vote."""

    def __init__(self, team: Team) -> None:
        self._team = team

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
        judged: dict[tuple[object, ...], Verdict] = {}
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
        asked = [item for item in listed if judged.get(key_of(item)) is not Verdict.CORRECT]
        wanted = self._instances(missed, state)
        results = await self._asked(state, (*asked, *wanted), sweep=not again)
        verdicts: dict[tuple[object, ...], Verdict] = {}
        for passage, here, critique in results:
            for instance, verdict in zip(here, critique.verdicts, strict=True):
                if verdict is not None:
                    verdicts[key_of(instance)] = verdict
            missed += [_missing(class_name, passage, place) for class_name, place in critique.missing]
            remarks += critique.remarks
        judged |= {key_of(item): verdicts[key_of(item)] for item in asked if key_of(item) in verdicts}
        missed = [
            one
            for one in missed
            if verdicts.get((one.class_name, one.span), Verdict.CORRECT) is Verdict.CORRECT
        ]
        undisputed = {key_of(item) for item in agreed.instances}
        objected = [
            objection(verdict, item, disputed=key_of(item) not in undisputed)
            for item in listed
            if (verdict := judged.get(key_of(item), Verdict.CORRECT)) is not Verdict.CORRECT
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


def _missing(class_name: str, passage: Passage, place: Located) -> Finding:
    return Finding(
        code=FindingCode.MISSING,
        severity=Severity.MINOR,
        raised_by=CRITIC,
        class_name=class_name,
        quote=passage.text[place.start : place.end],
        start=passage.start + place.start,
        end=passage.start + place.end,
        message="a mention of the class that was not annotated",
    )
