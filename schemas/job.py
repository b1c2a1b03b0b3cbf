"""The job file: everything a run needs to know, as one validated model.

A job is written in TOML. `parse_job` turns its text into a `Job` or says, in one sentence a fault, what
is wrong with it; an unknown key is answered with the nearest known one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from schemas.asking import AnswerForm, ClassOrder
from schemas.base import Model
from schemas.errors import UsageError
from schemas.evaluation import EvaluationConfig
from schemas.inputs import DocumentsConfig
from schemas.job_faults import in_words
from schemas.judgement import Agent, Thresholds
from schemas.limits import Limits, PriceConfig
from schemas.machine import RunConfig
from schemas.methods import Method, SelfConsistencyConfig
from schemas.pilot import PilotConfig
from schemas.recipe import ExamplesConfig, TrainingConfig
from schemas.schema import AnnotationSchema, Guideline

DEFAULT_MODEL = "local/smollm2-135m"


class Mode(StrEnum):
    """Where the schema comes from."""

    PER_DOCUMENT = "per-document"
    CORPUS = "corpus"
    GIVEN = "given"


class Profile(StrEnum):
    """Length and form of the prompts."""

    FULL = "full"
    COMPACT = "compact"


class ModelConfig(Model):
    """A model and how it is asked."""

    name: str = Field(
        default=DEFAULT_MODEL,
        description="`anthropic/NAME`, `openai/NAME`, or `local/NAME`: an embedded model, a .gguf file or a "
        "hub reference `local/OWNER/REPO/FILE.gguf`.",
    )
    base_url: str | None = Field(
        default=None,
        description="Server that speaks the provider's wire format (vLLM, Ollama, llama.cpp).",
    )
    api_key_env: str | None = Field(
        default=None, description="Environment variable that holds the key; default: the provider's own."
    )
    profile: Profile | None = Field(default=None, description="Prompt form; default: what suits the model.")
    structured: Literal["json_schema", "tools", "json"] | None = Field(
        default=None, description="How the answer's structure is asked for; default: what suits the provider."
    )
    grounded: bool | None = Field(
        default=None,
        description="Decode annotations under a grammar that admits only quotes from the document; default: "
        "on for local models. Set it for a server that takes LLGuidance grammars.",
    )
    logprobs: bool | None = Field(
        default=None,
        description="Ask for the log-probabilities of tokens, from which the critic's verdicts get their "
        "probabilities; default: on for local models. Set it for a server that gives them (vLLM, llama.cpp, "
        "OpenAI's own).",
    )
    context: int = Field(
        default=4096, ge=512, description="Context of one call, in tokens; local models only."
    )
    temperature: float = Field(default=0.2, ge=0, le=2, description="Sampling temperature.")
    top_p: float | None = Field(
        default=None, gt=0, le=1, description="Nucleus sampling; default: the server's."
    )
    frequency_penalty: float | None = Field(
        default=None,
        ge=-2,
        le=2,
        description="Against repetition; default: the server's, 0.5 for local models.",
    )
    max_tokens: int | None = Field(
        default=None,
        ge=16,
        description="Most tokens of one answer; default: 4096, compact 600.",
    )


class AgentModels(Model):
    """The model of each agent; what is not given here comes from `model`."""

    schema_designer: ModelConfig | None = Field(default=None, description="Model of the schema-designer.")
    guideline_writer: ModelConfig | None = Field(default=None, description="Model of the guideline-writer.")
    annotator: ModelConfig | None = Field(default=None, description="Model of the annotators.")
    critic: ModelConfig | None = Field(default=None, description="Model of the critic.")


class AnnotatorConfig(Model):
    """One annotator. Annotators differ in what they see, so that their agreement is evidence."""

    model: ModelConfig | None = Field(default=None, description="Its own model; default: the annotator's.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="Its own temperature.")
    class_order: ClassOrder = Field(
        default=ClassOrder.SCHEMA, description="Order of the classes it is shown."
    )
    form: AnswerForm = Field(
        default=AnswerForm.BY_CLASS,
        description="Form of its answer: a list for each class, or all mentions in document order, each with "
        "its class.",
    )


class Job(Model):
    """A job: documents in, judged data out."""

    documents: DocumentsConfig = Field(description="Where documents come from, and which are taken.")
    brief: str = Field(default="", description="What the data is for; read by the schema-designer.")
    mode: Mode = Field(
        default=Mode.PER_DOCUMENT,
        description="Where the schema comes from: every document gets its own, one is made for all on a "
        "pilot, or yours is given.",
    )
    schema_file: str | None = Field(
        default=None,
        examples=["schema.py"],
        description="Your schema, for mode given and implying it: Python classes (.py), which are read and "
        "not executed, or JSON (.json); relative to the job file. A run keeps what stands in it.",
    )
    method: Method = Field(
        default=Method.AGENTS,
        description="How documents are annotated: by the agents, or by a control they are measured against, "
        "which works with the first annotator: linear, the four prompts of GuideX's paper in one "
        "conversation, or self-consistency, a majority of samples.",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of sampling and of the class order.")
    rounds: int = Field(default=3, ge=1, le=20, description="Most rounds of a document.")
    propagate: bool = Field(
        default=True,
        description="Give a class that an annotator gave to some words to the same words wherever else they "
        "stand in the document, unless it gave them another class somewhere. Only classes without further "
        "fields, and only with the method agents.",
    )
    max_classes: int = Field(default=6, ge=1, le=50, description="Most classes of a document's schema.")
    classes_at_once: int | None = Field(
        default=None,
        ge=1,
        examples=[6],
        description="Most classes an annotator is asked about in one call, siblings together; default: all. "
        "Small models find more with at most six, for more calls.",
    )
    model: ModelConfig = Field(default_factory=ModelConfig, description="The model of all agents.")
    agents: AgentModels = Field(default_factory=AgentModels, description="Models of single agents.")
    annotators: tuple[AnnotatorConfig, ...] = Field(
        default=(
            AnnotatorConfig(),
            AnnotatorConfig(class_order=ClassOrder.REVERSED, temperature=0.3),
        ),
        min_length=1,
        max_length=9,
        description="The annotators, two by default.",
    )
    self_consistency: SelfConsistencyConfig = Field(
        default_factory=SelfConsistencyConfig, description="Settings of the method self-consistency."
    )
    thresholds: Thresholds = Field(
        default_factory=Thresholds,
        description="What acceptance takes. Of other methods than agents, only min_instances is asked.",
    )
    pilot: PilotConfig = Field(
        default_factory=PilotConfig, description="The pilot, on which one schema for all documents is made."
    )
    run: RunConfig = Field(default_factory=RunConfig, description="Use of the machine.")
    limits: Limits = Field(default_factory=Limits, description="Where the run stops, to be taken up again.")
    examples: ExamplesConfig = Field(
        default_factory=ExamplesConfig,
        description="How accepted annotations become training examples (`guidex train`, `--through`).",
    )
    training: TrainingConfig = Field(
        default_factory=TrainingConfig, description="How a model is trained on them."
    )
    evaluation: EvaluationConfig = Field(
        default_factory=EvaluationConfig, description="What the trained model is measured on."
    )
    prices: dict[str, PriceConfig] = Field(
        default_factory=dict,
        description="Prices by a model's name, in USD per million tokens, for models without a public price "
        "and for prices of your own.",
    )
    given_schema: AnnotationSchema | None = Field(
        default=None, description="The schema of mode given, as it stood in its file when the run began."
    )

    @model_validator(mode="after")
    def _schema_goes_with_the_mode(self) -> Self:
        if self.mode is Mode.GIVEN and self.given_schema is None:
            raise ValueError("mode `given` needs a schema: name its file as schema_file, or with --schema")
        if self.schema_file is not None and self.given_schema is None:
            raise ValueError("schema_file is read from a job file only: give its content as given_schema")
        if self.mode is not Mode.GIVEN and self.given_schema is not None:
            raise ValueError(f"a schema is given, which mode `{self.mode}` does not use: set mode to `given`")
        if self.mode is Mode.CORPUS and self.method is not Method.AGENTS:
            raise ValueError(
                f"mode `corpus` works by the method agents: for `{self.method}` give the schema that a run "
                "of that mode has made"
            )
        return self

    @property
    def agents_needed(self) -> tuple[Agent, ...]:
        """The agents that work in this mode and by this method, in the order of work."""
        if self.method is Method.LINEAR:
            return (Agent.ANNOTATOR,)  # one conversation with one model
        given = self.mode is Mode.GIVEN
        left_out = {Agent.DESIGNER} if given else set()
        left_out |= {Agent.WRITER} if given and not self.has_pilot else set()
        agents = (agent for agent in Agent if agent not in left_out)
        judged = self.method is Method.AGENTS
        return tuple(agent for agent in agents if judged or agent is not Agent.CRITIC)

    @property
    def annotators_at_work(self) -> tuple[AnnotatorConfig, ...]:
        """The annotators of this method: all of them, or the first, or the first once for every sample."""
        if self.method is Method.AGENTS:
            return self.annotators
        first = self.annotators[0]
        if self.method is Method.LINEAR:
            return (first,)
        sampled = first.model_copy(update={"temperature": self.self_consistency.temperature})
        return (sampled,) * self.self_consistency.samples

    @property
    def has_pilot(self) -> bool:
        """Whether a schema for all documents is made, or the guidelines of the given one are refined."""
        if self.method is not Method.AGENTS:
            return False
        if self.given_schema is None:
            return self.mode is Mode.CORPUS
        if self.pilot.refine is not None:
            return self.pilot.refine
        return all(spec.guideline == Guideline() for spec in self.given_schema.classes)

    @property
    def models(self) -> tuple[ModelConfig, ...]:
        """The models of all agents needed, each configuration once, in the order of the agents."""
        others = [self.model_for(agent) for agent in self.agents_needed if agent is not Agent.ANNOTATOR]
        count = len(self.annotators_at_work)
        annotators = [self.model_for(Agent.ANNOTATOR, number) for number in range(count)]
        return tuple(dict.fromkeys((*others, *annotators)))

    def model_for(self, agent: Agent, annotator: int = 0) -> ModelConfig:
        """The model an agent speaks to.

        Args:
            agent: The role.
            annotator: Which annotator, from 0; ignored for other roles.
        """
        own: ModelConfig | None = getattr(self.agents, agent.value.replace("-", "_"))
        config = own or self.model
        if agent is Agent.ANNOTATOR:
            special = self.annotators_at_work[annotator]
            config = special.model or config
            if special.temperature is not None:
                config = config.model_copy(update={"temperature": special.temperature})
        return config


class InvalidJobError(UsageError):
    """What was written is no job.

    Attributes:
        faults: Each in a few words, with its place.
    """

    def __init__(self, source: str, faults: tuple[str, ...]) -> None:
        super().__init__(
            f"{source}: {'; '.join(faults)}.", "`guidex init` writes a job file that documents every key."
        )
        self.faults = faults


def parse_job(toml: str, source: str = "job file") -> Job:
    """Read a job from TOML text.

    Args:
        toml: The text.
        source: Name for messages.

    Raises:
        UsageError: The text is no TOML, or no job; the message names every fault.
    """
    try:
        data = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source} is no TOML: {error}.", "Correct the line it names.") from error
    return job_from(data, source)


def job_from(data: Mapping[str, Any], source: str = "job") -> Job:
    """Validate a mapping as a job; see `parse_job`.

    Raises:
        InvalidJobError: The mapping is no job; the message names every fault.
    """
    try:
        return Job.model_validate(data)
    except ValidationError as error:
        faults = tuple(in_words(Job, fault["loc"], fault["type"], fault["msg"]) for fault in error.errors())
        raise InvalidJobError(source, faults) from error
