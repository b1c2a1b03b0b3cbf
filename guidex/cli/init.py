"""`guidex init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLE = "documents.jsonl"


def init(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The job file, or the folder to write guidex.toml into.")
    ] = Path("guidex.toml"),
) -> None:
    """Write a job file that documents every key with its default."""
    from schemas.errors import UsageError
    from schemas.job_reference import render_job_file

    target = path / "guidex.toml" if path.is_dir() else path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(render_job_file([_EXAMPLE], target.name))
    except FileExistsError as error:
        raise UsageError(
            f"{target.as_posix()} exists already and is left as it is.",
            "Name another file: guidex init PATH.",
        ) from error
    typer.echo(f"Wrote {target.as_posix()}.")
    typer.echo(f"Set documents.paths in it (now {_EXAMPLE}), then: guidex run {target.as_posix()}")
