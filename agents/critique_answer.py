"""The forms in which a critic answers, for large and small models, and what they mean for the mentions.

A large model says a verdict on each numbered mention. A small one, asked whether a mention is correct, says
the same of all of them; asked which class a phrase has, without being told which it was given, it answers to
the phrase, and code compares. That costs it few tokens: `{"classes": {"1": "Person", "2": "Other"}, ...}`,
each phrase once however often and as whatever it was annotated.

Both answer with missing mentions by class. Under a grammar (`agents.grammar.critique_grammar`) lists become
objects, keyed by number or class, which take fewer tokens; without one an answer follows the JSON schema of
its model. Either is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from agents.class_names import NO_CLASS, is_no_class, is_same_name
from agents.llm.client import Answer
from agents.schema_designer import phrases
from schemas.annotation import Instance
from schemas.judgement import Verdict
from schemas.locate import normal_form


class Said(NamedTuple):
    """What an answer says of one mention.

    Attributes:
        verdict: The verdict.
        right: The value of the answer that means correct.
        paths: Where in the answer the value can stand, for `agents.llm.choices`.
        class_found: The class it names, if it names one.
    """

    verdict: Verdict
    right: str
    paths: tuple[str, ...]
    class_found: str | None = None


def _verdict(value: object) -> object:
    """Coerce spellings such as "Wrong class" to the verdict they mean."""
    return value.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(value, str) else value


def _classified(value: object) -> object:
    """Coerce an object of classes by phrase, or by its number, to the list."""
    if isinstance(value, Mapping):
        return [{"quote": phrase, "class": name} for phrase, name in value.items()]
    return phrases(value)


def _by_class(value: object) -> object:
    """Coerce an object of quotes by class, or a list with one quote an entry, to the list."""
    if isinstance(value, Mapping):
        return [{"class": name, "quotes": quotes} for name, quotes in value.items()]
    if isinstance(value, list):
        return [
            {**item, "quotes": [item["quote"]]} if isinstance(item, Mapping) and "quote" in item else item
            for item in value
        ]
    return phrases(value)


class MissingMentions(Answer):
    """What the annotation has not, of one class."""

    class_name: str = Field(alias="class", description="The class.")
    quotes: Annotated[list[str], BeforeValidator(phrases)] = Field(
        default=[], description="Copied from the document; empty if nothing is missing."
    )


class CritiqueAnswer(Answer):
    """What the answers of all models have."""

    missing: Annotated[list[MissingMentions], BeforeValidator(_by_class)] = Field(
        default=[], description="For each class, the mentions that were not listed."
    )

    @model_validator(mode="after")
    def _every_mention_is_judged(self, info: ValidationInfo) -> Self:
        if info.context and "instances" in info.context:
            instances: Sequence[Instance] = info.context["instances"]
            numbered = zip(self.numbers(instances), self.judged(instances), strict=True)
            left = dict.fromkeys(str(number) for number, said in numbered if said is None)
            if left:
                raise ValueError(f"no verdict on mentions {', '.join(left)}")
        return self

    @classmethod
    def numbers(cls, instances: Sequence[Instance]) -> list[int]:
        """The number, from 1, under which the critic is asked about each instance."""
        return list(range(1, len(instances) + 1))

    def judged(self, instances: Sequence[Instance]) -> list[Said | None]:
        """What is said of each instance; None where it was passed over."""
        raise NotImplementedError


class Classification(Answer):
    """The class a small model finds for one phrase."""

    quote: str = Field(description="The phrase.")
    class_name: Annotated[str, BeforeValidator(lambda value: NO_CLASS if value is None else value)] = Field(
        alias="class", description=f"Its class, or {NO_CLASS}."
    )

    def verdict_on(self, instance: Instance) -> Verdict:
        """What the class found means for the class that an annotator gave."""
        if is_same_name(self.class_name, instance.class_name):
            return Verdict.CORRECT
        return Verdict.SPURIOUS if is_no_class(self.class_name) else Verdict.WRONG_CLASS


class CompactCritique(CritiqueAnswer):
    """Classes of the phrases and missing mentions; the form for small models."""

    classes: Annotated[list[Classification], BeforeValidator(_classified)] = Field(
        default=[], description="One per phrase, in their order."
    )

    @classmethod
    def numbers(cls, instances: Sequence[Instance]) -> list[int]:
        """Equal phrases have one number."""
        numbers: dict[str, int] = {}
        return [numbers.setdefault(normal_form(one.surface), len(numbers) + 1) for one in instances]

    def judged(self, instances: Sequence[Instance]) -> list[Said | None]:
        """See `CritiqueAnswer`; a phrase may be called by its number."""
        said: dict[str, tuple[int, Classification]] = {}
        for place, one in enumerate(self.classes):
            said.setdefault(normal_form(one.quote), (place, one))
        judged: list[Said | None] = []
        for number, instance in zip(self.numbers(instances), instances, strict=True):
            found = said.get(normal_form(instance.surface)) or said.get(str(number))
            if found is None:
                judged.append(None)
                continue
            place, one = found
            verdict = one.verdict_on(instance)
            other = one.class_name if verdict is Verdict.WRONG_CLASS else None
            paths = (f"classes.{one.quote}", f"classes.{place}.class")
            judged.append(Said(verdict, instance.class_name, paths, other))
        return judged


class Judgement(Answer):
    """Verdict on one mention."""

    item: int = Field(ge=1, description="The mention's number.")
    verdict: Annotated[Verdict, BeforeValidator(_verdict)] = Field(description="What is said of it.")


class Remark(Answer):
    """An objection to a guideline or to the schema."""

    code: Literal[
        "GUIDELINE_UNDERSPECIFIED",
        "GUIDELINE_CONTRADICTION",
        "SCHEMA_GENERIC",
        "SCHEMA_OVERLAP",
        "SCHEMA_MISSING_CLASS",
    ] = Field(description="What is wrong.")
    class_name: str | None = Field(
        default=None, alias="class", description="The class it is about; a name for the one that is missing."
    )
    severity: Literal["minor", "major"] = Field(
        default="minor", description="major if it spoils annotations."
    )
    message: str = Field(description="One sentence.")


class Critique(CritiqueAnswer):
    """Verdicts, missing mentions, and objections to guidelines and schema; the form for large models."""

    verdicts: Annotated[list[Judgement], BeforeValidator(phrases)] = Field(
        default=[], description="One per mention."
    )
    remarks: Annotated[list[Remark], BeforeValidator(phrases)] = Field(
        default=[], description="Objections to guidelines and schema."
    )

    def judged(self, instances: Sequence[Instance]) -> list[Said | None]:
        """See `CritiqueAnswer`."""
        said = {
            one.item: Said(one.verdict, Verdict.CORRECT, (f"verdicts.{place}.verdict",))
            for place, one in enumerate(self.verdicts)
        }
        return [said.get(number) for number in self.numbers(instances)]
