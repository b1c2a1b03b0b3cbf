"""What failed and what it cost: of the present state, by cause, each request counted once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import answered, decision, documents, make_store, opened

from agents.llm.client import GIVEN_UP, Attempt, Usage
from graph.store.attempts import spent_in_vain
from graph.store.failures import failure_groups, failures_of, kind_of, past_failures
from graph.store.records import CallStatus, ClosedCall, Vain
from graph.store.store import RunStore
from schemas.judgement import Outcome


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with make_store(tmp_path) as made:
        made.add_documents(documents(6))
        yield made


def fail(store: RunStore, document_id: str, agent: str, error_class: str, message: str) -> None:
    store.add_failure(document_id, agent, error_class, message)
    store.decide(document_id, decision(Outcome.FAILED, round=None))
    store.flush_now()


def test_failures_are_grouped_by_agent_error_and_kind_with_the_first_message(store: RunStore) -> None:
    fail(store, "d2", "annotator", "server", "model answered 500: request req_01Ab took 31.5 s")
    fail(store, "d1", "critic", "server", "model answered 500: request req_77Zz took 2 s")
    fail(store, "d3", "annotator", "server", "model answered 500: request req_02Cd took 8 s")
    fail(store, "d4", "annotator", "server", "model answered 500: out of memory")
    store.add_failure(None, "annotator", "server", "model answered 500: request req_03Ef took 1 s")
    store.flush_now()
    first, *others = failure_groups(store.reader)
    assert (first.agent, first.error_class, first.count) == ("annotator", "server", 3)
    assert first.message == "model answered 500: request req_01Ab took 31.5 s"
    assert first.document_ids == ("d2", "d3")
    assert [(group.agent, group.document_ids) for group in others] == [
        ("critic", ("d1",)),
        ("annotator", ("d4",)),
    ]


def test_what_was_put_right_is_no_failure_of_the_present(store: RunStore) -> None:
    for number in range(4):
        fail(store, f"d{number}", "critic", "timeout", "did not answer in time")
    store.decide("d0", decision(Outcome.ACCEPTED, round=None))
    store.decide("d1", decision(Outcome.PENDING, round=None))  # taken up again
    fail(store, "d2", "annotator", "invalid", "did not fit")
    groups = failure_groups(store.reader)
    assert [(group.agent, group.document_ids) for group in groups] == [
        ("critic", ("d3",)),
        ("annotator", ("d2",)),
    ]
    assert sum(group.count for group in groups) == store.reader.totals().failed == 2
    assert past_failures(store.reader) == 3
    assert failures_of(store.reader, "d2") == (
        "critic: timeout: did not answer in time",
        "annotator: invalid: did not fit",
    )


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("took 3 s", "took 4,000.25 s", True),
        ("`Person` is no class", "`Place of birth` is no class", True),
        ("instances.0.span: missing", "instances.12.span: missing; instances.13.span: missing", True),
        ("it didn't fit, and can't", "it didn't last, and can't", False),
        ("instances.0.span: missing", "instances.0.span: too long", False),
        ("the server answered", "the server declined", False),
    ],
)
def test_kinds_of_messages(one: str, other: str, alike: bool) -> None:
    assert (kind_of(one) == kind_of(other)) is alike


@given(
    numbers=st.lists(st.floats(0, 10**9) | st.integers(0, 10**9), min_size=1),
    quote=st.from_regex(r"[^'\n]*", fullmatch=True),
)
def test_numbers_and_quotations_make_no_kind(numbers: list[float], quote: str) -> None:
    message = "; ".join(f"{number} seconds" for number in numbers)
    assert kind_of(f"'{quote}' lasted; {message}") == kind_of("'x' lasted; 1 seconds")


def attempt(number: int, error: str | None, raw: str = "{}", finish: str | None = "stop") -> Attempt:
    usage = Usage() if not raw else Usage(input_tokens=100 * number, output_tokens=number)
    return Attempt(number=number, raw=raw, finish_reason=finish, usage=usage, error=error)


async def close(store: RunStore, key: str, closed: ClosedCall) -> None:
    store.close_call(await store.open_call(opened(key)), closed)


async def test_every_request_without_a_usable_answer_is_counted_once(store: RunStore) -> None:
    lost = attempt(1, "the server answered 429", raw="", finish=None)
    misfit, last_misfit = attempt(2, "classes: missing"), attempt(3, "classes: missing")
    lost_again = lost.model_copy(update={"number": 2})
    under_way = lost_again.model_copy(update={"error": GIVEN_UP})
    cut, declined = attempt(1, "truncated", finish="length"), attempt(1, "filtered", raw="")
    misfit_first, blank = attempt(1, "no JSON", raw="no"), attempt(1, "no JSON", raw="")
    await close(store, "good", answered())
    await close(store, "mended", ClosedCall(CallStatus.ANSWERED, "{}", (lost, misfit, attempt(3, None))))
    await close(store, "invalid", ClosedCall(CallStatus.INVALID, attempts=(lost, misfit, last_misfit)))
    await close(store, "cut", ClosedCall(CallStatus.TRUNCATED, attempts=(cut,)))
    await close(store, "no", ClosedCall(CallStatus.FILTERED, attempts=(declined,)))
    await close(store, "down", ClosedCall(CallStatus.SERVER, attempts=(lost, lost_again)))
    await close(store, "stopped", ClosedCall(CallStatus.CANCELLED, attempts=(misfit_first,)))
    await close(store, "not sent", ClosedCall(CallStatus.CANCELLED))
    await close(store, "given up", ClosedCall(CallStatus.CANCELLED, attempts=(lost, under_way)))
    await close(store, "stopped by the server", ClosedCall(CallStatus.CANCELLED, attempts=(lost,)))
    await close(store, "empty", ClosedCall(CallStatus.ANSWERED, "{}", (blank, attempt(2, None))))
    await store.open_call(opened("in flight"))
    await store.flush()
    assert spent_in_vain(store.reader) == (
        Vain("re-asked", 3, 400, 4),
        Vain("invalid", 2, 400, 4),
        Vain("truncated", 1, 100, 1),
        Vain("filtered", 1, 0, 0),
        Vain("retried", 4, 0, 0),
        Vain("no answer", 2, 0, 0),
        Vain("cancelled", 1, None, None),
    )


def test_a_run_without_faults_has_nothing_to_show(store: RunStore) -> None:
    assert spent_in_vain(store.reader) == () and failure_groups(store.reader) == ()
    assert past_failures(store.reader) == 0
