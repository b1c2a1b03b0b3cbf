"""The schema-designer: reads a document and proposes classes and fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from agents.grammar import design_grammar
from agents.llm.client import Answer, Purpose
from agents.prompting import describe_findings, describe_schema, example_for, inventory, messages
from agents.speaker import Speaker
from schemas.base import one_line
from schemas.job import Profile
from schemas.judgement import Finding
from schemas.lint import class_name_from, is_catch_all
from schemas.schema import (
    SPAN,
    AnnotationSchema,
    ClassSpec,
    FieldSpec,
    FieldType,
    Guideline,
    Kind,
    require_identifier,
)


def phrases(value: object) -> object:
    """Coerce what models give for a list: null for none, and one phrase alone."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _field_name(value: object) -> object:
    if not isinstance(value, str):
        return value
    return "_".join("".join(c if c.isascii() and c.isalnum() else " " for c in value).split()).lower()


class ProposedField(Answer):
    """A further field of a class, beside its span."""

    name: Annotated[str, BeforeValidator(_field_name)] = Field(description="A snake_case identifier.")
    type: Literal["str", "int", "float", "bool"] = Field(default="str", description="Type of one value.")
    many: bool = Field(default=False, description="True if a mention can have several values.")
    description: str = Field(default="", description="What the value says about the mention.")

    def spec(self) -> FieldSpec | None:
        """The field, or None if its name cannot stand in code."""
        try:
            require_identifier(self.name)
        except ValueError:
            return None
        kind = FieldType(kind=Kind(self.type), many=self.many, optional=not self.many)
        return FieldSpec(name=self.name, type=kind, description=self.description)


class ProposedClass(Answer):
    """A class for the schema."""

    name: str = Field(description="Singular, CapWords.")
    definition: str = Field(default="", description="What a mention of the class is, in one sentence.")


class ClassWithFields(ProposedClass):
    """A class with fields beside its span."""

    fields: Annotated[list[ProposedField], BeforeValidator(phrases)] = Field(
        default=[], description="Fields beside the span; often none."
    )


class CompactDesign(Answer):
    """The schema of a document; the form for small models."""

    domain: str = Field(description="Subject matter in a few words.")
    classes: list[ProposedClass] = Field(min_length=1, description="The classes.")

    @model_validator(mode="after")
    def _some_class_is_usable(self, info: ValidationInfo) -> Self:
        if not self.usable():
            names = ", ".join(repr(proposed.name) for proposed in self.classes)
            raise ValueError(f"{names}: name specific classes of things, each a CapWords identifier")
        return self

    def usable(self) -> dict[str, ProposedClass]:
        """Proposed classes by their name as an identifier; catch-alls and repetitions are left out."""
        found: dict[str, ProposedClass] = {}
        for proposed in self.classes:
            name = class_name_from(proposed.name)
            if name is not None and not is_catch_all(name):
                found.setdefault(name, proposed)
        return found


class Design(CompactDesign):
    """Reading of the document and the schema drawn from it."""

    facts: Annotated[list[str], BeforeValidator(phrases)] = Field(
        default=[], description="Key facts, one short phrase each."
    )
    classes: list[ClassWithFields] = Field(min_length=1, description="The classes.")  # type: ignore[assignment]


async def design(
    speaker: Speaker,
    text: str,
    purpose: Purpose,
    *,
    brief: str = "",
    max_classes: int = 6,
    schema: AnnotationSchema | None = None,
    findings: Sequence[Finding] = (),
) -> tuple[AnnotationSchema, tuple[str, ...]]:
    """Design the schema of a document.

    Args:
        speaker: Line to the designer's model.
        text: The document, or what represents a long one.
        purpose: For trace and ledger.
        brief: What the user wants the data for.
        max_classes: Most classes; further ones are cut.
        schema: The design to mend, with its findings.
        findings: Objections routed to the designer.

    Returns:
        The schema, and the class names that were copied from the prompt's worked example.

    Raises:
        CallFailedError: No usable answer.
    """
    full = speaker.profile is Profile.FULL
    example = example_for(text)
    least = min(3, max_classes)
    question = messages(
        speaker.profile,
        text,
        "designer",
        brief=one_line(brief),
        max_classes=max_classes,
        inventory=", ".join(inventory()),
        example=json.dumps(example),
        schema=describe_schema(schema) if schema else "",
        findings=describe_findings(findings),
    )
    grammar = None if full else design_grammar(tuple(inventory()), least, max_classes)
    reply = await speaker.ask(question, Design if full else CompactDesign, purpose, grammar=grammar)
    usable = reply.answer.usable()
    specs = tuple(_class_spec(name, proposed) for name, proposed in usable.items())[:max_classes]
    shown: list[dict[str, Any]] = example["classes"] if full else []
    copied = {spec["name"] for spec in shown}
    return (
        AnnotationSchema(domain=reply.answer.domain, classes=specs),
        tuple(spec.name for spec in specs if spec.name in copied),
    )


def _class_spec(name: str, proposed: ProposedClass) -> ClassSpec:
    fields = proposed.fields if isinstance(proposed, ClassWithFields) else ()
    definition = proposed.definition
    if not definition.strip() and name in inventory():
        definition = inventory()[name].definition
    return ClassSpec(name=name, guideline=Guideline(definition=definition), fields=with_span(fields))


def with_span(proposed: Iterable[ProposedField]) -> tuple[FieldSpec, ...]:
    """The fields of a class: its span, then those proposed; unusable and repeated names are left out."""
    fields = {SPAN: FieldSpec(name=SPAN)}
    for field in proposed:
        spec = field.spec()
        if spec is not None:
            fields.setdefault(spec.name, spec)
    return tuple(fields.values())
