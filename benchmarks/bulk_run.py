"""A large run without a model: documents, rounds, calls and decisions as of a real one, the same for a seed.

    python -m benchmarks.bulk_run --documents 5000 --calls 100000 --into FOLDER [--name bulk] [--seed 1]

Prompts, scores, objections and decisions come from the code of real runs (`agents.prompting`, `graph.nodes`),
what agents answer is made up (`benchmarks.bulk_rounds`, `benchmarks.bulk_calls`), and everything is written
through the store. The true mentions lie beside it as gold annotations: FOLDER/NAME.gold.jsonl.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from benchmarks.bulk_calls import CallMaker, MadeCall
from benchmarks.bulk_documents import HOSTILE, Sample, sample
from benchmarks.bulk_rounds import Simulation
from graph.store.connection import DATABASE
from graph.store.records import CONNECTIONS, COPIED_FROM_EXAMPLE, DOCUMENTS_READ, StoredAnswer
from graph.store.store import RunStore
from guidex.job_files import effective_toml
from guidex.version import version
from schemas.documents import Unreadable
from schemas.inputs import DocumentsConfig
from schemas.job import AnnotatorConfig, Job, ModelConfig
from schemas.judgement import Decision, Outcome, Scores
from schemas.limits import PriceConfig
from schemas.rounds import Round

MODEL: Final = "made-up-model"
SERVER: Final = "http://127.0.0.1:1/v1"
_BEGAN: Final = "'2026-03-02T08:00:00'"
_CONNECTIONS: Final = 48
_IN_FLIGHT: Final = 96
_AT_ONCE: Final = 250
"""Documents made and written before the next ones are."""
_UNFINISHED: Final = 0.02
"""Share of documents at the end of the source that were not begun when the run stopped."""
_CALLS_OF_A_PASSAGE: Final = 5.6
"""Over all rounds of a document: by this the number of its passages is chosen."""


@dataclass(frozen=True)
class Life:
    """What happens to one document: its rounds with the calls of each, and its end."""

    sample: Sample
    rounds: tuple[tuple[tuple[MadeCall, ...], Round | None], ...]
    """None: the round was not finished."""
    decision: Decision | None
    scores: Scores | None = None
    failure: tuple[str, str, str] | None = None
    """Agent, fault and message."""
    again: Life | None = None
    """What happens when it is taken up again."""

    @property
    def calls(self) -> int:
        """Rows of calls, replays included."""
        own = sum(1 + made.replayed for calls, _ in self.rounds for made in calls)
        return own + (self.again.calls if self.again else 0)


def job_of(name: str) -> Job:
    """The job that the run is said to be of."""
    return Job(
        documents=DocumentsConfig(paths=(f"{name}.jsonl",)),
        model=ModelConfig(name=f"openai/{MODEL}", base_url=SERVER),
        annotators=(AnnotatorConfig(), AnnotatorConfig(temperature=0.3)),
        prices={f"openai/{MODEL}": PriceConfig(input=0.4, cached_input=0.1, output=1.6)},
    )


def lives(documents: int, calls: int, seed: int, job: Job, *, hostile: bool) -> Iterator[Life]:
    """The documents, each with so many passages that about that many calls are made in all."""
    simulation = Simulation(job, seed, hostile=hostile)
    maker = CallMaker(MODEL, SERVER, hostile=hostile)
    begun = max(1, documents - round(_UNFINISHED * documents))
    made = 0
    for number in range(documents):
        wanted = calls * (number + 1) / begun - made
        passages = min(9, max(1, round((wanted - 3) / _CALLS_OF_A_PASSAGE)))
        one = sample(number, seed, passages if number < begun else 3, hostile=hostile)
        if number >= begun:
            yield Life(one, (), None)
            continue
        life = _life(one, simulation, maker, random.Random(f"{seed} life {number}"))
        made += life.calls
        yield life


def _life(one: Sample, simulation: Simulation, maker: CallMaker, rng: random.Random, draw: int = 0) -> Life:
    worked = simulation.work(one, draw)
    fate = rng.random()
    if draw == 0 and fate < 0.012:
        return Life(one, (), Decision(outcome=Outcome.SKIPPED, reason="the document has no text to annotate"))
    rounds = [(tuple(maker.calls(worked, round_.number, rng, draw)), round_) for round_ in worked.rounds]
    if fate < 0.045:
        return _failed(one, rounds, maker, rng)
    if draw == 0 and fate < 0.05:
        calls, _ = rounds[0]
        return Life(one, (((*calls[:3], maker.cancelled(calls[3])), None),), None)
    again = None
    if draw == 0 and worked.decision.outcome is Outcome.REJECTED and fate > 0.97:
        again = _life(one, simulation, maker, rng, draw=1)
    return Life(one, tuple(rounds), worked.decision, worked.kept.scores, again=again)


def _failed(
    one: Sample, rounds: Sequence[tuple[tuple[MadeCall, ...], Round]], maker: CallMaker, rng: random.Random
) -> Life:
    """The document as it is when one of its calls brings nothing."""
    last = rng.randrange(len(rounds))
    calls = rounds[last][0]
    number = rng.randrange(len(calls))
    fault = maker.failing(calls[number], rng)
    agent, status, error = (
        fault.opened.purpose.agent.value,
        fault.closed.status.value,
        str(fault.closed.error),
    )
    return Life(
        one,
        (*rounds[:last], ((*calls[:number], fault), None)),
        Decision(outcome=Outcome.FAILED, reason=f"{agent}: {status}: {error}"),
        failure=(agent, status, error),
    )


class Recorder:
    """Writes documents' lives as the runner does, several at a time."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    async def record(self, lives: Sequence[Life]) -> None:
        queue = iter(lives)

        async def worker() -> None:
            for life in queue:
                await self._live(life)

        await asyncio.gather(*(worker() for _ in range(_IN_FLIGHT)))
        await self._store.flush()

    async def _live(self, life: Life) -> None:
        identifier = life.sample.document.id
        for calls, round_ in life.rounds:
            for made in calls:
                await self._call(made)
            if round_ is not None:
                self._store.add_round(identifier, round_)
        if life.failure is not None:
            self._store.add_failure(identifier, *life.failure)
        if life.decision is not None:
            self._store.decide(identifier, life.decision, life.scores)
        if life.again is not None:
            self._store.take_up_again([identifier], draw_anew=True)
            await self._live(life.again)

    async def _call(self, made: MadeCall) -> None:
        call_id = await self._store.open_call(made.opened)
        self._store.close_call(call_id, made.closed)
        if made.replayed and made.closed.answer is not None:
            self._store.add_replay(made.opened, StoredAnswer(call_id, made.closed.answer))


def make_run(
    into: Path, *, documents: int, calls: int, seed: int = 1, name: str = "bulk", hostile: bool = False
) -> Path:
    """Write a run and its gold annotations.

    Args:
        into: The folder of runs.
        documents: How many.
        calls: About how many, replays included; at least 9 a document.
        seed: The same gives the same run, but for times and ids of calls.
        name: Of the run's folder; a hostile run calls itself otherwise.
        hostile: Whether ids, texts, answers, errors and names attack whoever shows them.

    Returns:
        The run's folder.
    """
    folder = into / name
    job = job_of(name)
    called = f"{name} {HOSTILE[0]}" if hostile else name
    made = lives(documents, calls, seed, job, hostile=hostile)
    with (into / f"{name}.gold.jsonl").open("w", encoding="utf-8") as gold:
        toml = effective_toml(job, folder)
        with RunStore.create(folder, name=called, job=job, job_toml=toml, version=version()) as store:
            _tell_beginning(store)
            _write(store, islice(made, documents // 3), gold)
            store.finish_run("interrupted", "Ctrl-C")
        with RunStore.open(folder, version=version()) as store:
            _write(store, made, gold)
            _tell_end(store, documents, hostile=hostile)
    spread_times(folder)
    return folder


def _write(store: RunStore, made: Iterator[Life], gold: TextIO) -> None:
    recorder = Recorder(store)
    while batch := list(islice(made, _AT_ONCE)):
        store.add_documents([life.sample.document for life in batch])
        gold.writelines(f"{_gold_line(life.sample)}\n" for life in batch)
        asyncio.run(recorder.record(batch))


def spread_times(folder: Path) -> None:
    """Let the run have taken as long as its calls would, not as long as writing them.

    Calls begin one after another, as many at a time as there are connections; what follows from calls is of
    the time when the last of them ended. The store itself tells when it wrote, so this is done behind it.
    """
    connection = sqlite3.connect(folder / DATABASE)
    with closing(connection), connection:
        connection.executescript(f"""
            CREATE TEMP TABLE steps AS SELECT sum(seconds) / {_CONNECTIONS} / count(*) AS step FROM calls;
            UPDATE calls SET opened = {_time("(SELECT step FROM steps) * rowid")},
                closed = CASE WHEN status != 'open'
                    THEN {_time("(SELECT step FROM steps) * rowid + seconds")} END;
            CREATE TEMP TABLE ends AS SELECT document_id, round, max(closed) AS time FROM calls
                WHERE document_id IS NOT NULL GROUP BY document_id, round;
            CREATE UNIQUE INDEX temp.ends_of ON ends(document_id, round);
            UPDATE rounds SET created = coalesce((SELECT time FROM ends
                WHERE ends.document_id = rounds.document_id AND round = number), created);
            UPDATE decisions SET created = coalesce((SELECT max(time) FROM ends
                WHERE ends.document_id = decisions.document_id), created);
            UPDATE failures SET time = coalesce((SELECT max(time) FROM ends
                WHERE ends.document_id = failures.document_id), time);
            UPDATE events SET time = (SELECT max(closed) FROM calls) WHERE id > 3;
            UPDATE events SET time = {_time("id")} WHERE id <= 3;
            UPDATE sessions SET started = {_time("0")}, ended = (SELECT closed FROM calls
                WHERE rowid = (SELECT max(rowid) / 3 FROM calls)) WHERE id = 1;
            UPDATE sessions SET started = (SELECT ended FROM sessions WHERE id = 1),
                ended = (SELECT max(closed) FROM calls) WHERE id = 2;
            UPDATE runs SET started = {_time("0")}, ended = (SELECT max(closed) FROM calls);
            UPDATE decision_versions SET created = {_time("0")};
        """)


def _time(seconds: str) -> str:
    """SQL of a time so long after the run began."""
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', {_BEGAN}, ({seconds}) || ' seconds')"


def _gold_line(one: Sample) -> str:
    entities = [{"start": start, "end": end, "label": name} for start, end, name in one.places]
    return json.dumps({"id": one.document.id, "text": one.document.text, "entities": entities})


def _tell_beginning(store: RunStore) -> None:
    for old, new in ((8, 16), (16, 32), (32, 64)):
        cause = "all are in use, and more bring more answers"
        data = {"model": MODEL, "old": old, "new": new, "cause": cause, "answers": 4 * old, "refusals": 0}
        store.add_event(CONNECTIONS, f"{MODEL}: {old} -> {new} connections: {cause}.", data)


def _tell_end(store: RunStore, documents: int, *, hostile: bool) -> None:
    reason = HOSTILE[0] if hostile else "the line is no JSON"
    store.add_documents(
        [
            Unreadable(source="bulk.jsonl", line=documents + n, reason=reason)
            for n in range(1, 1 + documents // 500)
        ]
    )
    store.add_event(DOCUMENTS_READ, "all documents are read", {"state": "0" * 64})
    cause = "the server refused 3 of 64 requests"
    data = {"model": MODEL, "old": 64, "new": 51, "cause": cause, "answers": 61, "refusals": 3}
    store.add_event(CONNECTIONS, f"{MODEL}: 64 -> 51 connections: {cause}.", data)
    told = {"document_id": store.reader.document_ids()[0], "classes": ["Motion"]}
    store.add_event(COPIED_FROM_EXAMPLE, "Motion", told)
    said = f"{HOSTILE[1]} {HOSTILE[5]}" if hostile else "documents were not read again: the file is gone"
    store.add_event("note", said)
    store.finish_run("stopped", "the cost limit of $40.00 is reached")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--documents", type=int, default=5000)
    options.add_argument("--calls", type=int, default=100_000)
    options.add_argument("--into", type=Path, required=True, help="folder of runs")
    options.add_argument("--name", default="bulk")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--hostile", action="store_true", help="texts that attack whoever shows them")
    given = options.parse_args()
    began = time.perf_counter()
    folder = make_run(
        given.into,
        documents=given.documents,
        calls=given.calls,
        seed=given.seed,
        name=given.name,
        hostile=given.hostile,
    )
    seconds = time.perf_counter() - began
    size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
    print(f"{folder}: {size:,.0f} MiB in {seconds:.0f} s")


if __name__ == "__main__":
    main()
