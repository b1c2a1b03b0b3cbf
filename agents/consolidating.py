"""The schema-designer's second task: one schema for a corpus, out of classes proposed for its documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from agents.class_names import class_meant
from agents.llm.client import Answer, Purpose
from agents.prompting import messages
from agents.schema_designer import phrases
from agents.speaker import Speaker
from schemas.base import one_line


class KeptClass(Answer):
    """A class of the corpus."""

    name: str = Field(description="One of the proposed names.")
    definition: str = Field(default="", description="What a mention of the class is, in one sentence.")
    covers: Annotated[list[str], BeforeValidator(phrases)] = Field(
        default=[], description="Other proposed names that mean the same."
    )


class Consolidation(Answer):
    """The schema of a corpus."""

    domain: str = Field(default="", description="Subject matter in a few words.")
    classes: list[KeptClass] = Field(min_length=1, description="The classes, the most useful first.")


@dataclass(frozen=True)
class Consolidated:
    """What the schema-designer decided.

    Attributes:
        domain: Subject matter; may be empty.
        definitions: Definitions of the classes kept, in order; empty where the proposed one stays.
        covers: For each of them, the proposed classes that are merged into it.
    """

    domain: str
    definitions: Mapping[str, str]
    covers: Mapping[str, tuple[str, ...]]


async def consolidate(
    speaker: Speaker,
    text: str,
    purpose: Purpose,
    proposed: Sequence[tuple[str, int, str]],
    doubtful: Sequence[tuple[str, str]],
    *,
    brief: str,
    max_classes: int,
) -> Consolidated:
    """Choose the classes of a corpus from those proposed for single documents, and merge what is one.

    Names that were not proposed are left out; a class is kept, or merged, once.

    Args:
        speaker: Line to the designer's model.
        text: Excerpts of the documents.
        purpose: For trace and ledger.
        proposed: Classes with the number of their documents and their definitions.
        doubtful: Pairs that look alike.
        brief: What the user wants the data for.
        max_classes: Most classes; further ones are cut.

    Raises:
        CallFailedError: No usable answer.
    """
    question = messages(
        speaker.profile,
        text,
        "consolidator",
        brief=one_line(brief),
        max_classes=max_classes,
        proposed="\n".join(f"- {name} ({count}): {definition}" for name, count, definition in proposed),
        doubtful="\n".join(f"- {first}, {second}" for first, second in doubtful),
    )
    reply = await speaker.ask(question, Consolidation, purpose)
    names = [name for name, _, _ in proposed]
    definitions: dict[str, str] = {}
    covers: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for item in reply.answer.classes[:max_classes]:
        meant = [each for said in (item.name, *item.covers) if (each := class_meant(said, names)) is not None]
        meant = [each for each in dict.fromkeys(meant) if each not in taken]
        if meant:
            taken.update(meant)
            definitions[meant[0]] = item.definition
            covers[meant[0]] = tuple(meant[1:])
    return Consolidated(reply.answer.domain, definitions, covers)
