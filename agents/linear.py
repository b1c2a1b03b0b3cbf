"""The linear method: four steps in one conversation, each asked with all that was said before.

The control that the agents are measured against, after GuideX's paper (arXiv 2506.00649): a summary in
points; facts as compact structured data, with general keys and values that match the text; annotation
guidelines; instances. One model, one pass, nobody who objects. Answers are only asked for again where they do
not have the form that was asked for.

Two things differ from the paper, so that methods and not formats are compared: answers are JSON where the
paper has Python code, and the instances are given in the annotators' form and found in the text by code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from agents.annotation_answer import answer_model
from agents.annotator import ROLES, example_form
from agents.grammar import annotation_grammar, facts_grammar, guidelines_grammar, points_grammar
from agents.guideline_writer import CompactGuidelines, FullGuideline, FullGuidelines, revised
from agents.llm.client import Answer, AnswerT, Message, Purpose
from agents.llm.grounding import MAX_GROUNDED_CHARACTERS
from agents.prompting import delimited, describe_schema, inventory, rendered, worked_example
from agents.schema_designer import ProposedField, phrases, with_span
from agents.speaker import Speaker
from schemas.annotation import Instance
from schemas.asking import AnswerForm
from schemas.base import one_line
from schemas.job import Profile
from schemas.lint import class_name_from
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

_MOST_KEYS = 8
"""Most keys of compact facts where classes are given: a grammar has a rule for each way through them."""


class Summary(Answer):
    """What the document says."""

    points: Annotated[list[str], BeforeValidator(phrases)] = Field(
        min_length=1, description="One fact each, in a short sentence."
    )


class Fact(Answer):
    """What the document says of one kind."""

    key: str = Field(description="A general kind of thing.")
    values: Annotated[list[str], BeforeValidator(phrases)] = Field(
        default=[], description="Copied from the document."
    )


class Facts(Answer):
    """The document as compact structured data."""

    facts: list[Fact] = Field(description="One for each key.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys as class names, each once; what can be none is left out."""
        names = (class_name_from(fact.key) for fact in self.facts)
        return tuple(dict.fromkeys(name for name in names if name is not None))


class KeyedFacts(Facts):
    """Facts whose keys become the classes."""

    @model_validator(mode="after")
    def _some_key_is_usable(self) -> Self:
        if not self.keys:
            raise ValueError("no key can name a class: use kinds of things, each in one or two words")
        return self


class DraftedClass(FullGuideline):
    """A class with its guideline."""

    name: str = Field(description="Singular, CapWords.")
    fields: Annotated[list[ProposedField], BeforeValidator(phrases)] = Field(
        default=[], description="Fields beside the span; often none."
    )


class Draft(FullGuidelines):
    """Annotation schema and guidelines."""

    domain: str = Field(default="", description="Subject matter in a few words.")
    guidelines: list[DraftedClass] = Field(min_length=1, description="One per class.")  # type: ignore[assignment]

    @model_validator(mode="after")
    def _some_class_is_usable(self) -> Self:
        if not self.classes:
            raise ValueError("no class has a usable name: write CapWords identifiers")
        return self

    @property
    def classes(self) -> dict[str, DraftedClass]:
        """The classes by their name as an identifier; repetitions are left out."""
        found: dict[str, DraftedClass] = {}
        for drafted in self.guidelines:
            if (name := class_name_from(drafted.name)) is not None:
                found.setdefault(name, drafted)
        return found


@dataclass(frozen=True)
class Conversation:
    """What was said about a document so far; a question does not change it but gives a longer one.

    Attributes:
        speaker: Line to the model.
        text: The document, or what represents a long one.
        form: In what form its instances are given.
        said: The messages up to the last answer; empty before the first question.
    """

    speaker: Speaker
    text: str
    form: AnswerForm = AnswerForm.BY_CLASS
    said: tuple[Message, ...] = ()

    async def summarise(self, purpose: Purpose, *, brief: str = "") -> Self:
        """Step 1: let the document be summed up in points.

        Where annotators are shown a worked example, the conversation begins with the same.

        Args:
            purpose: For trace and ledger.
            brief: What the user wants the data for.

        Raises:
            CallFailedError: No usable answer.
        """
        profile = self.speaker.profile
        opening = Message(role="system", parts=(rendered(profile, "linear/system"),))
        question = rendered(profile, "linear/summary", brief=one_line(brief))
        begun = replace(self, said=(opening, *self._worked_example))
        grammar = points_grammar() if self._compact else None
        _, after = await begun._ask((delimited(self.text), question), Summary, purpose, grammar)
        return after

    async def structure(
        self, purpose: Purpose, *, max_classes: int, given: AnnotationSchema | None = None
    ) -> tuple[tuple[str, ...], Self]:
        """Step 2: let the summary be written as structured data.

        Args:
            purpose: For trace and ledger.
            max_classes: Most keys, where they are free.
            given: The schema, if there is one already: its classes are then the keys.

        Returns:
            The keys as class names, and the conversation.

        Raises:
            CallFailedError: No usable answer.
        """
        names = given.names if given else tuple(inventory()) if self._compact else ()
        question = rendered(
            self.speaker.profile,
            "linear/facts",
            keys=", ".join(names),
            first=names[0] if names else "",
            max_classes=max_classes,
        )
        grammar = None
        if self._compact:
            least, most = (0, min(_MOST_KEYS, len(names))) if given else (1, max_classes)
            tokens = self.speaker.sampling.max_tokens
            grammar = facts_grammar(self.text[:MAX_GROUNDED_CHARACTERS], names, least, most, tokens)
        form = KeyedFacts if self._compact and given is None else Facts
        answer, after = await self._ask((question,), form, purpose, grammar)
        return answer.keys, after

    async def draft(
        self, purpose: Purpose, keys: Sequence[str], *, max_classes: int
    ) -> tuple[AnnotationSchema, Self]:
        """Step 3: let the facts become a schema with guidelines.

        A small model writes guidelines for the keys alone; others name the classes anew and give them fields.

        Args:
            purpose: For trace and ledger.
            keys: Of the facts.
            max_classes: Most classes; further ones are cut.

        Raises:
            CallFailedError: No usable answer.
        """
        if self._compact:
            schema = AnnotationSchema(classes=tuple(map(_known, keys[:max_classes])))
            return await self._guidelines(purpose, schema)
        question = rendered(self.speaker.profile, "linear/guidelines", schema="", max_classes=max_classes)
        answer, after = await self._ask((question,), Draft, purpose)
        drafted = list(answer.classes.items())[:max_classes]
        specs = tuple(ClassSpec(name=name, fields=with_span(item.fields)) for name, item in drafted)
        return revised(AnnotationSchema(domain=answer.domain, classes=specs), answer), after

    async def explain(self, purpose: Purpose, given: AnnotationSchema) -> Self:
        """Step 3 where the schema is given: let guidelines for its classes be written.

        They stay in the conversation, where step 4 finds them; the schema is what it was.

        Raises:
            CallFailedError: No usable answer.
        """
        _, after = await self._guidelines(purpose, given)
        return after

    async def instantiate(
        self,
        purpose: Purpose,
        schema: AnnotationSchema,
        order: tuple[str, ...],
        index: TextIndex,
        *,
        part: bool = False,
    ) -> tuple[Instance, ...]:
        """Step 4: let the instances be given.

        Args:
            purpose: For trace and ledger.
            schema: Classes and guidelines.
            order: Class names in the order in which they are shown.
            index: The text to annotate.
            part: Whether it is a part of a document that the conversation does not hold as a whole.

        Returns:
            Instances with offsets into the text, in its order; mentions that do not stand in it are marked as
            not found.

        Raises:
            CallFailedError: No usable answer.
        """
        question = rendered(
            self.speaker.profile,
            "linear/instances",
            classes=", ".join(order),
            form="" if self._worked_example else example_form(schema, order, self.form),
            in_order=self.form is AnswerForm.IN_ORDER,
            part=part,
        )
        grammar = None
        if self.speaker.client.takes_grammar:
            tokens = self.speaker.sampling.max_tokens
            grammar = annotation_grammar(index.text, schema, order, tokens, self.form)
        parts = (delimited(index.text), question) if part else (question,)
        answer, _ = await self._ask(parts, answer_model(schema, order, self.form), purpose, grammar)
        return answer.grounded(index)

    @property
    def _compact(self) -> bool:
        return self.speaker.profile is Profile.COMPACT

    @property
    def _worked_example(self) -> tuple[Message, ...]:
        """What annotators are shown where one schema serves all documents."""
        if not self.speaker.schema_first:
            return ()
        return worked_example(self.speaker.profile, ROLES[self.form])

    async def _guidelines(self, purpose: Purpose, schema: AnnotationSchema) -> tuple[AnnotationSchema, Self]:
        question = rendered(
            self.speaker.profile,
            "linear/guidelines",
            schema=describe_schema(schema),
            first=schema.names[0],
        )
        form = CompactGuidelines if self._compact else FullGuidelines
        tokens = self.speaker.sampling.max_tokens
        grammar = guidelines_grammar(schema.names, tokens) if self._compact else None
        answer, after = await self._ask((question,), form, purpose, grammar)
        return revised(schema, answer), after

    async def _ask(
        self, parts: tuple[str, ...], form: type[AnswerT], purpose: Purpose, grammar: str | None = None
    ) -> tuple[AnswerT, Self]:
        """The answer, and the conversation up to it."""
        asked = (*self.said, Message(role="user", parts=parts))
        reply = await self.speaker.ask(asked, form, purpose, grammar=grammar)
        # As it was written: what a server has of it in its prefix cache counts for the next question.
        answered = Message(role="assistant", parts=(reply.read_from or reply.answer.model_dump_json(),))
        return reply.answer, replace(self, said=(*asked, answered))


def _known(name: str) -> ClassSpec:
    """A class with the definition that the inventory has for its name, if any."""
    known = inventory().get(name)
    return ClassSpec(name=name, guideline=Guideline(definition=known.definition if known else ""))
