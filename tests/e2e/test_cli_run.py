"""Whole runs against a server on loopback, over both wire formats, and what is told about them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, mixed, write_documents
from servers.scripted import Call, ScriptedServer, Turn, agreeable

import guidex as library
from schemas.job import parse_job

Servers = Callable[..., ScriptedServer]


@pytest.fixture(params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def model_of(server: ScriptedServer, provider: str) -> tuple[str, ...]:
    url = server.openai_url if provider == "openai" else server.anthropic_url
    return ("--model", f"{provider}/test", "--base-url", url)


def test_a_run_ends_every_document_and_its_sums_add_up(
    guidex: Command, documents: Path, scripted_server: Servers, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = scripted_server(mixed, key="right-key-1234")
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", "right-key-1234")
    done = guidex("run", "--documents", documents, *model_of(server, provider), "--rounds", 2, "--json")
    assert done.code == 0, done.err
    told = done.json
    counts = told["documents"]
    assert counts == {"in": 4, "accepted": 2, "rejected": 1, "failed": 1, "skipped": 0, "pending": 0}
    assert (told["name"], told["status"]) == ("people", "done")
    assert told["calls"] + told["replays"] >= 11
    assert told["attempts"] == len(server.calls) >= told["calls"]
    assert told["output_tokens"] > 0 and told["input_tokens"] > told["output_tokens"]
    (failure,) = told["failures"]
    assert (failure["agent"], failure["count"], failure["document_ids"]) == ("schema-designer", 1, ["darwin"])
    assert any("faithfulness < 0.8" in rejection["reason"] for rejection in told["rejections"])
    assert guidex("runs", "show", "people", "--json").json == told
    assert "4/4 documents" in done.err


def test_the_summary_for_people_says_the_same(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    model = model_of(scripted_server(mixed), "openai")
    done = guidex("run", "--documents", documents, *model, "--display", "none")
    assert done.err == ""
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    for line in (
        "Run people: done",
        "documents in 4",
        "= accepted 2 50%",
        "+ rejected 1 25%",
        "+ failed 1 25%",
        "+ skipped 0",
        "+ pending 0",
        "Failures by cause",
        "darwin",
        "Most frequent reasons for rejection",
        "guidex trace show people curie",
        "guidex export people --format guidex",
    ):
        assert line in lines
    for line in lines[lines.index("What next") + 1 :]:
        again = guidex(*line.split()[1:])
        assert again.code == 0, (line, again.err)


def test_exported_rows_are_grounded_and_can_be_split(
    guidex: Command, documents: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    texts = {row["id"]: row["text"] for row in map(json.loads, documents.read_text().splitlines())}
    guidex("run", "--documents", documents, *model_of(scripted_server(mixed), "openai"), "--name", "one")
    done = guidex("export", "one")
    assert (done.code, done.out) == (
        0,
        "2 rows written to runs/one/exports/guidex.jsonl (decisions: version 1)\n",
    )
    rows = [
        json.loads(line) for line in (tmp_path / "runs/one/exports/guidex.jsonl").read_text().splitlines()
    ]
    assert [row["ids"] for row in rows] == [["ada"], ["bell"]]
    for row in rows:
        prompt, result = row["text"].split("result =", 1)
        tree = ast.parse(prompt)
        literal = next(
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "text"
        )
        assert ast.literal_eval(literal) == row["unlabelled_sentence"] == texts[row["ids"][0]]
        assert result.strip().startswith("[")
    told = guidex("export", "one", "--format", "jsonl", "-o", "flat.jsonl", "--json").json
    assert {key: told[key] for key in ("rows", "path", "format", "decision_version")} == {
        "rows": 2,
        "path": "flat.jsonl",
        "format": "jsonl",
        "decision_version": 1,
    }
    for row in map(json.loads, Path("flat.jsonl").read_text().splitlines()):
        mentions = [mention for instance in row["instances"] for mention in instance["mentions"]]
        assert mentions
        for mention in mentions:
            assert row["text"][mention["start"] : mention["end"]] == mention["surface"]
    piped = guidex("export", "one", "--format", "gollie", "-o", "-")
    assert [json.loads(line)["ids"] for line in piped.out.splitlines()] == [["ada"], ["bell"]]
    assert not Path("-").exists()


def test_an_export_of_nothing_is_a_warning(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    server = scripted_server(mixed)
    guidex("run", "--documents", documents, *model_of(server, "openai"), "--doc-id", "curie", "--rounds", 1)
    done = guidex("export", "people")
    assert done.code == 0
    assert "No document of people was accepted" in done.err
    assert done.out.startswith("0 rows")


def test_a_job_file_is_enough_and_flags_take_precedence(
    guidex: Command,
    documents: Path,
    scripted_server: Servers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = scripted_server()
    project = tmp_path / "ships"
    project.mkdir()
    documents.rename(project / "docs.jsonl")
    (project / "guidex.toml").write_text(f"""
brief = "who did what"
documents = {{ paths = ["docs.jsonl"] }}
model = {{ name = "openai/test", base_url = "{server.openai_url}" }}
""")
    first = guidex("run", "ships/guidex.toml", "--limit", 2, "--json").json
    assert (first["name"], first["documents"]["in"]) == ("ships", 2)
    assert "who did what" in server.calls[0].prompt
    kept = parse_job(Path("runs/ships/job.toml").read_text())
    assert (kept.documents.limit, kept.model.name) == (2, "openai/test")

    monkeypatch.setenv("GUIDEX_RUN_LIMIT", "1")
    monkeypatch.setenv("GUIDEX_RUNS_DIR", "elsewhere")
    assert guidex("run", "ships/guidex.toml", "--json").json["documents"]["in"] == 1
    again = ("run", "ships/guidex.toml", "--limit", 3, "--json")
    assert guidex(*again).json["name"] == "ships"
    assert guidex(*again, "--resume", "never").json["name"] == "ships-2"
    assert [run["name"] for run in guidex("runs", "list", "--json").json] == ["ships-2", "ships"]
    again = guidex("run", "runs/ships/job.toml", "--name", "again", "--limit", 4, "--json").json
    assert again["documents"]["in"] == 4


def test_the_environment_names_documents_with_spaces(
    guidex: Command, scripted_server: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_documents(tmp_path / "my docs.jsonl", {"a": "Lovelace wrote programs."})
    monkeypatch.setenv("GUIDEX_RUN_DOCUMENTS", "my docs.jsonl")
    done = guidex("run", *model_of(scripted_server(), "openai"), "--json")
    assert (done.code, done.json["name"]) == (0, "my-docs")


def test_runs_are_listed_the_newest_first(guidex: Command, documents: Path, scripted_server: Servers) -> None:
    assert "no runs" in guidex("runs", "list").out
    model = model_of(scripted_server(), "openai")
    for name in ("one", "two"):
        assert guidex("run", "--documents", documents, *model, "--limit", 1, "--name", name).code == 0
    lines = guidex("runs", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "two", "one"]
    Path("runs/one/run.db").write_bytes(b"no database at all" * 100)
    listed = guidex("runs", "list")
    assert listed.code == 0
    assert "unreadable" in listed.out


def test_a_run_of_nothing_but_failures_has_failed(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    model = model_of(scripted_server(mixed), "openai")
    done = guidex("run", "--documents", documents, *model, "--doc-id", "darwin")
    assert done.code == 1
    assert "invalid" in done.out


def test_unreadable_records_are_counted_and_told(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    with documents.open("a") as file:
        file.write('{"id": "broken", \n')
    done = guidex("run", "--documents", documents, *model_of(scripted_server(), "openai"), "--json")
    assert done.code == 0
    assert done.json["documents"]["in"] == 5
    (failure,) = done.json["failures"]
    listed = guidex("trace", "show", "people", "--outcome", "failed", "--json").json
    assert [row["characters"] for row in listed] == [None]
    story = guidex("trace", "show", "people", listed[0]["id"])
    assert story.code == 0
    assert failure["message"].split()[0] in story.out


def test_the_library_does_what_the_command_does(
    documents: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    server = scripted_server(mixed)
    job = {
        "documents": {"paths": [str(documents)]},
        "rounds": 1,
        "model": {"name": "openai/test", "base_url": server.openai_url},
    }
    result = library.run(job)
    assert (result.totals.accepted, result.totals.rejected, result.totals.failed) == (2, 1, 1)
    assert result.folder == Path("runs/people")
    with library.open_run(result.folder) as reader:
        assert [row.id for row in reader.documents()] == ["ada", "bell", "curie", "darwin"]
    named = library.run(result.folder / "job.toml", name="named", runs_dir=tmp_path / "other")
    assert named.folder == tmp_path / "other/named"
    assert named.totals.accepted == 2


async def test_the_library_works_inside_a_running_loop(documents: Path, scripted_server: Servers) -> None:
    server = scripted_server(agreeable)
    model = f'name = "openai/test", base_url = "{server.openai_url}"'
    job = library.parse_job(f'documents.paths = ["people.jsonl"]\nmodel = {{ {model} }}')
    assert library.run(job).totals.accepted == 4


def test_classes_copied_from_the_prompts_example_are_counted(
    guidex: Command, documents: Path, scripted_server: Servers
) -> None:
    def parrot(call: Call) -> Turn:
        """Gives back the class that the prompt shows for another document."""
        answer = agreeable(call)
        shown = re.search(r'"classes": \[\{"name": "(\w+)"', call.prompt)
        if shown and isinstance(answer, dict) and "classes" in answer:
            answer["classes"][0]["name"] = shown.group(1)
        return answer

    server = scripted_server(parrot)
    done = guidex("run", "--documents", documents, *model_of(server, "openai"), "--rounds", 1)
    assert done.code == 0, done.err
    assert "Classes copied from the prompt's example" in done.out
    told = guidex("runs", "show", "people", "--json").json
    assert sum(told["copied"].values()) == told["documents"]["in"] - told["documents"]["failed"] > 0
