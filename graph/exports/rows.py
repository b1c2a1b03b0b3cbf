"""Shapes of rows, as they are written; the published JSON Schemas are made from them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, with_config
from typing_extensions import TypedDict

from schemas.judgement import Scores
from schemas.schema import ClassSpec

_CLOSED = ConfigDict(extra="forbid")

Start = Annotated[int, Field(ge=0, description="First code point of the text.")]
End = Annotated[int, Field(ge=1, description="One past the last code point.")]
Unknown = Annotated[
    list[str], Field(description="Classes whose absence proves nothing here; empty: labels are exhaustive.")
]
Id = Annotated[str, Field(description="Of the document.")]
Text = Annotated[str, Field(description="The document, unchanged.")]


@with_config(_CLOSED)
class TrainingRow(TypedDict):
    """A row of `guidex` and `gollie`, with the keys of the GuideX data set."""

    ids: Annotated[list[str], Field(min_length=1, max_length=1, description="The document's id.")]
    task_id: Annotated[str, Field(description="Data set and task, joined as GoLLIE does.")]
    scorer_cls: Annotated[str, Field(description="Where GoLLIE would look for a scorer.")]
    labels: Annotated[str, Field(description="The result list as code.")]
    text: Annotated[str, Field(description="Prompt and result; it splits at its only `result =`.")]
    unlabelled_sentence: Text


@with_config(_CLOSED)
class MentionRecord(TypedDict):
    """A verbatim value, and where it stands."""

    field: Annotated[str, Field(description="The instance's field that holds it.")]
    start: Start
    end: End
    surface: Annotated[str, Field(description="What stands there.")]
    quote: Annotated[str, Field(description="As the model gave it.")]
    status: Annotated[str, Field(description="How it was found: exact, normalised or propagated.")]


InstanceRecord = TypedDict(
    "InstanceRecord",
    {
        "class": Annotated[str, Field(description="A class of the schema.")],
        "values": Annotated[
            dict[str, JsonValue], Field(description="By field; nested instances are objects like this.")
        ],
        "mentions": Annotated[list[MentionRecord], Field(description="The first stands for it.")],
    },
)
"""An instance with its values and mentions."""
with_config(_CLOSED)(InstanceRecord)


@with_config(_CLOSED)
class JsonlRow(TypedDict):
    """A row of `jsonl`."""

    id: Id
    text: Text
    source: Annotated[str, Field(description="Where it was read: file, and line or row.")]
    meta: Annotated[dict[str, JsonValue], Field(description="The record's other fields.")]
    domain: Annotated[str, Field(description="Subject matter, in a few words.")]
    schema: Annotated[list[ClassSpec], Field(description="Classes with guidelines and fields.")]
    instances: list[InstanceRecord]
    unknown_classes: Unknown
    scores: Annotated[Scores, Field(description="Fractions, 0 to 1; null: not judged.")]
    decision_version: Annotated[int | None, Field(description="Of the decisions that accepted it.")]


@with_config(_CLOSED)
class ChatMessage(TypedDict):
    """A turn."""

    role: Literal["system", "user", "assistant"]
    content: str


@with_config(_CLOSED)
class ChatRow(TypedDict):
    """A row of `chat`."""

    id: Id
    messages: Annotated[list[ChatMessage], Field(min_length=3, max_length=3)]


GlinerMention = tuple[int, int, str]
"""First and last token, both included, and the class."""


@with_config(_CLOSED)
class GlinerRow(TypedDict):
    """A row of `gliner`."""

    id: Id
    tokenized_text: Annotated[list[str], Field(description="Words and other characters that are no space.")]
    token_offsets: Annotated[list[tuple[int, int]], Field(description="Of each token, in code points.")]
    ner: Annotated[list[GlinerMention], Field(description="First and last token, and the class.")]
    ner_labels: Annotated[list[str], Field(description="All classes that are annotated here.")]
    ner_negatives: Annotated[list[str], Field(description="Those of them without a mention.")]


@with_config(_CLOSED)
class ProdigyToken(TypedDict):
    """A token."""

    text: str
    start: Start
    end: End
    id: Annotated[int, Field(ge=0, description="Its number, from 0.")]
    ws: Annotated[bool, Field(description="Whether white space follows.")]


@with_config(_CLOSED)
class ProdigySpan(TypedDict):
    """A mention."""

    start: Start
    end: End
    token_start: Annotated[int, Field(ge=0, description="Number of its first token.")]
    token_end: Annotated[int, Field(ge=0, description="Number of its last token.")]
    label: str


@with_config(_CLOSED)
class ProdigyRow(TypedDict):
    """A row of `prodigy`."""

    text: Text
    tokens: list[ProdigyToken]
    spans: list[ProdigySpan]
    meta: Annotated[dict[str, JsonValue], Field(description="Id, source and unknown classes.")]
    answer: Literal["accept"]


@with_config(_CLOSED)
class LabelStudioValue(TypedDict):
    """Where a region is, and its class."""

    start: Start
    end: End
    text: Annotated[str, Field(description="What stands there.")]
    labels: Annotated[list[str], Field(min_length=1, max_length=1)]


@with_config(_CLOSED)
class LabelStudioRegion(TypedDict):
    """A mention."""

    id: str
    from_name: Literal["label"]
    to_name: Literal["text"]
    type: Literal["labels"]
    value: LabelStudioValue


@with_config(_CLOSED)
class LabelStudioPrediction(TypedDict):
    """All mentions of a document."""

    model_version: Annotated[str, Field(description="The run and the version of its decisions.")]
    score: Annotated[float | None, Field(description="Agreement of the annotators.")]
    result: list[LabelStudioRegion]


@with_config(_CLOSED)
class LabelStudioData(TypedDict):
    """What the interface shows, and what leads back to the run."""

    text: Text
    document_id: Id
    source: str
    unknown_classes: Annotated[str, Field(description="Classes whose absence proves nothing.")]
    run: str


@with_config(_CLOSED)
class LabelStudioTask(TypedDict):
    """An item of `tasks.json` of `labelstudio`."""

    data: LabelStudioData
    predictions: Annotated[list[LabelStudioPrediction], Field(min_length=1, max_length=1)]


@with_config(_CLOSED)
class ArgillaSpan(TypedDict):
    """A mention."""

    start: Start
    end: End
    label: str


@with_config(_CLOSED)
class ArgillaSuggestion(TypedDict):
    """All mentions of a document."""

    value: list[ArgillaSpan]
    score: Annotated[float | None, Field(description="Agreement of the annotators.")]
    agent: Annotated[str, Field(description="The run and the version of its decisions.")]


@with_config(_CLOSED)
class ArgillaRecord(TypedDict):
    """An item of `records.json` of `argilla`."""

    id: Id
    fields: Annotated[dict[Literal["text"], str], Field(description="The document, unchanged.")]
    metadata: Annotated[dict[str, str], Field(description="Source and unknown classes.")]
    suggestions: dict[Literal["mentions"], ArgillaSuggestion]
    responses: dict[str, JsonValue]
    vectors: dict[str, JsonValue]
