"""What is seen of a job without a call and without a download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.documents import count_records
from guidex.checks import Check
from guidex.job_checks import job_checks
from schemas.job import InvalidJobError, Job, job_from

SERVER = {"name": "openai/own", "base_url": "http://127.0.0.1:9/v1"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUIDEX_MODELS", str(tmp_path / "models"))
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    lines = [json.dumps({"id": str(n), "text": f"Text {n}."}) for n in range(3)]
    (tmp_path / "docs.jsonl").write_text("\n\n".join(lines))
    return tmp_path


def a_job(*paths: str, **keys: Any) -> Job:
    return job_from({"documents": {"paths": list(paths) or ["docs.jsonl"]}, "model": SERVER} | keys)


def found(job: Job) -> dict[str, Check]:
    return {check.what: check for check in job_checks(job)}


def problems(job: Job) -> dict[str, str]:
    missing = [check for check in job_checks(job) if check.state == "missing"]
    assert all(check.remedy for check in missing)
    return {check.what: check.found for check in missing}


def test_a_job_that_can_be_run_has_no_problem() -> None:
    checks = found(a_job())
    assert checks["docs.jsonl"] == Check(what="docs.jsonl", state="ok", found="3 records")
    assert checks["openai/own at http://127.0.0.1:9/v1"].found == "no key, which its server may not need"
    assert checks["price of openai/own"].state == "note"
    assert checks["price of openai/own"].found == "unknown"


def test_every_problem_is_named_not_only_the_first() -> None:
    job = a_job(
        "nowhere.jsonl",
        "docs.jsonl",
        "table.xlsx",
        agents={"critic": {"name": "anthropic/claude-sonnet-4-5"}, "annotator": {"name": "opnai/x"}},
        limits={"cost": 1},
    )
    assert set(problems(job)) == {
        "nowhere.jsonl",
        "table.xlsx",
        "opnai/x",
        "anthropic/claude-sonnet-4-5",  # no key
        "price of openai/own",
    }


def test_a_source_whose_records_have_no_such_field_is_a_problem(here: Path) -> None:
    (here / "other.jsonl").write_text('{"body": "x"}\n')
    said = problems(a_job("other.jsonl"))["other.jsonl"]
    assert said.startswith("the first record is no document")
    assert not problems(a_job("other.jsonl", documents={"paths": ["other.jsonl"], "text_field": "body"}))


def test_a_local_model_is_looked_for_and_not_fetched(here: Path) -> None:
    checks = found(a_job(model={"name": "local/smollm2-135m"}))
    assert checks["local/smollm2-135m"].state == "note"
    assert "the first run fetches it" in checks["local/smollm2-135m"].found
    assert checks["price of local/smollm2-135m"].found == "free"
    assert not (here / "models").exists()
    assert "does not exist" in problems(a_job(model={"name": "local/gone.gguf"}))["local/gone.gguf"]
    (here / "here.gguf").write_bytes(b"GGUF")
    assert found(a_job(model={"name": "local/here.gguf"}))["local/here.gguf"].state == "ok"


def test_a_price_in_the_job_file_lets_a_cost_limit_hold() -> None:
    limits = {"limits": {"cost": 1}}
    price = {"input": 0.25, "output": 2, "cached_input": 0.05}
    priced = found(a_job(prices={"openai/own": price}, **limits))["price of openai/own"]
    assert (priced.state, priced.found) == ("ok", "$0.25 in, $0.050 cached, $2.00 out per million tokens")
    near = found(a_job(prices={"openai/owm": price}, **limits))["price of openai/own"]
    assert near.state == "missing"
    assert near.remedy == "The job file has a price of `openai/owm`; write it as `openai/own`."


def test_every_fault_of_a_job_file_is_kept_apart() -> None:
    with pytest.raises(InvalidJobError) as caught:
        job_from({"documents": {"paths": ["a"]}, "rounds": 0, "limits": {"cost": -1}, "sead": 3})
    assert len(caught.value.faults) == 3
    assert "limits.cost: input should be greater than 0" in caught.value.faults


@pytest.mark.parametrize("ending", ["jsonl", "ndjson", "json", "csv", "parquet", "txt"])
def test_records_are_counted_in_every_format(here: Path, ending: str) -> None:
    path = here / f"many.{ending}"
    rows = [{"id": str(number), "text": f"Line one\nline two of {number}"} for number in range(7)]
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif ending == "csv":
        path.write_text("id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in rows))
    elif ending == "json":
        path.write_text(json.dumps(rows))
    else:
        path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert count_records([path]) == (1 if ending == "txt" else 7)
    assert count_records([here]) == count_records([path]) + 3


def test_documents_that_are_left_are_counted(here: Path) -> None:
    job = a_job()
    some = job.documents.model_copy(update={"min_characters": 7, "sample": 2, "limit": 1})
    (here / "docs.jsonl").write_text("".join(json.dumps({"text": "word" * n}) + "\n" for n in range(1, 6)))
    check = found(job.model_copy(update={"documents": some}))["filters and sample"]
    assert check.state == "ok"
    assert check.found == "2 of 5 documents are taken; left out 2 by sample, 1 by min_characters"
    none = job.documents.model_copy(update={"min_words": 2})
    assert problems(job.model_copy(update={"documents": none})) == {
        "filters and sample": "0 of 5 documents are taken; left out 5 by min_words"
    }
