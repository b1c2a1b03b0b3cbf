"""Writes are grouped into few transactions, and none is open while a model is asked."""

from __future__ import annotations

import asyncio
import sqlite3
import struct
from pathlib import Path

from store_samples import answered, documents, make_store, opened

from graph.store.call_search import find_calls


def commits(folder: Path) -> int:
    """Transactions in the write-ahead log (https://www.sqlite.org/fileformat2.html#walformat)."""
    log = (folder / "run.db-wal").read_bytes()
    size, salts = struct.unpack(">I", log[8:12])[0], log[16:24]
    frames = (log[start : start + 24] for start in range(32, len(log), 24 + size))
    return sum(frame[8:16] == salts and frame[4:8] != b"\0\0\0\0" for frame in frames)


async def test_calls_at_the_same_time_share_transactions(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        await store.flush()
        before = commits(tmp_path / "trial")

        async def call(number: int) -> None:
            call_id = await store.open_call(opened(f"k{number}", prompt=f"prompt {number}"))
            store.close_call(call_id, answered(number))
            await store.flush()

        await asyncio.gather(*(call(number) for number in range(50)))
        made = commits(tmp_path / "trial") - before
        assert len(find_calls(store.reader, limit=100).shown) == 50
    assert 2 <= made <= 20  # of 100 writes that were waited for


async def test_nothing_is_locked_while_a_call_is_under_way(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        call_id = await store.open_call(opened("k"))
        other = sqlite3.connect(tmp_path / "trial" / "run.db", isolation_level=None, timeout=0)
        other.execute("BEGIN EXCLUSIVE")  # fails at once where anything is locked
        other.execute("ROLLBACK")
        other.close()
        store.close_call(call_id, answered())
        await store.flush()
