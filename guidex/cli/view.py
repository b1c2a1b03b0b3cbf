"""`guidex view`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from guidex.cli.gold import GOLD_HELP
from guidex.cli.options import RUNS_DIR

SERVE = "serve"


class DefaultsToServe(TyperGroup):
    """`guidex view FOLDER` is short for `guidex view serve FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where none is named."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [SERVE, *args]
        return super().parse_args(ctx, args)


def serve(
    runs_dir: Annotated[
        Path,
        typer.Argument(
            metavar="RUNS_DIR",
            envvar="GUIDEX_RUNS_DIR",
            help="Folder that holds the runs' folders, or the folder of one run to begin with.",
            show_default=False,
        ),
    ] = RUNS_DIR,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port; 0 takes any that is free.")
    ] = 7575,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="Answer to this host name as well, as behind a proxy; may be given several times.",
        ),
    ] = None,
    gold: Annotated[
        list[Path] | None,
        typer.Option(
            "--gold",
            metavar="FILE",
            help="Gold annotations, by which the page of thresholds tells precision and recall; may be given "
            f"several times. {GOLD_HELP}",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Show runs, documents, traces and thresholds in the browser; Ctrl-C ends it."""
    from guidex.cli.console import safe, say
    from guidex.cli.extras import viewer_extra
    from guidex.run_folders import has_run
    from schemas.errors import UsageError

    with viewer_extra():
        from guidex.viewer import serving
    path = "/"
    if has_run(runs_dir):
        folder = runs_dir.resolve()
        from guidex.viewer.links import Links

        runs_dir, path = folder.parent, Links().run(folder.name)
    elif not runs_dir.is_dir():
        raise UsageError(
            f"There is no folder {runs_dir.as_posix()}.",
            "`guidex run` makes runs/; name the folder that holds the runs: guidex view FOLDER.",
        )
    if not serving.is_loopback(host):
        say(
            f"Warning: {host} can be reached from other machines, and everyone who reaches it reads "
            "all documents and answers of these runs and can change decisions. There is no password."
        )

    read = None
    if gold:
        from finetune.gold import read_gold

        read = read_gold(gold)

    def ready(address: str) -> None:
        typer.echo(f"Runs of {safe(runs_dir.as_posix())}: {address}")
        say("Ctrl-C ends the viewer.")

    try:
        serving.serve(runs_dir, host, port, allow_host or (), path, ready, browser=browser, gold=read)
    except KeyboardInterrupt:
        say("The viewer has ended.")
