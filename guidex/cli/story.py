"""The story of a document on the terminal: round by round, then the text with what was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from graph.store.records import CallStatus
from guidex.cli.annotation_table import print_annotations
from guidex.cli.calls import call_style
from guidex.cli.console import console, safe, shortened
from guidex.cli.document_list import score
from guidex.cli.marked_text import marked_text
from guidex.cli.schema_text import print_schema
from guidex.cli.summary import FIGURES, OUTCOME_STYLES
from guidex.stories import CallLine, RoundStory, Story
from schemas.judgement import JUDGED_SCORES, Finding, Outcome, Severity
from schemas.objections import Objection, Standing
from schemas.rounds import Round


def print_story(story: Story) -> None:
    """Print the story of a document."""
    out = console()
    _print_head(out, story)
    before: Round | None = None
    for told in story.rounds:
        round_ = told.result
        _rule(out, f"Round {round_.number}, from the {round_.entered.value}")
        print_schema(out, round_.annotation_schema, before.annotation_schema if before else None)
        print_annotations(out, round_, before)
        before = round_
        _print_findings(out, round_.findings, round_.objections)
        _print_scores(out, told, story.required)
        _print_calls(out, [call for call in story.calls if call.round == round_.number])
    told_rounds = {told.result.number for told in story.rounds}
    loose = [call for call in story.calls if call.round not in told_rounds]
    if loose:
        _rule(out, "Calls of a round that did not end")
        _print_calls(out, loose)
    _print_objections(out, story.objections)
    _print_end(out, story)


def _rule(out: Console, title: str) -> None:
    out.print(Rule(Text(title, style="bold"), align="left", characters="-"))


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


# --- what was objected to ---


def _print_findings(out: Console, findings: Sequence[Finding], objections: Sequence[Objection]) -> None:
    out.print(Text("Findings", style="bold"))
    if not findings:
        out.print("  none", style="dim")
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        kind = (finding.severity, finding.code, finding.raised_by, finding.message)
        alike.setdefault(kind, []).append(finding)
    for said in alike.values():
        numbers = [str(one.number) for one in objections if one.finding in said]
        line = _finding_line(said)
        if numbers:
            noun = "objection" if len(numbers) == 1 else "objections"
            line.append(f" ({noun} {', '.join(numbers)})", style="dim")
        out.print(Padding(line, (0, 0, 0, 2), expand=False))
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
    _rule(out, "Objections: who raised them, and who gave way")
    for objection in objections:
        finding = objection.finding
        about = ", ".join(filter(None, (finding.code.value, _about(finding))))
        line = Text.assemble(
            f"objection {objection.number} ({about}): raised in round {objection.raised_in} by "
            f"{safe(finding.raised_by)}, ",
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
    return f"{objection.status.value} in round {objection.settled_in} by {who}"


# --- how it was judged, and what it took ---


def _print_scores(out: Console, told: RoundStory, required: Mapping[str, float]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(min_width=1)
    for name in JUDGED_SCORES:
        value = getattr(told.result.scores, name)
        least = required.get(name, 0.0)
        short = value is not None and value < least
        verdict = f"less than {least:g}" if short else f"at least {least:g}" if least else ""
        if value is None:
            verdict = "not judged"
        mark = "!" if short else ""
        row = (mark, name.replace("_", " "), score(value), verdict)
        table.add_row(*row, style="yellow" if short else "")
        if name == "agreement" and value is not None:
            for figure, (label, meaning) in FIGURES.items():
                table.add_row(
                    "", f"  {label}", score(getattr(told.result.scores, figure)), meaning, style="dim"
                )
    out.print(Text("Scores", style="bold"))
    out.print(table)
    if told.obstacles:
        against = "; ".join(safe(each) for each in told.obstacles)
        out.print(Padding(Text(f"against acceptance: {against}", style="yellow"), (0, 0, 0, 2), expand=False))
    out.print()


def _print_calls(out: Console, calls: Sequence[CallLine]) -> None:
    if not calls:
        return
    out.print(Text("Calls", style="bold"))
    columns = {
        "passage": [str(call.passage + 1) for call in calls] if any(call.passage for call in calls) else [],
        "tries": [str(call.attempts) for call in calls] if any(call.attempts > 1 for call in calls) else [],
        "in": [f"{call.input_tokens:,}" for call in calls],
        "cached": [f"{call.cached_tokens:,}" for call in calls],
        "out": [f"{call.output_tokens:,}" for call in calls],
        "took": [f"{call.seconds:,.1f} s" for call in calls],
    }
    shown = {name: cells for name, cells in columns.items() if cells}
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for name in ("call", "agent", "status"):
        table.add_column(name, no_wrap=True)
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for call, *numbers in zip(calls, *shown.values(), strict=True):
        agent = f"{call.agent} {call.sample + 1}" if call.agent == "annotator" else call.agent
        status = Text(safe(call.status), style=call_style(CallStatus(call.status)))
        table.add_row(safe(call.id), safe(agent), status, *numbers)
    out.print(Padding(table, (0, 0, 0, 2), expand=False))
    for call in calls:
        if call.error:
            why = Text(f"{safe(call.id)}: {shortened(safe(call.error))}", style="dim")
            out.print(Padding(why, (0, 0, 0, 2), expand=False))
    out.print()


# --- how it ended ---


def _print_end(out: Console, story: Story) -> None:
    kept = f" (round {story.decision.round} was kept)" if story.decision and story.decision.round else ""
    _rule(out, f"Result{kept}")
    if story.decision is None:
        out.print("No decision yet.")
    elif len(story.decisions) == 1:
        style = OUTCOME_STYLES.get(story.outcome.value, "")
        out.print(Text.assemble((story.outcome.value, style), f": {safe(story.decision.reason)}"))
    else:
        _print_decisions(out, story)
    if story.document is not None:
        out.print()
        out.print(marked_text(story.document.text, story.result))
    if story.calls:
        out.print()
        out.print(Text("`guidex trace call RUN ID` shows what was said in a call.", style="dim"))


def _print_decisions(out: Console, story: Story) -> None:
    """All decisions; a `*` marks the one that holds."""
    for made in story.decisions:
        outcome, kept = made.decision.outcome.value, made.decision.round
        line = Text("* " if made.in_force else "  ", style="" if made.in_force else "dim")
        line.append(f"version {made.version}, {made.created[:10]} {made.created[11:19]}: ")
        line.append(outcome, style=OUTCOME_STYLES.get(outcome, "") if made.in_force else "")
        line.append(f": {safe(made.decision.reason)}" + (f" (round {kept})" if kept else ""))
        out.print(line)
