"""The story of a document on the terminal: round by round, then the text with what was kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from graph.consensus import key_of
from guidex.cli.console import console, safe
from guidex.cli.document_list import score
from guidex.cli.summary import FIGURES, OUTCOME_STYLES
from guidex.stories import CallLine, RoundStory, Story
from schemas.annotation import Annotation, Instance, MentionStatus, Value
from schemas.judgement import JUDGED_SCORES, Finding, MentionJudgement, Outcome, Severity, Verdict
from schemas.objections import Objection, Standing
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

_LONGEST_TEXT = 4000
"""Characters of a document that are shown; beyond them, the list of what was kept must do."""

_PROPAGATED = "p"
"""Marks a mention that an annotator did not quote itself."""

_SHOWN_ANNOTATORS = 4
"""Annotations that get a column each; of more, a count must do."""


def print_story(story: Story) -> None:
    """Print the story of a document."""
    out = console()
    _print_head(out, story)
    shown: AnnotationSchema | None = None
    for told in story.rounds:
        round_ = told.result
        out.print(
            Rule(
                Text(f"Round {round_.number}, from the {round_.entered.value}", style="bold"),
                align="left",
                characters="-",
            )
        )
        print_schema(out, round_.annotation_schema, shown)
        shown = round_.annotation_schema
        _print_annotations(out, round_)
        _print_findings(out, round_)
        _print_scores(out, told, story.required)
        _print_calls(out, [call for call in story.calls if call.round == round_.number])
    told_rounds = {told.result.number for told in story.rounds}
    loose = [call for call in story.calls if call.round not in told_rounds]
    if loose:
        out.print(Rule(Text("Calls of a round that did not end", style="bold"), align="left", characters="-"))
        _print_calls(out, loose)
    _print_objections(out, story.objections)
    _print_end(out, story)


def _print_head(out: Console, story: Story) -> None:
    outcome = Text(story.outcome.value, style=OUTCOME_STYLES.get(story.outcome.value, ""))
    out.print(Text.assemble((f"Document {safe(story.id)}", "bold"), ": ", outcome))
    if story.document is not None:
        source = f"{safe(story.document.source)}, " if story.document.source else ""
        out.print(Text(f"{source}{len(story.document.text):,} characters", style="dim"))
    if story.decision is not None:
        out.print(f"Reason: {safe(story.decision.reason)}")
    present = story.failures[-1:] if story.outcome is Outcome.FAILED else ()
    for failure in story.failures[: len(story.failures) - len(present)]:
        out.print(Text(f"Earlier failure: {safe(failure)}", style="dim"))
    for failure in present:
        out.print(Text(f"Failure: {safe(failure)}", style="red"))
    out.print()


# --- schema and guidelines ---


def print_schema(out: Console, schema: AnnotationSchema, before: AnnotationSchema | None) -> None:
    """Print classes and guidelines; of a schema that was shown before, only what has changed."""
    title = f"Schema: {safe(schema.domain)}" if schema.domain else "Schema"
    out.print(Text(title, style="bold"))
    known = {} if before is None else {spec.name: spec for spec in before.classes}
    for spec in schema.classes:
        if known.get(spec.name) == spec:
            out.print(Text.assemble("  ", (safe(spec.name), "cyan"), (" as before", "dim")))
        else:
            _print_class(out, spec)
    gone = [name for name in known if name not in schema.names]
    if gone:
        out.print(Text(f"  no longer: {', '.join(map(safe, gone))}", style="dim"))
    out.print()


def _print_class(out: Console, spec: ClassSpec) -> None:
    fields = ", ".join(
        f"{safe(field.name)}: {_type_of(field.type.kind, field.type.many)}" for field in spec.fields
    )
    out.print(Text.assemble("  ", (safe(spec.name), "cyan"), (f" ({fields})", "dim")))
    for label, prose in _prose(spec.guideline):
        line = Text.assemble((f"{label}: ", "dim"), safe(prose))
        out.print(Padding(line, (0, 0, 0, 6), expand=False))


def _type_of(kind: str, many: bool) -> str:
    return f"list of {kind}" if many else str(kind)


def _prose(guideline: Guideline) -> Iterable[tuple[str, str]]:
    if guideline.definition:
        yield "is", guideline.definition
    yield from (("annotate", each) for each in guideline.include)
    yield from (("not", each) for each in guideline.exclude)
    if guideline.boundary:
        yield "boundary", guideline.boundary
    yield from ((f"unlike {each.sibling}", each.difference) for each in guideline.contrast)
    if guideline.negatives:
        yield "no mentions", ", ".join(guideline.negatives)


# --- what the annotators said ---


def _print_annotations(out: Console, round_: Round) -> None:
    out.print(Text("Annotations", style="bold"))
    found = _by_key(round_)
    if not found:
        out.print("  none", style="dim")
    else:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("class", overflow="fold", style="cyan")
        table.add_column("text", overflow="fold", ratio=1)
        table.add_column("at", no_wrap=True, style="dim", justify="right")
        count = len(round_.annotations)
        single = count <= _SHOWN_ANNOTATORS
        for name in [f"A{number + 1}" for number in range(count)] if single else ["found by"]:
            table.add_column(name, justify="center", no_wrap=True)
        table.add_column("agreed", justify="center", no_wrap=True)
        judged: dict[tuple[object, ...], MentionJudgement] = {
            (said.class_name, said.span): said for said in round_.judgements
        }
        if judged:
            table.add_column("critic", no_wrap=True)
        agreed = {key_of(instance) for instance in round_.agreed.instances}
        for key, (instance, annotators) in found.items():
            marks = [f"{len(annotators)} of {count}"]
            if single:
                marks = [annotators.get(number, ".") for number in range(count)]
            mark = Text("yes", style="green") if key in agreed else Text("no", style="yellow")
            said = [_judged(judged.get(key))] if judged else []
            table.add_row(safe(instance.class_name), _values(instance), _place(instance), *marks, mark, *said)
        out.print(Padding(table, (0, 0, 0, 2), expand=False))
        if any(_PROPAGATED in annotators.values() for _, annotators in found.values()):
            out.print(f"  {_PROPAGATED}: by code, for the same words as elsewhere in it", style="dim")
    if round_.agreed.unknown_classes:
        names = ", ".join(map(safe, round_.agreed.unknown_classes))
        out.print(f"  disputed, so their absence proves nothing: {names}", style="dim")
    out.print()


def _judged(said: MentionJudgement | None) -> Text:
    """What the critic said of a mention, and how likely it takes it to be correct as annotated."""
    if said is None:
        return Text("")
    chance = "" if said.probability is None else f" ({said.probability:.2f})".replace("0.", ".")
    style = "green" if said.verdict is Verdict.CORRECT else "yellow"
    return Text(f"{said.verdict.value.replace('_', ' ')}{chance}", style=style)


def _by_key(round_: Round) -> dict[tuple[object, ...], tuple[Instance, dict[int, str]]]:
    """Every distinct instance, in document order, with the annotators who have it, each with a mark."""
    found: dict[tuple[object, ...], tuple[Instance, dict[int, str]]] = {}
    for number, annotation in enumerate(round_.annotations):
        for instance in annotation.instances:
            status = instance.anchor.status if instance.anchor else None
            mark = _PROPAGATED if status is MentionStatus.PROPAGATED else "x"
            found.setdefault(_key(instance), (instance, {}))[1].setdefault(number, mark)
    return dict(sorted(found.items(), key=lambda item: _order(item[1][0])))


def _key(instance: Instance) -> tuple[object, ...]:
    """Quotes that stand nowhere have no span to tell them apart."""
    lost = instance.anchor is not None and instance.anchor.span is None
    return (*key_of(instance), instance.anchor.quote) if lost and instance.anchor else key_of(instance)


def _order(instance: Instance) -> tuple[int, int]:
    span = instance.anchor.span if instance.anchor else None
    return span or (1 << 60, 0)


def _values(instance: Instance) -> str:
    """The anchor's text; other values with their field's name."""
    anchor = instance.anchor
    parts = [safe(instance.surface or (anchor.quote if anchor else ""))] if anchor else []
    parts += [
        f"{safe(name)}={_value(value)}"
        for name, value in instance.values.items()
        if (anchor is None or name != anchor.field) and value not in (None, ())
    ]
    return "; ".join(parts)


def _value(value: Value) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Instance):
        return f"{safe(value.class_name)}({_values(value)})"
    return safe(value)


def _place(instance: Instance) -> Text:
    if instance.anchor is None:
        return Text("")
    span = instance.anchor.span
    return Text(f"{span[0]}-{span[1]}") if span else Text("not found", style="red")


# --- what was objected to ---


def _print_findings(out: Console, round_: Round) -> None:
    out.print(Text("Findings", style="bold"))
    if not round_.findings:
        out.print("  none", style="dim")
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for finding in round_.findings:
        kind = (finding.severity, finding.code, finding.raised_by, finding.message)
        alike.setdefault(kind, []).append(finding)
    for findings in alike.values():
        out.print(Padding(_finding_line(findings), (0, 0, 0, 2), expand=False))
    out.print()


def _finding_line(findings: Sequence[Finding]) -> Text:
    """Findings that say the same of several mentions or classes, as one."""
    first = findings[0]
    style = "red" if first.severity is Severity.MAJOR else "yellow"
    about = "; ".join(filter(None, map(_about, findings)))
    return Text.assemble(
        (f"{first.severity.value} {first.code.value}", style),
        f" by {safe(first.raised_by)} for the {first.target.value}",
        f": {safe(first.message)}" if first.message else "",
        f": {about}" if about else "",
    )


def _about(finding: Finding) -> str:
    quote = "" if finding.quote is None else f'"{safe(finding.quote)}"'
    return " ".join(filter(None, (safe(finding.class_name or ""), quote)))


def _print_objections(out: Console, objections: Sequence[Objection]) -> None:
    if not objections:
        return
    out.print(Rule(Text("Objections, and who gave way", style="bold"), align="left", characters="-"))
    for objection in objections:
        finding = objection.finding
        about = ", ".join(filter(None, (finding.code.value, _about(finding))))
        line = Text.assemble(
            f"objection {objection.number} ({about}): raised in round {objection.raised_in}, ",
            (_ended(objection), "" if objection.gave_way else "yellow"),
        )
        out.print(Padding(line, (0, 0, 0, 2), expand=False))
    out.print()


def _ended(objection: Objection) -> str:
    """How an objection ended, in words."""
    if objection.status is Standing.DROPPED:
        return f"dropped with its mention in round {objection.settled_in}, the class unknown"
    if objection.status is Standing.OPEN:
        return "open"
    who = " and ".join(map(safe, objection.gave_way))
    return f"{who} gave way in round {objection.settled_in}"


def _print_scores(out: Console, told: RoundStory, required: Mapping[str, float]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name in JUDGED_SCORES:
        value = getattr(told.result.scores, name)
        least = required.get(name, 0.0)
        short = value is not None and value < least
        verdict = f"less than {least:g}" if short else f"at least {least:g}" if least else ""
        if value is None:
            verdict = "not judged"
        table.add_row(name.replace("_", " "), score(value), verdict, style="yellow" if short else "")
        if name == "agreement" and value is not None:
            for figure, (label, meaning) in FIGURES.items():
                table.add_row(f"  {label}", score(getattr(told.result.scores, figure)), meaning, style="dim")
    out.print(Text("Scores", style="bold"))
    out.print(Padding(table, (0, 0, 0, 2), expand=False))
    if told.obstacles:
        against = "; ".join(safe(each) for each in told.obstacles)
        out.print(Padding(Text(f"against acceptance: {against}", style="yellow"), (0, 0, 0, 2), expand=False))
    out.print()


def _print_calls(out: Console, calls: Sequence[CallLine]) -> None:
    if not calls:
        return
    out.print(Text("Calls", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("agent", no_wrap=True)
    table.add_column("status", overflow="fold")
    for column in ("passage", "attempts", "tokens in", "cached", "out", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    for call in calls:
        agent = f"{call.agent} {call.sample + 1}" if call.agent == "annotator" else call.agent
        numbers = (call.attempts, call.input_tokens, call.cached_tokens, call.output_tokens)
        table.add_row(
            safe(agent),
            safe(call.status if call.error is None else f"{call.status}: {call.error}"),
            str(call.passage + 1),
            *(f"{number:,}" for number in numbers),
            f"{call.seconds:.2f}",
        )
    out.print(Padding(table, (0, 0, 0, 2), expand=False))
    out.print()


# --- how it ended ---


def _print_end(out: Console, story: Story) -> None:
    kept = f" (round {story.decision.round} was kept)" if story.decision and story.decision.round else ""
    out.print(Rule(Text(f"Result{kept}", style="bold"), align="left", characters="-"))
    if story.decision is not None:
        style = OUTCOME_STYLES.get(story.outcome.value, "")
        out.print(Text.assemble((story.outcome.value, style), f": {safe(story.decision.reason)}"))
    else:
        out.print("No decision yet.")
    if story.document is not None and story.result is not None:
        out.print()
        out.print(marked_text(story.document.text, story.result))


def marked_text(text: str, annotation: Annotation) -> Text:
    """A document's text with its mentions marked, `[text|Class]`; of overlapping ones the first is marked."""
    made = Text()
    at = 0
    for start, end, name in _spans(annotation):
        if start < at or start >= _LONGEST_TEXT:
            continue
        made.append(safe(text[at:start], lines=True))
        made.append("[", style="dim")
        made.append(safe(text[start:end], lines=True), style="bold cyan")
        made.append(f"|{safe(name)}]", style="dim")
        at = end
    made.append(safe(text[at : max(at, _LONGEST_TEXT)], lines=True))
    left = len(text) - max(at, _LONGEST_TEXT)
    if left > 0:
        made.append(f"\n... {left:,} more characters", style="dim")
    return made


def _spans(annotation: Annotation) -> list[tuple[int, int, str]]:
    return sorted(
        (*mention.span, instance.class_name if number == 0 else f"{instance.class_name}.{mention.field}")
        for top in annotation.instances
        for instance in top.walk()
        for number, mention in enumerate(instance.mentions)
        if mention.span is not None
    )
