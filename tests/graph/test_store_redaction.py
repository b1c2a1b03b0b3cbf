"""Secrets of the environment are in no byte of any file of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from store_samples import JOB, decision, documents, make_round, make_store, opened

from agents.llm.client import Attempt
from graph.store.failures import failures_of
from graph.store.records import CallStatus, ClosedCall
from graph.store.redaction import REDACTED, Redactor
from graph.store.store import RunStore
from schemas.documents import Document, Unreadable
from schemas.job import ModelConfig

CANARY = 'sk-canary/0123"456\\789+é'


@pytest.fixture(autouse=True)
def key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("MY_SERVER_CREDENTIAL", "named-by-the-job")


async def test_no_file_of_a_run_holds_a_key(tmp_path: Path) -> None:
    job = JOB.model_copy(update={"model": ModelConfig(name="openai/x", api_key_env="MY_SERVER_CREDENTIAL")})
    hostile = f"before {CANARY} after named-by-the-job."
    quoted = json.dumps({"value": hostile})
    store = RunStore.create(
        tmp_path / "run",
        name=f"run {hostile}",
        job=job.model_copy(update={"brief": hostile}),
        job_toml=hostile,
        version=hostile,
    )

    def nothing_leaked() -> None:
        for path in tmp_path.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert b"canary" not in content, path
                assert b"named-by-the-job" not in content, path

    store.add_documents([Document(id="d0", text=hostile, source=hostile, meta={"key": hostile})])
    store.add_documents([Unreadable(source=hostile, reason=hostile)])
    call_id = await store.open_call(opened("k", prompt=quoted))
    attempt = Attempt(number=1, raw=quoted, error=hostile, finish_reason=hostile)
    store.close_call(call_id, ClosedCall(CallStatus.ANSWERED, quoted, (attempt,)))
    assert CANARY not in store.find_answer("k").answer  # type: ignore[union-attr]
    failed = await store.open_call(opened("k2", prompt=hostile))
    store.close_call(failed, ClosedCall(CallStatus.REFUSED, error=f"401: wrong key {hostile}"))
    made = make_round().model_copy(update={"state_hash": hostile})
    store.add_round("d0", made)
    store.decide("d0", decision().model_copy(update={"reason": hostile}))
    store.add_failure("d0", "critic", "Error", hostile)
    store.add_event("note", hostile, {hostile: hostile})
    await store.flush()
    nothing_leaked()  # the write-ahead log is there now
    assert (tmp_path / "run" / "run.db-wal").stat().st_size > 0
    store.finish_run("failed", hostile)
    store.close()
    nothing_leaked()
    with RunStore.open(tmp_path / "run") as again:
        assert again.find_answer("k").answer == quoted.replace(json.dumps(CANARY)[1:-1], REDACTED).replace(  # type: ignore[union-attr]
            "named-by-the-job", REDACTED
        )
        assert again.reader.document("d0").text == f"before {REDACTED} after {REDACTED}."  # type: ignore[union-attr]
        again.add_event("note", "named-by-the-job")  # the names the job gives are known after reopening, too
        await again.flush()
        nothing_leaked()


def test_a_document_is_given_as_it_will_be_stored(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        plain, secret = Document(id="a", text="plain"), Document(id="b", text=f"x{CANARY}y")
        assert store.redacted(plain) is plain
        assert store.redacted(secret).text == f"x{REDACTED}y"
        for _session in range(2):
            store.add_documents([plain, secret])
        assert store.reader.document("b") == store.redacted(secret)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("OPENAI_API_KEY", "abcdefgh", True),
        ("ANTHROPIC_API_KEY", "abcdefgh", True),
        ("some_api_key", "abcdefgh", True),
        ("HF_TOKEN", "abcdefgh", True),
        ("CLIENT_SECRET", "abcdefgh", True),
        ("AWS_SECRET_ACCESS_KEY", "abcdefgh", True),
        ("NAMED", "abcdefgh", True),
        ("HF_TOKEN", "abcdefg", False),  # too short to be one
        ("HOME", "abcdefgh", False),
        ("TOKENIZERS_PARALLELISM", "abcdefgh", False),
    ],
)
def test_which_variables_are_secret(name: str, value: str, secret: bool) -> None:
    redact = Redactor.from_environment(["NAMED"], {name: value})
    assert redact(f"({value})") == (f"({REDACTED})" if secret else f"({value})")


def test_one_secret_may_begin_with_another() -> None:
    redact = Redactor(["abcdefgh", "abcdefgh-long"])
    assert redact("abcdefgh-long abcdefgh") == f"{REDACTED} {REDACTED}"


def test_lone_surrogates_are_replaced_and_do_not_stop_the_run(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        store.add_failure("d0", "critic", "UnicodeError", "a\ud800b")
        store.flush_now()
        assert failures_of(store.reader, "d0") == ("critic: UnicodeError: a\N{REPLACEMENT CHARACTER}b",)
