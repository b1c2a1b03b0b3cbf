"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
