"""Jobs and documents for the tests of the runner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from servers.scripted import Call, Say, ScriptedServer, Turn, agreeable

from graph.plan import Plan
from graph.runner import Runner, RunResult
from graph.store.reading import RunReader
from guidex.job_files import effective_toml
from schemas.inputs import DocumentsConfig
from schemas.job import Job, ModelConfig
from schemas.judgement import Outcome
from schemas.machine import RunConfig

TEXTS = {
    f"d{number}": f"Captain Roberts left Lisbon harbour with ferry number{number}." for number in range(5)
}


def make_job(server: ScriptedServer, documents: Path, provider: str = "openai", **run: Any) -> Job:
    url = server.openai_url if provider == "openai" else server.anthropic_url
    return Job(
        documents=DocumentsConfig(paths=(str(documents),)),
        model=ModelConfig(name=f"{provider}/scripted", base_url=url, api_key_env="NO_SUCH_KEY"),
        rounds=2,
        max_classes=2,
        run=RunConfig(**({"documents_in_flight": 3, "timeout": 20, "retry_on_error": 0} | run)),
    )


def make_runner(job: Job, folder: Path, plan: Plan | None = None) -> Runner:
    return Runner(job, folder, job_toml=effective_toml(job, folder), version="0.1.0", plan=plan)


def write_documents(path: Path, texts: dict[str, str] = TEXTS) -> Path:
    path.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in texts.items()))
    return path


def outcomes(reader: RunReader) -> dict[str, Outcome]:
    return {row.id: row.outcome for row in reader.documents(limit=1000)}


async def finished(runner: Runner) -> RunResult:
    result = await runner.run()
    assert result.totals.balanced
    return result


def slowly(call: Call) -> Turn:
    answer = agreeable(call)
    assert isinstance(answer, dict)
    return Say(answer, delay=0.02)
