"""What holds of the loop whatever its agents say: it ends, and keeps the best."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from adversaries import Adversaries, adversaries
from exported_rows import rows
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_team import TEXT, job, verbatim
from store_samples import make_store
from test_objections import balance

from agents.llm.client import CallFailedError, CallFault
from graph.agreement import typed_spans
from graph.consensus import differ, key_of
from graph.deciding import settle
from graph.document_graph import DocumentGraph
from graph.merits import merits_of, obstacles
from graph.objections import INSTANCE_CODES, history
from graph.progress import Progress
from graph.results import accepted
from graph.store.accepted_spans import accepted_spans
from graph.store.store import RunStore
from graph.work import Work
from schemas.documents import Document
from schemas.job import Job, Profile
from schemas.judgement import (
    JUDGED_SCORES,
    Agent,
    Decision,
    Ending,
    FindingCode,
    Outcome,
    Severity,
    Thresholds,
)
from schemas.limits import Limits
from schemas.objections import Standing
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec

LONG = f"{TEXT} {TEXT.replace('Ann', 'Eva')} Zoe and Bo went to Oslo."
GIVEN = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))

thresholds = st.fixed_dictionaries(
    {
        "agreement": st.sampled_from([0.0, 0.3, 0.9]),
        "faithfulness": st.sampled_from([0.0, 0.3, 0.8]),
        "completeness": st.sampled_from([0.0, 0.7]),
        "block_on_major": st.booleans(),
        "min_instances": st.integers(0, 2),
    }
)
jobs = st.builds(
    lambda rounds, annotators, propagate, limits: job(rounds, annotators, propagate=propagate, **limits),
    st.integers(1, 5),
    st.integers(1, 3),
    st.booleans(),
    thresholds,
)
teams = st.tuples(adversaries(), st.sampled_from(Profile), st.sampled_from([200, 16_000]))
Team = tuple[Adversaries, Profile, int]


def run(
    team: Team, job_: Job, frozen: AnnotationSchema | None = None
) -> tuple[Decision, Round, list[Round]] | None:
    """What becomes of a document; None if a call brought no usable answer."""
    seen: list[Round] = []
    script, profile, passage_bytes = team
    cast = script.cast(profile, len(job_.annotators), passage_bytes)
    graph = DocumentGraph(job_, cast.team, lambda _, made: seen.append(made), frozen=frozen)
    try:
        decision, kept, _ = asyncio.run(graph.run(Document(id="d", text=LONG)))
    except CallFailedError as error:
        assert error.agent is not None and error.fault is CallFault.INVALID
        return None
    return decision, kept, seen


@settings(max_examples=40, deadline=None)
@given(teams, jobs, st.sampled_from([None, GIVEN]))
def test_every_document_ends_within_the_cap_with_the_best_round(
    team: Team, job_: Job, frozen: AnnotationSchema | None
) -> None:
    done = run(team, job_, frozen)
    if done is None:
        return
    decision, kept, seen = done
    assert [made.number for made in seen] == list(range(1, len(seen) + 1)) and 1 <= len(seen) <= job_.rounds
    assert decision.round == kept.number and kept == settle(seen[kept.number - 1])
    limits = effective(job_.thresholds, frozen)
    ranks = [rank(made, limits) for made in seen]
    assert ranks.index(min(ranks)) == kept.number - 1
    hashes = [made.state_hash for made in seen]
    if decision.ending is Ending.CAP:
        assert len(seen) == job_.rounds and len(set(hashes)) == len(hashes)
    if decision.ending is Ending.OSCILLATION:
        assert hashes[-1] in hashes[:-2]
    if decision.ending is Ending.AGREED:
        assert decision.outcome is Outcome.ACCEPTED and not faults(seen[-1], limits)
    assert (decision.outcome is Outcome.ACCEPTED) == (not faults(kept, limits))


def effective(limits: Thresholds, frozen: AnnotationSchema | None) -> Thresholds:
    """Nobody can mend a frozen schema, so it is not judged by."""
    return limits if frozen is None else limits.model_copy(update={"guideline": 0.0, "schema_fit": 0.0})


def faults(made: Round, limits: Thresholds) -> tuple[str, ...]:
    return obstacles(merits_of(made), limits, settled=False)


def rank(made: Round, limits: Thresholds) -> tuple[int, int, float]:
    scores = [v for name in JUDGED_SCORES if (v := getattr(made.scores, name)) is not None]
    return len(faults(settle(made), limits)), len(faults(made, limits)), -sum(scores) / len(scores)


@settings(max_examples=40, deadline=None)
@given(teams, jobs)
def test_nothing_ungrounded_is_accepted_and_no_dispute_becomes_a_negative(team: Team, job_: Job) -> None:
    done = run(team, job_)
    if done is None:
        return
    decision, kept, seen = done
    assert all(verbatim(instance, LONG) for made in (*seen, kept) for instance in made.agreed.instances)
    agreed = {key_of(one) for one in kept.agreed.instances}
    left_out = {
        one.class_name for made in kept.annotations for one in made.instances if key_of(one) not in agreed
    }
    objected = {one.class_name for one in kept.findings if one.code in (*INSTANCE_CODES, FindingCode.MISSING)}
    assert left_out | objected <= set(kept.agreed.unknown_classes)
    if decision.outcome is Outcome.ACCEPTED:
        assert kept.scores.grounding == 1
        assert all(m.span is not None for one in kept.annotations for m in one.mentions)
        assert not job_.thresholds.block_on_major or all(
            one.severity is Severity.MINOR for one in kept.findings
        )
        (row,) = rows([(Document(id="d", text=LONG), kept)], "jsonl")
        spans = [(m["start"], m["end"], m["surface"]) for one in row["instances"] for m in one["mentions"]]
        assert all(LONG[start:end] == surface for start, end, surface in spans)
        assert row["unknown_classes"] == list(kept.agreed.unknown_classes)


@settings(max_examples=40, deadline=None)
@given(teams, jobs)
def test_every_objection_has_one_end_and_all_of_them_add_up(team: Team, job_: Job) -> None:
    done = run(team, job_)
    if done is None:
        return
    _, kept, seen = done
    for made in (*seen, kept):
        balance(made.objections)
    for made in seen:
        still_open = [one.finding for one in made.objections if one.status is Standing.OPEN]
        assert all(finding in made.findings for finding in still_open)
        places = {(f.raised_by, f.code, f.class_name, f.span, f.quote) for f in made.findings}
        assert len(still_open) <= len(places)
    whole = history(seen, kept)
    balance(whole)
    assert [one.number for one in whole] == list(range(1, len(whole) + 1))
    told = [one for one in settle(kept).objections if one.finding.target is Agent.ANNOTATOR]
    assert all(one.status is not Standing.OPEN for one in told)


@settings(max_examples=40, deadline=None)
@given(teams, jobs)
def test_a_second_look_touches_nothing_but_what_was_in_dispute(team: Team, job_: Job) -> None:
    done = run(team, job_)
    if done is None:
        return
    for before, after in pairwise(done[2]):
        if after.entered is not Agent.ANNOTATOR:
            continue
        objected = {f.span for f in before.findings} | {span for _, span in differ(before.annotations)}
        for old, new in zip(before.annotations, after.annotations, strict=True):
            for instance in old.instances:
                anchor = instance.anchor
                if instance not in new.instances:
                    assert anchor is not None and (anchor.span is None or anchor.span in objected)


@settings(max_examples=12, deadline=None)
@given(st.lists(adversaries(faulty=True), min_size=1, max_size=3), jobs, st.sampled_from(Profile))
def test_the_totals_of_a_run_balance_and_what_it_stored_is_what_was_said(
    scripts: list[Adversaries], job_: Job, profile: Profile
) -> None:
    with tempfile.TemporaryDirectory() as folder, make_store(Path(folder)) as store:
        said = asyncio.run(whole_run(store, scripts, job_, profile))
        totals = store.reader.totals()
        assert totals.balanced and totals.pending == 0
        assert sum(store.reader.outcome_counts().values()) == totals.documents == 3 * len(scripts)
        for identifier, rounds in said.items():
            assert list(store.reader.rounds(identifier)) == rounds
            decision, kept = store.reader.decision(identifier), store.reader.kept_round(identifier)
            assert decision is not None
            assert (kept is None) == (decision.outcome is Outcome.FAILED)
            balance(history(rounds, kept))
        exported = list(rows(accepted(store.reader), "jsonl"))
        assert len(exported) == totals.accepted
        spans = {document.id: typed_spans(kept.agreed) for document, kept in accepted(store.reader)}
        assert accepted_spans(store.reader) == spans


async def whole_run(
    store: RunStore, scripts: Sequence[Adversaries], job_: Job, profile: Profile
) -> dict[str, list[Round]]:
    """Take documents through the graph to their ends, so many teams one after the other."""
    said: dict[str, list[Round]] = {}
    for number, script in enumerate(scripts):
        store.add_documents([Document(id=f"{number}-{n}", text=f"{TEXT} {number} {n}") for n in range(3)])

        def told(document_id: str, made: Round) -> None:
            said.setdefault(document_id, []).append(made)
            store.add_round(document_id, made)

        graph = DocumentGraph(job_, script.cast(profile, len(job_.annotators), 16_000).team, told)
        await Work(store, graph, Progress(documents=3), Limits()).run(lambda: 2)
    return said
