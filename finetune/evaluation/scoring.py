"""What an answer is worth on a sentence, by each of the measures that are in use.

An answer is read by the closed parser of the dialect and never executed. (GoLLIE's evaluation evaluates it.)
What comes of it is the same as with `SpanScorer` and `AnnotationList.filter_hallucinations` of GoLLIE's code,
in which an answer with a class that was not asked for stays readable, without the instances of that class.
"""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from pydantic import Field, ValidationError

from finetune.evaluation.benchmarks import GoldSentence
from finetune.scoring.counting import Found, compared
from schemas.annotation import Instance
from schemas.base import Model
from schemas.dialect import parse
from schemas.errors import DialectError
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec


class Measure(StrEnum):
    """When a prediction is correct (SCIENCE: section 5)."""

    GOLLIE = "gollie"
    GOLLIE_FILTERED = "gollie-filtered"
    STRICT = "strict"
    SALVAGED = "salvaged"


ABOUT = {
    Measure.GOLLIE: "class and surface, lower-cased and stripped, one to one in each sentence, as "
    "GoLLIE's scorer computes it",
    Measure.GOLLIE_FILTERED: "as gollie, after predictions that stand nowhere in the sentence, or oftener "
    "than they stand there, were removed, as GoLLIE's evaluation does; class and surface without case",
    Measure.STRICT: "exact offsets and class, each mention once",
    Measure.SALVAGED: "as gollie-filtered, but with the complete instances of answers that were cut off",
}
"""The measures in words."""


class Counts(Model):
    """Predictions of a class in a sentence."""

    correct: int = Field(default=0, ge=0, description="Predicted and in the gold.")
    wrong: int = Field(default=0, ge=0, description="Predicted only.")
    missed: int = Field(default=0, ge=0, description="In the gold only.")


class Scored(Model):
    """An answer, scored."""

    parsed: bool = Field(description="Whether it could be read as a list of instances.")
    truncated: bool = Field(description="Whether it was cut at the most tokens.")
    predicted: int = Field(ge=0, description="Instances that could be read, hallucinated ones included.")
    hallucinated: int = Field(
        ge=0, description="Of these, instances that stand nowhere in the sentence, or of no class asked for."
    )
    repeated: int = Field(
        default=0, ge=0, description="Of these, instances named oftener than they stand in the sentence."
    )
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
    whole: Sequence[Instance] = instances or ()
    known = [one for one in whole if _asked_for(one, schema)]
    text = sentence.text.lower()
    standing = [one for one in readable if _asked_for(one, schema) and _surface(one, schema) in text]
    salvaged = _not_too_often(standing, text, schema)
    gold: Found = Counter(
        (name, sentence.text[start:end].lower().strip()) for start, end, name in sentence.mentions
    )
    return Scored(
        parsed=instances is not None,
        truncated=truncated,
        predicted=len(readable),
        hallucinated=len(readable) - len(standing),
        repeated=len(standing) - len(salvaged),
        counts={
            Measure.GOLLIE: _compared(_by_surface(known, schema), gold),
            Measure.GOLLIE_FILTERED: _compared(
                _by_surface(salvaged if instances is not None else (), schema), gold
            ),
            Measure.STRICT: _compared(_by_place(whole, sentence, schema), _gold_places(sentence)),
            Measure.SALVAGED: _compared(_by_surface(salvaged, schema), gold),
        },
    )


def read_answer(answer: str, schema: AnnotationSchema) -> tuple[Instance, ...] | None:
    """The instances that an answer lists, of other classes than the schema's too; None if it is no such list.

    An instance without the text of its mention makes an answer unreadable, as it does in Python, and so does
    code that goes on behind the list: its classes would stand for those that were asked for.
    """
    try:
        parsed = parse(f"result = {answer.strip()}\n", schema=_with_classes_named_in(answer, schema))
    except (DialectError, ValidationError):
        return None
    listed = parsed.instances
    if listed is None or parsed.schema is not None or parsed.text is not None:
        return None
    if any(one.class_name in schema.names and _mention(one, schema) is None for one in listed):
        return None
    return listed


_STRINGS = re.compile(r""" "(?:[^"\\]|\\.)*+" | '(?:[^'\\]|\\.)*+' """, re.VERBOSE | re.DOTALL)
_CALLED = re.compile(r"\b([^\W\d]\w*)\s*\(")
_KEYWORDS = re.compile(r"\b([^\W\d]\w*)\s*=")
_POSITIONAL = ("first", "second", "third", "fourth")


def _with_classes_named_in(answer: str, schema: AnnotationSchema) -> AnnotationSchema:
    """The schema, and whatever an answer calls as if it were a class, with any fields."""
    code = _STRINGS.sub('""', answer)
    called = dict.fromkeys(name for name in _CALLED.findall(code) if name not in schema.names)
    others = [name for name in called if not hasattr(builtins, name)]
    if not others:
        return schema
    names = dict.fromkeys((*_POSITIONAL, *_KEYWORDS.findall(code)))
    fields = tuple(FieldSpec(name=name) for name in names)
    classes = tuple(ClassSpec(name=name, fields=fields) for name in others)
    return schema.model_copy(update={"classes": schema.classes + classes})


_ENDS = re.compile(r"\)\s*(?=,|\]|$)")


def salvage(answer: str, schema: AnnotationSchema) -> tuple[Instance, ...]:
    """The instances before the place where an answer was cut off, as many as can be read."""
    ends = [found.end() for found in _ENDS.finditer(answer)]
    # The longest beginning that is a list once it is closed; the last ends are the likeliest.
    for end in reversed(ends[-8:]):
        instances = read_answer(f"{answer[:end].rstrip()}]", schema)
        if instances is not None:
            return instances
    return ()


def _asked_for(instance: Instance, schema: AnnotationSchema) -> bool:
    """Whether the schema has its class, and those of the instances within it."""
    return all(part.class_name in schema.names for part in instance.walk())


def _mention(instance: Instance, schema: AnnotationSchema) -> str | None:
    """The text of its anchor, of a list the first one; without an anchor, the first string that it has."""
    spec = schema.get(instance.class_name)
    if spec is None or spec.anchor is None:
        return next((value for value in instance.values.values() if isinstance(value, str)), None)
    value = instance.values.get(spec.anchor.name)
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, str) else None


def _lowered(instance: Instance, schema: AnnotationSchema) -> str:
    return (_mention(instance, schema) or "").lower()


def _surface(instance: Instance, schema: AnnotationSchema) -> str:
    """Its mention, lower-cased and stripped, as GoLLIE compares it."""
    return _lowered(instance, schema).strip()


def _not_too_often(instances: Sequence[Instance], text: str, schema: AnnotationSchema) -> list[Instance]:
    """The first instances of each surface, whatever their class, as many as there are such surfaces.

    Args:
        instances: As they were listed.
        text: The sentence, lower-cased.
        schema: Their classes.
    """
    counts, kept = Counter[str](), []
    for one in instances:
        key = _lowered(one, schema)  # with its spaces, as in GoLLIE
        counts[key] += 1
        if not key or counts[key] <= text.count(key):
            kept.append(one)
    return kept


def _by_surface(instances: Sequence[Instance], schema: AnnotationSchema) -> Found:
    return Counter((one.class_name, _surface(one, schema)) for one in instances)


def _by_place(instances: Sequence[Instance], sentence: GoldSentence, schema: AnnotationSchema) -> Found:
    """Class and offsets, each once; what stands nowhere, or has another class, is a wrong prediction."""
    known = [one for one in instances if _asked_for(one, schema)]
    grounded = ground_all(known, schema, TextIndex(sentence.text))
    anchors = [(one.class_name, one.anchor.span if one.anchor else None) for one in grounded]
    places: Found = Counter({key: 1 for key in anchors if key[1] is not None})
    places.update((name, None) for name, span in anchors if span is None)
    places.update((one.class_name, None) for one in instances if not _asked_for(one, schema))
    return places


def _gold_places(sentence: GoldSentence) -> Found:
    return Counter({(name, (start, end)): 1 for start, end, name in sentence.mentions})


def _compared(found: Found, gold: Found) -> dict[str, Counts]:
    counts = compared(found, gold)
    parts = (counts.correct, counts.wrong, counts.missed)
    names = sorted(set[str]().union(*parts))
    return {
        name: Counts(correct=counts.correct[name], wrong=counts.wrong[name], missed=counts.missed[name])
        for name in names
    }
