"""The pilot's first nodes: its documents, classes proposed for each, one schema, its guidelines."""

from __future__ import annotations

from agents.consolidating import Consolidated, consolidate
from agents.guideline_writer import write
from agents.llm.client import Purpose
from agents.schema_designer import design
from graph.pilot.registry import Registry
from graph.pilot.sampling import diverse_sample, pool
from graph.pilot.state import Corpus, PilotOffice, PilotState
from schemas.documents import Document
from schemas.errors import GuidexError
from schemas.job import Job, Profile
from schemas.judgement import Agent
from schemas.pilot import MergeProposal
from schemas.schema import AnnotationSchema, Guideline


class Inducing:
    """Chooses the pilot and makes the first version of its schema."""

    def __init__(self, office: PilotOffice, corpus: Corpus) -> None:
        self._office = office
        self._corpus = corpus
        self._job: Job = office.job

    async def sample(self, state: PilotState) -> PilotState:
        """Choose documents that differ; those chosen before the pilot was interrupted stay."""
        self._office.begin("choosing documents")
        if state.get("documents"):
            return {}
        candidates = (
            self._corpus.document(each) for each in pool(self._corpus.document_ids(), self._job.seed)
        )
        known = {document.id: document for document in candidates if document is not None}
        texts = ((document.id, document.text) for document in known.values())
        chosen = diverse_sample(texts, self._job.pilot.documents, self._job.seed)
        if not chosen:
            raise GuidexError("No document has any text to make a schema from.", "Check the documents.")
        self._office.chosen(chosen)
        return {"documents": tuple(known[each] for each in chosen)}

    async def propose(self, state: PilotState) -> PilotState:
        """Let the schema-designer propose classes for each document."""
        self._office.begin("proposing classes")
        speaker, size = self._office.team.designer, self._office.team.passage_bytes

        async def one(document: Document) -> AnnotationSchema:
            purpose = Purpose(agent=Agent.DESIGNER, document_id=document.id)
            text = self._office.excerpts([document]) if len(document.text.encode()) > size else document.text
            made, _ = await design(
                speaker, text, purpose, brief=self._job.brief, max_classes=self._job.max_classes
            )
            return made

        proposals = await self._office.for_each(state["documents"], one)
        if not proposals:
            raise GuidexError(
                "The schema-designer proposed no classes for any document of the pilot.",
                "The events of the run say why; try again with `guidex resume`, or with another model.",
            )
        return {"proposals": proposals}

    async def consolidate(self, state: PilotState) -> PilotState:
        """Count the proposed classes, merge those that are one, and keep as many as the job allows.

        What is doubtful is put to the schema-designer. A small model is not asked, as it chooses from an
        inventory without near-duplicates: the classes of most documents are kept.
        """
        self._office.begin("making one schema")
        registry = Registry(state["proposals"])
        doubtful = registry.settle_plain_cases()
        most = self._job.max_classes
        full = self._office.team.designer.profile is Profile.FULL
        decided = None
        if full and (doubtful or len(registry.names) > most):
            decided = await self._decided(state, registry, doubtful)
        if decided is None or not decided.definitions:
            decided, ruled_by = Consolidated("", dict.fromkeys(registry.names[:most], ""), {}), "rule"
        else:
            ruled_by = Agent.DESIGNER.value
        for name, covered in decided.covers.items():
            for other in covered:
                registry.merge(name, other)
        registry.rule_on(doubtful, ruled_by)
        schema = registry.schema(tuple(decided.definitions), decided.definitions, decided.domain)
        return {"schema": schema, "registry": registry}

    async def _decided(
        self, state: PilotState, registry: Registry, doubtful: list[MergeProposal]
    ) -> Consolidated | None:
        proposed = [
            (name, len(registry.documents(name)), registry.definition(name)) for name in registry.names
        ]
        pairs = dict.fromkeys(
            (registry.standing_for(each.kept), registry.standing_for(each.merged)) for each in doubtful
        )
        call = consolidate(
            self._office.team.designer,
            self._office.excerpts(state["documents"]),
            Purpose(agent=Agent.DESIGNER),
            proposed,
            tuple(pairs),
            brief=self._job.brief,
            max_classes=self._job.max_classes,
        )
        return await self._office.or_without(call, "making one schema")

    async def write(self, state: PilotState) -> PilotState:
        """Let the guideline-writer write guidelines over the pilot; classes of the user keep their own."""
        self._office.begin("writing guidelines")
        schema = state["schema"]
        induced = state.get("registry") is not None
        bare = {spec.name for spec in schema.classes if induced or spec.guideline == Guideline()}
        if not bare:
            return {"revised": ()}
        text = self._office.excerpts(state["documents"])
        call = write(self._office.team.writer, text, Purpose(agent=Agent.WRITER), schema)
        made = await self._office.or_without(call, "writing guidelines")
        if made is None:
            return {"revised": ()}
        specs = zip(schema.classes, made.classes, strict=True)
        written = tuple(new if new.name in bare else old for old, new in specs)
        return {"schema": schema.model_copy(update={"classes": written}), "revised": ()}
