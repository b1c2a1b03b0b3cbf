"""A run followed on the terminal, a line for each thing that happens."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Final

from graph.store.batch import now
from graph.store.following import Follower, Happening, Kind
from graph.store.reading import RunReader
from graph.store.records import RunStatus
from guidex.cli.console import counted, safe, say, shortened
from guidex.cli.document_list import score

_PERIOD: Final = 0.5
"""Seconds between looks."""
_LONGEST: Final = 400
"""Characters of a message that are shown; --json has the rest."""


def follow(reader: RunReader, lines: int, *, as_json: bool) -> None:
    """Print what has happened last, then what happens, until nobody writes the run any more.

    Args:
        reader: The run.
        lines: How many lines of what has happened before.
        as_json: Print JSON values, one a line.

    Raises:
        StoreError: The run cannot be read.
    """
    follower = Follower(reader)
    run = reader.run()
    if run.status is RunStatus.RUNNING:
        totals = reader.totals()
        decided = totals.documents - totals.pending
        say(
            f"Following {run.name}: {decided:,} of {counted(totals.documents, 'document')} are decided. "
            "Ctrl-C ends this and leaves the run alone."
        )
    _print(follower.before(lines), as_json)
    while run.status is RunStatus.RUNNING:
        time.sleep(_PERIOD)
        run = reader.run()  # before the news, so that those of its end are not missed
        _print(follower.news(), as_json)
    state = {"name": run.name, "status": run.status.value, "reason": run.reason}
    _print([Happening(run.ended or now(), Kind.RUN, None, state)], as_json)


def _print(told: Iterable[Happening], as_json: bool) -> None:
    for happening in told:
        if as_json:
            line = json.dumps(asdict(happening))
        else:
            document = safe(happening.document_id) if happening.document_id is not None else "-"
            what = shortened(safe(_TOLD[happening.kind](happening.data)), _LONGEST)
            line = f"{happening.time[11:19]} {happening.kind.value:8} {document:12} {what}"
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _call(call: dict[str, Any]) -> str:
    agent = f"{call['agent']} {call['sample'] + 1}" if call["agent"] == "annotator" else call["agent"]
    tries = f" {call['attempts']}x" if call["attempts"] > 1 else ""
    tokens = call["input_tokens"] + call["output_tokens"]
    took = f", {call['seconds']:.1f} s, {counted(tokens, 'token')}" if call["attempts"] else ""
    why = f": {call['error']}" if call["error"] else ""
    return f"round {call['round']}, {agent} {call['status']}{tries}{took}{why}"


def _round(made: dict[str, Any]) -> str:
    scores = ", ".join(
        f"{name} {score(made[name])}" for name in ("agreement", "faithfulness", "completeness")
    )
    return f"round {made['round']} judged: {scores}, {counted(made['findings'], 'finding')}"


def _decision(made: dict[str, Any]) -> str:
    version = f" (version {made['version']})" if made["version"] > 1 else ""
    return f"{made['outcome']}{version}: {made['reason']}"


_TOLD: Final[dict[Kind, Callable[[dict[str, Any]], str]]] = {
    Kind.CALL: _call,
    Kind.ROUND: _round,
    Kind.DECISION: _decision,
    Kind.FAILURE: lambda failure: f"{failure['agent']}: {failure['error_class']}: {failure['message']}",
    Kind.EVENT: lambda event: f"{event['event']}: {event['message']}",
    Kind.RUN: lambda run: f"{run['name']}: {run['status']}" + (f": {run['reason']}" if run["reason"] else ""),
}
