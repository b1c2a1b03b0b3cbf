"""The schema that all documents of a run share: given, or made on a pilot and from then on frozen."""

from __future__ import annotations

from graph.pilot.state import PilotOffice
from graph.pilot_graph import PilotGraph
from graph.progress import Progress
from graph.store.pilots import begun_pilot, stored_pilot
from graph.store.records import PILOT
from graph.store.store import RunStore
from graph.team import Team
from schemas.example_bank import Example, ExampleBank, SharedSchema
from schemas.job import Job
from schemas.pilot import Pilot


async def frozen_schema(job: Job, store: RunStore, team: Team, progress: Progress) -> SharedSchema | None:
    """The schema of a run, after its pilot where it has one; None where every document gets its own.

    A schema that was frozen before is used as it is.

    Raises:
        GuidexError: The pilot came to nothing.
        ModelUnavailableError: A model refuses the key or the name.
        StoppedError: The run has to stop; it can be taken up again.
        StoreError: The pilot cannot be recorded.
    """
    done = stored_pilot(store.reader)
    if done is None and not job.has_pilot:
        return None if job.given_schema is None else SharedSchema(job.given_schema, ExampleBank())
    if done is None:
        done = await _piloted(job, store, team, progress)
    pilot, examples = done
    return SharedSchema(pilot.frozen.annotation_schema, ExampleBank(examples))


async def _piloted(
    job: Job, store: RunStore, team: Team, progress: Progress
) -> tuple[Pilot, tuple[Example, ...]]:
    def told(stage: str) -> None:
        progress.stage = f"pilot: {stage}"

    def noted(message: str, document_id: str) -> None:
        store.add_event(PILOT, message, {"document_id": document_id} if document_id else None)

    office = PilotOffice(
        job,
        team,
        told=told,
        noted=noted,
        chosen=lambda ids: store.add_event(PILOT, "its documents", {"documents": ids}),
        stopping=lambda: progress.stopping,
    )
    chosen = [store.reader.document(each) for each in begun_pilot(store.reader)]
    try:
        graph = PilotGraph(office, store.reader)
        pilot, examples = await graph.run([document for document in chosen if document is not None])
    finally:
        progress.stage = ""
    await store.freeze(pilot, examples)
    return pilot, examples
