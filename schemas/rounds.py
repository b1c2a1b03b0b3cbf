"""A round: everything the agents said about a document between two decisions."""

from __future__ import annotations

from pydantic import Field

from schemas.annotation import Annotation
from schemas.base import Model
from schemas.judgement import Agent, Finding, MentionJudgement, Scores
from schemas.objections import Objection
from schemas.schema import AnnotationSchema


class Round(Model):
    """One pass of the loop over a document; what was not redone is carried over from the round before."""

    number: int = Field(ge=1, description="Count of the round in its document, from 1.")
    entered: Agent = Field(description="The first agent that worked in this round.")
    annotation_schema: AnnotationSchema = Field(description="Classes and guidelines in force.")
    annotations: tuple[Annotation, ...] = Field(description="One per annotator.")
    agreed: Annotation = Field(description="What the annotators agree on; disputed mentions are dropped.")
    findings: tuple[Finding, ...] = Field(default=(), description="Objections of code and critic.")
    objections: tuple[Objection, ...] = Field(
        default=(), description="All that were raised up to this round, and how each stands after it."
    )
    judgements: tuple[MentionJudgement, ...] = Field(
        default=(), description="What the critic says of each mention, in document order."
    )
    scores: Scores = Field(description="Scores of this round.")
    state_hash: str = Field(
        description="Hash of schema, annotations, findings and who is next; shows standstill and circles."
    )
