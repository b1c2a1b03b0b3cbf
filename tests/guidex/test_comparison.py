"""Two runs side by side: what counts as the same document and the same mention."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.store.reading import RunReader
from graph.store.store import RunStore
from guidex.comparison import Comparison, compare
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.errors import UsageError
from schemas.inputs import DocumentsConfig
from schemas.job import Job
from schemas.judgement import Agent, Decision, Ending, Outcome, Scores
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec

TEXT = "Ada Lovelace met Charles Babbage in London."
SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))
Said = dict[str, str]
"""Phrases of the text, each with its class."""


def instance(phrase: str, name: str) -> Instance:
    start = TEXT.index(phrase)
    place = {"start": start, "end": start + len(phrase), "status": MentionStatus.EXACT}
    return Instance(
        class_name=name,
        values={"span": phrase},
        mentions=(Mention.model_validate({"field": "span", "quote": phrase, **place}),),
    )


def write(folder: Path, said: dict[str, Said | None], paths: tuple[str, ...] = ("docs.jsonl",)) -> RunReader:
    """A run of documents of one text: what was accepted in each; None for one that was rejected."""
    job = Job(documents=DocumentsConfig(paths=paths))
    with RunStore.create(folder, name=folder.name, job=job, job_toml="# a job\n", version="0.1.0") as store:
        store.add_documents([Document(id=each, text=TEXT) for each in said])
        for document_id, phrases in said.items():
            found = tuple(instance(*each) for each in (phrases or {}).items())
            agreed = Annotation(document_id=document_id, annotator="agreed", instances=found)
            store.add_round(
                document_id,
                Round(
                    number=1,
                    entered=Agent.DESIGNER,
                    annotation_schema=SCHEMA,
                    annotations=(agreed,),
                    agreed=agreed,
                    scores=Scores(grounding=1, agreement=0.5 if phrases is None else 1.0),
                    state_hash="one",
                ),
            )
            outcome = Outcome.REJECTED if phrases is None else Outcome.ACCEPTED
            store.decide(
                document_id,
                Decision(outcome=outcome, reason="by test", ending=Ending.AGREED, round=1),
                Scores(grounding=1, agreement=0.5 if phrases is None else 1.0),
            )
        store.finish_run("done")
    return RunReader(folder)


def compared(tmp_path: Path, first: dict[str, Said | None], second: dict[str, Said | None]) -> Comparison:
    with write(tmp_path / "one", first) as ours, write(tmp_path / "two", second) as theirs:
        return compare(ours, theirs)


def test_mentions_are_shared_if_place_and_class_are(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        {"a": {"Ada Lovelace": "Person", "London": "Place"}, "b": {"Babbage": "Person"}},
        {"a": {"Ada": "Person", "London": "Person"}, "b": {"Babbage": "Person", "London": "Place"}},
    ).mentions
    assert (found.documents, found.both, found.only_first, found.only_second) == (2, 1, 2, 3)
    assert found.agreement == pytest.approx((0 + 2 / 3) / 2)
    assert found.untyped == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.overlap == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_classes_count_the_mentions_of_both_sides(tmp_path: Path) -> None:
    classes = compared(
        tmp_path,
        {"a": {"Ada Lovelace": "Person", "London": "Place"}},
        {"a": {"Ada Lovelace": "Person", "Charles": "Person"}},
    ).classes
    assert [(each.name, each.first, each.second, each.both) for each in classes] == [
        ("Person", 1, 2, 1),
        ("Place", 1, 0, 0),
    ]


def test_mentions_of_documents_that_one_of_them_rejected_are_left_out(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": {"Ada": "Person"}, "b": None}, {"a": None, "b": {"Ada": "Person"}})
    assert found.mentions.documents == 0 and found.mentions.agreement is None and found.classes == ()
    assert [(each.id, each.first, each.second) for each in found.documents.differing] == [
        ("a", Outcome.ACCEPTED, Outcome.REJECTED),
        ("b", Outcome.REJECTED, Outcome.ACCEPTED),
    ]
    assert found.documents.crossed() == (
        (Outcome.ACCEPTED, Outcome.REJECTED),
        ((Outcome.ACCEPTED, (0, 1)), (Outcome.REJECTED, (1, 0))),
    )


def test_documents_are_at_their_own_places_in_each_run(tmp_path: Path) -> None:
    found = compared(tmp_path, {"x": None, "a": None}, {"a": {"Ada": "Person"}, "y": None}).documents
    (differing,) = found.differing
    assert (differing.first_position, differing.second_position) == (1, 0)
    assert (found.both, found.only_first, found.only_second) == (1, 1, 1)


def test_a_score_is_the_mean_of_the_decisions_and_a_difference_second_less_first(tmp_path: Path) -> None:
    figures = {
        each.name: each
        for each in compared(tmp_path, {"a": {}, "b": None}, {"a": {}, "b": {}, "c": {}}).figures
    }
    agreement = figures["agreement"]
    assert (agreement.first, agreement.second, agreement.difference) == (0.75, 1.0, 0.25)
    assert figures["yield"].difference == 0.5 and figures["documents"].difference == 1
    assert figures["faithfulness"].first is None and figures["faithfulness"].difference is None


def test_paths_of_documents_are_those_of_each_runs_own_folder(tmp_path: Path) -> None:
    near, far = tmp_path / "near" / "one", tmp_path / "far" / "deep" / "two"
    near.parent.mkdir()
    far.parent.mkdir(parents=True)
    with write(near, {"a": None}, ("../../docs.jsonl",)) as ours:
        with write(far, {"a": None}, ("../../../docs.jsonl",)) as theirs:
            assert compare(ours, theirs).settings == ()


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    with write(tmp_path / "one", {"a": None}) as ours, RunReader(tmp_path / "one") as again:
        with pytest.raises(UsageError, match="with itself"):
            compare(ours, again)
