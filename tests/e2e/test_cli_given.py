"""Runs with a schema of one's own: what is annotated, kept, resumed, refused and exported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import Call, ScriptedServer, Turn, agreeable

import guidex as library
from schemas.dialect import parse
from schemas.job import parse_job
from schemas.judgement import Agent
from schemas.schema import AnnotationSchema

Servers = Callable[..., ScriptedServer]

EXAMPLE = Path(__file__).parents[2] / "examples" / "given-schema"
CALLS = 3  # of a document: two annotators and the critic
SCHEMA = '''
@dataclass
class Inventor:
    """Who made something first."""

    name: str
    century: Optional[int] = None


class Thing(Entity):
    """What was made."""


class Finding(BaseModel):
    """What was found; it has no words of its own in the text."""

    kind: Literal["star", "element"]
    by: list[Inventor] = []
'''


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.py"
    path.write_text(SCHEMA, "utf-8")
    return path


def flags(server: ScriptedServer, documents: Path, schema: Path) -> tuple[object, ...]:
    model = ("--model", "openai/test", "--base-url", server.openai_url)
    return ("--documents", documents, *model, "--schema", schema)


def without_phrases(schema: AnnotationSchema | None) -> list[object]:
    """What a schema says, but for the phrases of other documents with which rows illustrate it."""
    assert schema is not None
    return [
        (spec.name, spec.guideline.definition, [(field.name, field.type) for field in spec.fields])
        for spec in schema.classes
    ]


def test_documents_are_annotated_with_the_given_schema_and_exported_with_it(
    guidex: Command, documents: Path, schema: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    server = scripted_server()
    done = guidex("run", *flags(server, documents, schema), "--json")
    assert done.code == 0, done.err
    assert done.json["documents"]["accepted"] == 4 and len(server.calls) == 4 * CALLS
    assert all("Who made something first." in call.prompt for call in server.calls)
    with library.open_run("runs/people") as reader:
        assert {agent for (agent,) in reader.rows("SELECT DISTINCT agent FROM calls")} == {
            Agent.ANNOTATOR,
            Agent.CRITIC,
        }
    rows = guidex("export", "people", "--format", "guidex", "--output", tmp_path / "rows.jsonl")
    assert rows.code == 0, rows.err
    given = parse(SCHEMA).schema
    for line in (tmp_path / "rows.jsonl").read_text("utf-8").splitlines():
        row = parse(json.loads(line)["text"])
        assert row.instances and without_phrases(row.schema) == without_phrases(given)
    shown = guidex("trace", "show", "people", "ada")
    assert shown.code == 0 and "Inventor" in shown.out


def test_a_run_goes_on_with_its_schema_when_the_file_is_gone(
    guidex: Command, documents: Path, schema: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    assert guidex("run", *flags(server, documents, schema), "--max-candidates", 1).code == 0
    schema.unlink()
    done = guidex("resume", "people", "--max-candidates", 4, "--json")
    assert done.code == 0, done.err
    assert done.json["documents"]["accepted"] == 4 and len(server.calls) == 4 * CALLS
    stored = parse_job(Path("runs/people/job.toml").read_text("utf-8"))
    assert stored.schema_file is None and stored.given_schema == parse(SCHEMA).schema


def test_a_changed_schema_is_another_job(
    guidex: Command, documents: Path, schema: Path, scripted_server: Servers
) -> None:
    run = ("run", *flags(scripted_server(), documents, schema))
    assert guidex(*run, "--name", "mine").code == 0
    moved = shutil.copy(schema, schema.with_name("moved.py"))
    assert guidex(*run, "--schema", moved, "--name", "mine").code == 0  # the same, wherever it lies
    schema.write_text(SCHEMA.replace("Who made something first.", "Who made something."), "utf-8")
    refused = guidex(*run, "--name", "mine")
    assert refused.code == 2 and "Traceback" not in refused.err
    assert "given_schema was 'Inventor, Thing, Finding (" in refused.err
    assert guidex(*run, "--name", "mine", "--allow-changes").code == 0
    assert guidex(*run, "--json").json["name"] == "people"


def test_objections_to_the_schema_are_kept_and_do_not_reject(
    guidex: Command, documents: Path, schema: Path, scripted_server: Servers
) -> None:
    def critical(call: Call) -> Turn:
        answer = agreeable(call)
        if isinstance(answer, dict) and "remarks" in answer:
            said = {"code": "SCHEMA_MISSING_CLASS", "class": None, "severity": "major", "message": "no ships"}
            return {**answer, "remarks": [said]}
        return answer

    done = guidex("run", *flags(scripted_server(critical), documents, schema), "--json")
    assert done.json["documents"]["accepted"] == 4
    told = guidex("trace", "show", "people", "darwin")
    assert "SCHEMA_MISSING_CLASS" in told.out and "no ships" in told.out


@pytest.mark.parametrize("method", ["linear", "self-consistency"])
def test_controls_annotate_with_the_same_schema(
    method: str, guidex: Command, documents: Path, schema: Path, scripted_server: Servers
) -> None:
    done = guidex("run", *flags(scripted_server(), documents, schema), "--method", method, "--json")
    assert done.code == 0, done.err
    assert done.json["documents"]["accepted"] == 4
    rows = guidex("export", "people", "--format", "guidex", "--output", "rows.jsonl")
    assert rows.code == 0, rows.err
    for line in Path("rows.jsonl").read_text("utf-8").splitlines():
        assert without_phrases(parse(json.loads(line)["text"]).schema) == without_phrases(
            parse(SCHEMA).schema
        )


def test_estimate_and_preview_take_the_schema(
    guidex: Command, documents: Path, schema: Path, scripted_server: Servers
) -> None:
    server = scripted_server()
    given = flags(server, documents, schema)
    shown = guidex("preview", *given, "--number", 1)
    assert shown.code == 0 and "Inventor" in shown.out, shown.err
    estimate = guidex("estimate", *given, "--try", 2, "--json")
    assert estimate.code == 0, estimate.err
    assert estimate.json["calls"]["expected"] == 4 * CALLS


def test_a_job_file_names_the_schema_beside_it_and_the_api_reads_it_too(
    guidex: Command, scripted_server: Servers, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLE.parent, tmp_path / "examples")
    server = scripted_server()
    job = tmp_path / "examples" / "given-schema" / "guidex.toml"
    model = ("--model", "openai/test", "--base-url", server.openai_url)
    done = guidex("run", job, *model, "--limit", 2, "--json")
    assert done.code == 0, done.err
    assert done.json["documents"]["accepted"] == 2 and done.json["name"] == "given-schema"
    sent = len(server.calls)
    result = library.run(
        {
            "documents": {"paths": ["examples/quickstart/documents.jsonl"], "limit": 1},
            "schema_file": "examples/given-schema/labels.json",
            "model": {"name": "openai/test", "base_url": server.openai_url},
        },
        name="by-name",
    )
    assert result.totals.accepted == 1 and len(server.calls) == sent + CALLS
    with library.open_run(result.folder) as reader:
        job_ = parse_job(reader.run().job_toml)
    assert job_.given_schema is not None and "WorkOfArt" in job_.given_schema.names
    assert (
        "The class 'work of art' is called WorkOfArt."
        in guidex(
            "run", job, *model, "--schema", EXAMPLE / "labels.json", "--limit", 1, "--name", "noted"
        ).err
    )
    # Another mode does without the file's schema.
    assert guidex("validate", job, "--mode", "per-document", *model).code == 0


def test_validate_says_what_was_read(guidex: Command, scripted_server: Servers) -> None:
    model = ("--model", "openai/test", "--base-url", scripted_server().openai_url)
    done = guidex(
        "validate", EXAMPLE / "guidex.toml", *model, "--schema", EXAMPLE / "labels.json", "--json"
    ).json
    found = [check["found"] for check in done["checks"] if check["what"].endswith("labels.json")]
    assert done["ok"] and found == [
        "4 classes: Person, Organisation, Place, WorkOfArt",
        "The class 'work of art' is called WorkOfArt.",
    ]


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        (b"import os\n", (), "schema.py: line 1: import of `os`"),
        (b"class A:\n    x: str\n\n\nclass B:\n    y: str = open('x')\n", (), "schema.py: line 6: a default"),
        (b"class A:\n    x: str  # \xe9\n", (), "line 2: this is no UTF-8 text"),
        (b"#" * 4_000_001, (), "larger than any schema"),
        (b"class A:\n    x: str\n", ("--mode", "per-document"), "mode `per-document` does not use"),
        (None, (), "cannot be read: No such file"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_before_anything_is_sent(
    content: bytes | None,
    more: tuple[str, ...],
    said: str,
    guidex: Command,
    documents: Path,
    schema: Path,
    scripted_server: Servers,
) -> None:
    schema.unlink() if content is None else schema.write_bytes(content)
    server = scripted_server()
    for command in ("run", "validate"):
        done = guidex(command, *flags(server, documents, schema), *more)
        assert done.code == 2 and "Traceback" not in done.err
        assert said in " ".join((done.out + done.err).split())
    assert not server.calls and not list(Path("runs").glob("*"))


def test_mode_given_asks_for_a_schema(guidex: Command, documents: Path) -> None:
    done = guidex("run", "--documents", documents, "--mode", "given")
    assert done.code == 2 and "mode `given` needs a schema" in done.err and "--schema" in done.err


def test_the_graph_of_each_mode_can_be_drawn(guidex: Command) -> None:
    assert "design" in guidex("graph").out and "design" not in guidex("graph", "--mode", "given").out
    assert guidex("graph", "--mode", "none").code == 2
