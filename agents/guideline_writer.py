"""The guideline-writer: turns a schema into annotation guidelines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field

from agents.class_names import class_meant
from agents.grammar import guidelines_grammar
from agents.llm.client import Answer, Purpose
from agents.prompting import describe_findings, describe_schema, messages
from agents.schema_designer import phrases
from agents.speaker import Speaker
from schemas.job import Profile
from schemas.judgement import Finding
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, Guideline


class CompactGuideline(Answer):
    """Guideline of one class; the form for small models, which add to the definition the class has."""

    name: str = Field(description="The class.")
    include: Annotated[list[str], BeforeValidator(phrases)] = Field(
        default=[], description="What to annotate."
    )

    def revise(self, old: Guideline, siblings: Sequence[str]) -> Guideline:
        """The guideline with what was written taken over."""
        return old.model_copy(update={"include": Guideline(include=tuple(self.include)).include})


class Difference(Answer):
    """How to tell a class from a sibling."""

    sibling: str = Field(description="The other class.")
    difference: str = Field(description="What decides between the two.")


class FullGuideline(CompactGuideline):
    """Guideline of one class."""

    definition: str = Field(default="", description="What a mention of it is.")
    exclude: Annotated[list[str], BeforeValidator(phrases)] = Field(
        default=[], description="What not to annotate."
    )
    boundary: str = Field(default="", description="Where a mention starts and ends.")
    contrast: Annotated[list[Difference], BeforeValidator(phrases)] = Field(
        default=[], description="Classes it could be confused with."
    )

    def revise(self, old: Guideline, siblings: Sequence[str]) -> Guideline:
        """The guideline as written; contrasts with classes that do not exist are left out."""
        contrast = tuple(
            Contrast(sibling=sibling, difference=item.difference)
            for item in self.contrast
            if (sibling := class_meant(item.sibling, siblings)) is not None
        )
        return Guideline(
            definition=self.definition if self.definition.strip() else old.definition,
            include=tuple(self.include),
            exclude=tuple(self.exclude),
            boundary=self.boundary,
            contrast=contrast,
            negatives=old.negatives,
        )


class CompactGuidelines(Answer):
    """Guidelines of all classes; the form for small models."""

    guidelines: list[CompactGuideline] = Field(min_length=1, description="One per class.")


class FullGuidelines(CompactGuidelines):
    """Guidelines of all classes."""

    guidelines: list[FullGuideline] = Field(min_length=1, description="One per class.")  # type: ignore[assignment]


async def write(
    speaker: Speaker,
    text: str,
    purpose: Purpose,
    schema: AnnotationSchema,
    findings: Sequence[Finding] = (),
) -> AnnotationSchema:
    """Write or revise the guidelines of a schema.

    A class the answer passes over keeps the guideline it has.

    Args:
        speaker: Line to the writer's model.
        text: The document, or what represents a long one.
        purpose: For trace and ledger.
        schema: Classes with their guidelines so far.
        findings: Objections routed to the writer.

    Raises:
        CallFailedError: No usable answer.
    """
    question = messages(
        speaker.profile,
        text,
        "writer",
        schema=describe_schema(schema),
        first=schema.names[0],
        findings=describe_findings(findings),
    )
    full = speaker.profile is Profile.FULL
    answer = FullGuidelines if full else CompactGuidelines
    grammar = None if full else guidelines_grammar(schema.names, speaker.sampling.max_tokens)
    reply = await speaker.ask(question, answer, purpose, grammar=grammar)
    return revised(schema, reply.answer)


def revised(schema: AnnotationSchema, answer: CompactGuidelines) -> AnnotationSchema:
    """The schema with the guidelines that were written; a class that was passed over keeps what it has."""
    written: dict[str, CompactGuideline] = {}
    for item in answer.guidelines:
        written.setdefault(class_meant(item.name, schema.names) or item.name, item)
    return schema.model_copy(
        update={"classes": tuple(_revised(spec, written.get(spec.name), schema) for spec in schema.classes)}
    )


def _revised(spec: ClassSpec, item: CompactGuideline | None, schema: AnnotationSchema) -> ClassSpec:
    if item is None:
        return spec
    siblings = [name for name in schema.names if name != spec.name]
    return spec.model_copy(update={"guideline": item.revise(spec.guideline, siblings)})
