"""The nodes that make the schema: the schema-designer's and the guideline-writer's."""

from __future__ import annotations

from collections.abc import Sequence

from agents.guideline_writer import write
from agents.schema_designer import design
from graph.nodes.state import DocumentState, findings_for, purpose
from graph.team import Team
from schemas.documents import Passage
from schemas.job import Job
from schemas.judgement import Agent
from schemas.splitting import split


class Authoring:
    """Designs the classes of a document and writes their guidelines."""

    def __init__(self, job: Job, team: Team) -> None:
        self._job = job
        self._team = team

    async def design(self, state: DocumentState) -> DocumentState:
        """Let the schema-designer propose classes, or mend those objected to."""
        schema, copied = await design(
            self._team.designer,
            self._excerpt(state),
            purpose(state, Agent.DESIGNER),
            brief=self._job.brief,
            max_classes=self._job.max_classes,
            schema=state.get("schema"),
            findings=findings_for(Agent.DESIGNER, state),
        )
        return {"schema": schema, "copied": copied}

    async def write(self, state: DocumentState) -> DocumentState:
        """Let the guideline-writer write the guidelines, or revise those objected to."""
        asking = purpose(state, Agent.WRITER)
        findings = findings_for(Agent.WRITER, state)
        return {
            "schema": await write(self._team.writer, self._excerpt(state), asking, state["schema"], findings)
        }

    def _excerpt(self, state: DocumentState) -> str:
        return excerpt(state["passages"], self._team.passage_bytes)


def excerpt(passages: Sequence[Passage], size: int) -> str:
    """What represents a document to who makes its schema: all of it, or parts of a long one.

    Args:
        passages: Of the document.
        size: Most bytes of the parts, in UTF-8.
    """
    if len(passages) == 1:
        return passages[0].text
    chosen = dict.fromkeys((passages[0], passages[len(passages) // 2], passages[-1]))
    parts = (split(passage.text, size // 3)[0].text for passage in chosen)
    return "\n[...]\n".join(part.strip() for part in parts)
