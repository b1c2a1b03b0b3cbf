"""The filter before the search for a stored answer never hides one."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from store_samples import answered, documents, make_store, opened

from graph.store.known_keys import KnownKeys
from graph.store.records import CallStatus, ClosedCall, StoredAnswer
from graph.store.store import RunStore


@given(early=st.lists(st.text()), late=st.lists(st.text()))
def test_no_key_is_missed(early: list[str], late: list[str]) -> None:
    known = KnownKeys(early)
    for key in late:
        known.add(key)
    assert all(key in known for key in early + late)


def test_few_keys_are_taken_for_known() -> None:
    known = KnownKeys(f"{number:064x}" for number in range(80_000))
    assert sum(f"{number:064x}" in known for number in range(80_000, 90_000)) < 300


async def test_answers_of_this_session_of_an_earlier_one_and_of_another_run_are_found(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        store.close_call(await store.open_call(opened("now")), answered(1))
        assert store.find_answer("now") is not None  # also before it is committed
        store.add_replay(opened("elsewhere"), StoredAnswer("call", '{"value": 2}', run="other"))
        store.close_call(await store.open_call(opened("bad")), ClosedCall(CallStatus.TRUNCATED))
        await store.flush()
        assert store.find_answer("elsewhere") is not None and store.find_answer("now") is not None
        assert store.find_answer("bad") is None and store.find_answer("never") is None
        assert store.bad_answers("bad") == 1
    with RunStore.open(tmp_path / "trial") as store:
        assert store.find_answer("elsewhere") is not None and store.find_answer("now") is not None
        assert store.bad_answers("bad") == 1 and store.bad_answers("now") == 0
