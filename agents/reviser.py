"""The reviser: an annotator that is asked once more, about single phrases.

It is shown each phrase in its context and nothing else: not what was objected to, not who gave it which
class or how many did. Agents of one model conform to what they are told others say; a second look that does
not know of the first one is evidence (Huang et al. 2023, arXiv 2310.01798).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from agents.class_names import NO_CLASS, class_meant, is_no_class
from agents.critic import judged_at_once
from agents.grammar import revision_grammar
from agents.llm.answers import last_answer
from agents.llm.client import Answer, CallFailedError, Purpose
from agents.prompting import describe_schema, messages
from agents.speaker import Speaker
from schemas.job import Profile
from schemas.locate import Span, TextIndex, normal_form
from schemas.schema import AnnotationSchema

_AROUND = 40
"""Characters of context on each side of a phrase."""


@dataclass(frozen=True)
class Phrase:
    """A place of a passage whose class or ends are in dispute.

    Attributes:
        quote: The words.
        span: Where they stand, in code points; None for words of this annotator that stand nowhere.
    """

    quote: str
    span: Span | None = None


@dataclass(frozen=True)
class Choice:
    """What the annotator now says of a phrase.

    Attributes:
        class_name: A class of the schema; None if the phrase is no mention.
        span: Where the mention stands, touching the phrase; None if the class is kept for words that stand
            nowhere.
    """

    class_name: str | None
    span: Span | None = None


@dataclass(frozen=True)
class Asked:
    """What an answer is checked against."""

    phrases: Sequence[Phrase]
    names: Sequence[str]
    index: TextIndex

    def choice(self, phrase: Phrase, name: str | None, quote: str | None) -> Choice | None:
        """What was chosen for a phrase; None if there is no such class, or no such words at its place."""
        meant = class_meant(name, self.names) if name is not None else None
        if meant is None:
            return Choice(None) if name is None or is_no_class(name) else None
        if quote is None or (phrase.span is not None and quote in ("", phrase.quote)):
            return Choice(meant, phrase.span)
        spans = self.index.spans(quote.strip())
        start, end = phrase.span or (0, len(self.index.text))
        touching = (span for span in spans if span[0] < end and start < span[1])
        found = next(touching, None)
        return None if found is None else Choice(meant, found)


def _listed(value: object) -> object:
    """Coerce the null that models give for an empty list."""
    return [] if value is None else value


class Decided(Answer):
    """What is decided on one phrase."""

    item: int = Field(ge=1, description="The phrase's number.")
    class_name: str | None = Field(alias="class", description="Its class; null if it is no mention.")
    quote: str | None = Field(default=None, description="The exact mention, copied from the document.")


class Classified(Answer):
    """The class of one phrase; the form for small models."""

    quote: str = Field(description="The phrase.")
    class_name: str | None = Field(alias="class", description=f"Its class, or {NO_CLASS}.")


class CompactRevision(Answer):
    """The class of each phrase."""

    phrases: Annotated[list[Classified], BeforeValidator(_listed)] = Field(
        description="One per phrase, in their order."
    )

    @model_validator(mode="after")
    def _every_phrase_is_decided(self, info: ValidationInfo) -> Self:
        asked: Asked | None = info.context.get("asked") if info.context else None
        choices = self.choices(asked) if asked is not None else []
        left = [str(number) for number, choice in enumerate(choices, 1) if choice is None]
        if left:
            raise ValueError(
                f"for phrases {', '.join(left)}: give a class of the list, or none, and words at that place"
            )
        return self

    def choices(self, asked: Asked) -> list[Choice | None]:
        """The choice for each phrase; None where it was passed over or the answer is no use."""
        left = [(normal_form(said.quote), said) for said in self.phrases]
        chosen: list[Choice | None] = []
        for phrase in asked.phrases:
            quote = normal_form(phrase.quote)
            number = next((number for number, (said, _) in enumerate(left) if said == quote), None)
            said = None if number is None else left.pop(number)[1]
            chosen.append(None if said is None else asked.choice(phrase, said.class_name, None))
        return chosen


class Revision(CompactRevision):
    """A class, or none, and the exact mention for each phrase."""

    phrases: Annotated[list[Decided], BeforeValidator(_listed)] = Field(  # type: ignore[assignment]
        description="One per phrase."
    )

    def choices(self, asked: Asked) -> list[Choice | None]:
        """See `CompactRevision`; phrases are known by their numbers."""
        said = {decided.item: decided for decided in self.phrases}
        return [
            asked.choice(phrase, said[number].class_name, said[number].quote) if number in said else None
            for number, phrase in enumerate(asked.phrases, 1)
        ]


async def revise(
    speaker: Speaker,
    index: TextIndex,
    purpose: Purpose,
    schema: AnnotationSchema,
    order: tuple[str, ...],
    phrases: Sequence[Phrase],
) -> tuple[Choice | None, ...]:
    """Ask an annotator about phrases of one passage.

    Args:
        speaker: Line to this annotator's model.
        index: The passage.
        purpose: For trace and ledger.
        schema: Classes and guidelines.
        order: Class names in the order this annotator is shown them.
        phrases: What to ask about, with offsets into the passage.

    Returns:
        A choice for each phrase; None where no usable one was made even when asked again.

    Raises:
        CallFailedError: No answer, or none in the form.
    """
    full = speaker.profile is Profile.FULL
    answer = Revision if full else CompactRevision
    chosen: list[Choice | None] = []
    most = judged_at_once(speaker.sampling.max_tokens)
    for start in range(0, len(phrases), most):
        asked = Asked(phrases[start : start + most], order, index)
        question = messages(
            speaker.profile,
            index.text,
            "reviser",
            # Where it stands before the document it is the annotator's own, and in its prefix cache.
            schema=describe_schema(schema, order, definitions_only=not full and not speaker.schema_first),
            schema_first=speaker.schema_first,
            other=NO_CLASS,
            phrases="\n".join(_shown(n, phrase, index.text) for n, phrase in enumerate(asked.phrases, 1)),
        )
        grammar = None
        if speaker.client.takes_grammar:
            quotes = None if full else [phrase.quote for phrase in asked.phrases]
            grammar = revision_grammar(index.text, order, len(asked.phrases), quotes, NO_CLASS)
        try:
            reply = await speaker.ask(question, answer, purpose, checks={"asked": asked}, grammar=grammar)
            revision = reply.answer
        except CallFailedError as error:
            last = last_answer(error, answer)
            if last is None:
                raise
            revision = last
        chosen += revision.choices(asked)
    return tuple(chosen)


def _shown(number: int, phrase: Phrase, text: str) -> str:
    """A phrase as one line of the prompt, with the words around it."""
    quote = json.dumps(phrase.quote, ensure_ascii=False)
    if phrase.span is None:
        return f"{number}. {quote} (not in the document in these words)"
    start, end = phrase.span
    before = text[max(0, start - _AROUND) : start].partition(" ")[2] if start > _AROUND else text[:start]
    after = text[end : end + _AROUND]
    if end + _AROUND < len(text):
        after = after.rpartition(" ")[0]
    context = " ".join(f"{before}{text[start:end]}{after}".split())
    return f"{number}. {quote} in {json.dumps(context, ensure_ascii=False)}"
