"""`guidex export`: every format from the command line, what it says, and what it refuses."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from commands import Command
from servers.pushed import taking

from benchmarks.bulk_run import make_run
from graph.exports.registry import FORMATS
from graph.reviews import add_review
from graph.store.reading import RunReader
from schemas.reviews import Review, ReviewVerdict


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few documents, whose texts attack whoever shows them."""
    return make_run(tmp_path_factory.mktemp("made"), documents=10, calls=110, name="bulk", hostile=True)


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A folder of runs with that one in it."""
    shutil.copytree(made, tmp_path / "runs" / "bulk")
    return tmp_path / "runs"


def test_every_format_is_written_and_summarised(guidex: Command, runs: Path) -> None:
    for name, each in FORMATS.items():
        done = guidex("export", "bulk", "-f", name, "--json")
        assert done.code == 0, done.err
        said = done.json
        path = runs / "bulk" / "exports" / f"{name}{each.suffix}"
        assert (said["path"], said["format"]) == (path.relative_to(runs.parent).as_posix(), name)
        assert said["documents"] == said["rows"] + said["left_out"].get(
            "documents in which every class is in dispute", 0
        )
        record = path / "about.json" if path.is_dir() else path.with_name(f"{path.name}.about.json")
        assert json.loads(record.read_text("utf-8")) == {
            key: value for key, value in said.items() if key not in ("path", "url")
        }
        assert "\x1b" not in done.err + done.out


def test_documents_in_dispute_are_told_and_can_be_left_out(guidex: Command, runs: Path) -> None:
    everything = guidex("export", "bulk", "-f", "conll", "--json")
    assert "--only-exhaustive" in everything.err
    assert everything.json["partial"] > 0
    only = guidex("export", "bulk", "-f", "conll", "--json", "--only-exhaustive")
    assert (only.json["partial"], only.err) == (0, "") if only.json["documents"] else True
    assert only.json["documents"] == everything.json["documents"] - everything.json["partial"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-f", "jsnol"), "Did you mean jsonl?"),
        (("-f", "hf", "-o", "-"), "--output"),
        (("-f", "conll", "-o", "-"), "--output"),
        (("-f", "jsonl", "--push-to-hub", "a/b"), "--format hf"),
        (("-f", "hf", "--push-to-hub", "a"), "OWNER/NAME"),
    ],
)
def test_what_cannot_be_done_is_told_with_a_remedy(
    guidex: Command, runs: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = guidex("export", "bulk", *arguments)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("spacy.tokens", ("-f", "spacy")),
        ("huggingface_hub.errors", ("-f", "hf", "--push-to-hub", "someone/some-data")),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    guidex: Command, runs: Path, monkeypatch: pytest.MonkeyPatch, missing: str, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = guidex("export", "bulk", *arguments)
    assert done.code == 2
    assert f"[{'spacy' if 'spacy' in missing else 'hub'}]" in done.err
    assert "Traceback" not in done.err
    assert not list((runs / "bulk").glob("exports/*"))


def test_an_export_says_whether_people_looked_at_the_run(guidex: Command, runs: Path) -> None:
    card = runs / "bulk" / "exports" / "hf" / "README.md"
    assert guidex("export", "bulk", "-f", "hf", "--json").json["reviewed"] == 0
    assert "No person has checked them." in card.read_text("utf-8")
    with RunReader(runs / "bulk") as reader:
        document, kept = next(reader.accepted())
        verdict = ReviewVerdict.ACCEPTED
        for reviewer in ("max", "eva"):
            add_review(
                reader,
                Review(document_id=document.id, round=kept.number, reviewer=reviewer, verdict=verdict),
            )
    assert guidex("export", "bulk", "-f", "hf", "--json").json["reviewed"] == 1
    assert "No person" not in card.read_text("utf-8")


def test_a_data_set_is_uploaded_whole_and_private_to_where_it_is_told(
    guidex: Command, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with taking() as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        done = guidex("export", "bulk", "-f", "hf", "--push-to-hub", "someone/some-data", "--json")
        assert done.code == 0, done.err
        folder = runs / "bulk" / "exports" / "hf"
        assert {path: (folder / path).read_bytes() for path in hub.files} == hub.files
        assert set(hub.files) == {path.name for path in folder.iterdir()}
        (made,) = hub.made
        assert (made["name"], made["organization"], made["type"]) == ("some-data", "someone", "dataset")
        assert made.get("private", made.get("visibility") == "private")
        assert done.json["url"].endswith("/datasets/someone/some-data")
        assert hub.tokens == {"Bearer hf_secret"}


def test_a_hub_that_refuses_is_told_and_the_folder_stays(
    guidex: Command, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with taking(refuses=True) as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        done = guidex("export", "bulk", "-f", "hf", "--push-to-hub", "someone/some-data")
    assert done.code == 1
    assert "HF_TOKEN" in done.err
    assert "hf_secret" not in done.err
    assert (runs / "bulk" / "exports" / "hf" / "README.md").is_file()
