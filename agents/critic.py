"""The critic: judges every mention, looks for missing ones, and objects to guidelines and schema.

It sees the mentions of all annotators as one list, without who made them or how many agreed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agents.class_names import NO_CLASS, class_meant
from agents.critique_answer import CompactCritique, Critique, MissingMentions, Remark, Said
from agents.grammar import CritiqueForm, Sweep, critique_grammar
from agents.llm.choices import Choice
from agents.llm.client import Message, Purpose
from agents.prompting import describe_schema, messages
from agents.speaker import Speaker
from schemas.annotation import Instance
from schemas.job import Profile
from schemas.judgement import Finding, FindingCode, Severity, Verdict
from schemas.lint import class_name_from
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema

_JUDGEMENT_TOKENS = 35
"""Tokens of a judgement in a model's most verbose form."""

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


class Judged(NamedTuple):
    """What the critic says of one mention.

    Attributes:
        verdict: The verdict.
        probability: Of being correct as annotated, to the critic's model; None where it is not known.
        class_found: The class it gives the mention, where it names another one.
        otherwise: Verdict and class that are likeliest if it is not correct; None where that is not known.
    """

    verdict: Verdict
    probability: float | None = None
    class_found: str | None = None
    otherwise: tuple[Verdict, str | None] | None = None

    def required(self, least: float | None) -> Judged:
        """The judgement where being correct takes at least this probability; as said where none is known."""
        if least is None or self.probability is None:
            return self
        if self.probability >= least:
            return self._replace(verdict=Verdict.CORRECT, class_found=None)
        if self.verdict is not Verdict.CORRECT:
            return self
        verdict, class_found = self.otherwise or (Verdict.SPURIOUS, None)
        return self._replace(verdict=verdict, class_found=class_found)


@dataclass(frozen=True)
class PassageCritique:
    """What the critic says of one passage.

    Attributes:
        judged: One per instance given, in order; None where the critic said nothing of it.
        missing: Class and (start, end) of mentions that no annotator has.
        remarks: Objections to guidelines and schema.
    """

    judged: tuple[Judged | None, ...]
    missing: tuple[tuple[str, tuple[int, int]], ...]
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

    A missing mention counts wherever its quote stands in the passage, as what is decided of a surface form
    holds for all of it. Quotes that stand nowhere, places that touch a listed mention of the same class, and
    classes that do not exist are left out: what a string search can settle is not the critic's word.

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
    judged: list[Judged | None] = []
    missing: list[MissingMentions] = []
    remarks: dict[Finding, None] = {}
    full = speaker.profile is Profile.FULL
    form = Critique if full else CompactCritique
    permitted = tuple(Verdict) if full else (*schema.names, NO_CLASS)
    most = judged_at_once(speaker.sampling.max_tokens)
    for start in range(0, max(1, len(instances)), most):
        listed = instances[start : start + most]
        items = dict(zip(form.numbers(listed), listed, strict=True))
        grammar = None
        if speaker.client.takes_grammar:
            grammar = critique_grammar(index.text, schema, _form(items, permitted, full=full, sweep=sweep))
        reply = await speaker.ask(
            _question(speaker, index.text, schema, items, sweep=sweep),
            form,
            purpose,
            checks={"instances": listed},
            grammar=grammar,
            choices=permitted,
        )
        choices = {choice.path: choice for choice in reply.choices}
        judged += [_judged(one, choices) for one in reply.answer.judged(listed)]
        if not sweep:
            continue
        missing += reply.answer.missing
        if isinstance(reply.answer, Critique):
            remarks |= dict.fromkeys(_finding(remark, schema) for remark in reply.answer.remarks)
    return PassageCritique(tuple(judged), _located(missing, index, schema, instances), tuple(remarks))


def objection(
    verdict: Verdict, instance: Instance, class_found: str | None = None, *, disputed: bool
) -> Finding:
    """The finding that a verdict on an instance amounts to.

    Args:
        verdict: Any but CORRECT.
        instance: What was judged.
        class_found: The class the critic gives it, where it names one.
        disputed: Whether annotators disagree about it already; it is then dropped in any case.
    """
    found = class_found is not None and verdict is Verdict.WRONG_CLASS
    return Finding(
        code=OBJECTIONS[verdict],
        severity=Severity.MINOR if disputed else Severity.MAJOR,
        raised_by="critic",
        class_name=instance.class_name,
        quote=instance.surface,
        start=instance.anchor.start if instance.anchor else None,
        end=instance.anchor.end if instance.anchor else None,
        message=f"it is a mention of {class_found}" if found else _MESSAGES[verdict],
    )


def _question(
    speaker: Speaker, text: str, schema: AnnotationSchema, items: Mapping[int, Instance], *, sweep: bool
) -> tuple[Message, ...]:
    full = speaker.profile is Profile.FULL
    lines = [
        f"{number}. {json.dumps(instance.surface, ensure_ascii=False)}"
        + (f" as {instance.class_name}" if full else "")
        for number, instance in items.items()
    ]
    classes = describe_schema(schema, definitions_only=not full)
    return messages(
        speaker.profile,
        text,
        "critic",
        schema=classes if full else f"{classes}\n- {NO_CLASS}",
        schema_first=speaker.schema_first,
        items="\n".join(lines) or "(none)",
        sweep=sweep,
    )


def _form(
    items: Mapping[int, Instance], permitted: Sequence[str], *, full: bool, sweep: bool
) -> CritiqueForm:
    """How the answer is written under a grammar; what a small model writes is what it costs."""
    if full:
        heads = [f'{{"item": {number}, "verdict": ' for number in items]
        return CritiqueForm("verdicts", "[]", heads, "}", permitted, Sweep.EVERY_CLASS if sweep else Sweep.NO)
    heads = [f'"{number}": ' for number in items]
    return CritiqueForm("classes", "{}", heads, "", permitted, Sweep.BRIEF if sweep else Sweep.NO)


def _judged(said: Said | None, choices: Mapping[str, Choice]) -> Judged | None:
    """What was said, with the probabilities behind it."""
    if said is None:
        return None
    choice = next((choices[path] for path in said.paths if path in choices), None)
    if choice is None:
        return Judged(said.verdict, class_found=said.class_found)
    others = {value: p for value, p in choice.probabilities.items() if value != said.right}
    likeliest = max(others, key=others.__getitem__, default=None)
    otherwise: tuple[Verdict, str | None] | None = None
    if likeliest is not None and said.right == Verdict.CORRECT:
        otherwise = (Verdict(likeliest), None)
    elif likeliest is not None:
        otherwise = (Verdict.SPURIOUS, None) if likeliest == NO_CLASS else (Verdict.WRONG_CLASS, likeliest)
    return Judged(said.verdict, choice.probabilities.get(said.right, 0.0), said.class_found, otherwise)


def _located(
    missing: Sequence[MissingMentions],
    index: TextIndex,
    schema: AnnotationSchema,
    instances: Sequence[Instance],
) -> tuple[tuple[str, tuple[int, int]], ...]:
    listed = [
        (instance.class_name, instance.anchor.span)
        for instance in instances
        if instance.anchor is not None and instance.anchor.span is not None
    ]
    found: dict[tuple[str, tuple[int, int]], None] = {}
    for of_class in missing:
        meant = class_meant(of_class.class_name, schema.names)
        for begin, stop in [span for quote in of_class.quotes for span in index.spans(quote)]:
            if meant is not None and not any(
                name == meant and start < stop and begin < end for name, (start, end) in listed
            ):
                found[meant, (begin, stop)] = None
    return tuple(found)


def _finding(remark: Remark, schema: AnnotationSchema) -> Finding:
    code = FindingCode(remark.code)
    class_name = class_meant(remark.class_name, schema.names) if remark.class_name else None
    if class_name is None and remark.class_name and code is FindingCode.SCHEMA_MISSING_CLASS:
        class_name = class_name_from(remark.class_name)
    return Finding(
        code=code,
        severity=Severity(remark.severity),
        raised_by="critic",
        class_name=class_name,
        message=remark.message,
    )
