"""What the run database costs: calls and rows a second, CPU a call, bytes on disk.

    python benchmarks/store_writes.py [--documents 1000] [--in-flight 128] [--busy]

Each document has four calls, each opened (awaited), closed and flushed (awaited), as the ledger does it;
then a round and a decision. Nothing is sent to a model. `--busy` keeps the event loop's thread computing
beside it, as a run does that waits for many answers.
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

from agents.llm.client import Attempt, Message, ModelIdentity, Purpose, Sampling, Usage
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall, OpenedCall
from graph.store.store import RunStore
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.job import DocumentsConfig, Job
from schemas.judgement import Agent, Decision, Ending, Outcome, Scores
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

Work = list[tuple[Document, Round, list[tuple[OpenedCall, ClosedCall]]]]
SEED = 7
WORDS = [
    "".join(random.Random(seed).choices("etaoinshrdlcumwfgypbvk", k=3 + seed % 9)) for seed in range(8000)
]
SYSTEM = "You take part in annotating documents. " + " ".join(WORDS[:150])
SCHEMA = AnnotationSchema(
    domain="benchmark",
    classes=tuple(
        ClassSpec(name=f"Class{index}", guideline=Guideline(definition=" ".join(WORDS[index : index + 30])))
        for index in range(5)
    ),
)


def prose(rng: random.Random, characters: int) -> str:
    text = " ".join(rng.choices(WORDS, k=characters // 4))
    return text[:characters]


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


async def drive(store: RunStore, work: Work, in_flight: int, busy: bool) -> list[float]:
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


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--documents", type=int, default=1000)
    options.add_argument("--in-flight", type=int, default=128)
    options.add_argument("--busy", action="store_true")
    given = options.parse_args()
    rng = random.Random(SEED)
    documents = [Document(id=f"document-{n}", text=prose(rng, 2500)) for n in range(given.documents)]
    work = [
        (document, made_round(document, rng), requests_of(document, n, rng))
        for n, document in enumerate(documents)
    ]
    calls = 4 * len(documents)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        job = Job(documents=DocumentsConfig(paths=("none",)))
        store = RunStore.create(run, name="run", job=job, job_toml="", version="0")
        began = time.perf_counter()
        store.add_documents(documents)
        print(f"documents        {len(documents) / (time.perf_counter() - began):10,.0f} a second")
        began, own, process = time.perf_counter(), time.thread_time(), time.process_time()
        waits = sorted(asyncio.run(drive(store, work, given.in_flight, given.busy)))
        seconds, own = time.perf_counter() - began, time.thread_time() - own
        closing = time.perf_counter()
        store.close()
        beside = time.process_time() - process - own
        print(f"calls            {calls / seconds:10,.0f} a second ({calls} in {seconds:.2f} s)")
        if not given.busy:
            print(f"CPU              {1000 * own / calls:10.3f} ms a call in the event loop's thread")
            print(
                f"                 {1000 * beside / calls:10.3f} ms a call for search index and checkpoints"
            )
        print(f"close            {time.perf_counter() - closing:10.2f} s")
        median, longest = 1000 * waits[len(waits) // 2], 1000 * waits[-1]
        print(f"wait to open     {median:10.1f} ms median, {longest:.1f} longest")
        size = sum(file.stat().st_size for file in run.iterdir())
        for unit, once in (("messages", said(work, str)), ("parts of messages", said(work, tuple))):
            print(f"bytes            {size / once:10.2f} times {unit} and answers stored once ({once:,})")
        with RunReader(run) as reader:
            rows = sum(
                reader.rows(f"SELECT count(*) FROM {table}")[0][0]
                for table in (
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
            )
            print(f"rows             {rows / seconds:10,.0f} a second ({rows})")
            assert reader.totals().balanced and reader.totals().accepted == len(documents)
    print(f"peak memory      {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:10.0f} MiB")
    print(f"SQLite           {sqlite3.sqlite_version:>10}")


if __name__ == "__main__":
    main()
