"""The team of a job: every agent's line to its model, with the settings that go with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agents.llm.client import Client, Sampling
from agents.llm.names import resolve
from agents.speaker import Speaker
from schemas.asking import AnswerForm
from schemas.job import Job, Mode, ModelConfig, Profile
from schemas.judgement import Agent
from schemas.methods import Method

FULL_PASSAGE_BYTES = 16_000
"""Longest text of one call for large models."""

_INSTRUCTION_TOKENS = 900
"""Room for system text, classes, guidelines and findings beside the passage."""

_HISTORY_TOKENS = 200
"""More room for the answers in the last question of a linear conversation, which has no findings."""

_BYTES_PER_TOKEN = 2.5
"""Fewer than in English prose (about 4), so that other texts fit as well."""

_PENALTY = 0.5
"""Frequency penalty for small models, which repeat themselves. Not for the critic, nor for an annotator that
names the class with each mention: they have to repeat verdicts or classes, and a penalty would turn them."""


@dataclass(frozen=True)
class Team:
    """Who works on the documents of a job.

    Attributes:
        annotators: The annotators at work, in the job's order.
        others: The other agents that the job needs.
        passage_bytes: Longest text of one call, in bytes of UTF-8.
    """

    annotators: tuple[Speaker, ...]
    others: Mapping[Agent, Speaker]
    passage_bytes: int

    @property
    def designer(self) -> Speaker:
        """The schema-designer."""
        return self.others[Agent.DESIGNER]

    @property
    def writer(self) -> Speaker:
        """The guideline-writer."""
        return self.others[Agent.WRITER]

    @property
    def critic(self) -> Speaker:
        """The critic."""
        return self.others[Agent.CRITIC]


def assemble(job: Job, client_for: Callable[[ModelConfig], Client]) -> Team:
    """Give every agent that a job needs its model.

    Args:
        job: The job.
        client_for: Makes, or finds again, the client of a model.

    Raises:
        ModelUnavailableError: A model is unknown or cannot be used.
    """

    def speaker(config: ModelConfig, seed: int, *, penalty: float | None) -> Speaker:
        model = resolve(config)
        if config.frequency_penalty is not None or model.profile is not Profile.COMPACT:
            penalty = config.frequency_penalty
        return Speaker(
            client=client_for(config),
            profile=model.profile,
            sampling=Sampling(
                temperature=config.temperature,
                max_tokens=model.max_tokens,
                top_p=config.top_p,
                frequency_penalty=penalty,
                seed=seed,
            ),
            schema_first=job.mode is not Mode.PER_DOCUMENT,
            classes_at_once=job.classes_at_once,
        )

    configs = {agent: job.model_for(agent) for agent in job.agents_needed if agent is not Agent.ANNOTATOR}
    annotators = [job.model_for(Agent.ANNOTATOR, number) for number in range(len(job.annotators_at_work))]
    in_order = [annotator.form is AnswerForm.IN_ORDER for annotator in job.annotators_at_work]
    return Team(
        annotators=tuple(
            speaker(config, job.seed + number, penalty=None if in_order[number] else _PENALTY)
            for number, config in enumerate(annotators)
        ),
        others={
            agent: speaker(config, job.seed, penalty=None if agent is Agent.CRITIC else _PENALTY)
            for agent, config in configs.items()
        },
        passage_bytes=job.documents.passage_bytes
        or min(_passage_bytes(config, job.method) for config in (*configs.values(), *annotators)),
    )


def _passage_bytes(config: ModelConfig, method: Method) -> int:
    model = resolve(config)
    if model.provider != "local":
        return FULL_PASSAGE_BYTES
    room = config.context - model.max_tokens - _INSTRUCTION_TOKENS
    if method is Method.LINEAR:
        room -= _HISTORY_TOKENS
    return max(200, min(FULL_PASSAGE_BYTES, int(room * _BYTES_PER_TOKEN)))
