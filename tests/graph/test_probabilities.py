"""Probabilities of verdicts: kept with the answer, replayed with it, counted in the scores."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from scripted_team import TEXT
from servers.scripted import Call, Say, ScriptedServer, Turn
from store_samples import make_store, query

from agents.critic import Judged
from agents.llm.client import Sampling
from agents.llm.factory import ClientPool
from agents.speaker import Speaker
from graph.deciding import faithfulness
from graph.document_graph import DocumentGraph
from graph.ledger import Ledger
from graph.store.reading import RunReader
from graph.store.store import RunStore
from graph.team import Team
from schemas.documents import Document
from schemas.inputs import DocumentsConfig
from schemas.job import Job, ModelConfig, Profile
from schemas.judgement import Agent, FindingCode, MentionJudgement, Thresholds, Verdict
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec

SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))


def script(call: Call) -> Turn:
    """A model that annotates three mentions, and is unsure of the second."""
    if "Of which class" not in call.prompt:
        return {"Person": ["Bo", "Cy"], "Place": ["Rome"]}
    answer = {"classes": {"1": "Person", "2": "Person", "3": "Place"}, "missing": {}}
    likely = {"Person": {"Person": 0.6, "Other": 0.3, "Place": 0.1}}
    return Say(answer, likely=likely)


async def judged(
    server: ScriptedServer, store: RunStore, reuse: tuple[RunReader, ...] = (), **thresholds: Any
) -> Round:
    """A document's one round, through a real client."""
    pool = ClientPool()
    config = ModelConfig(
        name="openai/small", base_url=server.openai_url, profile=Profile.COMPACT, logprobs=True
    )
    client = Ledger(pool.client_for(config), store, reuse)
    speaker = Speaker(client, Profile.COMPACT, Sampling(temperature=0, max_tokens=500))
    job = Job(
        documents=DocumentsConfig(paths=("d.jsonl",)),
        rounds=1,
        thresholds=Thresholds(**thresholds),
    )
    graph = DocumentGraph(job, Team((speaker, speaker), {Agent.CRITIC: speaker}, 16_000), frozen=SCHEMA)
    try:
        _, kept, _ = await graph.run(Document(id="d0", text=TEXT))
    finally:
        await pool.close()
    return kept


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with make_store(tmp_path) as made:
        made.add_documents([Document(id="d0", text=TEXT)])
        yield made


async def test_a_round_has_the_probability_behind_every_verdict(
    store: RunStore, scripted_server: Any
) -> None:
    made = await judged(scripted_server(script), store)
    bo, cy, rome = (TEXT.index(word) for word in ("Bo", "Cy", "Rome"))
    assert made.judgements == (
        MentionJudgement(class_name="Person", start=bo, end=bo + 2, verdict="correct", probability=0.6),
        MentionJudgement(class_name="Person", start=cy, end=cy + 2, verdict="correct", probability=0.6),
        MentionJudgement(class_name="Place", start=rome, end=rome + 4, verdict="correct", probability=1.0),
    )
    assert made.scores.faithfulness is not None and math.isclose(made.scores.faithfulness, 2.2 / 3)
    store.add_round("d0", made)
    await store.flush()
    assert store.reader.rounds("d0")[0].judgements == made.judgements
    rows = query(store.folder, "SELECT class, start, verdict, probability FROM verdicts ORDER BY number")
    assert rows[0] == ("Person", bo, "correct", 0.6)


async def test_a_replay_gives_the_same_probabilities_in_this_run_and_in_another(
    tmp_path: Path, store: RunStore, scripted_server: Any
) -> None:
    server = scripted_server(script)
    first = await judged(server, store)
    sent = len(server.calls)
    assert await judged(server, store) == first  # from what may not be committed yet
    store.close()
    with RunStore.open(tmp_path / "trial") as again:
        assert await judged(server, again) == first
    other = make_store(tmp_path, "other")
    with other, RunReader(tmp_path / "trial") as trial:
        other.add_documents([Document(id="d0", text=TEXT)])
        assert await judged(server, other, (trial,)) == first
        await other.flush()
        assert await judged(server, other) == first  # from what was taken over
    assert len(server.calls) == sent
    kept = query(tmp_path / "trial", "SELECT choices FROM calls WHERE agent = 'critic' AND choices NOT NULL")
    assert json.loads(str(kept[0][0]))[0]["probabilities"] == {"Person": 0.6, "Other": 0.3, "Place": 0.1}
    assert len(str(kept[0][0])) < 400


async def test_a_threshold_decides_what_passes_and_the_likeliest_objection_is_raised(
    store: RunStore, scripted_server: Any
) -> None:
    made = await judged(scripted_server(script), store, correct=0.7, min_instances=0)
    assert [said.verdict for said in made.judgements] == ["spurious", "spurious", "correct"]
    assert [one.surface for one in made.agreed.instances] == ["Rome"]
    assert {finding.code for finding in made.findings} == {FindingCode.SPURIOUS}


@pytest.mark.parametrize(
    ("judged", "least", "verdict"),
    [
        (Judged(Verdict.CORRECT, 0.6), None, Verdict.CORRECT),
        (Judged(Verdict.CORRECT, 0.6), 0.5, Verdict.CORRECT),
        (Judged(Verdict.CORRECT, 0.6, otherwise=(Verdict.WRONG_CLASS, "Place")), 0.7, Verdict.WRONG_CLASS),
        (Judged(Verdict.CORRECT, 0.6), 0.7, Verdict.SPURIOUS),
        (Judged(Verdict.SPURIOUS, 0.4), 0.3, Verdict.CORRECT),
        (Judged(Verdict.WRONG_BOUNDARY, 0.2), 0.3, Verdict.WRONG_BOUNDARY),
        (Judged(Verdict.SPURIOUS), 0.0, Verdict.SPURIOUS),
    ],
)
def test_what_a_least_probability_makes_of_a_verdict(
    judged: Judged, least: float | None, verdict: Verdict
) -> None:
    assert judged.required(least).verdict is verdict


def test_faithfulness_is_the_expected_share_of_correct_mentions() -> None:
    def said(verdict: Verdict, probability: float | None = None) -> MentionJudgement:
        return MentionJudgement(class_name="A", start=0, end=1, verdict=verdict, probability=probability)

    assert faithfulness([]) is None
    assert faithfulness([said(Verdict.CORRECT), said(Verdict.SPURIOUS)]) == 0.5
    assert faithfulness([said(Verdict.CORRECT, 0.75), said(Verdict.SPURIOUS, 0.25)]) == 0.5
    assert faithfulness([said(Verdict.CORRECT, 0.5), said(Verdict.CORRECT)]) == 0.75
