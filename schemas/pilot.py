"""The pilot of a corpus: how it is run, and what it leaves: a registry of classes, versions of the schema."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Model, Prose
from schemas.schema import AnnotationSchema


class PilotConfig(Model):
    """The pilot: a few documents on which one schema is made and refined before all are annotated with it."""

    documents: int = Field(
        default=12, ge=2, le=200, description="Documents of the pilot, chosen to differ from each other."
    )
    rounds: int = Field(
        default=3,
        ge=0,
        le=20,
        description="Most revisions of the guidelines; 0 leaves them as first written.",
    )
    change_budget: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="Most rules that one revision changes, as a fraction of all; one is always allowed.",
    )
    agreement: float | None = Field(
        default=None,
        ge=0,
        le=1,
        examples=[0.9],
        description="Mean agreement of the annotators at which the guidelines are good enough, and agreement "
        "on a class from which its rules are left alone; default: the threshold of acceptance.",
    )
    refine: bool | None = Field(
        default=None,
        description="Mode given: whether guidelines of the given classes are refined on a pilot; default: "
        "only where none of the classes has any.",
    )


class RegisteredClass(Model):
    """A class that was proposed for documents of the pilot."""

    name: str = Field(description="As proposed.")
    definition: Prose = Field(default="", description="The first definition it was proposed with.")
    documents: tuple[str, ...] = Field(description="Ids of the documents it was proposed for.")
    kept_as: str | None = Field(
        default=None, description="The class of the schema that stands for it; None if none does."
    )


class Ruling(StrEnum):
    """What became of a proposal to merge two classes."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class MergeProposal(Model):
    """Two classes that may be one."""

    kept: str = Field(description="The class proposed for more documents.")
    merged: str = Field(description="The other one.")
    similarity: float = Field(ge=0, le=1, description="Of the names or the definitions, whichever is more.")
    reason: str = Field(description="What makes them look alike.")
    ruling: Ruling = Field(description="What became of it.")
    ruled_by: str = Field(description="'rule' or 'schema-designer'.")


class SchemaVersion(Model):
    """The schema at one point of the pilot, with how the annotators agreed under it."""

    version: int = Field(ge=1, description="Count, from 1.")
    annotation_schema: AnnotationSchema = Field(description="Classes and guidelines, without examples.")
    note: str = Field(description="How it came about, and what became of it.")
    agreement: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Mean over the pilot's documents of strict typed span-F1; None with one annotator.",
    )
    by_class: dict[str, float] = Field(
        default_factory=dict, description="The same on the mentions of one class, of all documents together."
    )
    frozen: bool = Field(default=False, description="Whether all documents are annotated with it.")


class Pilot(Model):
    """What a pilot came to."""

    documents: tuple[str, ...] = Field(description="Ids of its documents.")
    ending: str = Field(description="Why it ended.")
    versions: tuple[SchemaVersion, ...] = Field(min_length=1, description="In order; one is frozen.")
    registry: tuple[RegisteredClass, ...] = Field(default=(), description="Classes that were proposed.")
    merges: tuple[MergeProposal, ...] = Field(default=(), description="Classes that looked alike.")

    @property
    def frozen(self) -> SchemaVersion:
        """The version all documents are annotated with."""
        return next(version for version in self.versions if version.frozen)
