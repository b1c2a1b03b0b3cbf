"""Any order of writes leaves sums that balance, and any content comes back as it was."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import make_round, make_store, opened

from agents.llm.client import Attempt, Usage
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall
from graph.store.store import RunStore
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document, Unreadable
from schemas.judgement import Decision, Outcome

DOCUMENTS = 4
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ENDED = [status for status in CallStatus if status not in (CallStatus.OPEN, CallStatus.REPLAYED)]

STEPS = st.one_of(
    st.tuples(st.just("open"), st.integers(0, DOCUMENTS - 1), st.integers(0, 3)),
    st.tuples(st.just("close"), st.sampled_from(ENDED), st.integers(0, 3)),
    st.tuples(st.just("replay"), st.integers(0, 3), st.none()),
    st.tuples(st.just("round"), st.integers(0, DOCUMENTS - 1), st.none()),
    st.tuples(st.just("decide"), st.integers(0, DOCUMENTS - 1), st.sampled_from(list(Outcome)[:4])),
    st.tuples(st.just("unreadable"), st.integers(100, 103), st.none()),
    st.tuples(st.just("flush"), st.none(), st.none()),
    st.tuples(st.just("reopen"), st.none(), st.none()),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=25))
def test_any_interleaving_of_writes_balances(steps: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(interleave(Path(folder), steps))


async def interleave(folder: Path, steps: list[tuple]) -> None:
    store = make_store(folder)
    store.add_documents([Document(id=f"d{n}", text="same text") for n in range(DOCUMENTS)])
    outcomes = {f"d{n}": Outcome.PENDING for n in range(DOCUMENTS)}
    still_open: list[str] = []
    calls = attempts = replays = tokens = 0
    rounds = dict.fromkeys(outcomes, 0)
    for name, first, second in steps:
        if name == "open":
            still_open.append(await store.open_call(opened(f"k{second}", f"d{first}")))
            calls += 1
        elif name == "close" and still_open:
            call_id = still_open.pop()
            answer = "{}" if first is CallStatus.ANSWERED else None
            made = tuple(Attempt(number=n + 1, raw="{}", usage=Usage(input_tokens=7)) for n in range(second))
            store.close_call(call_id, ClosedCall(first, answer, made))
            calls -= first is CallStatus.CANCELLED and not made  # it had to stop before it was sent
            attempts, tokens = attempts + second, tokens + 7 * second
        elif name == "replay" and (found := store.find_answer(f"k{first}")):
            store.add_replay(opened(f"k{first}"), found)
            replays += 1
        elif name == "round":
            rounds[f"d{first}"] += 1
            store.add_round(f"d{first}", make_round(f"d{first}", rounds[f"d{first}"]))
        elif name == "decide":
            store.decide(f"d{first}", Decision(outcome=second, reason="so"))
            outcomes[f"d{first}"] = second
        elif name == "unreadable":
            store.add_documents([Unreadable(source="file", line=first, reason="bad")])
            outcomes[f"u{first}"] = Outcome.FAILED
        elif name == "flush":
            await store.flush()
        elif name == "reopen":
            store.close()
            store = RunStore.open(folder / "trial")
            still_open.clear()
    store.close()
    with RunReader(folder / "trial") as reader:
        totals = reader.totals()
        assert totals.balanced
        ended = list(outcomes.values())
        assert totals.documents == len(ended)
        assert [totals.accepted, totals.rejected, totals.failed, totals.skipped, totals.pending] == [
            ended.count(outcome) for outcome in Outcome
        ]
        assert (totals.calls, totals.attempts, totals.replays) == (calls, attempts, replays)
        assert totals.input_tokens == tokens
        assert reader.rows("SELECT count(*), coalesce(sum(input_tokens), 0) FROM attempts") == [
            (attempts, tokens)
        ]
        assert {f"d{n}": len(reader.rounds(f"d{n}")) for n in range(DOCUMENTS)} == rounds


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False), TEXTS)
MENTIONS = st.builds(
    Mention,
    field=st.sampled_from(["a", "b", "c"]),
    quote=TEXTS,
    occurrence=st.integers(1, 3),
    start=st.none() | st.integers(0, 2**40),
    end=st.none() | st.integers(0, 2**40),
    status=st.sampled_from(MentionStatus),
)


def instances(values: st.SearchStrategy) -> st.SearchStrategy[Instance]:
    items = st.one_of(values, st.lists(values, max_size=3).map(tuple))
    return st.builds(
        Instance,
        class_name=st.sampled_from(["X", "Y"]),
        values=st.dictionaries(st.sampled_from(["a", "b", "c"]) | TEXTS, items, max_size=3),
        mentions=st.lists(MENTIONS, max_size=3).map(tuple),
    )


TREES = instances(st.one_of(SCALARS, instances(st.one_of(SCALARS, instances(SCALARS)))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TREES, max_size=3), TEXTS, TEXTS)
def test_any_annotation_comes_back(trees: list[Instance], annotator: str, text: str) -> None:
    document = Document(id="x" + text, text=text)
    annotation = Annotation(
        document_id=document.id, annotator=annotator, instances=tuple(trees), unknown_classes=(text,)
    )
    made = make_round(document.id).model_copy(update={"annotations": (annotation,), "agreed": annotation})
    with tempfile.TemporaryDirectory() as folder, make_store(Path(folder)) as store:
        store.add_documents([document])
        store.add_round(document.id, made)
        store.flush_now()
        assert store.reader.document(document.id) == document
        assert store.reader.rounds(document.id) == (made,)
        assert repr(store.reader.rounds(document.id)[0]) == repr(made)  # 1, 1.0 and True are told apart
