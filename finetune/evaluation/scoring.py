"""What an answer is worth on a sentence, by each of the measures that are in use.

An answer is read by the closed parser of the dialect and never executed. (GoLLIE's evaluation evaluates it.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from pydantic import Field

from finetune.evaluation.benchmarks import GoldSentence
from schemas.annotation import Instance
from schemas.base import Model
from schemas.dialect import parse
from schemas.errors import DialectError
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema


class Measure(StrEnum):
    """When a prediction is correct (SCIENCE: section 5)."""

    GOLLIE = "gollie"
    GOLLIE_FILTERED = "gollie-filtered"
    STRICT = "strict"
    SALVAGED = "salvaged"


ABOUT = {
    Measure.GOLLIE: "class and surface, lower-cased and stripped, one to one in each sentence, as "
    "GoLLIE's scorer computes it",
    Measure.GOLLIE_FILTERED: "as gollie, after predictions that stand nowhere in the sentence were removed, "
    "as GoLLIE's evaluation does; class and surface without case",
    Measure.STRICT: "exact offsets and class, each mention once",
    Measure.SALVAGED: "as gollie-filtered, but with the complete instances of answers that were cut off",
}
"""The measures in words."""


_Found = Counter[tuple[str, object]]
"""How often a class has something: a surface, or a place."""


class Counts(Model):
    """Predictions of a class in a sentence."""

    correct: int = Field(default=0, ge=0, description="Predicted and in the gold.")
    wrong: int = Field(default=0, ge=0, description="Predicted only.")
    missed: int = Field(default=0, ge=0, description="In the gold only.")


class Scored(Model):
    """An answer, scored."""

    parsed: bool = Field(description="Whether it could be read as a list of instances of the schema.")
    truncated: bool = Field(description="Whether it was cut at the most tokens.")
    predicted: int = Field(ge=0, description="Instances that could be read, hallucinated ones included.")
    hallucinated: int = Field(ge=0, description="Of these, instances that stand nowhere in the sentence.")
    counts: dict[Measure, dict[str, Counts]] = Field(
        description="By measure and class; classes without any are left out."
    )


def score_answer(answer: str, truncated: bool, sentence: GoldSentence, schema: AnnotationSchema) -> Scored:
    """Score what a model went on with after `result =`.

    An answer that cannot be read counts as no prediction, but for the measure `salvaged`.

    Args:
        answer: As the model wrote it.
        truncated: Whether it was cut at the most tokens.
        sentence: The sentence with its gold.
        schema: The classes that were asked for.
    """
    instances = read_answer(answer, schema)
    readable = instances if instances is not None else salvage(answer, schema)
    text = sentence.text.lower()
    standing = [one for one in readable if _surface(one) in text]
    gold: _Found = Counter(
        (name, sentence.text[start:end].lower().strip()) for start, end, name in sentence.mentions
    )
    whole: Sequence[Instance] = instances or ()
    filtered = [one for one in whole if _surface(one) in text]
    return Scored(
        parsed=instances is not None,
        truncated=truncated,
        predicted=len(readable),
        hallucinated=len(readable) - len(standing),
        counts={
            Measure.GOLLIE: _compared(_by_surface(whole), gold),
            Measure.GOLLIE_FILTERED: _compared(_by_surface(filtered), gold),
            Measure.STRICT: _compared(_by_place(whole, sentence, schema), _gold_places(sentence)),
            Measure.SALVAGED: _compared(_by_surface(standing), gold),
        },
    )


def read_answer(answer: str, schema: AnnotationSchema) -> tuple[Instance, ...] | None:
    """The instances that an answer lists; None if it is no such list."""
    try:
        return parse(f"result = {answer.strip()}\n", schema=schema).instances
    except DialectError:
        return None


_ENDS = re.compile(r"\)\s*(?=,|$)")


def salvage(answer: str, schema: AnnotationSchema) -> tuple[Instance, ...]:
    """The instances before the place where an answer was cut off, as many as can be read."""
    ends = [found.end() for found in _ENDS.finditer(answer)]
    # The longest beginning that is a list once it is closed; the last ends are the likeliest.
    for end in reversed(ends[-8:]):
        instances = read_answer(f"{answer[:end].rstrip()}]", schema)
        if instances is not None:
            return instances
    return ()


def _surface(instance: Instance) -> str:
    """The text of the first string among its values, lower-cased and stripped, as GoLLIE compares it."""
    values = (value for value in instance.values.values() if isinstance(value, str))
    return next(values, "").lower().strip()


def _by_surface(instances: Sequence[Instance]) -> _Found:
    return Counter((one.class_name, _surface(one)) for one in instances)


def _by_place(instances: Sequence[Instance], sentence: GoldSentence, schema: AnnotationSchema) -> _Found:
    """Class and offsets, each once; what stands nowhere keeps its place as a wrong prediction."""
    grounded = ground_all(instances, schema, TextIndex(sentence.text))
    anchors = [(one.class_name, one.anchor.span if one.anchor else None) for one in grounded]
    places: _Found = Counter({key: 1 for key in anchors if key[1] is not None})
    places.update((name, None) for name, span in anchors if span is None)
    return places


def _gold_places(sentence: GoldSentence) -> _Found:
    return Counter({(name, (start, end)): 1 for start, end, name in sentence.mentions})


def _compared(found: _Found, gold: _Found) -> dict[str, Counts]:
    """Counts by class of two multisets; a mention of the gold is found at most once."""
    parts = (found & gold, found - gold, gold - found)
    names = sorted({name for part in parts for name, _ in part})
    by_class = [Counter[str]() for _ in parts]
    for part, counts in zip(parts, by_class, strict=True):
        for (name, _), number in part.items():
            counts[name] += number
    correct, wrong, missed = by_class
    return {name: Counts(correct=correct[name], wrong=wrong[name], missed=missed[name]) for name in names}
