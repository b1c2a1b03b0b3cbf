"""Versions of decisions on the terminal, and what a new one changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graph.store.versions import DecisionVersion
from graph.thresholds import RunFacts, Trial
from guidex.cli.console import console, counted, print_json, safe
from guidex.next_steps import run_argument
from schemas.judgement import Outcome, Thresholds

_SHOWN = 10
"""Ids of documents that are named; `--json` has all."""


def print_change(folder: Path, facts: RunFacts, version: int | None, trial: Trial, *, as_json: bool) -> None:
    """Say what a version of decisions changes.

    Args:
        folder: The run's.
        facts: As they were before.
        version: The version; None if it was only tried.
        trial: What it comes to.
        as_json: Print one JSON value instead.
    """
    if as_json:
        print_json(
            {
                "run": facts.name,
                "version": version,
                "before": facts.version,
                "thresholds": trial.thresholds.model_dump(mode="json"),
                "documents": trial.documents,
                "accepted": trial.accepted,
                "accepted_before": facts.accepted,
                "instances": trial.instances,
                "gained": trial.gained,
                "lost": trial.lost,
                "moved": trial.moved,
            }
        )
        return
    out, run = console(), run_argument(folder)
    out.print(
        f"{safe(facts.name)}: {differing(facts.thresholds, trial.thresholds) or 'the same thresholds'}"
        + (f"; version {version} of the decisions is in force." if version else ".")
    )
    out.print(
        f"{trial.accepted:,} of {counted(trial.documents, 'judged document')} accepted, with "
        f"{counted(trial.instances, 'instance')}; {facts.accepted:,} before."
    )
    for told, ids in (
        ("accepted now", trial.gained),
        ("rejected now", trial.lost),
        ("accepted with another round", trial.moved),
    ):
        if ids:
            out.print(f"  {len(ids):,} {told}: {listed(ids)}")
    if others := {state: n for state, n in facts.others.items() if state is not Outcome.SKIPPED}:
        told = ", ".join(f"{count:,} {state.value}" for state, count in others.items())
        out.print(f"Not decided by thresholds: {told}.")
    if version is None:
        out.print("Nothing was written.")
    else:
        out.print(f"The way back: guidex threshold use {run} {facts.version}")


def listed(ids: Sequence[str]) -> str:
    """The first ids, and how many more there are."""
    more = len(ids) - _SHOWN
    return ", ".join(safe(each) for each in ids[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def differing(before: Thresholds, after: Thresholds) -> str:
    """The thresholds that differ, in words."""
    old = before.model_dump()
    return ", ".join(
        f"{name} {_shown(value)} (was {_shown(old[name])})"
        for name, value in after.model_dump().items()
        if value != old[name]
    )


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def version_record(version: DecisionVersion) -> dict[str, Any]:
    """A version for JSON."""
    return asdict(version) | {"thresholds": version.thresholds.model_dump(mode="json")}


def print_versions(folder: Path, versions: Sequence[DecisionVersion]) -> None:
    """List versions; thresholds are told in full for the first one, then by what differs from it."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name, justify in (("version", "left"), ("created", "left"), ("accepted", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("thresholds", overflow="fold")
    table.add_column("note", overflow="fold")
    first = versions[0].thresholds
    for each in versions:
        told = differing(first, each.thresholds) if each.version > 1 else _in_full(first)
        table.add_row(
            Text(f"{each.version}{' in force' if each.in_force else ''}", "bold" if each.in_force else ""),
            each.created[:16].replace("T", " "),
            f"{each.accepted:,} of {each.accepted + each.rejected:,}",
            told or "as version 1",
            safe(each.note),
        )
    out.print(table)
    elsewhere = sum(each.holds_for for each in versions if not each.in_force)
    if elsewhere:
        number = next(each.version for each in versions if each.in_force)
        out.print(
            f"{counted(elsewhere, 'document')} judged since by another version: "
            f"`guidex threshold use {run_argument(folder)} {number}` decides these as well."
        )


def _in_full(thresholds: Thresholds) -> str:
    return ", ".join(
        f"{name} {_shown(value)}" for name, value in thresholds.model_dump().items() if value is not None
    )
