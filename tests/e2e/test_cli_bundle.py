"""`guidex view bundle`."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Command

from benchmarks import bulk_run


@pytest.fixture
def run(tmp_path: Path) -> str:
    (tmp_path / "runs").mkdir()
    bulk_run.make_run(tmp_path / "runs", documents=8, calls=40, seed=5, name="small")
    return "small"


def test_a_bundle_is_written_and_its_contents_are_told(guidex: Command, run: str, tmp_path: Path) -> None:
    done = guidex("view", "bundle", run, "-o", "report.html", "--limit", 3)
    assert done.code == 0, done.err
    assert "report.html: " in done.out and "3 of " in done.out and "most rounds" in done.out
    report = (tmp_path / "report.html").read_text("utf-8")
    assert report.startswith("<!DOCTYPE html>") and report.rstrip().endswith("</html>")
    told = guidex("view", "bundle", run, "--json").json
    assert told["path"] == "small.html" and told["documents"] == told["of"]
    assert told["bytes"] == (tmp_path / "small.html").stat().st_size


def test_a_file_that_is_no_bundle_is_not_written_over(guidex: Command, run: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.html"
    mine.write_text("mine", "utf-8")
    done = guidex("view", "bundle", run, "-o", mine)
    assert done.code == 2 and "is no bundle" in done.err and mine.read_text("utf-8") == "mine"
    assert guidex("view", "bundle", run, "-o", mine, "--force").code == 0
    assert guidex("view", "bundle", run, "-o", mine).code == 0, "a bundle may be made anew"
    assert guidex("view", "bundle", run, "-o", tmp_path).code == 2


def test_what_is_not_there_is_named(guidex: Command, run: str, tmp_path: Path) -> None:
    for arguments in (("nobody",), (run, "--document", "nobody")):
        done = guidex("view", "bundle", *arguments)
        assert done.code == 2 and "nobody" in done.err
    assert not list(tmp_path.glob("*.html"))
