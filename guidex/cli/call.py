"""One call on the terminal: what was said, each answer as it came, and what it took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from agents.llm.choices import Choice
from agents.llm.client import Attempt
from agents.llm.prices import usd
from guidex.call_stories import CallStory, SaidMessage, laid_out, parsed
from guidex.cli.calls import agent_of, call_style
from guidex.cli.console import console, counted, safe

_UNIQUE, _SHARED, _ANSWER = (2000, 32), (240, 6), (6000, 120)
"""Most characters and lines of a part of a message, of one that other calls have too, and of an answer."""
_WORTH_CUTTING = 200
"""Characters; a text that is longer by fewer is printed whole."""
_LIKELIEST = 4
"""Values named where the answer was one of many."""
_LEAST = 0.005
"""Probability from which on a value is named: what is not printed as 0.00."""


def print_call(story: CallStory, *, full: bool) -> None:
    """Print a call.

    Args:
        story: The call.
        full: Whether long texts are printed whole.
    """
    out = console()
    _print_head(out, story)
    for message in story.messages:
        _print_message(out, message, full)
    for attempt in story.attempts:
        _print_attempt(out, attempt, len(story.attempts), full)
    last = story.attempts[-1].raw if story.attempts else None
    if story.answer is not None and (last is None or parsed(last) != parsed(story.answer)):
        _rule(out, "Answer as it was taken")
        _print_text(out, laid_out(story.answer), None if full else _ANSWER)
    _print_choices(out, story.choices)


def _print_head(out: Console, story: CallStory) -> None:
    call, sampling = story.call, story.sampling
    status = (call.status.value, call_style(call.status))
    out.print(Text.assemble((f"Call {safe(call.id)}", "bold"), ": ", status))
    if call.error:
        out.print(Text(safe(call.error), style="red"))
    drawn = [f"temperature {sampling.temperature:g}"]
    drawn += [f"top-p {sampling.top_p:g}"] if sampling.top_p is not None else []
    if sampling.frequency_penalty is not None:
        drawn.append(f"frequency penalty {sampling.frequency_penalty:g}")
    drawn += [f"seed {sampling.seed}"] if sampling.seed is not None else []
    drawn.append(f"at most {sampling.max_tokens:,} tokens")
    place = f" at {safe(call.base_url)}" if call.base_url else ""
    model = f"{safe(call.provider)}/{safe(call.model)}{place}"
    about = "no document" if call.document_id is None else safe(call.document_id)
    rows = {
        "agent": safe(agent_of(call)),
        "document": f"{about}, round {call.round}"
        + (f", passage {call.passage + 1}" if call.passage else ""),
        "model": model,
        "sampling": ", ".join(drawn),
        "answer": safe(call.answer_name) + (f" by {safe(story.structured)}" if story.structured else ""),
        "time (UTC)": _times(call.opened, call.closed),
        "replays": f"{safe(call.replay_of)}, which said what follows" if call.replay_of else "",
        "reuses": f"{safe(story.reused_from)}, of another run" if story.reused_from else "",
        "drawn anew": f"{counted(call.retry, 'call')} like this went before" if call.retry else "",
        "took": _took(call.attempts, call.seconds, call.cost, call.unpriced),
        "tokens": _tokens(call.input_tokens, call.cached_tokens, call.output_tokens) if call.attempts else "",
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    out.print(Padding(table, (0, 0, 0, 2), expand=False))
    out.print()


def _times(opened: str, closed: str | None) -> str:
    begun = f"{opened[:10]} {opened[11:19]}"
    return f"{begun} to {closed[11:19]}" if closed else f"{begun}, not closed"


def _took(requests: int, seconds: float, cost: float | None, unpriced: int) -> str:
    if not requests:
        return ""
    price = "cost unknown" if cost is None else usd(cost) + (" and more" if unpriced else "")
    return f"{counted(requests, 'request')}, {seconds:,.2f} s, {price}"


def _tokens(given: int, cached: int, made: int) -> str:
    return f"{given:,} in, {cached:,} of them cached, {made:,} out"


def _rule(out: Console, title: str, remark: str = "") -> None:
    heading = Text.assemble((title, "bold"), (f"  {remark}" if remark else "", "dim"))
    out.print(Rule(heading, align="left", characters="-"))


def _print_message(out: Console, message: SaidMessage, full: bool) -> None:
    _rule(out, safe(message.role))
    for number, part in enumerate(message.parts):
        shared = part.uses > 1
        if number or shared:
            often = f", said {part.uses:,} times in this run" if shared else ""
            out.print(Text(f"(part {number + 1} of {len(message.parts)}{often})", style="dim"))
        longest = None if full else _SHARED if shared else _UNIQUE
        _print_text(out, part.text, longest)
    out.print()


def _print_attempt(out: Console, attempt: Attempt, count: int, full: bool) -> None:
    title = "answer" if count == 1 else f"answer {attempt.number} of {count}"
    usage = attempt.usage
    took = [
        f"{safe(attempt.finish_reason)}" if attempt.finish_reason else "",
        f"{attempt.latency:,.2f} s",
        _tokens(usage.input_tokens, usage.cached_tokens, usage.output_tokens),
        "" if attempt.cost is None else usd(attempt.cost),
    ]
    _rule(out, title)
    out.print(Text(f"({'; '.join(filter(None, took))})", style="dim"))
    if attempt.raw:
        _print_text(out, laid_out(attempt.raw), None if full else _ANSWER)
    else:
        out.print(Text("nothing", style="dim"))
    if attempt.error:
        out.print(Text(f"not taken: {safe(attempt.error)}", style="yellow"))
    out.print()


def _print_text(out: Console, text: str, longest: tuple[int, int] | None) -> None:
    """Print a text indented; of one that is much longer than wanted the beginning, and how much is left."""
    shown = text
    if longest is not None:
        characters, lines = longest
        shown = "\n".join(text[:characters].split("\n")[:lines])
    left = len(text) - len(shown)
    if left < _WORTH_CUTTING:
        shown, left = text, 0
    out.print(Padding(Text(safe(shown, lines=True), overflow="fold"), (0, 0, 0, 2), expand=False))
    if left:
        out.print(Text(f"  ... {left:,} more characters; --full shows them", style="dim"))


def _print_choices(out: Console, choices: Sequence[Choice]) -> None:
    if not choices:
        return
    _rule(out, "How likely each value was")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("where", overflow="fold")
    table.add_column("written", overflow="fold")
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("instead", overflow="fold")
    for choice in choices:
        chance = choice.probabilities.get(choice.value)
        table.add_row(
            safe(choice.path),
            safe(choice.value),
            "-" if chance is None else f"{chance:.2f}",
            ", ".join(_others(choice)),
        )
    out.print(Padding(table, (0, 0, 0, 2), expand=False))


def _others(choice: Choice) -> Iterable[str]:
    """The likeliest values beside the one that was written."""
    ranked = sorted(choice.probabilities.items(), key=lambda item: -item[1])
    others = [(value, chance) for value, chance in ranked if value != choice.value and chance >= _LEAST]
    for value, chance in others[:_LIKELIEST]:
        yield f"{safe(value)} {chance:.2f}"
    if len(others) > _LIKELIEST:
        yield "..."
