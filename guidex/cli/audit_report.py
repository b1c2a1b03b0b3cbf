"""An audit of training data, on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from finetune.examples.auditing import Audit, SetAudit
from guidex.cli.console import console, counted, safe, shortened

_LABELS = 12
"""Labels that are named of each set; `--json` has all."""


def print_audit(audit: Audit) -> None:
    """Print what training data has in common with evaluation sets."""
    out = console()
    out.print(Text(f"Audit of {safe(audit.training)}", style="bold"))
    out.print(
        f"{counted(audit.documents, 'document')}, {audit.classes:,} class names, "
        f"{counted(audit.mentions, 'mention')}"
    )
    out.print()
    out.print(_overview(audit))
    for one in audit.sets:
        _print_labels(out, one, audit.near)
        _print_texts(out, one)
    out.print()
    out.print(
        Text(
            f"Names are compared by {safe(audit.names_by)}; near: similarity from {audit.near:g}. Copied "
            "texts: a run of 13 words in common, or all of a shorter text; alike: Jaccard similarity from "
            f"{audit.near_text:g}. Familiarity compares among equal comparisons alone: the paper's is over "
            "sentence embeddings.",
            style="dim",
        )
    )


def _overview(audit: Audit) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column("evaluation set", overflow="fold", ratio=1)
    for column in ("labels", "exact", "near", "familiarity", "texts", "copied", "alike", "affected"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in audit.sets:
        table.add_row(
            safe(one.name),
            f"{one.labels:,}",
            f"{one.labels_exact:,}",
            f"{one.labels_near:,}",
            f"{one.familiarity:.2f}",
            f"{one.texts:,}",
            f"{one.texts_copied:,}",
            f"{one.texts_near:,}",
            _share(one.texts_affected, one.texts),
        )
    return table


def _print_labels(out: Console, one: SetAudit, near: float) -> None:
    known = [match for match in one.by_label if match.exact or match.similarity >= near]
    if not known:
        return
    out.print()
    out.print(
        Text(
            f"{safe(one.name)}: {len(known)} of {counted(one.labels, 'label')} "
            f"known to training, with {_share(one.mentions_exact, one.mentions)} of the mentions by exact "
            "name",
            style="bold",
        )
    )
    for match in known[:_LABELS]:
        like = "the same as" if match.exact else f"near ({match.similarity:.2f})"
        out.print(f"  {safe(match.label)}: {like} {safe(match.nearest)}, familiarity {match.familiarity:.2f}")
    if len(known) > _LABELS:
        out.print(f"  and {len(known) - _LABELS} more")


def _print_texts(out: Console, one: SetAudit) -> None:
    if not one.worst:
        return
    out.print()
    out.print(
        Text(
            f"{safe(one.name)}: {_share(one.texts_affected, one.texts)} of the texts affected, "
            "the worst first",
            style="bold",
        )
    )
    for match in one.worst:
        out.print(
            f"  {safe(match.place)} in {safe(match.document)}: {match.copied:.0%} copied, "
            f"similarity {match.similarity:.2f}"
        )
        out.print(Text(f"    {safe(shortened(match.text))}", style="dim"))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
