"""What of a job must not change in silence when its run is taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph.fingerprint import differences
from guidex.job_files import effective_toml, load_job
from schemas.job import job_from, parse_job

JOB: dict[str, Any] = {
    "documents": {"paths": ["docs.jsonl"]},
    "model": {"name": "openai/x", "base_url": "http://localhost:1/v1"},
}


def changed(**changes: Any) -> set[str]:
    after = {
        key: {**JOB.get(key, {}), **value} if isinstance(value, dict) else value
        for key, value in {**JOB, **changes}.items()
    }
    return set(differences(job_from(JOB), job_from(after), Path("runs/x")))


@pytest.mark.parametrize(
    "changes",
    [
        {"run": {"max_connections": 3, "timeout": 5, "retries": 1, "retry_on_error": 4}},
        {"limits": {"cost": 5, "time": "15m", "target_accepted": 3, "fail_on_error": 0.5}},
        {"prices": {"openai/x": {"input": 1, "output": 2}}},
        {"documents": {"limit": 3, "ids": ["d1"]}},
        {"documents": {"paths": ["./sub/../docs.jsonl"], "format": "text"}},
        {"model": {"api_key_env": "ANOTHER_KEY"}},
    ],
)
def test_how_much_and_how_fast_may_change(changes: dict[str, Any]) -> None:
    assert changed(**changes) == set()


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"brief": "ships", "seed": 3}, {"brief", "seed"}),
        ({"documents": {"text_field": "body"}}, {"documents.text_field"}),
        ({"documents": {"paths": ["docs.jsonl", "more.jsonl"]}}, {"documents.paths"}),
        (
            {"documents": {"min_words": 3, "languages": ["en"], "sample": 5, "select": "diverse"}},
            {f"documents.{key}" for key in ("min_words", "languages", "sample", "select")},
        ),
        (
            {"model": {"base_url": "http://localhost:2/v1", "context": 8192}},
            {"model.base_url", "model.context"},
        ),
        ({"thresholds": {"agreement": 0.95}}, {"thresholds.agreement"}),
        ({"annotators": [{}]}, {f"annotators.1.{key}" for key in ("class_order", "form", "temperature")}),
    ],
)
def test_what_answers_and_decisions_depend_on_may_not(changes: dict[str, Any], keys: set[str]) -> None:
    assert changed(**changes) == keys


def test_a_model_of_its_own_for_an_agent_shows_as_its_keys() -> None:
    assert "agents.critic.name" in changed(agents={"critic": {"name": "openai/y"}})


@pytest.mark.parametrize("runs", ["runs", "linked"])
def test_paths_come_back_the_same_from_a_linked_folder_too(
    runs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`..` in a folder that is a link leads out of what it points to."""
    (tmp_path / "a" / "project" / "runs").mkdir(parents=True)
    (tmp_path / "disk" / "deep" / "down").mkdir(parents=True)
    (tmp_path / "a" / "project" / "linked").symlink_to(tmp_path / "disk" / "deep" / "down")
    monkeypatch.chdir(tmp_path / "a" / "project")
    Path("docs.jsonl").write_text("")
    folder = Path(runs, "x")
    folder.mkdir()
    job = job_from(JOB)
    toml = effective_toml(job, folder)
    (folder / "job.toml").write_text(toml)
    assert differences(parse_job(toml), parse_job(effective_toml(job, folder)), folder) == {}
    assert load_job(folder / "job.toml").documents.paths == ("docs.jsonl",)
    monkeypatch.chdir(folder)
    (path,) = load_job(Path("job.toml")).documents.paths
    assert Path(path).resolve() == (tmp_path / "a" / "project" / "docs.jsonl").resolve()
