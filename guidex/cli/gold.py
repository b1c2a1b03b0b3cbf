"""`guidex gold`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from guidex.cli.options import AsJson

GOLD_HELP = (
    "CoNLL lines (a token, a tab or space, a BIO tag; a blank line ends a sentence), or .jsonl with a text "
    "and its entities by start, end and label."
)


def gold(
    files: Annotated[list[Path], typer.Argument(metavar="GOLD...", help=f"Files: {GOLD_HELP}")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Write the texts as documents for `guidex run`, as JSON lines without the annotations.",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Read gold annotations and say what is in them; with --output, write their texts for a run."""
    from finetune.gold import read_gold
    from graph.json_lines import write_json_lines
    from guidex.cli.console import counted, print_json, safe

    read = read_gold(files)
    if output is not None:
        made = (
            {"text": document.text, "gold": document.place}
            | ({"id": document.id} if document.id is not None else {})
            for document in read.documents
        )
        write_json_lines(made, output)
    if json:
        print_json(
            {
                "documents": len(read.documents),
                "mentions": sum(read.labels.values()),
                "classes": dict(read.labels.most_common()),
                "without_mentions": sum(not document.mentions for document in read.documents),
                "repeated": read.repeated,
                "repaired": read.repaired,
                "output": None if output is None else output.as_posix(),
            }
        )
        return
    typer.echo(
        f"{counted(len(read.documents), 'document')}, {counted(sum(read.labels.values()), 'mention')}: "
        + safe(", ".join(f"{label} {number:,}" for label, number in read.labels.most_common()))
    )
    for note in reading_notes(read.repeated, read.repaired):
        typer.echo(safe(note))
    if output is not None:
        typer.echo(f"{counted(len(read.documents), 'text')} written to {safe(output.as_posix())}")


def reading_notes(repeated: tuple[str, ...], repaired: tuple[str, ...]) -> list[str]:
    """What was left out and mended when gold was read, by place."""
    from guidex.cli.console import counted

    notes = []
    if repeated:
        notes.append(f"{counted(len(repeated), 'repeated text')} left out, the first at {repeated[0]}.")
    if repaired:
        notes.append(
            f"{counted(len(repaired), 'tag')} I- that continued no mention taken as B-, the first at "
            f"{repaired[0]}."
        )
    return notes


def class_pairs(given: Sequence[str]) -> dict[str, str]:
    """The pairs of --class-map: label of the gold to class of the runs.

    Raises:
        UsageError: One is no pair.
    """
    return dict(map(_pair, given))


def _pair(given: str) -> tuple[str, str]:
    label, sign, name = given.partition("=")
    if not (label.strip() and sign and name.strip()):
        from schemas.errors import UsageError

        raise UsageError(
            f"--class-map {given!r} is no pair of classes.", "Write it as --class-map person=Human."
        )
    return label.strip(), name.strip()
