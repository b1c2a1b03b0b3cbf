"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

RunsDir = Annotated[
    Path,
    typer.Option(
        "--runs-dir", metavar="FOLDER", envvar="GUIDEX_RUNS_DIR", help="Folder that holds the runs' folders."
    ),
]
RUNS_DIR = Path("runs")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON value.")]

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's name, or the path of its folder.")]

Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Name of the run; default: after the job or the documents."),
]

DisplayMode = Annotated[
    Literal["full", "plain", "none"] | None,
    typer.Option("--display", help="How progress is shown; default: full on a terminal, else plain."),
]

ModeName = Literal["per-document", "corpus", "given"]

SelectionName = Literal["random", "diverse"]

MethodName = Literal["agents", "linear", "self-consistency"]

AllowChanges = Annotated[
    bool,
    typer.Option(
        "--allow-changes", help="Go on with a run although the job differs in what can change answers."
    ),
]

Reuse = Annotated[
    list[str] | None,
    typer.Option(
        "--reuse", metavar="RUN", help="Use this run's answers to equal calls; may be given several times."
    ),
]

ClassMap = Annotated[
    list[str] | None,
    typer.Option(
        "--class-map",
        metavar="GOLD=OURS",
        help="The run's class that a class of the gold stands for, where more than their form differs "
        "(`musicalartist` is MusicalArtist); may be given several times.",
    ),
]

IgnoreClass = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-class",
        metavar="CLASS",
        help="Leave the mentions of a class out on both sides; may be given several times.",
    ),
]

IntervalLevel = Annotated[
    float,
    typer.Option("--ci", min=0.5, max=0.999, metavar="LEVEL", help="Level of the bootstrap intervals."),
]

Resamples = Annotated[
    int,
    typer.Option("--samples", min=0, max=100_000, metavar="B", help="Bootstrap resamples; 0: no intervals."),
]

BootstrapSeed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Seed of the bootstrap.")]

RunOrFile = Annotated[
    str,
    typer.Argument(metavar="RUN|FILE", help="A run, by name or folder, or a file of `guidex export`."),
]

Which = Annotated[
    Literal["accepted", "rejected", "decided"],
    typer.Option("--which", help="Documents of the run; other than accepted ones are of use as controls."),
]

Decisions = Annotated[
    int | None,
    typer.Option(
        "--decisions", metavar="N", min=1, help="Version of the run's decisions; default: the one in force."
    ),
]
