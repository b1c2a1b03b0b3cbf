"""The annotator: finds the instances of the schema's classes in a document."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import ValidationError

from agents.annotation_answer import AnnotationAnswer, answer_model
from agents.annotation_form import has_only_span
from agents.grammar import annotation_grammar
from agents.llm.answers import object_within
from agents.llm.client import CallFailedError, CallFault, Purpose
from agents.prompting import describe_findings, describe_schema, inventory, messages
from agents.speaker import Speaker
from schemas.annotation import Instance
from schemas.judgement import Finding
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema


async def annotate(
    speaker: Speaker,
    index: TextIndex,
    purpose: Purpose,
    schema: AnnotationSchema,
    order: tuple[str, ...],
    findings: Sequence[Finding] = (),
) -> tuple[Instance, ...]:
    """Annotate one passage.

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

    Returns:
        Instances with offsets into the passage, in its order.

    Raises:
        CallFailedError: No usable answer.
    """
    answer = answer_model(schema, order)
    question = messages(
        speaker.profile,
        index.text,
        "annotator",
        schema=describe_schema(schema, order),
        schema_first=speaker.schema_first,
        form=example_form(schema, order),
        findings=describe_findings(findings),
    )
    grammar = None
    if speaker.client.takes_grammar:
        grammar = annotation_grammar(index.text, schema, order, speaker.sampling.max_tokens)
    try:
        reply = await speaker.ask(question, answer, purpose, checks={"index": index}, grammar=grammar)
    except CallFailedError as error:
        found = _last_answer(error, answer)
        if found is None:
            raise
        return found.grounded(index)
    return reply.answer.grounded(index)


def _last_answer(error: CallFailedError, answer: type[AnnotationAnswer]) -> AnnotationAnswer | None:
    """The answer of the last attempt, if only its quotes were at fault."""
    if error.fault is not CallFault.INVALID or not error.attempts:
        return None
    try:
        return answer.model_validate_json(object_within(error.attempts[-1].raw), context={})
    except ValidationError:
        return None


def example_form(schema: AnnotationSchema, order: tuple[str, ...]) -> str:
    """The shape of an answer, with the inventory's examples where a class has some, and one list left empty.

    A small model takes its bearings from the form; quotes that stand in no document cannot be copied under
    a grammar, and are objected to without one.
    """
    form: dict[str, list[object]] = {}
    for name in order:
        spec = schema.get(name)
        if spec is not None and has_only_span(spec):
            known = inventory().get(name)
            form[name] = list(known.examples) if known else ["..."]
        elif spec is not None:
            form[name] = [{field.name: "..." for field in spec.fields}]
    if len(form) > 1:
        form[order[-1]] = []
    return json.dumps(form)
