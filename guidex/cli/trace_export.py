"""`guidex trace export`, and the live export beside `guidex run`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from guidex.cli.extras import tracing_extra
from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir

if TYPE_CHECKING:
    from graph.store.reading import RunReader
    from guidex.cli.display import Display

Otlp = Annotated[
    str | None,
    typer.Option(
        "--otlp",
        metavar="URL",
        envvar="GUIDEX_OTLP",
        help="Send traces to this OpenTelemetry collector while the run goes on, as http://localhost:4318; "
        "`env`: to that of OTEL_EXPORTER_OTLP_ENDPOINT. Needs the extra `otel`.",
    ),
]
OtlpContent = Annotated[
    bool,
    typer.Option(
        "--otlp-content",
        envvar="GUIDEX_OTLP_CONTENT",
        help="Send messages and answers too, and with them what documents say.",
    ),
]


class LiveTraces(NamedTuple):
    """What the flags of `guidex run` say about traces."""

    collector: str | None
    content: bool


def export(
    run: Run,
    otlp: Annotated[
        str | None,
        typer.Option(
            "--otlp",
            metavar="URL",
            help="Collector to send to by OTLP over HTTP, as http://localhost:4318; default, or `env`: "
            "that of OTEL_EXPORTER_OTLP_ENDPOINT.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File to write instead, as OTLP in JSON lines, or - for standard output.",
        ),
    ] = None,
    document: Annotated[
        str | None, typer.Option("--document", metavar="ID", help="Export this document alone.")
    ] = None,
    content: Annotated[
        bool,
        typer.Option("--content", help="With messages and answers, and with them what documents say."),
    ] = False,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Export what the agents did as OpenTelemetry traces: a trace for each decided document.

    The ids of spans follow from the run, so what is exported again is the same and nothing is doubled.
    """
    from guidex.cli.console import counted, print_json, safe, say
    from guidex.run_folders import find_run
    from schemas.errors import UsageError

    if otlp is not None and output is not None:
        raise UsageError("Traces go to a collector or to a file.", "Give --otlp or --output, and not both.")
    with find_run(run, runs_dir) as reader:
        _check_document(reader, document)
        pending = reader.totals().pending if document is None else 0
        if output is not None:
            result = _write(reader, output, document, content=content)
        else:
            result = _send(reader, otlp, document, content=content)
    if pending:
        say(f"{counted(pending, 'document')} not decided yet, and so without a trace.")
    if rejected := result.get("rejected"):
        say(f"The collector did not keep {counted(rejected, 'span')}; its log may say why.")
    if output == Path("-"):
        return
    if json:
        print_json({"run": reader.folder.name, **result, "undecided": pending})
    else:
        sent = f"{counted(result['documents'], 'document')}, {counted(result['spans'], 'span')}"
        typer.echo(f"{sent} {'written' if output else 'sent'} to {safe(result['to'])}")


def _check_document(reader: RunReader, document: str | None) -> None:
    from graph.tracing.reading import decided_since
    from schemas.errors import UsageError

    if document is None:
        return
    name = reader.run().name
    if not reader.outcomes([document]):
        raise UsageError(
            f"Run {name} has no document {document!r}.", f"`guidex trace show {name}` lists them."
        )
    if not decided_since(reader, 0, document):
        raise UsageError(
            f"The document {document!r} is not decided yet, and so has no trace.",
            f"`guidex trace calls {name}` lists what was asked about it.",
        )


def _write(reader: RunReader, output: Path, document: str | None, *, content: bool) -> dict[str, Any]:
    with tracing_extra():
        from graph.tracing.exporting import all_batches
        from graph.tracing.json_lines import as_json
    from graph.json_lines import write_json_lines
    from guidex.cli.lines import to_stdout

    documents = spans = 0

    def lines() -> Iterator[dict[str, Any]]:
        nonlocal documents, spans
        for batch in all_batches(reader, document, content=content):
            documents += batch.documents
            spans += len(batch.spans)
            yield as_json(batch.spans)

    if output == Path("-"):
        to_stdout(lines())
    else:
        write_json_lines(lines(), output)
    return {"to": output.as_posix(), "documents": documents, "spans": spans}


def _send(reader: RunReader, otlp: str | None, document: str | None, *, content: bool) -> dict[str, Any]:
    with tracing_extra():
        from graph.tracing.exporting import send_run
        from graph.tracing.sending import FROM_ENVIRONMENT, SpanSender

    with SpanSender(otlp or FROM_ENVIRONMENT) as sender:
        sent = send_run(reader, sender, document, content=content)
        return {
            "to": sender.place,
            "documents": sent.documents,
            "spans": sent.spans,
            "rejected": sender.rejected,
        }


@contextlib.contextmanager
def live_traces(folder: Path, wanted: LiveTraces, display: Display) -> Iterator[None]:
    """Send the traces of what is run meanwhile; nothing if no collector is named.

    A collector that fails is told of once, and at the end with what is left; the run goes on.

    Raises:
        UsageError: The collector's address is none, or the extra is not installed.
        StoreError: There is a run that cannot be read.
    """
    if not wanted.collector:
        yield
        return
    with tracing_extra():
        from graph.tracing.following import TraceFollower
        from graph.tracing.sending import SpanSender
    from guidex.cli.console import counted, say

    sender = SpanSender(wanted.collector)
    follower = TraceFollower(folder, sender, content=wanted.content, told=display.note)
    follower.start()
    try:
        yield
    finally:
        ended = follower.finish(lambda: say("Sending the last traces; Ctrl-C leaves them for later."))
        say(f"Traces of {counted(ended.documents, 'document')} sent to {sender.place}.")
        if ended.rejected:
            say(f"The collector did not keep {counted(ended.rejected, 'span')}; its log may say why.")
        if ended.left or ended.problem:
            flag = " --content" if wanted.content else ""
            say(f"{counted(ended.left, 'document')} left{f': {ended.problem}' if ended.problem else '.'}")
            say(f"Nothing is lost: guidex trace export {folder.as_posix()} --otlp {sender.place}{flag}")
