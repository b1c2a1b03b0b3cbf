"""`guidex eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from guidex.cli.options import AsJson, BootstrapSeed, DisplayMode, IntervalLevel, Resamples
from schemas.errors import UsageError

if TYPE_CHECKING:
    from finetune.evaluation.evaluating import Asked
    from finetune.evaluation.results import Evaluation
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
    seen: Annotated[
        Path | None,
        typer.Option(
            "--seen",
            metavar="FILE",
            help="Labels that the models of --model and --client were trained on, one a line, or a schema; "
            "adapters say themselves.",
        ),
    ] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="Show each class of each model.")] = False,
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
    from guidex.cli.evaluation_report import print_evaluation
    from guidex.evaluation import Contender, contender_of
    from guidex.label_files import read_labels
    from schemas.evaluation import EvaluationConfig, Misc
    from schemas.job import ModelConfig

    known = None if seen is None else read_labels(seen)
    contenders = [Contender(each, each, trained_on=known) for each in model or ()]
    contenders += [contender_of(each) for each in adapter or ()]
    contenders += [
        Contender(f"{each} by chat", each, trained_on=known, client=ModelConfig(name=each, base_url=base_url))
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
        print_evaluation(made, per_class=per_class)
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
