"""The first page of the viewer."""

from __future__ import annotations

from pathlib import Path

from viewer.conftest import Ask, make_run

from graph.store.records import RunStatus


def test_runs_are_listed_with_their_numbers(tmp_path: Path, viewer: Ask) -> None:
    make_run(tmp_path, "first", status=RunStatus.STOPPED)
    answer = viewer(tmp_path).get("/")
    assert answer.status_code == 200
    assert '<a href="/runs/first"' in answer.text
    assert "stopped" in answer.text


def test_a_run_that_cannot_be_read_is_listed_with_its_problem(tmp_path: Path, viewer: Ask) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.db").write_bytes(b"no database at all" * 100)
    answer = viewer(tmp_path).get("/")
    assert answer.status_code == 200
    assert "no intact SQLite database" in answer.text


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path, viewer: Ask) -> None:
    assert "guidex run --documents" in viewer(tmp_path).get("/").text
