"""The annotator: finds the instances of the schema's classes in a document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from agents.annotation_answer import answer_model
from agents.annotation_form import CLASS_KEY, MENTIONS_KEY, has_only_span
from agents.class_groups import class_groups
from agents.grammar import annotation_grammar
from agents.llm.answers import last_answer
from agents.llm.client import CallFailedError, Purpose
from agents.prompting import describe_findings, describe_schema, inventory, messages
from agents.speaker import Speaker
from schemas.annotation import Instance
from schemas.asking import AnswerForm
from schemas.judgement import Finding
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec

ROLES = {AnswerForm.BY_CLASS: "annotator", AnswerForm.IN_ORDER: "annotator_in_order"}
"""The prompt of each form."""


async def annotate(
    speaker: Speaker,
    index: TextIndex,
    purpose: Purpose,
    schema: AnnotationSchema,
    order: tuple[str, ...],
    findings: Sequence[Finding] = (),
    form: AnswerForm = AnswerForm.BY_CLASS,
) -> tuple[Instance, ...]:
    """Annotate one passage; in several calls if the speaker takes fewer classes at once than there are.

    Quotes that do not stand in the passage are objected to in the re-ask. If they are still there in the
    last answer it is taken as it is, its ungrounded mentions marked as not found: grounding falls below 1,
    and the loop deals with it.

    Args:
        speaker: Line to this annotator's model.
        index: The passage.
        purpose: For trace and ledger.
        schema: Classes and guidelines.
        order: Class names in the order this annotator is shown them.
        findings: Objections routed to the annotators.
        form: In what form this annotator answers.

    Returns:
        Instances with offsets into the passage, in its order.

    Raises:
        CallFailedError: No usable answer.
    """
    groups = class_groups(schema, order, speaker.classes_at_once)
    if len(groups) == 1:
        return await _annotate(speaker, index, purpose, schema, order, findings, form)
    found: list[Instance] = []
    for group in groups:
        others = set(order).difference(group)
        here = [finding for finding in findings if finding.class_name not in others]
        instances = await _annotate(speaker, index, purpose, schema, group, here, form)
        found += [instance for instance in instances if instance.class_name in group]
    return tuple(sorted(found, key=_place))


def _place(instance: Instance) -> tuple[int, int]:
    return instance.anchor.span or (0, 0) if instance.anchor else (0, 0)


async def _annotate(
    speaker: Speaker,
    index: TextIndex,
    purpose: Purpose,
    schema: AnnotationSchema,
    order: tuple[str, ...],
    findings: Sequence[Finding],
    form: AnswerForm,
) -> tuple[Instance, ...]:
    """Ask for the classes of `order`."""
    answer = answer_model(schema, order, form)
    question = messages(
        speaker.profile,
        index.text,
        ROLES[form],
        schema=describe_schema(schema, order),
        schema_first=speaker.schema_first,
        form=example_form(schema, order, form),
        findings=describe_findings(findings),
    )
    grammar = None
    if speaker.client.takes_grammar:
        grammar = annotation_grammar(index.text, schema, order, speaker.sampling.max_tokens, form)
    try:
        reply = await speaker.ask(question, answer, purpose, checks={"index": index}, grammar=grammar)
    except CallFailedError as error:
        found = last_answer(error, answer)
        if found is None:
            raise
        return found.grounded(index)
    return reply.answer.grounded(index)


def example_form(
    schema: AnnotationSchema, order: tuple[str, ...], form: AnswerForm = AnswerForm.BY_CLASS
) -> str:
    """The shape of an answer, with the inventory's examples where a class has some, and one list left empty.

    A small model takes its bearings from the form; quotes that stand in no document cannot be copied under
    a grammar, and are objected to without one.
    """
    specs = [spec for name in order if (spec := schema.get(name)) is not None]
    if form is AnswerForm.IN_ORDER:
        return json.dumps({MENTIONS_KEY: [_example_mention(spec) for spec in specs]})
    lists = {
        spec.name: list(_examples(spec)) if has_only_span(spec) else [_blank(spec.fields)] for spec in specs
    }
    if len(lists) > 1:
        lists[order[-1]] = []
    return json.dumps(lists)


def _example_mention(spec: ClassSpec) -> dict[str, str]:
    first = [spec.anchor] if spec.anchor else []
    quote = {field.name: _examples(spec)[0] for field in first}
    return {**quote, CLASS_KEY: spec.name, **_blank(field for field in spec.fields if field not in first)}


def _examples(spec: ClassSpec) -> tuple[str, ...]:
    known = inventory().get(spec.name)
    return known.examples if known else ("...",)


def _blank(fields: Iterable[FieldSpec]) -> dict[str, str]:
    return {field.name: "..." for field in fields}
