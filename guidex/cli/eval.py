"""`guidex eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from guidex.cli.options import AsJson, BootstrapSeed, DisplayMode, IntervalLevel, Resamples
from schemas.errors import UsageError

if TYPE_CHECKING:
    from finetune.evaluation.evaluating import Asked
    from finetune.evaluation.results import Evaluation, ModelResult
    from finetune.scoring.models import Figure
    from guidex.evaluation import Contender
    from schemas.evaluation import EvaluationConfig


def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="A model as it is: hub name, folder, .gguf file or local/NAME; may be given several times.",
        ),
    ] = None,
    adapter: Annotated[
        list[Path] | None,
        typer.Option(
            "--adapter",
            metavar="FOLDER",
            help="A base with this adapter of `guidex train`; may be given several times.",
        ),
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(
            "--client",
            metavar="NAME",
            help="A model asked by chat, named as in jobs: openai/NAME, anthropic/NAME, or local/NAME on "
            "llama.cpp; may be given several times. It needs no PyTorch.",
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Server of the models of --client."),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark",
            metavar="crossner|DIR|FILE",
            help="Gold: a file (JSON Lines with offsets, or CoNLL lines with BIO tags), a folder with one "
            "file for each domain, or crossner.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FOLDER", help="The unpacked CrossNER, a folder for each domain."),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Split of CrossNER: test or dev.")] = "test",
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar="FILE",
            help="Classes and guidelines of the gold, as Python or JSON, or a folder with a file for each "
            "domain; default: GuideX's own for CrossNER, else the bare names of the labels.",
        ),
    ] = None,
    misc: Annotated[
        Literal["keep", "drop"],
        typer.Option(
            "--misc",
            help="Whether CrossNER's class for whatever has no other counts. GoLLIE and GuideX keep it; to "
            "drop it is worth about two points.",
        ),
    ] = "keep",
    domain: Annotated[
        list[str] | None,
        typer.Option("--domain", metavar="NAME", help="Only this domain; may be given several times."),
    ] = None,
    sentences: Annotated[
        int | None,
        typer.Option(
            "--sentences",
            min=1,
            metavar="N",
            help="Only so many sentences of each domain, drawn.",
        ),
    ] = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=16, metavar="N", help="Most tokens of an answer.")
    ] = 256,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the evaluation; default: after the benchmark."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where answers and result are kept; default: evals/NAME in the run of the first "
            "adapter, or here.",
        ),
    ] = None,
    level: IntervalLevel = 0.95,
    samples: Resamples = 1000,
    seed: BootstrapSeed = 0,
    display: DisplayMode = None,
    json: AsJson = False,
) -> None:
    """Ask models about sentences with gold annotations and compare what they find.

    An adapter is compared with its base if that is named as well. Answers are kept as they come: the same
    command again goes on where it was, and asks nothing twice. What models answer is read, never executed.
    """
    from guidex.cli.console import print_json, say
    from guidex.cli.driving import INTERRUPTED
    from guidex.evaluation import Contender, contender_of
    from schemas.evaluation import EvaluationConfig, Misc
    from schemas.job import ModelConfig

    contenders = [Contender(each, each) for each in model or ()]
    contenders += [contender_of(each) for each in adapter or ()]
    contenders += [
        Contender(f"{each} by chat", each, client=ModelConfig(name=each, base_url=base_url))
        for each in client or ()
    ]
    if not contenders:
        raise UsageError("No model was named.", "Name it with --model, --adapter or --client.")
    config = EvaluationConfig(
        benchmark=benchmark,
        data=None if data is None else str(data),
        split=split,
        schema_file=None if schema is None else str(schema),
        misc=Misc(misc),
        domains=tuple(domain or ()),
        sentences=sentences,
        max_tokens=max_tokens,
    )
    folder = output or _folder(contenders, name or _name(benchmark))
    made = evaluated(contenders, config, folder, display, seed=seed, level=level, samples=samples)
    if made is None:
        say(f"Stopped; the same command goes on. Answers are in {folder.as_posix()}.")
        raise typer.Exit(INTERRUPTED)
    if json:
        print_json(made.model_dump(mode="json"))
    else:
        print_evaluation(made)
        typer.echo("")
        typer.echo(f"Answers, figures by domain and class, and a chart are in {folder.as_posix()}.")


def evaluated(
    contenders: list[Contender],
    config: EvaluationConfig,
    folder: Path,
    display: DisplayMode,
    *,
    seed: int = 0,
    level: float = 0.95,
    samples: int = 1000,
) -> Evaluation | None:
    """Evaluate with progress on the terminal; None if Ctrl-C ended it, from where it goes on."""
    from guidex.cli.stopping import Stopping
    from guidex.evaluation import evaluate

    with Stopping(display, "Stopping after this answer; Ctrl-C again to stop now.") as stopping:

        def told(asked: Asked) -> None:
            stopping.line.show(asking_line(asked), asked.done, asked.sentences)

        return evaluate(
            contenders,
            config,
            folder,
            seed=seed,
            level=level,
            samples=samples,
            on_progress=told,
            stop=stopping.wanted,
        )


def _name(benchmark: str | None) -> str:
    return Path(benchmark).stem if benchmark else "evaluation"


def _folder(contenders: list[Contender], name: str) -> Path:
    """In the run that the first adapter is of; else in the working directory."""
    first = next((each.adapter for each in contenders if each.adapter is not None), None)
    home = first.parent.parent if first is not None and first.parent.name == "adapters" else Path()
    return home / "evals" / name


def asking_line(asked: Asked) -> str:
    """How far a model is, in one line."""
    from guidex.cli.display import clock

    parts = [asked.model, f"{asked.done:,}/{asked.sentences:,} sentences"]
    if asked.answered and asked.seconds > 0:
        left = (asked.sentences - asked.done) * asked.seconds / asked.answered
        parts += [f"{asked.tokens / asked.seconds:,.0f} tokens/s", f"about {clock(left)} left"]
    return ", ".join(parts)


def print_evaluation(made: Evaluation) -> None:
    """The main figures of each model, and how the models differ."""
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
