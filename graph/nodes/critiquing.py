"""The critic's node: every mention judged, missing ones named, passage by passage."""

from __future__ import annotations

from agents.critic import PassageCritique, Verdict, criticise, objection
from graph.consensus import agree, candidates, key_of
from graph.nodes.state import DocumentState, in_order, purpose, side_by_side
from graph.passages import shifted, within
from graph.team import Team
from schemas.annotation import Instance
from schemas.documents import Passage
from schemas.judgement import Agent, Finding, FindingCode, Severity
from schemas.locate import Located


class Critiquing:
    """Lets the critic judge what the annotators gave, before it sees any vote."""

    def __init__(self, team: Team) -> None:
        self._team = team

    async def critique(self, state: DocumentState) -> DocumentState:
        """Let the critic judge every mention and look for missing ones, passage by passage."""
        schema = state["schema"]
        annotations = in_order(state)
        listed = candidates(annotations)
        whole = state["index_of"](state["document"].text)
        agreed = agree(state["document"].id, schema, annotations)
        undisputed = {key_of(item) for item in agreed.instances}

        async def one(number: int, passage: Passage) -> tuple[tuple[Instance, ...], PassageCritique]:
            here = within(listed, passage)
            asking = purpose(state, Agent.CRITIC, passage=number)
            index = state["index_of"](passage.text)
            return here, await criticise(self._team.critic, index, asking, schema, here)

        results = await side_by_side(one(*numbered) for numbered in enumerate(state["passages"]))
        findings = list(state["findings"])
        judged: dict[tuple[object, ...], Verdict] = {}
        missing = 0
        for (here, critique), passage in zip(results, state["passages"], strict=True):
            for instance, verdict in zip(shifted(here, passage, whole), critique.verdicts, strict=True):
                if verdict is None:
                    continue
                key = key_of(instance)
                judged[key] = verdict
                if verdict is not Verdict.CORRECT:
                    findings.append(objection(verdict, instance, disputed=key not in undisputed))
            for class_name, place in critique.missing:
                missing += 1
                findings.append(_missing(class_name, passage, place))
            findings += critique.remarks
        raised = tuple(dict.fromkeys(findings))
        return {"findings": raised, "agreed": agreed, "judged": judged, "missing": missing}


def _missing(class_name: str, passage: Passage, place: Located) -> Finding:
    return Finding(
        code=FindingCode.MISSING,
        severity=Severity.MINOR,
        raised_by="critic",
        class_name=class_name,
        quote=passage.text[place.start : place.end],
        start=passage.start + place.start,
        end=passage.start + place.end,
        message="a mention of the class that was not annotated",
    )
