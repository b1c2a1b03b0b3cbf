"""Documents are found by how they ended, what was found in them, their scores and words, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import answered, decision, make_round, make_store, opened

from graph.store.document_search import (
    Beside,
    DocumentFilter,
    DocumentOrder,
    FoundDocument,
    beside,
    classes_found,
    find_documents,
    id_at,
)
from graph.store.reading import RunReader
from graph.store.store import RunStore
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.judgement import (
    JUDGED_SCORES,
    Agent,
    Decision,
    Ending,
    Finding,
    FindingCode,
    Outcome,
    Scores,
    Severity,
)
from schemas.rounds import Round

WORDS = ("river", "mountain", "engine", "poem")
CODES = (FindingCode.TYPE, FindingCode.MISSING, FindingCode.SCHEMA_GENERIC)


def a_round(
    document_id: str, number: int, *, scores: Scores, classes: tuple[str, ...], codes: tuple[FindingCode, ...]
) -> Round:
    mention = Mention(field="span", quote="x", start=0, end=1, status=MentionStatus.EXACT)
    instances = tuple(
        Instance(class_name=name, values={"span": "x", "class_": '"class":"Ghost"'}, mentions=(mention,))
        for name in classes
    )
    return make_round(document_id, number).model_copy(
        update={
            "scores": scores,
            "agreed": Annotation(document_id=document_id, annotator="agreed", instances=instances),
            "findings": tuple(
                Finding(code=code, severity=Severity.MINOR, raised_by="critic") for code in codes
            ),
            "objections": (),
        }
    )


@contextmanager
def a_run(folder: Path) -> Iterator[RunStore]:
    with make_store(folder) as store:
        yield store


def ids(found: Any) -> list[str]:
    return [line.document.id for line in found.shown]


scores = st.builds(
    Scores,
    grounding=st.sampled_from([0.5, 1.0]),
    agreement=st.sampled_from([None, 0.0, 0.4, 0.9, 1.0]),
    faithfulness=st.sampled_from([None, 0.25, 0.8]),
)
documents = st.fixed_dictionaries(
    {
        "id": st.text(alphabet="abCé%_'\"-", min_size=1, max_size=5),
        "words": st.sets(st.sampled_from(WORDS), min_size=1),
        "rounds": st.integers(0, 3),
        "classes": st.sets(st.sampled_from(["Person", "Place", "Thing"])).map(sorted).map(tuple),
        "codes": st.sets(st.sampled_from(CODES)).map(sorted).map(tuple),
        "scores": scores,
        "outcome": st.sampled_from([Outcome.ACCEPTED, Outcome.REJECTED]),
        "ending": st.sampled_from(list(Ending)),
        "calls": st.integers(0, 2),
    }
)
filters = st.builds(
    DocumentFilter,
    outcome=st.none() | st.sampled_from(list(Outcome)),
    ending=st.none() | st.sampled_from(list(Ending)),
    class_name=st.none() | st.sampled_from(["Person", "Place", "Ghost", 'Person"', "' OR 1=1 --"]),
    finding=st.none() | st.sampled_from(CODES),
    rounds=st.none() | st.integers(1, 3),
    words=st.sampled_from(["", "river", "RIVER", "poem river", "a", "%", "'", '"', "river*", "NOT river"]),
    least=st.dictionaries(st.sampled_from(JUDGED_SCORES), st.sampled_from([0.0, 0.4, 0.8]), max_size=1),
    most=st.dictionaries(st.sampled_from(JUDGED_SCORES), st.sampled_from([0.3, 1.0]), max_size=1),
)


def meets(one: dict[str, Any], wanted: DocumentFilter) -> bool:
    """What the filter says, in Python."""
    decided = one["rounds"] > 0
    judged = one["scores"] if decided else None
    stands = one["outcome"] if decided else Outcome.PENDING
    plain = (
        (wanted.outcome, stands is wanted.outcome),
        (wanted.ending, decided and one["ending"] is wanted.ending),
        (wanted.class_name, decided and wanted.class_name in one["classes"]),
        (wanted.finding, decided and wanted.finding in one["codes"]),
        (wanted.rounds, one["rounds"] == wanted.rounds),
    )
    if any(asked is not None and not fits for asked, fits in plain):
        return False
    for bounds, fits in ((wanted.least, float.__ge__), (wanted.most, float.__le__)):
        for name, bound in bounds.items():
            value = getattr(judged, name) if judged else None
            if value is None or not fits(value, bound):
                return False
    if wanted.words:
        asked = "".join(c if c.isalnum() else " " for c in wanted.words).casefold().split()
        in_text = bool(asked) and set(asked) <= {*one["words"], "text"}
        if not in_text and wanted.words.lower() not in one["id"].lower():
            return False
    return True


def keyed(one: FoundDocument, order: DocumentOrder) -> Any:
    own = {
        DocumentOrder.POSITION: one.document.position,
        DocumentOrder.ID: one.document.id.encode(),
        DocumentOrder.LENGTH: one.document.characters,
        DocumentOrder.ROUNDS: one.rounds,
        DocumentOrder.TOKENS: one.tokens,
        DocumentOrder.COST: one.cost,
    }
    return own[order] if order in own else getattr(one.scores, order.value) if one.scores else None


async def fill(store: RunStore, made: list[dict[str, Any]]) -> None:
    store.add_documents(
        [Document(id=one["id"], text="text " + " ".join(sorted(one["words"]))) for one in made]
    )
    for one in made:
        for number in range(1, one["rounds"] + 1):
            last = number == one["rounds"]
            store.add_round(
                one["id"],
                a_round(
                    one["id"],
                    number,
                    scores=one["scores"] if last else Scores(grounding=1.0),
                    classes=one["classes"] if last else ("Early",),
                    codes=one["codes"] if last else (),
                ),
            )
        if one["rounds"]:
            store.decide(
                one["id"],
                Decision(outcome=one["outcome"], reason="by test", ending=one["ending"], round=one["rounds"]),
                one["scores"],
            )
        for number in range(one["calls"]):
            call_id = await store.open_call(opened(f"{one['id']}-{number}", one["id"], Agent.CRITIC))
            store.close_call(call_id, answered(number))
    await store.flush()


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(documents, min_size=1, max_size=9, unique_by=lambda one: one["id"]),
    asked=st.lists(filters, min_size=25, max_size=25),
)
async def test_what_is_found_is_what_meets_the_filter_and_pages_are_its_parts(
    tmp_path_factory: pytest.TempPathFactory, made: list[dict[str, Any]], asked: list[DocumentFilter]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    with a_run(folder) as store:
        await fill(store, made)
    with RunReader(folder / "trial") as reader:
        for wanted in asked:
            expected = [one["id"] for one in made if meets(one, wanted)]
            found = find_documents(reader, wanted)
            assert ids(found) == expected, wanted
            assert found.total == len(expected)
            parts = [find_documents(reader, wanted, limit=2, offset=at) for at in range(0, len(made) + 2, 2)]
            assert [each for part in parts for each in ids(part)] == expected
            assert {part.total for part in parts} == {len(expected)}
            _assert_beside(reader, wanted, order=DocumentOrder.AGREEMENT, descending=True)
        for order in DocumentOrder:
            _assert_sorted(
                lambda down, by=order: find_documents(reader, order=by, descending=down).shown, order
            )


def _assert_beside(reader: RunReader, wanted: DocumentFilter, **by: Any) -> None:
    """Beside a document stand those that stand beside it in the list."""
    listed = [line.document.position for line in find_documents(reader, wanted, **by).shown]
    around = [None, *listed, None]
    for line, position in enumerate(listed, 1):
        told = Beside(line, len(listed), around[line - 1], around[line + 1])
        assert beside(reader, position, wanted, **by) == told
    for line in find_documents(reader).shown:
        if line.document.position not in listed:
            assert beside(reader, line.document.position, wanted, **by) is None


def _assert_sorted(found: Callable[[bool], tuple[FoundDocument, ...]], order: DocumentOrder) -> None:
    for down in (False, True):
        keys = [keyed(one, order) for one in found(down)]
        known = [key for key in keys if key is not None]
        assert keys == known + [None] * (len(keys) - len(known)), "what is not known comes last"
        assert known == sorted(known, reverse=down)
        for one, other in pairwise(found(down)):
            if keyed(one, order) == keyed(other, order):
                assert one.document.position < other.document.position


async def test_a_line_tells_of_the_last_take_and_of_the_calls_that_were_sent(tmp_path: Path) -> None:
    with a_run(tmp_path) as store:
        store.add_documents([Document(id="d0", text="A text."), Document(id="d1", text="Another.")])
        store.add_round("d0", make_round("d0", 1))
        store.add_round("d0", make_round("d0", 2))
        store.decide("d0", decision(round=2), make_round().scores)
        call_id = await store.open_call(opened("k"))
        store.close_call(call_id, answered(reasks=1))
        await store.flush()
        first, second = find_documents(store.reader).shown
        assert (first.rounds, first.tokens, first.cost) == (2, 26, None)
        assert first.scores == make_round().scores
        assert first.document.round == 2 and first.document.reason == "accepted by test"
        assert (second.rounds, second.tokens, second.scores) == (None, None, None)


async def test_classes_are_counted_where_annotators_agreed(tmp_path: Path) -> None:
    with a_run(tmp_path) as store:
        made = [
            {
                "id": f"d{number}",
                "words": {"poem"},
                "rounds": 2,
                "classes": ("Person", "Place")[: 1 + number],
                "codes": (),
                "scores": Scores(grounding=1.0),
                "outcome": Outcome.ACCEPTED,
                "ending": Ending.AGREED,
                "calls": 0,
            }
            for number in range(2)
        ]
        await fill(store, made)
        assert classes_found(store.reader) == (("Person", 2), ("Place", 1))
        assert classes_found(store.reader, limit=1) == (("Person", 2),)


def test_a_place_has_an_id_or_none(tmp_path: Path) -> None:
    with a_run(tmp_path) as store:
        store.add_documents([Document(id=name, text=name) for name in ("a", "b", "c")])
        assert [id_at(store.reader, at) for at in (0, 2, 3, -1)] == ["a", "c", None, None]


def test_a_score_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with a_run(tmp_path) as store, pytest.raises(ValueError, match="no score"):
        find_documents(store.reader, DocumentFilter(least={"agreement; DROP TABLE texts": 0.5}))
