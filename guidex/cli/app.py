"""The `guidex` command: its groups of commands, and how errors end it.

Command modules import what they work with inside their functions, so that `guidex --help` stays quick.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from guidex.cli import (
    audit,
    bundle,
    critic,
    doctor,
    estimate,
    eval,
    export,
    gold,
    graph,
    init,
    models,
    preview,
    quality,
    run,
    runs,
    schema,
    threshold,
    threshold_sweep,
    trace,
    trace_export,
    train,
    validate,
    view,
)
from guidex.cli.console import say, tolerate_encodings
from schemas.errors import GuidexError

_PLAIN_ERRNO = {
    errno.ENOSPC: ("The disk is full", "Free some space and try again; what was written before is intact."),
    errno.EDQUOT: ("Your disk quota is used up", "Free some space and try again."),
    errno.EROFS: ("The disk is read-only", "Choose another folder."),
    errno.EACCES: ("Permission denied", "Check the permissions, or choose another file or folder."),
    errno.EPERM: ("Permission denied", "Check the permissions, or choose another file or folder."),
}
"""Errors of the system that a user can mend."""


# Rich's help takes a third of a second to load, plain help none.
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"auto_envvar_prefix": "GUIDEX", "help_option_names": ["-h", "--help"]},
)
_runs = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The runs there are.")
_trace = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What the agents said, and why it was decided so."
)
_schema = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The schema that a run's documents share."
)
_critic = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="How good the critic is.")
_view = typer.Typer(cls=view.DefaultsToServe, rich_markup_mode=None, help="Look at runs in the browser.")
_threshold = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Thresholds, tried and set without a single call."
)
_models = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Models that run in this process.")

app.command("run", short_help="Take documents through the agents; a run that exists goes on.")(run.run)
app.command("resume", short_help="Go on with a run that was stopped, interrupted or killed.")(run.resume)
app.command("retry", short_help="Take failed or rejected documents up again.")(run.retry)
app.command("estimate", short_help="Say what all documents will take, from a few that are tried.")(
    estimate.estimate
)
app.command("preview", short_help="Show in full what comes of a few documents.")(preview.preview)
app.command("validate", short_help="Check a job without any call or download.")(validate.validate)
app.command("init", short_help="Write a job file that documents every key.")(init.init)
app.command("doctor", short_help="Check what a run needs, and ask the models of a job.")(doctor.doctor)
app.command("export", short_help="Write the accepted documents for other tools.")(export.export)
app.command("train", short_help="Train an adapter on what a run has accepted.")(train.train)
app.command("eval", short_help="Measure models on gold annotations, side by side.")(eval.evaluate)
app.command("merge", short_help="Add an adapter to the weights of its base.")(train.merge)
app.command("quality", short_help="Measure accepted documents against gold annotations.")(quality.quality)
app.command("audit", short_help="Say what training data has in common with evaluation sets.")(audit.audit)
app.command("gold", short_help="Say what gold annotations hold; write their texts for a run.")(gold.gold)
app.command("graph", short_help="Draw the graph that every document goes through.")(graph.graph)
app.add_typer(_runs, name="runs")
app.add_typer(_trace, name="trace")
app.add_typer(_schema, name="schema")
app.add_typer(_critic, name="critic")
app.add_typer(_view, name="view")
app.add_typer(_threshold, name="threshold")
app.add_typer(_models, name="models")
_runs.command("list")(runs.list_)
_runs.command("show", short_help="Summarise a run.")(runs.show)
_runs.command("compare", short_help="Compare two runs.")(runs.compare)
_runs.command("backup", short_help="Copy a run, also while it goes on.")(runs.backup)
_runs.command("delete", short_help="Delete a run's folder, after asking.")(runs.delete)
_trace.command("show", short_help="List a run's documents, or tell the story of one.")(trace.show)
_trace.command("calls", short_help="List calls, or find those that are like this.")(trace.calls)
_trace.command("call", short_help="Show what was said in a call.")(trace.call)
_trace.command("tail", short_help="Follow a run while it goes on.")(trace.tail)
_trace.command("anomalies")(trace.anomalies)
_trace.command("export", short_help="Export a run as OpenTelemetry traces.")(trace_export.export)
_schema.command("show")(schema.show)
_critic.command("flip-test", short_help="Count which injected errors the critic finds.")(critic.flip_test)
_view.command(view.SERVE, short_help="Serve the pages on this machine; the default.")(view.serve)
_threshold.command("sweep", short_help="Try thresholds: yield, and quality against gold or reviews.")(
    threshold_sweep.sweep
)
_threshold.command("set", short_help="Decide a run's documents anew, as a new version.")(threshold.set_)
_threshold.command("use", short_help="Put an earlier version of the decisions in force.")(threshold.use)
_threshold.command("list", short_help="List the versions of a run's decisions.")(threshold.list_)
_view.command("bundle", short_help="Write a run as one HTML file to send to someone.")(bundle.bundle)
_models.command("list", short_help="List the models known by name.")(models.list_)
_models.command("pull", short_help="Fetch a model, check it and keep it.")(models.pull)


def _print_version(wanted: bool) -> None:
    if wanted:
        from guidex.version import version

        typer.echo(f"guidex {version()}")
        raise typer.Exit


@app.callback()
def _guidex(
    version_wanted: Annotated[  # not `version`: GUIDEX_VERSION may well be set for other reasons
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, show_envvar=False, help="Print the version."
        ),
    ] = False,
) -> None:
    """Turn raw documents into guideline-annotated information-extraction data.

    Start with `guidex init`, or with `guidex run --documents FILE`. Every flag is also read from an
    environment variable: GUIDEX_COMMAND_FLAG, as in GUIDEX_RUN_MODEL.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0 done, 1 failed, 2 usage, 75 stopped and resumable, 130 interrupted.

    Args:
        arguments: Without the program's name; default: those of the process.
    """
    tolerate_encodings(sys.stdout, sys.stderr)
    try:
        code = _call(arguments)
        sys.stdout.flush()
    except GuidexError as error:
        explain(error)
        return error.exit_code
    except BrokenPipeError:  # who read our output has seen enough
        _give_up_output()
        return 1
    except OSError as error:
        if error.errno not in _PLAIN_ERRNO:
            return _fault()
        _give_up_output()
        what, remedy = _PLAIN_ERRNO[error.errno]
        place = f": {error.filename}" if error.filename else ""
        explain(GuidexError(f"{what}{place}.", remedy))
        return 1
    except Exception:
        return _fault()
    return code


def _call(arguments: Sequence[str] | None) -> int:
    try:
        app(args=arguments, prog_name="guidex")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def _give_up_output() -> None:
    """Where standard output takes no more, drop what is left for it, or Python would fail on it once more."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(error: GuidexError) -> None:
    """Print what went wrong and the remedy."""
    say(f"Error: {' '.join(str(error).split())}")
    if error.remedy:
        say(error.remedy)


def _fault() -> int:
    say(traceback.format_exc())
    say("This is a fault of GuideX, not of yours. Please report it with the lines above.")
    return 1
