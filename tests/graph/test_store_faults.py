"""What cannot be written is said in one sentence with a remedy, and breaks nothing written before."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import answered, decision, documents, environment, make_store, opened, query

import graph.store.writer
from graph.store.call_search import find_calls
from graph.store.reading import RunReader
from graph.store.store import RunStore
from schemas.errors import StoreError, StoreStoppedError

NOBODY = 65534


def run_python(code: str, folder: Path) -> str:
    """Run a program beside this one and return its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-B", "-c", code, str(folder)],
        env=environment(),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    make_store(tmp_path).close()
    folder = tmp_path / "trial"
    connection = sqlite3.connect(folder / "run.db")
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('guidex.run', 'm999_later', '')"
    )
    connection.commit()
    connection.close()
    before = (folder / "run.db").read_bytes()
    for opener in (RunStore.open, RunReader):
        with pytest.raises(StoreError, match="newer GuideX") as caught:
            opener(folder)
        assert "Upgrade" in caught.value.remedy
    assert (folder / "run.db").read_bytes() == before


def test_migrations_of_others_in_the_same_file_are_no_concern(tmp_path: Path) -> None:
    make_store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "trial" / "run.db")
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('someone', 'm1', '')"
    )
    connection.commit()
    connection.close()
    RunStore.open(tmp_path / "trial").close()


def test_an_older_database_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(3))
    connection = sqlite3.connect(tmp_path / "trial" / "run.db")
    for view in ("document_list", "mention_list", "answer_list"):
        connection.execute(f"DROP VIEW {view}")
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm007_views'")
    connection.commit()
    connection.close()
    with RunStore.open(tmp_path / "trial") as store:
        assert store.reader.totals().documents == 3
        assert len(query(tmp_path / "trial", "SELECT * FROM document_list")) == 3


@pytest.mark.parametrize("content", [b"", b"no database" * 500, b"SQLite format 3\x00" + b"\x00" * 4000])
def test_a_file_that_is_no_run_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.db"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        RunReader(tmp_path)
    assert caught.value.remedy
    with pytest.raises(StoreError) as caught:
        RunStore.open(tmp_path)
    assert caught.value.remedy
    if content:
        assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "run.db")
    connection.execute("CREATE TABLE recipes (name)")
    connection.commit()
    connection.close()
    for opener in (RunStore.open, RunReader):
        with pytest.raises(StoreError, match="holds no run"):
            opener(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be made") as caught:
        make_store(tmp_path / "file")
    assert caught.value.remedy


def test_a_second_process_is_kept_out_and_let_in_when_the_first_is_gone(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from graph.store.store import RunStore
        from schemas.errors import StoreError
        try:
            RunStore.open(Path(sys.argv[1])).close()
            print("opened")
        except StoreError as error:
            print(error, error.remedy)
        """
    with make_store(tmp_path):
        assert "being written by another process" in run_python(code, tmp_path / "trial")
    assert run_python(code, tmp_path / "trial") == "opened\n"


def test_a_read_only_folder_can_be_read_and_is_refused_for_writing(shared_folder: Path) -> None:
    with make_store(shared_folder) as store:
        store.add_documents(documents(3))
        store.decide("d0", decision(round=None))
    run = shared_folder / "trial"
    for path in run.iterdir():
        path.chmod(0o444)
    run.chmod(0o555)
    try:
        said = run_python(
            f"""if True:
            import os, sys
            from pathlib import Path
            import sqlite_utils
            from store_samples import make_store
            from graph.store.reading import RunReader
            from graph.store.store import RunStore
            from schemas.errors import StoreError
            if os.getuid() == 0:
                os.setuid({NOBODY})  # for whom permissions hold
            run = Path(sys.argv[1])
            with RunReader(run) as reader:
                print(reader.totals().documents, reader.totals().accepted)
            made = (
                lambda: RunStore.open(run),
                lambda: make_store(run, "below"),
                lambda: make_store(run / ".."),
            )
            for make in made:
                try:
                    make()
                    print("written")
                except StoreError as error:
                    print("StoreError:", bool(error.remedy), error)
            """,
            run,
        ).splitlines()
    finally:
        run.chmod(0o755)
    assert said[0] == "3 1"
    assert [line.split(":")[0] for line in said[1:]] == ["StoreError"] * 3
    assert all(" True " in line for line in said[1:])


def test_a_full_disk_stops_the_run_and_keeps_what_was_written(tmp_path: Path) -> None:
    said = run_python(
        """if True:
        import asyncio, resource, sys
        from pathlib import Path
        from store_samples import answered, documents, make_store, opened
        from schemas.errors import StoreError

        async def main():
            store = make_store(Path(sys.argv[1]))
            store.add_documents(documents(1))
            # No file of this process may grow beyond this: as on a full disk, write() fails from then on.
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
            durable, errors = 0, []
            for number in range(3000):
                try:
                    call_id = await store.open_call(opened(f"k{number}", prompt=f"{number} " * 500))
                    store.close_call(call_id, answered(number))
                    await store.flush()
                    durable += 1
                except StoreError as error:
                    errors.append((str(error), bool(error.remedy)))
                    if len(errors) == 3:
                        break
            for write in (lambda: store.add_event("late", ""), lambda: store.decide("d0", None), store.close):
                try:
                    write()
                except StoreError as error:
                    errors.append((str(error), bool(error.remedy)))
            print(durable, len(errors), len(set(errors)), errors[0])

        asyncio.run(main())
        """,
        tmp_path,
    )
    durable, errors, distinct, *message = said.split(maxsplit=3)
    assert (errors, distinct) == ("6", "1")  # the same sentence each time
    assert "True" in message[0]
    assert query(tmp_path / "trial", "PRAGMA integrity_check") == [("ok",)]
    with RunReader(tmp_path / "trial") as reader:
        assert len(find_calls(reader, limit=5000).shown) >= int(durable) > 10
        assert all(reader.find_answer(f"k{number}") for number in range(int(durable)))


async def test_a_writer_of_another_program_is_waited_for_and_the_loop_goes_on(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        other = sqlite3.connect(tmp_path / "trial" / "run.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.open_call(opened("k")))
        await asyncio.sleep(0.1)  # this very line shows that the loop is not blocked
        assert not waiting.done()
        other.execute("ROLLBACK")
        call_id = await waiting
        assert [call.id for call in find_calls(store.reader).shown] == [call_id]
        other.close()


async def test_a_writer_of_another_program_that_stays_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph.store.writer, "BUSY_TIMEOUT", 0.2)
    store = make_store(tmp_path)
    store.add_documents(documents(1))
    other = sqlite3.connect(tmp_path / "trial" / "run.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreStoppedError, match="locked by another program") as caught:
        await store.open_call(opened("k"))
    assert caught.value.remedy and caught.value.exit_code == 75
    other.close()
    with pytest.raises(StoreError, match="locked by another program"):
        store.add_event("late", "no silent loss")
    with pytest.raises(StoreError, match="locked by another program"):
        store.close()
    RunStore.open(tmp_path / "trial").close()


async def test_one_contradictory_write_fails_alone(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(2))
        done = await asyncio.gather(
            store.open_call(opened("a", "d0")),
            store.open_call(opened("b", "not a document of the run")),
            store.open_call(opened("c", "d1")),
            return_exceptions=True,
        )
        assert isinstance(done[1], StoreError)
        store.close_call(str(done[0]), answered())
        await store.flush()
        assert [(call.id, call.status) for call in find_calls(store.reader).shown] == [
            (done[0], "answered"),
            (done[2], "open"),
        ]


async def test_a_contradictory_write_that_nobody_waits_for_stops_the_store(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.add_documents(documents(1))
    store.decide("not a document of the run", decision(round=None))
    store.add_event("beside", "this one is fine")
    with pytest.raises(StoreError):
        await store.flush()
    with pytest.raises(StoreError):
        store.add_event("late", "refused")
    with pytest.raises(StoreError):
        store.close()
    with RunReader(tmp_path / "trial") as reader:
        assert reader.totals().balanced
