"""The smaller commands: init, doctor, models, graph and the version."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command
from servers.scripted import ScriptedServer

import guidex as library
from schemas.job import parse_job

Servers = Callable[..., ScriptedServer]


def test_version(guidex: Command) -> None:
    assert guidex("--version").out == f"guidex {library.__version__}\n"
    assert library.__version__


def test_init_writes_a_job_file_that_can_be_run(
    guidex: Command, documents: Path, scripted_server: Servers, tmp_path: Path
) -> None:
    done = guidex("init")
    assert done.code == 0
    assert "guidex run guidex.toml" in done.out
    written = Path("guidex.toml").read_text()
    assert parse_job(written).documents.paths == ("documents.jsonl",)
    documents.rename("documents.jsonl")
    model = ("--model", "openai/x", "--base-url", scripted_server().openai_url)
    assert guidex("run", "guidex.toml", *model, "--json").json["documents"]["accepted"] == 4

    again = guidex("init")
    assert again.code == 2
    assert "exists already" in again.err
    assert Path("guidex.toml").read_text() == written

    Path("project").mkdir()
    assert guidex("init", "project").code == 0
    assert guidex("init", "new/jobs/my.toml").code == 0
    assert "guidex run my.toml" in Path("new/jobs/my.toml").read_text()
    assert Path("project/guidex.toml").read_text() == written


def checks_of(done: object) -> dict[str, dict[str, str]]:
    return {check["what"]: check for check in done.json["checks"]}  # type: ignore[attr-defined]


def test_doctor_looks_at_the_machine_and_asks_nobody(
    guidex: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIDEX_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key-123456")
    done = guidex("doctor", "--json")
    assert done.code == 0
    checks = checks_of(done)
    assert checks["OPENAI_API_KEY"]["found"] == "set"
    assert checks["ANTHROPIC_API_KEY"]["found"] == "not set"
    assert "canary" not in done.out + done.err
    assert checks["SQLite"]["state"] == "ok"
    assert checks["local/smollm2-135m"]["remedy"] == "guidex models pull local/smollm2-135m"
    assert not (tmp_path / "models").exists()
    assert not (tmp_path / "runs").exists()
    text = guidex("doctor").out
    assert "Everything a run needs is here." in text
    assert "canary" not in text


def test_doctor_asks_each_model_of_a_job_once(
    guidex: Command, scripted_server: Servers, tmp_path: Path
) -> None:
    server = scripted_server()
    (tmp_path / "job.toml").write_text(f"""
documents = {{ paths = ["docs.txt"] }}
model = {{ name = "openai/one", base_url = "{server.openai_url}" }}
agents = {{ critic = {{ name = "anthropic/two", base_url = "{server.anthropic_url}" }} }}
""")
    assert checks_of(guidex("doctor", "job.toml", "--json"))["docs.txt"]["state"] == "missing"
    (tmp_path / "docs.txt").write_text("A text.")
    server.calls.clear()
    done = guidex("doctor", "job.toml", "--json")
    assert done.code == 0, done.out
    assert checks_of(done)["docs.txt"]["found"] == "1 record"
    assert sorted(call.provider for call in server.calls) == ["anthropic", "openai"]
    assert all(check["state"] == "ok" for what, check in checks_of(done).items() if " at http" in what)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("openai/gpt", "OPENAI_API_KEY is not set"),
        ("opnai/gpt", "no known provider"),
        ("local/none.gguf", "does not exist"),
    ],
)
def test_doctor_fails_where_a_run_would(guidex: Command, model: str, said: str) -> None:
    done = guidex("doctor", "--model", model)
    assert done.code == 1
    assert said in " ".join(done.out.split())
    assert "1 missing." in done.out


def test_doctor_sees_a_folder_that_cannot_be_written(guidex: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = guidex("doctor", "--runs-dir", "file/runs", "--json")
    assert done.code == 1
    assert not done.json["ok"]


def test_models_are_listed_whether_here_or_not(
    guidex: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIDEX_MODELS", str(tmp_path / "models"))
    (model,) = guidex("models", "list", "--json").json
    assert (model["name"], model["path"], model["licence"]) == ("local/smollm2-135m", None, "Apache-2.0")
    out = guidex("models", "list").out
    assert "98.4 MB" in out and "not pulled yet" in out


def test_a_model_that_is_unknown_cannot_be_pulled(guidex: Command) -> None:
    done = guidex("models", "pull", "smolm2")
    assert done.code == 1
    assert "local/smollm2-135m" in done.err


def test_the_graph_is_drawn_from_the_compiled_one(guidex: Command) -> None:
    drawing = guidex("graph", "--mermaid").out
    for part in (
        "graph TD",
        "design --> write",
        "write --> annotate_2",
        "ground --> critique",
        "decide -.-> write",
    ):
        assert part in drawing, part
    assert "annotate_3" not in drawing
    assert "annotate_3" in guidex("graph", "--annotators", 3).out


@pytest.mark.model
def test_the_embedded_model_is_pulled_once_and_answers(guidex: Command) -> None:
    pulled = guidex("models", "pull", "local/smollm2-135m", "--json")
    assert pulled.code == 0
    assert Path(pulled.json["path"]).stat().st_size == 98_362_432
    done = guidex("doctor", "--model", "local/smollm2-135m", "--json")
    assert done.code == 0, done.out
    assert "grounded decoding" in checks_of(done)["local/smollm2-135m"]["found"] or any(
        "grounded decoding" in check["found"] for check in done.json["checks"]
    )


@pytest.mark.model
def test_a_run_on_the_embedded_model_ends_every_document(guidex: Command, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[2] / "examples/quickstart/documents.jsonl", tmp_path)
    done = guidex("run", "--documents", "documents.jsonl", "--limit", 1, "--rounds", 1, "--json")
    counts = done.json["documents"]
    assert counts["in"] == 1 == counts["accepted"] + counts["rejected"] + counts["failed"]
    assert done.code == counts["failed"]
    assert guidex("export", "documents", "--format", "jsonl").code == 0
