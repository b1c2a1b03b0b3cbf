"""Grammars of the agents' answers, for models whose decoding can be constrained.

In annotations and critiques class names are fixed by the grammar and every quote is a substring of the
passage (`agents.llm.grounding`), so that an ungrounded mention cannot be produced. In designs and
guidelines it bounds what a small model would otherwise repeat to the token limit; JSON schema's own
bounds (`maxLength`, `maxItems`) were not enforced by the server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from agents.annotation_form import CLASS_KEY, MENTIONS_KEY, has_only_span
from agents.llm.grounding import literal, quote_rules
from schemas.asking import AnswerForm
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, Kind

_QUOTE_TOKENS = 20
"""Tokens of a long quote in Latin script, with its share of the JSON around it."""

MAX_MISSING = 2
"""Most missing mentions the critic names in one passage, or of one class in it."""

# Letters alone: of digits a small model makes endless rows, at a token each.
_SENTENCE = r"""/"[A-Z][a-z'\-]{0,13}(,? [A-Za-z'\-]{1,14}){2,WORDS}\."/"""
_MAX_WORDS = 8
_WORD_TOKENS = 4
"""Tokens of a rather long word."""

_GUIDELINE_TOKENS = 20
"""Tokens of the JSON around the sentence of a guideline."""

_KEY_TOKENS = 12
"""Tokens of a key of facts with the JSON around it."""

_DOMAIN = r"""/"\p{L}{3,16}( \p{L}{2,16}){0,3}"/"""

# Words of any script. Of digits few in a row, for the same reason.
_WORD = r"(\p{L}[\p{L}\p{M}'\-]{0,13}|\p{N}{1,4})"
_POINT = rf"""/"\p{{L}}[\p{{L}}\p{{M}}'\-]{{0,13}}(,? {_WORD}){{2,9}}\."/"""

_MAX_POINTS = 4
"""Most points of a compact summary."""

_MAX_VALUES = 4
"""Most values of a list field."""

_SCALARS: dict[Kind, str] = {
    Kind.INT: r"/-?(0|[1-9][0-9]{0,14})/",
    Kind.FLOAT: r"/-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?/",
    Kind.BOOL: '("true" | "false")',
}
_FREE_TEXT = r'/"[^"\\\x00-\x1F\x7F]{0,160}"/'


def design_grammar(names: Sequence[str], least: int, most: int) -> str:
    """Grammar of a compact design (`agents.schema_designer`): the domain, then classes out of an inventory.

    A class is named at most once and in the inventory's order: left free, a small model repeats one class.

    Args:
        names: The inventory.
        least: Fewest classes.
        most: Most classes.
    """
    start = r'start: "{\"domain\": " DOMAIN ", \"classes\": [" after_0_0 "]}"'
    classes = [literal(json.dumps({"name": name})) for name in names]
    return "\n".join(("%llguidance {}", start, *_some_of(classes, least, most), f"DOMAIN: {_DOMAIN}", ""))


def _some_of(items: Sequence[str], least: int, most: int) -> Iterator[str]:
    """Rules for a list of some of these items, each at most once and in their order; begun by `after_0_0`."""
    # after_P_N: what may follow when N items are named and the next comes from position P or later.
    reached = {(0, 0)}
    for count in range(most + 1):
        for position in sorted(place for place, named in reached if named == count):
            ways = ['""'] if count >= least or position == len(items) else []
            comma = '", " ' if count else ""
            for number in range(position, len(items)) if count < most else ():
                ways.append(f"{comma}item_{number} after_{number + 1}_{count + 1}")
                reached.add((number + 1, count + 1))
            yield f"after_{position}_{count}: {' | '.join(ways)}"
    yield from (f"item_{number}: {item}" for number, item in enumerate(items))


def points_grammar() -> str:
    """Grammar of a compact summary (`agents.linear`): a few points of few words each."""
    points = rf'"[" POINT (", " POINT){{0,{_MAX_POINTS - 1}}} "]"'
    return "\n".join(("%llguidance {}", rf'start: "{{\"points\": " {points} "}}"', f"POINT: {_POINT}", ""))


def facts_grammar(text: str, keys: Sequence[str], least: int, most: int, max_tokens: int) -> str:
    """Grammar of compact facts (`agents.linear`): some of the keys, each with quotes from the text.

    Args:
        text: The document, or what represents a long one.
        keys: What keys there are; each is used at most once, in their order.
        least: Fewest keys.
        most: Most keys.
        max_tokens: What the facts have to fit.

    Raises:
        ValueError: The text is longer than a grammar is built for.
    """
    rules = quote_rules(text)
    entries = min(_MAX_VALUES, _most_quotes(text, most, max_tokens - most * _KEY_TOKENS))
    values = _list(r'"\"" QUOTE "\""', entries) if rules else '"[]"'
    facts = [f"{literal('{' + json.dumps('key') + ': ' + json.dumps(key) + ', ')} values" for key in keys]
    return "\n".join(
        (
            "%llguidance {}",
            r'start: "{\"facts\": [" after_0_0 "]}"',
            *_some_of(facts, min(least, len(keys)), most),
            rf'values: "\"values\": " {values} "}}"',
            *rules,
            "",
        )
    )


def guidelines_grammar(names: Sequence[str], max_tokens: int) -> str:
    """Grammar of compact guidelines (`agents.guideline_writer`): every class once, in order.

    Of many classes each gets a shorter sentence, so that all of them fit `max_tokens`.
    """
    room = max_tokens / len(names) - _GUIDELINE_TOKENS
    words = max(2, min(_MAX_WORDS, int(room / _WORD_TOKENS) - 1))
    parts = (
        f"{literal('{' + json.dumps('name') + ': ' + json.dumps(name) + ', ')} guideline" for name in names
    )
    rule = r'"\"include\": [" SENTENCE "]}"'
    return "\n".join(
        (
            "%llguidance {}",
            rf'start: "{{\"guidelines\": [" {_joined(parts)} "]}}"',
            f"guideline: {rule}",
            f"SENTENCE: {_SENTENCE.replace('WORDS', str(words))}",
            "",
        )
    )


def annotation_grammar(
    text: str,
    schema: AnnotationSchema,
    order: Sequence[str],
    max_tokens: int,
    form: AnswerForm = AnswerForm.BY_CLASS,
) -> str:
    """Grammar of an annotation (`agents.annotation_answer`): a list per class, or one, by the form.

    Lists are bounded so that an answer fits `max_tokens`: a small model else repeats itself up to there,
    and a truncated answer is lost.

    Raises:
        ValueError: The text is longer than a grammar is built for.
    """
    rules = quote_rules(text)
    specs = [spec for name in order if (spec := schema.get(name)) is not None]
    if form is AnswerForm.IN_ORDER:
        most = _most_quotes(text, 1 + max(len(spec.fields) for spec in specs), max_tokens)
        mentions = _list("mention", most) if rules else '"[]"'
        ways = " | ".join(_mention(spec, schema) for spec in specs)
        answers = [f"{literal(json.dumps(MENTIONS_KEY) + ': ')} {mentions}"]
        rules = (*((f"mention: {ways}",) if rules else ()), *rules)
    else:
        most = _most_quotes(text, sum(len(spec.fields) for spec in specs), max_tokens)
        answers = [
            f"{literal(json.dumps(spec.name) + ': ')} "
            + (_list(_entry(spec, schema, ()), most) if rules else '"[]"')
            for spec in specs
        ]
    start = f'start: "{{" {_joined(answers)} "}}"'
    return "\n".join(("%llguidance {}", start, *rules, ""))


class Sweep(StrEnum):
    """How missing mentions are asked for."""

    NO = "not at all"
    BRIEF = "at most MAX_MISSING, of whatever classes"
    EVERY_CLASS = "a list for every class, with at most MAX_MISSING"


class CritiqueForm(NamedTuple):
    """How a critique is written under a grammar.

    Attributes:
        key: Of the judgements.
        brackets: Around them.
        heads: Of each judgement, the JSON before what is said of it.
        tail: The JSON after.
        said: What can be said.
        sweep: How missing mentions are asked for.
    """

    key: str
    brackets: str
    heads: Sequence[str]
    tail: str
    said: Sequence[str]
    sweep: Sweep


def critique_grammar(text: str, schema: AnnotationSchema, form: CritiqueForm) -> str:
    """Grammar of a critique (`agents.critic`): a judgement for each mention, then missing ones by class.

    Args:
        text: The passage.
        schema: Classes a missing mention may have.
        form: What the answer looks like.

    Raises:
        ValueError: The text is longer than a grammar is built for.
    """
    rules = quote_rules(text) if form.sweep is not Sweep.NO else ()
    begin, end = form.brackets[0], form.brackets[1]
    parts = [f"{literal(head)} said" for head in form.heads]
    judged = f"{literal(begin)} {_joined(parts)} {literal(end)}" if parts else literal(begin + end)
    lines = []
    if parts:
        words = " | ".join(literal(json.dumps(word)) for word in form.said)
        lines.append(f"said: ({words})" + (f" {literal(form.tail)}" if form.tail else ""))
    missing = ""
    if rules:
        quote = r'"\"" QUOTE "\""'
        names = [literal(json.dumps(name) + ": ") for name in schema.names]
        if form.sweep is Sweep.EVERY_CLASS:
            lists = _joined(f"{name} quotes" for name in names)
            lines.append(f"quotes: {_list(quote, MAX_MISSING)}")
        else:
            lists = f"(of_a_class{_repeated('of_a_class', MAX_MISSING)})?"
            lines.append(f'of_a_class: ({" | ".join(names)}) "[" {quote} "]"')
        missing = f' {literal(", " + json.dumps("missing") + ": {")} {lists} "}}"'
    start = f'start: {literal(f"{{{json.dumps(form.key)}: ")} {judged}{missing} "}}"'
    return "\n".join(("%llguidance {}", start, *lines, *rules, ""))


def revision_grammar(
    text: str, names: Sequence[str], count: int, quotes: Sequence[str] | None, no_class: str
) -> str:
    """Grammar of a revision (`agents.reviser`): one decision for each phrase.

    Args:
        text: The passage.
        names: Classes a phrase may have.
        count: How many phrases there are.
        quotes: The phrases, repeated before their class as they are; None if they are known by their numbers
            and the exact mention is quoted after the class.
        no_class: What is said, with repeated phrases, of one that is no mention.

    Raises:
        ValueError: The text is longer than a grammar is built for.
    """
    heads = (
        [json.dumps({"item": number})[:-1] for number in range(1, count + 1)]
        if quotes is None
        else [json.dumps({"quote": quote}, ensure_ascii=False)[:-1] for quote in quotes]
    )
    decided = _joined(f"{literal(head + ', ' + json.dumps('class') + ': ')} decided" for head in heads)
    lines = ["%llguidance {}", rf'start: "{{\"phrases\": [" {decided} "]}}"']
    rules = quote_rules(text) if quotes is None else ()
    said = " | ".join(literal(json.dumps(name)) for name in names)
    if quotes is not None:
        lines.append(f"decided: ({said} | {literal(json.dumps(no_class))}) " + '"}"')
    elif rules:
        lines.append(rf'decided: "null}}" | ({said}) ", \"quote\": \"" QUOTE "\"}}"')
    else:
        lines.append('decided: "null}"')
    return "\n".join((*lines, *rules, ""))


def _entry(spec: ClassSpec, schema: AnnotationSchema, above: tuple[str, ...]) -> str:
    if has_only_span(spec):
        return r'"\"" QUOTE "\""'
    return f'"{{" {_joined(_field(field, spec, schema, above) for field in spec.fields)} "}}"'


def _mention(spec: ClassSpec, schema: AnnotationSchema) -> str:
    """An entry that names its class, behind what stands for it."""
    first = [spec.anchor] if spec.anchor else []
    rest = [field for field in spec.fields if field not in first]
    parts = [_field(field, spec, schema, ()) for field in (*first, *rest)]
    parts.insert(len(first), literal(json.dumps({CLASS_KEY: spec.name})[1:-1]))
    return f'"{{" {_joined(parts)} "}}"'


def _field(field: FieldSpec, spec: ClassSpec, schema: AnnotationSchema, above: tuple[str, ...]) -> str:
    return f"{literal(json.dumps(field.name) + ': ')} {_value(field, spec, schema, (*above, spec.name))}"


def _value(field: FieldSpec, spec: ClassSpec, schema: AnnotationSchema, above: tuple[str, ...]) -> str:
    kind = field.type.kind
    nested = schema.get(field.type.class_name) if field.type.class_name else None
    if kind is Kind.LITERAL:
        value = (
            "("
            + " | ".join(literal(json.dumps(choice, ensure_ascii=False)) for choice in field.type.choices)
            + ")"
        )
    elif nested is not None and nested.name not in above:
        value = f"({_entry(nested, schema, above)})"
    elif kind is Kind.CLASS or field.verbatim:
        value = r'("\"" QUOTE "\"")'
    else:
        value = _SCALARS.get(kind, _FREE_TEXT)
    if field.type.many:
        return _list(value, _MAX_VALUES)
    return value if field is spec.anchor else f'({value} | "null")'


def _most_quotes(text: str, at_once: int, max_tokens: int) -> int:
    """How many times so many quotes fit an answer."""
    # Other scripts take more bytes a character, and about as many more tokens.
    script = max(1.0, len(text.encode()) / max(1, len(text)))
    return max(1, int(max_tokens / (_QUOTE_TOKENS * script) / at_once))


def _joined(parts: Iterable[str]) -> str:
    """Expressions with a comma and a space between them."""
    return ' ", " '.join(parts)


def _list(item: str, most: int) -> str:
    return f'"[" ({item}{_repeated(item, most)})? "]"'


def _repeated(item: str, most: int) -> str:
    """What may follow a first item."""
    # LLGuidance does not take a repetition of {0,0}.
    return f' (", " {item}){{0,{most - 1}}}' if most > 1 else ""
