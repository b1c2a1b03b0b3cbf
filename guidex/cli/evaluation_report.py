"""What `guidex eval` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finetune.evaluation.results import Evaluation, ModelResult
    from finetune.scoring.models import Figure


def print_evaluation(made: Evaluation, *, per_class: bool = False) -> None:
    """The main figures of each model, and how the models differ; with `per_class`, each class as well."""
    from rich.table import Table
    from rich.text import Text

    from finetune.evaluation.results import AVERAGE
    from finetune.evaluation.scoring import ABOUT, Measure
    from guidex.cli.console import console, counted, safe

    out = console()
    sentences, mentions = sum(made.sentences.values()), sum(made.mentions.values())
    domains = counted(len(made.sentences), "domain")
    title = f"{safe(made.benchmark)}: {counted(sentences, 'sentence')} of {domains}, {mentions:,} mentions"
    out.print(Text(title, style="bold"))
    for key, value in made.about.items():
        out.print(Text(f"{key}: {safe(value)}", style="dim"))
    out.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("F1", overflow="fold")
    for column in (Measure.GOLLIE_FILTERED, Measure.STRICT):
        table.add_column(str(column), justify="right", no_wrap=True)
    for rate in ("unread", "cut off", "invented"):
        table.add_column(rate, justify="right", no_wrap=True)
    for model in made.models:
        average = model.scores[AVERAGE]
        table.add_row(
            safe(model.model),
            _figure(average[Measure.GOLLIE_FILTERED].f1),
            _figure(average[Measure.STRICT].f1),
            f"{model.unparsable:.0%}",
            f"{model.truncated:.0%}",
            "-" if model.hallucinated is None else f"{model.hallucinated:.0%}",
        )
    out.print(table)
    _print_domains(made)
    _print_seen(made.models)
    if per_class:
        for model in made.models:
            _print_classes(model)
    if made.differences:
        out.print()
        out.print(Text(f"Differences in {Measure.GOLLIE_FILTERED} F1", style="dim"))
        for pair in made.differences:
            shown = _figure(pair.f1[Measure.GOLLIE_FILTERED], signed=True)
            out.print(Text(f"{safe(pair.model)} less {safe(pair.against)}: {shown}"))
    out.print()
    for measure in (Measure.GOLLIE_FILTERED, Measure.STRICT):
        out.print(Text(f"{measure}: {ABOUT[measure]}", style="dim"))
    out.print(
        Text(
            "unread: answers that could not be read, which count as no prediction; cut off: at the most "
            "tokens; invented: predictions that stand nowhere in the sentence, before any is removed. In "
            f"parentheses: {made.level:.0%} intervals over sentences; one training run says nothing about "
            "others.",
            style="dim",
        )
    )


def _print_domains(made: Evaluation) -> None:
    from rich.table import Table

    from finetune.evaluation.scoring import Measure
    from guidex.cli.console import console, safe

    if len(made.sentences) < 2:
        return
    out = console()
    out.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(f"{Measure.GOLLIE_FILTERED} F1 by domain", overflow="fold")
    for name in made.sentences:
        table.add_column(safe(name)[:12], justify="right", no_wrap=True)
    for model in made.models:
        cells = (model.scores[name][Measure.GOLLIE_FILTERED].f1.value for name in made.sentences)
        table.add_row(safe(model.model), *(f"{100 * (each or 0):.1f}" for each in cells))
    out.print(table)


def _print_seen(models: tuple[ModelResult, ...]) -> None:
    from rich.text import Text

    from guidex.cli.console import console, safe

    known = [model for model in models if model.by_seen]
    if not known:
        return
    out = console()
    out.print()
    out.print(Text("F1 over classes that training knew by name, by a near name, or not at all", style="dim"))
    for model in known:
        shown = ", ".join(f"{seen} {_figure(value)}" for seen, value in model.by_seen.items())
        out.print(Text(f"{safe(model.model)}: {shown}"))


def _print_classes(model: ModelResult) -> None:
    from rich.table import Table

    from finetune.scoring.counting import f1
    from guidex.cli.console import console, safe

    out = console()
    out.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(f"Classes, {safe(model.model)}", overflow="fold")
    for column in ("F1", "found", "missed", "wrong", "in training"):
        table.add_column(column, justify="right", no_wrap=True)
    for domain, classes in model.classes.items():
        for name, each in classes.items():
            known = each.correct + each.missed + each.wrong
            table.add_row(
                safe(f"{domain}: {name}"),
                f"{100 * f1(each.correct, each.wrong + each.missed):.1f}" if known else "-",
                *(f"{number:,}" for number in (each.correct, each.missed, each.wrong)),
                each.seen or "-",
            )
    out.print(table)


def _figure(figure: Figure, *, signed: bool = False) -> str:
    """Points of 100 with the interval: `37.1 (35.2-39.0)`."""
    if figure.value is None:
        return "-"
    sign = "+" if signed else ""
    value = f"{100 * figure.value:{sign}.1f}"
    if figure.low is None or figure.high is None:
        return value
    between = " to " if signed else "-"
    return f"{value} ({100 * figure.low:{sign}.1f}{between}{100 * figure.high:{sign}.1f})"
