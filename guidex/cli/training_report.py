"""How a training is told on the terminal: while it goes on, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from finetune.examples import ExamplesReport
    from finetune.training.models import TrainingProgress, TrainingReport


def training_line(progress: TrainingProgress) -> str:
    """Where a training is, in one line."""
    from guidex.cli.display import clock

    parts = [f"step {progress.step:,}/{progress.steps:,}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.validation_loss is not None:
        parts.append(f"held out {progress.validation_loss:.3f}")
    if progress.tokens and progress.seconds > 0:
        rate = progress.tokens / progress.seconds
        left = progress.steps_tokens - progress.tokens
        parts += [
            f"{rate:,.0f} tokens/s",
            f"{clock(progress.seconds)} of about {clock(left / rate + progress.seconds)}",
        ]
    return ", ".join(parts)


def print_examples(report: ExamplesReport) -> None:
    """How documents became examples, in numbers that add up."""
    _row("documents", report.documents)
    for reason, count in report.documents_left_out.items():
        _row(f"- {reason.value}", count)
    _row("passages", report.passages)
    for reason, count in report.passages_left_out.items():
        _row(f"- {reason.value}", count)
    if report.validation:
        _row("- held out", report.validation)
    _row("= examples", report.training, f"{report.instances:,} instances of {len(report.classes)} classes")
    if report.blocked:
        _row("classes blocked", len(report.blocked), ", ".join(report.blocked[:6]))


def print_training(report: TrainingReport) -> None:
    """What a training took, and what it came to."""
    from guidex.cli.console import file_size
    from guidex.cli.display import clock

    _row("steps", report.steps, f"{report.epochs:.1f} epochs" if report.epochs else "")
    _row("tokens", report.tokens, f"{report.result_tokens:,} of them learnt from")
    if report.losses:
        first, last = report.losses[0].loss, report.losses[-1].loss
        typer.echo(f"{'loss':<28}{last:>10.3f}  from {first:.3f}")
    rate = report.tokens_per_second
    typer.echo(f"{'time':<28}{clock(report.seconds):>10}" + (f"  {rate:,.0f} tokens/s" if rate else ""))
    typer.echo(f"{'peak memory':<28}{file_size(report.peak_memory):>10}  {report.device}, {report.dtype}")


def _row(label: str, number: int, more: str = "") -> None:
    from guidex.cli.console import safe

    typer.echo(f"{safe(label):<28}{number:>10,}" + (f"  {safe(more)}" if more else ""))
