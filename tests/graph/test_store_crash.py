"""A process that is killed at any moment leaves a database that opens clean, with all it acknowledged."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_samples import environment, make_store, query

from graph.store.call_search import find_calls
from graph.store.records import CallStatus
from graph.store.store import RunStore

# Says on its output what is durable, and only after it is: documents, then calls as they are acknowledged.
WRITER = """
import asyncio, sys
from pathlib import Path
from store_samples import answered, decision, documents, make_round, make_store, opened

async def main():
    store = make_store(Path(sys.argv[1]))
    store.add_documents(documents(500))
    print("documents", flush=True)

    async def work(worker):
        for number in range(worker, 500, 8):
            for step in range(4):
                key = f"{number}-{step}"
                call_id = await store.open_call(opened(key, f"d{number}", prompt=f"{key} " * 300))
                print("open", call_id, flush=True)
                store.close_call(call_id, answered(key))
                await store.flush()
                print("closed", key, flush=True)
            store.add_round(f"d{number}", make_round(f"d{number}"))
            store.decide(f"d{number}", decision())

    await asyncio.gather(*(work(worker) for worker in range(8)))
    store.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(6))
def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, seed: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-B", "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "documents\n"
    time.sleep(random.Random(seed).uniform(0.0, 0.6))
    process.kill()
    said = [line.split() for line in process.stdout.read().splitlines() if len(line.split()) == 2]
    process.stdout.close()
    process.wait()
    opened = {value for word, value in said if word == "open"}
    closed = {value for word, value in said if word == "closed"}

    with RunStore.open(tmp_path / "trial") as store:
        assert query(tmp_path / "trial", "PRAGMA integrity_check") == [("ok",)]
        assert query(tmp_path / "trial", "PRAGMA foreign_key_check") == []
        totals = store.reader.totals()
        assert totals.documents == 500 and totals.balanced
        calls = {call.id: call for call in find_calls(store.reader, limit=5000).shown}
        assert opened <= calls.keys()
        for key in closed:
            found = store.find_answer(key)
            assert found is not None and found.answer == f'{{"value": "{key}"}}'
        # What was in flight is known, and is no answer.
        assert {call.status for call in calls.values()} <= {CallStatus.ANSWERED, CallStatus.INTERRUPTED}
        for document, made in store.reader.accepted():
            assert made.agreed.document_id == document.id
        store.add_event("resumed", "writes go on")
        store.flush_now()


def test_a_run_killed_while_it_is_made_can_be_made(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
import graph.store.beginning as module
from store_samples import make_store
whole = module.migrate
def half(connection):
    whole(connection)
    os.kill(os.getpid(), signal.SIGKILL)
module.migrate = half
make_store(Path(sys.argv[1]))
"""
    done = subprocess.run([sys.executable, "-B", "-c", code, str(tmp_path)], env=environment(), timeout=60)
    assert done.returncode == -9
    with make_store(tmp_path) as store:
        assert store.reader.totals().balanced
