"""The flags that make up a job, defined once for all commands that run one.

`@takes_job` gives a command all of them, `@takes_settings` only those that change no answer. The command gets
what was given as `flags`, its first parameter.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from guidex.cli.options import MethodName, ModeName, SelectionName

if TYPE_CHECKING:
    from guidex.job_files import Changes
    from schemas.job import Job

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class JobFlags:
    """What was given on the command line.

    Attributes:
        job_file: The job file.
        given: The flags by name; None and () where one was left out.
    """

    job_file: Path | None
    given: dict[str, Any]

    def changes(self) -> Changes:
        """The flags as changes to a job."""
        from guidex.job_files import Changes

        return Changes(**self.given)

    def job(self) -> tuple[Job, str]:
        """The job, and a name for its run.

        Raises:
            UsageError: The job file cannot be read, or what comes out is no job.
        """
        from guidex.job_files import load_job, suggested_name

        changes = self.changes()
        job = load_job(self.job_file, changes)
        return job, suggested_name(job, None if changes.documents else self.job_file)


def takes_job(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Give a command the job file and all flags that change a job."""
    return _with_flags(command, _content, _settings)


def takes_settings(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Give a command the flags that say how much is done and how fast."""
    return _with_flags(command, _settings)


def _content(
    job_file: Annotated[
        Path | None, typer.Argument(metavar="JOB.toml", help="The job file; flags take precedence.")
    ] = None,
    documents: Annotated[
        list[Path] | None,
        typer.Option(
            "--documents",
            metavar="PATH",
            help="File or folder of documents, a data set of Hugging Face (hf:OWNER/NAME, hf:./FOLDER), or "
            "- for standard input; may be given several times.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="The agents' model, instead of the job file's with the settings of its server; models that "
            "the file gives to single agents stay.",
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Server that speaks the provider's wire format."),
    ] = None,
    format: Annotated[
        Literal["jsonl", "text"] | None,
        typer.Option("--format", help="Format of standard input; default: what its first line looks like."),
    ] = None,
    min_words: Annotated[
        int | None,
        typer.Option("--min-words", min=1, metavar="N", help="Leave out documents with fewer words."),
    ] = None,
    max_words: Annotated[
        int | None,
        typer.Option("--max-words", min=1, metavar="N", help="Leave out documents with more words."),
    ] = None,
    min_characters: Annotated[
        int | None,
        typer.Option(
            "--min-characters", min=1, metavar="N", help="Leave out documents with fewer characters."
        ),
    ] = None,
    max_characters: Annotated[
        int | None,
        typer.Option(
            "--max-characters", min=1, metavar="N", help="Leave out documents with more characters."
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            metavar="CODE",
            help="Leave out documents in other languages, such as en or de; may be given several times.",
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            min=1,
            metavar="N",
            help="Choose so many documents of those that are not left out, by the job's seed.",
        ),
    ] = None,
    select: Annotated[
        SelectionName | None,
        typer.Option(
            "--select",
            help="How a sample is chosen: at random, which is the default, or so that its documents differ.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Take only the first so many documents.")
    ] = None,
    doc_id: Annotated[
        list[str] | None,
        typer.Option("--doc-id", metavar="ID", help="Take only this document; may be given several times."),
    ] = None,
    brief: Annotated[
        str | None, typer.Option("--brief", metavar="TEXT", help="What the data is for.")
    ] = None,
    mode: Annotated[
        ModeName | None,
        typer.Option(
            "--mode",
            help="Where the schema comes from: every document gets its own, which is the default, one for "
            "all is made on a pilot of a few documents, or it is given with --schema.",
        ),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar="FILE",
            help="Your schema, for mode given and implying it: Python classes, which are read and not "
            "executed, or JSON.",
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, metavar="N", help="Most rounds of a document.")
    ] = None,
    pilot_documents: Annotated[
        int | None,
        typer.Option(
            "--pilot-documents",
            min=2,
            metavar="N",
            help="Documents of the pilot in mode corpus; default: 12.",
        ),
    ] = None,
    pilot_rounds: Annotated[
        int | None,
        typer.Option(
            "--pilot-rounds",
            min=0,
            metavar="N",
            help="How often the pilot revises its guidelines at most; default: 3.",
        ),
    ] = None,
    method: Annotated[
        MethodName | None,
        typer.Option(
            "--method",
            help="How documents are annotated: by the agents, which is the default, or by one of the "
            "controls they are measured against.",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples", min=1, metavar="N", help="Samples of the method self-consistency; default: 5."
        ),
    ] = None,
) -> None:
    """What can change answers."""


def _settings(
    max_connections: Annotated[
        int | None,
        typer.Option(
            "--max-connections",
            min=1,
            metavar="N",
            help="Calls at the same time to one model, fixed; default: as many as are good for throughput.",
        ),
    ] = None,
    adaptive_connections: Annotated[
        str | None,
        typer.Option(
            "--adaptive-connections",
            metavar="MIN-START-MAX",
            help="Between what the number of calls at the same time moves; default: 1-8-200.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            help="Longest time of one request; waiting for a free connection is no part of it.",
        ),
    ] = None,
    retries: Annotated[
        int | None,
        typer.Option(
            "--retries",
            min=0,
            metavar="N",
            help="How often a request is repeated after a lost connection, a timeout or a server's error.",
        ),
    ] = None,
    retry_on_error: Annotated[
        int | None,
        typer.Option(
            "--retry-on-error",
            min=0,
            metavar="N",
            help="How often a document that failed for a passing reason is taken up again at the end.",
        ),
    ] = None,
    documents_in_flight: Annotated[
        int | None,
        typer.Option(
            "--documents-in-flight",
            min=1,
            metavar="N",
            help="Documents worked on at the same time; default: half as many again as connections.",
        ),
    ] = None,
    cost_limit: Annotated[
        float | None,
        typer.Option(
            "--cost-limit",
            metavar="USD",
            help="Most the run may cost; no request is sent that could pass it. Every price must be known.",
        ),
    ] = None,
    token_limit: Annotated[
        int | None,
        typer.Option(
            "--token-limit", min=1, metavar="N", help="Most tokens of the run, prompts and answers together."
        ),
    ] = None,
    time_limit: Annotated[
        str | None,
        typer.Option(
            "--time-limit",
            metavar="TIME",
            help="Send nothing after so long (90, 90s, 15m, 2h); what is under way is finished.",
        ),
    ] = None,
    target_accepted: Annotated[
        int | None,
        typer.Option(
            "--target-accepted",
            min=1,
            metavar="N",
            help="Begin no more documents once so many are accepted; those in flight are finished.",
        ),
    ] = None,
    max_candidates: Annotated[
        int | None,
        typer.Option("--max-candidates", min=1, metavar="N", help="Most documents that are worked on."),
    ] = None,
    fail_on_error: Annotated[
        float | None,
        typer.Option(
            "--fail-on-error",
            metavar="FRACTION|N",
            help="Stop as failed when more than this fraction of the documents has failed, or N of them.",
        ),
    ] = None,
) -> None:
    """What changes no answer."""


def _with_flags(command: Callable[..., _Result], *groups: Callable[..., None]) -> Callable[..., _Result]:
    own = inspect.signature(command, eval_str=True)
    flags = {
        name: p for group in groups for name, p in inspect.signature(group, eval_str=True).parameters.items()
    }

    @functools.wraps(command)
    def with_flags(**values: Any) -> _Result:
        given = {name: values.pop(name) for name in flags}
        return command(JobFlags(given.pop("job_file", None), given), **values)

    # Typer reads the signature: a command's argument first, then the flags of the job, then its own.
    _, *rest = own.parameters.values()
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*flags.values(), *rest)]
    required = [p for p in keyword if p.default is inspect.Parameter.empty]
    optional = [p for p in keyword if p.default is not inspect.Parameter.empty]
    with_flags.__signature__ = own.replace(parameters=[*required, *optional])  # type: ignore[attr-defined]
    return with_flags
