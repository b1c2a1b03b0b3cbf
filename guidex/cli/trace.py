"""`guidex trace`."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir

State = Literal["accepted", "rejected", "failed", "skipped", "pending"]
AgentName = Literal["schema-designer", "guideline-writer", "annotator", "critic"]
CallState = Literal[
    "open",
    "answered",
    "replayed",
    "cancelled",
    "interrupted",
    "error",
    "truncated",
    "filtered",
    "invalid",
    "too long",
    "timeout",
    "connection",
    "rate limit",
    "refused",
    "bad request",
    "server",
]
SortName = Literal["newest", "oldest", "slowest", "tokens"]


def show(
    run: Run,
    document: Annotated[
        str | None, typer.Argument(metavar="DOCUMENT", help="A document's id; without it, all of them.")
    ] = None,
    outcome: Annotated[
        State | None, typer.Option("--outcome", help="List only documents of this outcome.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="List at most so many documents.")
    ] = 100,
    offset: Annotated[
        int, typer.Option("--offset", min=0, metavar="N", help="Pass over so many documents.")
    ] = 0,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """List a run's documents with their scores, or tell the story of one and why it ended so."""
    from guidex.cli.console import print_json
    from guidex.run_folders import find_run
    from schemas.judgement import Outcome

    with find_run(run, runs_dir) as reader:
        if document is not None:
            from guidex.cli.story import print_story
            from guidex.stories import story_of

            story = story_of(reader, document)
            if json:
                print_json(story.model_dump(mode="json"))
            else:
                print_story(story)
            return
        from guidex.cli.document_list import print_documents
        from guidex.stories import document_lines

        wanted = Outcome(outcome) if outcome else None
        found = document_lines(reader, wanted, limit=limit, offset=offset)
        if json:
            print_json([line.model_dump(mode="json") for line in found.shown])
        else:
            print_documents(found, reader.folder, offset)


def _slow(value: str) -> float | Literal["auto"]:
    if value == "auto":
        return "auto"
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise typer.BadParameter("give a number of seconds, or `auto`.")
    return seconds


def calls(
    run: Run,
    agent: Annotated[AgentName | None, typer.Option("--agent", help="Only calls of this agent.")] = None,
    status: Annotated[
        CallState | None, typer.Option("--status", help="Only calls of which this has become.")
    ] = None,
    document: Annotated[
        str | None, typer.Option("--document", metavar="DOCUMENT", help="Only calls for this document.")
    ] = None,
    round_: Annotated[
        int | None, typer.Option("--round", min=1, metavar="N", help="Only calls of this round.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Only calls to this model.")
    ] = None,
    slow: Annotated[
        str | None,
        typer.Option(
            "--slow",
            metavar="SECONDS",
            help="Only calls with a request of more seconds; `auto`: far above those of its agent and model.",
        ),
    ] = None,
    re_asked: Annotated[
        bool, typer.Option("--re-asked", help="Only calls asked again, as an answer did not fit.")
    ] = False,
    search: Annotated[
        str,
        typer.Option(
            "--search",
            metavar="WORDS",
            help="Only calls with all these words, in any order, in one part of a message or in one answer.",
        ),
    ] = "",
    sort: Annotated[
        SortName, typer.Option("--sort", help="What comes first; `tokens`: the calls that took most.")
    ] = "newest",
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="List at most so many calls.")
    ] = 50,
    offset: Annotated[int, typer.Option("--offset", min=0, metavar="N", help="Pass over so many calls.")] = 0,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """List the calls of a run: all, or those that are like this, also while it goes on."""
    from dataclasses import asdict

    from graph.store.call_search import CallFilter, CallOrder, find_calls
    from graph.store.records import CallStatus
    from guidex.cli.console import print_json
    from guidex.run_folders import find_run

    wanted = CallFilter(
        document_id=document,
        agent=agent,
        status=CallStatus(status) if status else None,
        round=round_,
        model=model,
        re_asked=re_asked,
        slow=None if slow is None else _slow(slow),
        words=search,
    )
    with find_run(run, runs_dir) as reader:
        found = find_calls(reader, wanted, order=CallOrder(sort), limit=limit, offset=offset)
    if json:
        print_json(asdict(found))
    else:
        from guidex.cli.calls import print_calls

        print_calls(found, reader.folder, offset)


def call(
    run: Run,
    call_id: Annotated[
        str, typer.Argument(metavar="ID", help="A call's id, or what no other one begins or ends with.")
    ],
    full: Annotated[
        bool, typer.Option("--full", help="Print messages and answers whole, however long.")
    ] = False,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Show what was said in a call: messages, every answer as it came, and what it took."""
    from guidex.call_stories import call_story_of
    from guidex.cli.console import print_json
    from guidex.run_folders import find_run

    with find_run(run, runs_dir) as reader:
        story = call_story_of(reader, call_id)
    if json:
        print_json(story.model_dump(mode="json"))
    else:
        from guidex.cli.call import print_call

        print_call(story, full=full)


def anomalies(
    run: Run,
    slow: Annotated[
        str,
        typer.Option(
            "--slow",
            metavar="SECONDS",
            help="From how many seconds a request is slow; `auto`: far above its agent's and model's median.",
        ),
    ] = "auto",
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Show at most so many of each kind.")
    ] = 10,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Show what stands out, also while a run goes on.

    Calls entered and never left, slow requests, answers that did not fit, truncated or filtered ones,
    requests that brought no answer, documents that took most rounds, and when fewer connections were used.
    """
    from dataclasses import asdict

    from guidex.anomalies import anomalies_of
    from guidex.cli.console import print_json
    from guidex.run_folders import find_run

    seconds = _slow(slow)
    bound = None if seconds == "auto" else seconds
    with find_run(run, runs_dir) as reader:
        found = anomalies_of(reader, limit=limit, slow_seconds=bound)
    if json:
        print_json(asdict(found))
    else:
        from guidex.cli.anomalies import print_anomalies

        print_anomalies(found, reader.folder)


def tail(
    run: Run,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, metavar="N", help="Begin with the last so many lines.")
    ] = 10,
    runs_dir: RunsDir = RUNS_DIR,
    json: Annotated[bool, typer.Option("--json", help="Print each line as a JSON value.")] = False,
) -> None:
    """Follow a run while it goes on: its calls, rounds, decisions, failures and events, a line each.

    Ends with the run. Ctrl-C ends the following and leaves the run alone.
    """
    from guidex.cli.tail import follow
    from guidex.run_folders import find_run

    try:
        with find_run(run, runs_dir) as reader:
            follow(reader, lines, as_json=json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
