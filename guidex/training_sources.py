"""What is trained on, as it is named on the command line: a run, or a file that was exported from one."""

from __future__ import annotations

from pathlib import Path

from finetune.examples import Source
from finetune.examples.reading import read_sources
from graph.training_data import Which, sources_of_run
from guidex.run_folders import find_run
from schemas.errors import UsageError


def training_sources(
    data: str, runs_dir: Path, which: Which | None = None, version: int | None = None
) -> list[Source]:
    """Read the sources of training examples.

    Args:
        data: A run's name or folder, or a file of `guidex export`.
        runs_dir: Where runs are looked up.
        which: Documents of a run by their outcome; default: the accepted ones.
        version: Of a run's decisions; None takes those in force.

    Raises:
        UsageError: There is no such run, or something is asked of a file that only a run has.
        DocumentError: The file is no export.
    """
    if not Path(data).is_file():
        with find_run(data, runs_dir) as reader:
            return list(sources_of_run(reader, which or Which.ACCEPTED, version))
    if which is not None or version is not None:
        raise UsageError(
            f"{data} is a file, and only a run has documents by outcome and versions of decisions.",
            "Name a run, or leave --which and --decisions out.",
        )
    return list(read_sources(Path(data)))
