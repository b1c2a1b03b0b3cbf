"""A backup is the run of one moment; deleting takes a run's folder and nothing else."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from store_samples import answered, decision, documents, documents_with, make_round, make_store, opened, query

from graph.store.backup import back_up
from graph.store.contents import contents
from graph.store.deletion import deletable, delete_run
from graph.store.reading import RunReader
from graph.store.records import CallStatus, RunStatus
from graph.store.store import RunStore
from schemas.errors import StoreError, UsageError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with a job file and an export."""
    with make_store(tmp_path) as store:
        store.add_documents(documents(3))
        store.add_round("d0", make_round("d0"))
        store.decide("d0", decision())
        store.finish_run("done")
    folder = tmp_path / "trial"
    (folder / "job.toml").write_text("# a job\n")
    (folder / "exports").mkdir()
    (folder / "exports" / "jsonl.jsonl").write_text("{}\n")
    (folder / "exports" / ".jsonl.jsonl.0123.partial").write_text("half")
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# --- backup ---


def test_a_backup_is_a_run_with_its_job_and_exports(run: Path, tmp_path: Path) -> None:
    destination = tmp_path / "far" / "away" / "copy"
    back_up(run, destination)
    assert files(destination) == {"run.db", "job.toml", "exports/jsonl.jsonl"}
    assert query(destination, "PRAGMA integrity_check") == [("ok",)]
    with RunReader(destination) as copy, RunReader(run) as original:
        assert copy.run() == original.run()
        assert copy.totals() == original.totals()
        assert list(copy.accepted()) == list(original.accepted())
        assert documents_with(copy, "lovelace") == documents_with(original, "lovelace") != ()
    with RunStore.open(destination) as store:  # and can be gone on with
        store.decide("d1", decision(round=None))
    with RunReader(run) as original:
        assert original.totals().accepted == 1


async def test_a_backup_of_a_run_that_goes_on_is_of_one_moment(tmp_path: Path) -> None:
    written, copies = 0, []
    stop = asyncio.Event()

    async def write(store: RunStore) -> None:
        nonlocal written
        while not stop.is_set():
            call_id = await store.open_call(opened(f"k{written}", prompt=f"{written} " * 200))
            store.close_call(call_id, answered(written))
            await store.flush()
            written += 1

    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        writing = asyncio.create_task(write(store))
        for number in range(3):
            begun = written
            while written < begun + 20:
                await asyncio.sleep(0)
            destination = tmp_path / f"copy-{number}"
            await asyncio.to_thread(back_up, tmp_path / "trial", destination)
            copies.append((begun, destination))
        in_flight = await store.open_call(opened("in flight"))
        await asyncio.to_thread(back_up, tmp_path / "trial", tmp_path / "last")
        stop.set()
        await writing
    for acknowledged, folder in copies:
        assert query(folder, "PRAGMA integrity_check") == [("ok",)]
        with RunReader(folder) as copy:
            assert copy.run().status is RunStatus.INTERRUPTED  # nobody goes on with the copy
            assert all(copy.find_answer(f"k{number}") for number in range(acknowledged))
    with RunStore.open(tmp_path / "last") as store:
        found = store.reader.call(in_flight)
        assert found is not None and found.call.status is CallStatus.INTERRUPTED


@pytest.mark.parametrize("taken", ["folder", "file", "link to nothing"])
def test_a_backup_overwrites_nothing(run: Path, tmp_path: Path, taken: str) -> None:
    destination = tmp_path / "taken"
    if taken == "folder":
        destination.mkdir()
    elif taken == "file":
        destination.write_text("mine")
    else:
        destination.symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match="already") as caught:
        back_up(run, destination)
    assert caught.value.remedy
    assert sorted(tmp_path.iterdir()) == before


def test_a_backup_within_the_run_is_refused(run: Path) -> None:
    with pytest.raises(UsageError, match="within the run"):
        back_up(run, run / "backups" / "first")
    assert not (run / "backups").exists()


def test_a_backup_that_fails_leaves_nothing_behind(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        back_up(run, tmp_path / "file" / "copy")
    assert caught.value.remedy
    (run / "run.db").write_bytes((run / "run.db").read_bytes()[:20_000])
    with pytest.raises(StoreError):
        back_up(run, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "trial"]


def test_links_are_copied_as_links(run: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("not part of the run")
    (run / "adapters").symlink_to(tmp_path / "elsewhere")
    back_up(run, tmp_path / "copy")
    assert (tmp_path / "copy" / "adapters").is_symlink()


# --- delete ---


def test_a_run_is_deleted_with_all_that_is_in_it_and_nothing_else(run: Path, tmp_path: Path) -> None:
    with make_store(tmp_path, "other"):
        pass
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("kept")
    (run / "linked").symlink_to(elsewhere)
    (run / "exports" / "linked").symlink_to(elsewhere / "kept")
    names = {item.name: item for item in deletable(run)}
    assert names["exports/"].files == 3 and names["exports/"].bytes == 7
    assert names["linked"].bytes == 0
    assert names["run.db"].bytes == (run / "run.db").stat().st_size
    delete_run(run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "other"]
    assert (elsewhere / "kept").read_text() == "kept"


def test_a_run_that_is_being_written_is_not_deleted(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        with pytest.raises(StoreError, match="being written"):
            delete_run(tmp_path / "trial")
        store.add_event("later", "still writing")
        store.flush_now()
    with RunReader(tmp_path / "trial") as reader:
        assert reader.totals().documents == 1


def test_what_is_no_run_is_not_deleted(run: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="no run"):
        delete_run(precious)
    (precious / "run.db").write_text("a name that others may use as well")
    with pytest.raises(StoreError, match="no intact SQLite database"):
        delete_run(precious)
    (precious / "run.db").unlink()
    (precious / "run.db").symlink_to(run / "run.db")
    with pytest.raises(UsageError, match="link"):
        delete_run(precious)
    (tmp_path / "link").symlink_to(run)
    with pytest.raises(UsageError, match="link"):
        delete_run(tmp_path / "link")
    assert (precious / "thesis.txt").exists() and (run / "run.db").exists()


def test_a_folder_with_a_second_run_or_the_working_directory_is_not_deleted(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(run, tmp_path / "copy")
    (tmp_path / "copy").rename(run / "exports" / "copy")
    with pytest.raises(UsageError, match="another one in"):
        delete_run(run)
    monkeypatch.chdir(run / "exports")
    with pytest.raises(UsageError, match="working directory"):
        delete_run(run)
    assert (run / "exports" / "copy" / "run.db").exists()


def test_a_reader_that_has_the_run_open_reads_on(run: Path) -> None:
    with RunReader(run) as reader:
        delete_run(run)
        assert reader.totals().documents == 3


def test_contents_are_counted_while_files_come_and_go(tmp_path: Path) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            path = tmp_path / "folder" / "here"
            path.parent.mkdir(exist_ok=True)
            path.write_text("x")
            path.unlink()
            path.parent.rmdir()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            assert all(item.files <= 1 for item in contents(tmp_path))
    finally:
        stop.set()
        thread.join()
    assert os.listdir(tmp_path) == []
