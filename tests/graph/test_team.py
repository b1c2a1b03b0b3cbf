"""The team: who speaks to which model, with which settings."""

from __future__ import annotations

import pytest
from servers.in_memory import InMemoryClient

from agents.llm.client import Client
from graph.team import FULL_PASSAGE_BYTES, Team, assemble
from schemas.asking import AnswerForm
from schemas.errors import UsageError
from schemas.inputs import DocumentsConfig
from schemas.job import AgentModels, AnnotatorConfig, Job, ModelConfig, Profile
from schemas.methods import Method

HOSTED = ModelConfig(name="openai/large", base_url="http://127.0.0.1:1/v1")
LOCAL = ModelConfig(name="local/smollm2-135m")


class Clients:
    def __init__(self) -> None:
        self.made: dict[ModelConfig, InMemoryClient] = {}

    def __call__(self, config: ModelConfig) -> Client:
        return self.made.setdefault(config, InMemoryClient(lambda request: {}))


def team(model: ModelConfig = HOSTED, clients: Clients | None = None, **settings: object) -> Team:
    documents = settings.pop("documents", DocumentsConfig(paths=("d.jsonl",)))
    job = Job.model_validate({"documents": documents, "model": model, **settings})
    return assemble(job, clients or Clients())


def test_every_agent_speaks_to_its_own_model() -> None:
    clients = Clients()
    critic = ModelConfig(name="anthropic/judge", base_url="http://127.0.0.1:1")
    special = ModelConfig(name="openai/other", base_url="http://127.0.0.1:2/v1")
    made = team(
        clients=clients,
        agents=AgentModels(critic=critic),
        annotators=(AnnotatorConfig(), AnnotatorConfig(model=special, temperature=0.9)),
    )
    assert made.critic.client is clients.made[critic]
    assert made.designer.client is made.writer.client is made.annotators[0].client is clients.made[HOSTED]
    assert made.annotators[1].client is clients.made[special.model_copy(update={"temperature": 0.9})]
    assert made.annotators[1].sampling.temperature == 0.9
    assert made.designer.sampling.temperature == HOSTED.temperature


def test_annotators_draw_with_different_seeds() -> None:
    made = team(seed=7, annotators=(AnnotatorConfig(),) * 3)
    assert [speaker.sampling.seed for speaker in made.annotators] == [7, 8, 9]
    assert made.designer.sampling.seed == made.critic.sampling.seed == 7


def test_small_models_are_kept_from_repeating_themselves_but_not_the_critic() -> None:
    made = team(LOCAL)
    assert made.designer.profile is made.critic.profile is Profile.COMPACT
    for speaker in (made.designer, made.writer, *made.annotators):
        assert speaker.sampling.frequency_penalty is not None and speaker.sampling.frequency_penalty > 0
    assert made.critic.sampling.frequency_penalty is None


def test_an_annotator_that_names_its_classes_again_and_again_is_not_kept_from_it() -> None:
    made = team(LOCAL, annotators=(AnnotatorConfig(), AnnotatorConfig(form=AnswerForm.IN_ORDER)))
    assert [speaker.sampling.frequency_penalty for speaker in made.annotators] == [0.5, None]


def test_a_penalty_that_was_asked_for_holds_for_all_and_large_models_get_none() -> None:
    asked = team(LOCAL.model_copy(update={"frequency_penalty": 0.1}))
    for speaker in (asked.designer, asked.critic, *asked.annotators):
        assert speaker.sampling.frequency_penalty == 0.1
    assert team(HOSTED).designer.sampling.frequency_penalty is None
    assert team(HOSTED).designer.profile is Profile.FULL


def test_passages_fit_the_smallest_model_of_the_team() -> None:
    assert team(HOSTED).passage_bytes == FULL_PASSAGE_BYTES
    small = team(HOSTED, agents=AgentModels(critic=LOCAL)).passage_bytes
    assert small == team(LOCAL).passage_bytes < FULL_PASSAGE_BYTES
    tiny = team(LOCAL.model_copy(update={"context": 512})).passage_bytes
    assert 200 <= tiny < small
    wide = team(LOCAL.model_copy(update={"context": 1_000_000})).passage_bytes
    assert wide == FULL_PASSAGE_BYTES


def test_a_linear_conversation_leaves_room_for_its_answers() -> None:
    agents, linear = team(LOCAL).passage_bytes, team(LOCAL, method=Method.LINEAR).passage_bytes
    assert 0.5 * agents < linear < agents
    assert team(HOSTED, method=Method.LINEAR).passage_bytes == FULL_PASSAGE_BYTES


def test_passages_are_as_long_as_the_job_says() -> None:
    documents = DocumentsConfig(paths=("d.jsonl",), passage_bytes=345)
    assert team(LOCAL, documents=documents).passage_bytes == 345


def test_a_model_without_a_provider_is_refused() -> None:
    with pytest.raises(UsageError, match="names no known provider"):
        team(ModelConfig(name="gpt-like"))
