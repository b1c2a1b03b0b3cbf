"""What the run database costs: calls and rows a second, CPU a call, bytes on disk.

    python benchmarks/store_writes.py [--documents 1000] [--in-flight 128] [--busy] [--json]

Each document has four calls, each opened (awaited), closed and flushed (awaited), as the ledger does it;
then a round and a decision. Nothing is sent to a model. CPU of the event loop's thread is told without that
of the benchmark's own tasks. `--busy` keeps that thread computing beside it, as a run with many answers does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sqlite3
import tempfile
import time
from pathlib import Path

from corpus import WORDS, prose

from agents.llm.client import Attempt, Message, ModelIdentity, Purpose, Sampling, Usage
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall, OpenedCall
from graph.store.store import RunStore
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.inputs import DocumentsConfig
from schemas.job import Job
from schemas.judgement import Agent, Decision, Ending, Outcome, Scores
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

Work = list[tuple[Document, Round, list[tuple[OpenedCall, ClosedCall]]]]
SEED = 7
SYSTEM = "You take part in annotating documents. " + " ".join(WORDS[:150])
SCHEMA = AnnotationSchema(
    domain="benchmark",
    classes=tuple(
        ClassSpec(name=f"Class{index}", guideline=Guideline(definition=" ".join(WORDS[index : index + 30])))
        for index in range(5)
    ),
)


TABLES = (
    "documents",
    "texts",
    "calls",
    "call_messages",
    "attempts",
    "rounds",
    "annotations",
    "mentions",
    "scores",
    "decisions",
)


def made_round(document: Document, rng: random.Random) -> Round:
    def annotation(annotator: str) -> Annotation:
        instances = []
        for _ in range(8):
            start = rng.randrange(len(document.text) - 12)
            quote = document.text[start : start + 10]
            mention = Mention(
                field="span", quote=quote, start=start, end=start + 10, status=MentionStatus.EXACT
            )
            instances.append(
                Instance(class_name=f"Class{rng.randrange(5)}", values={"span": quote}, mentions=(mention,))
            )
        return Annotation(document_id=document.id, annotator=annotator, instances=tuple(instances))

    return Round(
        number=1,
        entered=Agent.DESIGNER,
        annotation_schema=SCHEMA,
        annotations=(annotation("annotator-1"), annotation("annotator-2")),
        agreed=annotation("agreed"),
        scores=Scores(grounding=1.0, agreement=0.9),
        state_hash=document.id,
    )


def requests_of(document: Document, number: int, rng: random.Random) -> list[tuple[OpenedCall, ClosedCall]]:
    calls = []
    for agent in Agent:
        answer = json.dumps({"instances": [prose(rng, 60) for _ in range(12)]})
        opened = OpenedCall(
            key=f"{number:032x}{agent.value:>32}",
            purpose=Purpose(agent=agent, document_id=document.id),
            identity=ModelIdentity(provider="openai", model="benchmark"),
            messages=(
                Message(role="system", parts=(SYSTEM,)),
                Message(role="user", parts=(f"<document>\n{document.text}\n</document>", prose(rng, 2000))),
            ),
            sampling=Sampling(temperature=0.2, max_tokens=1000, seed=1),
            answer_name="Answer",
            answer_schema="0" * 64,
        )
        attempt = Attempt(
            number=1,
            raw=answer,
            finish_reason="stop",
            usage=Usage(input_tokens=900, output_tokens=200),
            latency=0.2,
        )
        calls.append((opened, ClosedCall(CallStatus.ANSWERED, answer, (attempt,))))
    return calls


def said(work: Work, unit: type) -> int:
    """Bytes of all distinct messages (str) or parts of messages (tuple), and of the answers."""
    texts: set[str] = set()
    for _, _, made in work:
        for opened, closed in made:
            texts.add(closed.answer or "")
            for message in opened.messages:
                texts.update([message.text] if unit is str else message.parts)
    return sum(len(text.encode()) for text in texts)


async def keep_busy(stop: asyncio.Event) -> None:
    """Compute in slices of a millisecond, as parsing and validating answers does."""
    while not stop.is_set():
        until = time.perf_counter() + 0.001
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0)


class NoStore:
    """Takes what a store takes and keeps nothing: what the benchmark itself costs."""

    async def open_call(self, call: OpenedCall) -> str:
        return call.key

    async def flush(self) -> None:
        pass

    def close_call(self, *_: object) -> None:
        pass

    add_round = decide = close_call


async def drive(store: RunStore | NoStore, work: Work, in_flight: int, busy: bool) -> list[float]:
    waits: list[float] = []
    queue = iter(work)
    stop = asyncio.Event()

    async def worker() -> None:
        for document, made, calls in queue:
            for opened, closed in calls:
                before = time.perf_counter()
                call_id = await store.open_call(opened)
                waits.append(time.perf_counter() - before)
                store.close_call(call_id, closed)
                await store.flush()
            store.add_round(document.id, made)
            store.decide(
                document.id,
                Decision(outcome=Outcome.ACCEPTED, reason="agreed", ending=Ending.AGREED, round=1),
                made.scores,
            )

    burner = asyncio.create_task(keep_busy(stop)) if busy else None
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    await store.flush()
    stop.set()
    if burner:
        await burner
    return waits


def measure(given: argparse.Namespace, folder: Path) -> dict[str, float]:
    """All figures; times of CPU in ms a call."""
    rng = random.Random(SEED)
    documents = [Document(id=f"document-{n}", text=prose(rng, 2500)) for n in range(given.documents)]
    work = [
        (document, made_round(document, rng), requests_of(document, n, rng))
        for n, document in enumerate(documents)
    ]
    calls = 4 * len(documents)
    own = time.thread_time()
    asyncio.run(drive(NoStore(), work, given.in_flight, busy=False))
    own = time.thread_time() - own
    run = folder / "run"
    job = Job(documents=DocumentsConfig(paths=("none",)))
    store = RunStore.create(run, name="run", job=job, job_toml="", version="0")
    adding = time.perf_counter()
    store.add_documents(documents)
    adding = time.perf_counter() - adding
    began, loop, process = time.perf_counter(), time.thread_time(), time.process_time()
    waits = sorted(asyncio.run(drive(store, work, given.in_flight, given.busy)))
    seconds, loop = time.perf_counter() - began, time.thread_time() - loop
    closing = time.perf_counter()
    store.close()
    closing = time.perf_counter() - closing
    beside = time.process_time() - process - loop
    figures = {
        "documents_per_second": len(documents) / adding,
        "calls_per_second": calls / seconds,
        "close_seconds": closing,
        "open_ms_median": 1000 * waits[len(waits) // 2],
        "open_ms_longest": 1000 * waits[-1],
    }
    if not given.busy:
        figures |= {"loop_cpu_ms": 1000 * (loop - own) / calls, "beside_cpu_ms": 1000 * beside / calls}
    size = sum(file.stat().st_size for file in run.iterdir())
    figures |= {"of_messages": size / said(work, str), "of_parts": size / said(work, tuple)}
    with RunReader(run) as reader:
        rows = sum(reader.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES)
        assert reader.totals().balanced and reader.totals().accepted == len(documents)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**figures, "rows_per_second": rows / seconds, "peak_mib": peak}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--documents", type=int, default=1000)
    options.add_argument("--in-flight", type=int, default=128)
    options.add_argument("--busy", action="store_true", help="compute beside it; CPU is then not told")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(given, Path(folder))
    if given.json:
        print(json.dumps(figures))
        return
    told = {
        "documents": f"{figures['documents_per_second']:,.0f} a second",
        "calls": f"{figures['calls_per_second']:,.0f} a second",
        "rows": f"{figures['rows_per_second']:,.0f} a second",
        "wait to open": f"{figures['open_ms_median']:.1f} ms in the median, "
        f"{figures['open_ms_longest']:.1f} at most",
        "close": f"{figures['close_seconds']:.2f} s",
        "bytes": f"{figures['of_messages']:.2f} times messages and answers stored once, "
        f"{figures['of_parts']:.2f} times their parts",
        "peak memory": f"{figures['peak_mib']:.0f} MiB",
        "SQLite": sqlite3.sqlite_version,
    }
    if not given.busy:
        told["CPU"] = (
            f"{figures['loop_cpu_ms']:.3f} ms a call in the event loop's thread, "
            f"{figures['beside_cpu_ms']:.3f} for search index and checkpoints"
        )
    for name, value in told.items():
        print(f"{name:<14}{value}")


if __name__ == "__main__":
    main()
