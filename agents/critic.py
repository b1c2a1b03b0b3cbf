"""The critic: judges every mention, looks for missing ones, and objects to guidelines and schema.

It sees the mentions of all annotators as one list, without who made them or how many agreed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from agents.class_names import class_meant, is_same_name
from agents.grammar import critique_grammar
from agents.llm.client import Answer, Purpose
from agents.prompting import describe_schema, messages
from agents.speaker import Speaker
from schemas.annotation import Instance
from schemas.job import Profile
from schemas.judgement import Finding, FindingCode, Severity
from schemas.locate import Located, TextIndex, normal_form
from schemas.schema import AnnotationSchema

_JUDGEMENT_TOKENS = 35
"""Tokens of a judgement that repeats a long quote."""


class Verdict(StrEnum):
    """What the critic can say of a mention."""

    CORRECT = "correct"
    SPURIOUS = "spurious"
    WRONG_CLASS = "wrong_class"
    WRONG_BOUNDARY = "wrong_boundary"


OBJECTIONS: dict[Verdict, FindingCode] = {
    Verdict.SPURIOUS: FindingCode.SPURIOUS,
    Verdict.WRONG_CLASS: FindingCode.TYPE,
    Verdict.WRONG_BOUNDARY: FindingCode.BOUNDARY,
}
"""The finding that a verdict amounts to."""

_MESSAGES: dict[Verdict, str] = {
    Verdict.SPURIOUS: "the text does not support it as a mention of any class",
    Verdict.WRONG_CLASS: "it is a mention of another class, or of none",
    Verdict.WRONG_BOUNDARY: "it starts or ends in the wrong place",
}


NO_CLASS = "Other"
"""What a small model says of a phrase that is no mention."""

_NO_CLASS_FORMS = (NO_CLASS.casefold(), "none", "null", "")


def _listed(value: object) -> object:
    """Coerce the null that models give for an empty list."""
    return [] if value is None else value


def _verdict(value: object) -> object:
    """Coerce spellings such as "Wrong class" to the verdict they mean."""
    return value.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(value, str) else value


class Judgement(Answer):
    """Verdict on one mention."""

    item: int = Field(ge=1, description="The mention's number.")
    verdict: Annotated[Verdict, BeforeValidator(_verdict)] = Field(description="What is said of it.")


class Classification(Answer):
    """The class a small model finds for one quote.

    Asked whether a mention is correct, a small model says the same of all of them. Asked which class a quote
    has, without being told which it was given, it answers to the quote; code compares.
    """

    quote: str = Field(description="The quote.")
    class_name: Annotated[str, BeforeValidator(lambda value: NO_CLASS if value is None else value)] = Field(
        alias="class", description=f"Its class, or {NO_CLASS}."
    )

    def verdict_on(self, instance: Instance) -> Verdict:
        """What the class found means for the class that an annotator gave."""
        if is_same_name(self.class_name, instance.class_name):
            return Verdict.CORRECT
        none = self.class_name.strip().casefold() in _NO_CLASS_FORMS
        return Verdict.SPURIOUS if none else Verdict.WRONG_CLASS


class MissingMention(Answer):
    """A mention the annotation does not have."""

    class_name: str = Field(alias="class", description="Its class.")
    quote: str = Field(description="Copied from the document.")


class CompactCritique(Answer):
    """Classes of the quotes and missing mentions; the form for small models."""

    verdicts: Annotated[list[Classification], BeforeValidator(_listed)] = Field(
        default=[], description="One per quote, in their order."
    )
    missing: Annotated[list[MissingMention], BeforeValidator(_listed)] = Field(
        default=[], description="Mentions that were not listed."
    )

    @model_validator(mode="after")
    def _every_mention_is_judged(self, info: ValidationInfo) -> Self:
        judged = (
            self.judged(info.context["instances"]) if info.context and "instances" in info.context else ()
        )
        left = [str(number) for number, verdict in enumerate(judged, 1) if verdict is None]
        if left:
            raise ValueError(f"no verdict on mentions {', '.join(left)}")
        return self

    def judged(self, instances: Sequence[Instance]) -> list[Verdict | None]:
        """The verdict on each instance; None where its quote was passed over."""
        left = [(normal_form(said.quote), said) for said in self.verdicts]
        verdicts: list[Verdict | None] = []
        for instance in instances:
            quote = normal_form(instance.surface)
            number = next((number for number, (said, _) in enumerate(left) if said == quote), None)
            verdicts.append(None if number is None else left.pop(number)[1].verdict_on(instance))
        return verdicts


class Remark(Answer):
    """An objection to a guideline or to the schema."""

    code: Literal[
        "GUIDELINE_UNDERSPECIFIED",
        "GUIDELINE_CONTRADICTION",
        "SCHEMA_GENERIC",
        "SCHEMA_OVERLAP",
        "SCHEMA_MISSING_CLASS",
    ] = Field(description="What is wrong.")
    class_name: str | None = Field(default=None, alias="class", description="The class it is about.")
    severity: Literal["minor", "major"] = Field(
        default="minor", description="major if it spoils annotations."
    )
    message: str = Field(description="One sentence.")


class Critique(CompactCritique):
    """Verdicts, missing mentions, and objections to guidelines and schema."""

    verdicts: Annotated[list[Judgement], BeforeValidator(_listed)] = Field(  # type: ignore[assignment]
        default=[], description="One per mention."
    )
    remarks: Annotated[list[Remark], BeforeValidator(_listed)] = Field(
        default=[], description="Objections to guidelines and schema."
    )

    def judged(self, instances: Sequence[Instance]) -> list[Verdict | None]:
        """The verdict on each instance; None where its number was passed over."""
        said = {judgement.item: judgement.verdict for judgement in self.verdicts}
        return [said.get(number) for number in range(1, len(instances) + 1)]


@dataclass(frozen=True)
class PassageCritique:
    """What the critic says of one passage.

    Attributes:
        verdicts: One per instance given, in order; None where the critic gave none.
        missing: Class and place of mentions that no annotator has.
        remarks: Objections to guidelines and schema.
    """

    verdicts: tuple[Verdict | None, ...]
    missing: tuple[tuple[str, Located], ...]
    remarks: tuple[Finding, ...]


def judged_at_once(max_tokens: int) -> int:
    """How many mentions go into one call: as an answer has room for, with some left for what is missing."""
    return max(1, max_tokens // _JUDGEMENT_TOKENS - 3)


async def criticise(
    speaker: Speaker,
    index: TextIndex,
    purpose: Purpose,
    schema: AnnotationSchema,
    instances: Sequence[Instance],
    *,
    sweep: bool = True,
) -> PassageCritique:
    """Judge the instances of one passage.

    Missing mentions whose quote stands nowhere, that touch a listed mention of the same class, or whose
    class does not exist are left out: what a string search can settle is not the critic's word.

    Args:
        speaker: Line to the critic's model.
        index: The passage.
        purpose: For trace and ledger.
        schema: Classes and guidelines.
        instances: What to judge, with offsets into the passage; each has an anchor that was found.
        sweep: Look for missing mentions and at guidelines and schema too; else verdicts are all that is
            asked for.

    Raises:
        CallFailedError: No usable answer.
    """
    verdicts: list[Verdict | None] = []
    missing: list[MissingMention] = []
    remarks: dict[Finding, None] = {}
    full = speaker.profile is Profile.FULL
    answer = Critique if full else CompactCritique
    key, said = ("verdict", tuple(Verdict)) if full else ("class", (*schema.names, NO_CLASS))
    most = judged_at_once(speaker.sampling.max_tokens)
    for start in range(0, max(1, len(instances)), most):
        listed = instances[start : start + most]
        quotes = [json.dumps(instance.surface, ensure_ascii=False) for instance in listed]
        if full:
            quotes = [f"{quote} as {i.class_name}" for quote, i in zip(quotes, listed, strict=True)]
        question = messages(
            speaker.profile,
            index.text,
            "critic",
            schema=describe_schema(schema, definitions_only=not full),
            other=NO_CLASS,
            items="\n".join(f"{number}. {quote}" for number, quote in enumerate(quotes, 1)) or "(none)",
            sweep=sweep,
        )
        grammar = None
        if speaker.client.takes_grammar:
            heads: list[dict[str, object]] = [
                {"item": number} if full else {"quote": instance.surface}
                for number, instance in enumerate(listed, 1)
            ]
            grammar = critique_grammar(index.text, schema, heads, key, said, sweep=sweep)
        reply = await speaker.ask(question, answer, purpose, checks={"instances": listed}, grammar=grammar)
        verdicts += reply.answer.judged(listed)
        if not sweep:
            continue
        missing += reply.answer.missing
        remarks |= dict.fromkeys(_finding(remark, schema) for remark in getattr(reply.answer, "remarks", ()))
    return PassageCritique(tuple(verdicts), _located(missing, index, schema, instances), tuple(remarks))


def objection(verdict: Verdict, instance: Instance, *, disputed: bool) -> Finding:
    """The finding that a verdict on an instance amounts to.

    Args:
        verdict: Any but CORRECT.
        instance: What was judged.
        disputed: Whether annotators disagree about it already; it is then dropped in any case.
    """
    return Finding(
        code=OBJECTIONS[verdict],
        severity=Severity.MINOR if disputed else Severity.MAJOR,
        raised_by="critic",
        class_name=instance.class_name,
        quote=instance.surface,
        start=instance.anchor.start if instance.anchor else None,
        end=instance.anchor.end if instance.anchor else None,
        message=_MESSAGES[verdict],
    )


def _located(
    missing: Sequence[MissingMention],
    index: TextIndex,
    schema: AnnotationSchema,
    instances: Sequence[Instance],
) -> tuple[tuple[str, Located], ...]:
    listed = [
        (instance.class_name, instance.anchor.span)
        for instance in instances
        if instance.anchor is not None and instance.anchor.span is not None
    ]
    found: dict[tuple[str, int, int], Located] = {}
    for mention in missing:
        meant = class_meant(mention.class_name, schema.names)
        place = index.locate(mention.quote) if meant is not None else None
        if meant is None or place is None:
            continue
        if not any(
            name == meant and start < place.end and place.start < end for name, (start, end) in listed
        ):
            found.setdefault((meant, place.start, place.end), place)
    return tuple((name, place) for (name, _, _), place in found.items())


def _finding(remark: Remark, schema: AnnotationSchema) -> Finding:
    return Finding(
        code=FindingCode(remark.code),
        severity=Severity(remark.severity),
        raised_by="critic",
        class_name=class_meant(remark.class_name, schema.names) if remark.class_name else None,
        message=remark.message,
    )
