"""Documents taken through one round, for the tests of traces."""

from __future__ import annotations

from dataclasses import replace

from store_samples import answered, decision, make_round, opened

from agents.llm.client import Attempt, Purpose, Usage
from graph.store.records import CallStatus, ClosedCall, OpenedCall
from graph.store.store import RunStore
from schemas.judgement import Agent


def asked(key: str, document_id: str | None = "d0", agent: Agent = Agent.ANNOTATOR, **of: int) -> OpenedCall:
    call = opened(key, document_id, agent)
    return replace(call, purpose=Purpose(agent=agent, document_id=document_id, **of))


async def worked(store: RunStore, document_id: str = "d0") -> None:
    """A document taken through one round: an annotator re-asked once, one at once, a critic cut off."""
    for sample, reasks in ((0, 1), (1, 0)):
        call_id = await store.open_call(asked(f"{document_id}-{sample}", document_id, sample=sample))
        store.close_call(call_id, answered(sample, reasks=reasks))
    critic = await store.open_call(asked(f"{document_id}-critic", document_id, Agent.CRITIC))
    cut = Attempt(
        number=1,
        raw="half an",
        finish_reason="length",
        usage=Usage(input_tokens=7, output_tokens=3),
        cost=0.5,
        latency=0.1,
        error="truncated",
    )
    store.close_call(critic, ClosedCall(CallStatus.TRUNCATED, attempts=(cut,), error="half an answer"))
    store.add_round(document_id, make_round(document_id))
    store.decide(document_id, decision(), make_round().scores)
    await store.flush()
