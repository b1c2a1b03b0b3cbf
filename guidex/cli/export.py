"""`guidex export`."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir

if TYPE_CHECKING:
    from graph.exports import About, Format
    from graph.store.reading import RunReader

_HELP = (
    "guidex, gollie: training texts in the code dialect; chat: the same as conversations, for TRL and "
    "Axolotl; hf: a folder for Hugging Face datasets, with a data card; parquet; spacy: a folder of DocBin "
    "files; conll: BIO tags; gliner; labelstudio, argilla, prodigy: for annotation tools; jsonl: documents "
    "with schema, instances and offsets. Or one of another installed package."
)


def export(
    run: Run,
    format: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help=_HELP)] = "guidex",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File or folder to write, or - for standard output; default: in exports/ of the run.",
        ),
    ] = None,
    only_exhaustive: Annotated[
        bool,
        typer.Option(
            "--only-exhaustive",
            help="Leave out documents in which some class is in dispute, so that its absence proves nothing.",
        ),
    ] = False,
    push_to_hub: Annotated[
        str | None,
        typer.Option(
            "--push-to-hub",
            metavar="OWNER/NAME",
            help="Also upload the folder of format hf as a data set of the Hugging Face hub; needs HF_TOKEN.",
        ),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Let a data set that --push-to-hub makes be seen by everybody.")
    ] = False,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Write the accepted documents for other tools; every mention is checked once more against its text.

    A record beside the file (FILE.about.json), or in the folder (about.json), says of which run it is, which
    version of decisions accepted the documents by which thresholds, and what the format could not hold.
    """
    from graph.exports import format_named
    from guidex.cli.console import print_json
    from guidex.run_folders import find_run
    from schemas.errors import UsageError

    chosen = format_named(format)
    if output == Path("-") and chosen.row is None:
        raise UsageError(
            f"Format {chosen.name} is no JSON lines, and cannot go to standard output.",
            "Name a file or folder with --output.",
        )
    if push_to_hub is not None and chosen.name != "hf":
        raise UsageError(
            f"Format {chosen.name} is none that the hub shows as a data set.", "Use --format hf to push one."
        )
    if push_to_hub is not None:
        with _hub_extra():
            from graph.exports.hub import require_data_set_name

            require_data_set_name(push_to_hub)
    with find_run(run, runs_dir) as reader:
        if output == Path("-"):
            about = _to_stdout(reader, chosen, only_exhaustive=only_exhaustive)
            _tell(about, run, only_exhaustive=only_exhaustive)
            return
        path = output or reader.folder / "exports" / f"{chosen.name}{chosen.suffix}"
        about = _written(reader, chosen, path, only_exhaustive=only_exhaustive)
    url = None if push_to_hub is None else _pushed(path, push_to_hub, private=not public)
    _tell(about, run, only_exhaustive=only_exhaustive)
    if json:
        print_json(_summary(about, path, url))
    else:
        _print(about, path, url)


def _written(reader: RunReader, chosen: Format, path: Path, *, only_exhaustive: bool) -> About:
    from graph.exports import Export, accepted_documents, provenance_of, write_export
    from guidex.cli.extras import extra

    documents = accepted_documents(reader, only_exhaustive=only_exhaustive)
    export_ = Export(provenance_of(reader))
    if not chosen.extra:
        return write_export(documents, chosen, path, export_)
    with extra(chosen.extra, f"Format {chosen.name} needs {chosen.tool}'s library, which is not installed."):
        return write_export(documents, chosen, path, export_)


def _to_stdout(reader: RunReader, chosen: Format, *, only_exhaustive: bool) -> About:
    """Write all rows to standard output, or none if one of them cannot be made."""
    from guidex.cli.lines import print_lines

    with tempfile.TemporaryDirectory(prefix="guidex-") as folder:
        path = Path(folder, "rows.jsonl")
        about = _written(reader, chosen, path, only_exhaustive=only_exhaustive)
        print_lines(path)
    return about


def _hub_extra() -> AbstractContextManager[None]:
    from guidex.cli.extras import extra

    return extra("hub", "Uploading needs huggingface_hub, which is not installed.")


def _pushed(folder: Path, name: str, *, private: bool) -> str:
    from graph.exports.hub import push

    return push(folder, name, private=private)


def _summary(about: About, path: Path, url: str | None) -> dict[str, Any]:
    return {**about.model_dump(mode="json"), "path": path.as_posix(), "url": url}


def _tell(about: About, run: str, *, only_exhaustive: bool) -> None:
    """What the rows lack, on standard error."""
    from guidex.cli.console import counted, say

    if about.documents == 0 and only_exhaustive:
        say(f"No document of {run} was accepted without a class in dispute: leave --only-exhaustive out.")
    elif about.documents == 0:
        say(f"No document of {run} was accepted, so there is nothing to export: `guidex runs show {run}`.")
    for kind, count in about.left_out.items():
        say(f"{count:,} {kind} left out; `--format jsonl` has all.")
    if about.partial:
        say(
            f"In {counted(about.partial, 'document')} the absence of some class proves nothing, as it is in "
            "dispute; `--only-exhaustive` leaves these out."
        )


def _print(about: About, path: Path, url: str | None) -> None:
    from guidex.cli.console import counted, safe

    typer.echo(
        f"{counted(about.rows, 'row')} written to {safe(path.as_posix())} "
        f"(decisions: version {about.decision_version})"
    )
    if url is not None:
        typer.echo(f"Uploaded to {safe(url)}")
