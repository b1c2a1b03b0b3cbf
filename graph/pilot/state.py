"""What travels through the pilot's graph, and what its nodes share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Annotated, Any, Protocol, TypedDict, TypeVar

from agents.llm.client import CallFailedError, CallFault
from graph.nodes.state import side_by_side
from graph.pilot.measuring import Trial
from graph.pilot.registry import Registry
from graph.team import Team
from schemas.documents import Document
from schemas.errors import ModelUnavailableError, StoppedError
from schemas.job import Job
from schemas.pilot import SchemaVersion
from schemas.schema import AnnotationSchema
from schemas.splitting import split

_T = TypeVar("_T")


class Corpus(Protocol):
    """Where the documents are; `graph.store.reading.RunReader` is one."""

    def document_ids(self) -> tuple[str, ...]:
        """Ids of the readable documents."""
        ...

    def document(self, document_id: str) -> Document | None:
        """The document of that id."""
        ...


class PilotState(TypedDict, total=False):
    """What travels through the graph of a pilot."""

    documents: tuple[Document, ...]
    proposals: Mapping[str, AnnotationSchema]
    registry: Registry | None
    schema: AnnotationSchema
    revised: tuple[str, ...]
    """Classes whose guidelines the version on trial has revised."""
    tried: frozenset[str]
    """Classes whose revision came to nothing."""
    revisions: int
    trial: Trial
    best: Trial
    versions: Annotated[list[SchemaVersion], add]
    ending: str


@dataclass(frozen=True)
class PilotOffice:
    """What all nodes of a pilot work with.

    Attributes:
        job: Its `pilot` table, brief, annotators and thresholds.
        team: Who works.
        told: Told what is being done, in a few words.
        noted: Told what went wrong with a document, with its id; the pilot goes on without it.
        chosen: Told the ids of the pilot's documents.
        stopping: Says whether the run has to stop.
    """

    job: Job
    team: Team
    told: Callable[[str], None] = field(default=lambda stage: None)
    noted: Callable[[str, str], None] = field(default=lambda message, document_id: None)
    chosen: Callable[[tuple[str, ...]], None] = field(default=lambda ids: None)
    stopping: Callable[[], bool] = field(default=lambda: False)

    @property
    def goal(self) -> float:
        """Agreement at which guidelines are good enough."""
        wanted = self.job.pilot.agreement
        return self.job.thresholds.agreement if wanted is None else wanted

    def begin(self, stage: str) -> None:
        """Begin a step.

        Raises:
            StoppedError: No further step is to be begun.
        """
        if self.stopping():
            raise StoppedError("The run was stopped during its pilot.")
        self.told(stage)

    async def for_each(
        self, documents: Iterable[Document], work: Callable[[Document], Coroutine[Any, Any, _T]]
    ) -> dict[str, _T]:
        """What comes of each document, side by side; those whose calls failed are left out.

        Raises:
            ModelUnavailableError: A model refuses the key or the name.
        """

        async def one(document: Document) -> tuple[str, _T] | None:
            try:
                return document.id, await work(document)
            except CallFailedError as error:
                refuse_on(error)
                self.noted(str(error), document.id)
                return None

        return dict(each for each in await side_by_side(map(one, documents)) if each is not None)

    async def or_without(self, work: Awaitable[_T], stage: str) -> _T | None:
        """The answer to a call on the whole corpus; None if it failed.

        Raises:
            ModelUnavailableError: The model refuses the key or the name.
        """
        try:
            return await work
        except CallFailedError as error:
            refuse_on(error)
            self.noted(f"{stage}: {error}", "")
            return None

    def excerpts(self, documents: Sequence[Document]) -> str:
        """The beginnings of all documents, as long as one call takes in all."""
        share = max(200, self.team.passage_bytes // max(1, len(documents)))
        parts = (split(document.text, share) for document in documents)
        return "\n[...]\n".join(part[0].text.strip() for part in parts if part)


def refuse_on(error: CallFailedError) -> None:
    """End the pilot over a failed call if no other would fare better.

    Raises:
        ModelUnavailableError: The model refuses the key or the name.
    """
    if error.fault is CallFault.REFUSED:
        raise ModelUnavailableError(str(error), error.remedy) from error
