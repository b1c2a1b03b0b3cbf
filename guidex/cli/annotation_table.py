"""What the annotators of a round say, as a table on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graph.consensus import key_of
from guidex.cli.console import safe
from schemas.annotation import Instance, MentionStatus, Value
from schemas.judgement import MentionJudgement, Verdict
from schemas.rounds import Round

_PROPAGATED = "p"
"""Marks a mention that an annotator did not quote itself."""

_SHOWN_ANNOTATORS = 4
"""Annotations that get a column each; of more, a count must do."""

_WIDEST_NAME = 24
"""Characters of a class's name that are not folded."""


def print_annotations(out: Console, round_: Round) -> None:
    """Print each distinct instance of a round once, with who found it, and what the critic says of it."""
    out.print(Text("Annotations", style="bold"))
    found = _by_key(round_)
    if not found:
        out.print("  none", style="dim")
    else:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
        widest = max(len(safe(instance.class_name)) for instance, _ in found.values())
        table.add_column("class", overflow="fold", style="cyan", min_width=min(widest, _WIDEST_NAME))
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
        disputed = Text(f"disputed, so their absence proves nothing: {names}", style="dim")
        out.print(Padding(disputed, (0, 0, 0, 2), expand=False))
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
