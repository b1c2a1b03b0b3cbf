"""The reference pages of the documentation, from the job file's models and the command line itself.

    python -m guidex.reference [--check]

writes docs/configuration.md, docs/cli.md, docs/graph.md and the JSON Schemas in docs/schemas, or with --check
fails if they are out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from guidex.cli.app import app
from guidex.json_schemas import SCHEMAS, json_schema_page
from schemas.job_reference import Key, job_keys, render_job_file
from schemas.methods import Method

_WIDTH = 96
_GENERATED = "<!-- Written by `python -m guidex.reference`; change the source, not this page. -->"

_CONFIGURATION = """# The job file

A job file is TOML. `guidex init` writes one with every key in it; an unknown key is refused with the
nearest known one. Every key has a default except `documents.paths`. Flags of `guidex run` take precedence
over the file, and what a run really did is kept in its folder as `job.toml`.

Paths of documents are relative to the job file. Keys of services never stand in it: they are read from
environment variables (`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, or the one that `api_key_env` names).
"""

_HEADINGS = {
    "": "At the top",
    "agents.AGENT": "`[agents.schema_designer]`, `[agents.guideline_writer]`, `[agents.annotator]`, "
    "`[agents.critic]`",
    "prices.MODEL": '`[prices."openai/NAME"]`, one table for each model',
    "annotators": "`[[annotators]]`, one table for each annotator",
    "annotators.model": "`[annotators.model]`, below an annotator",
}
_ABOUT = {
    "agents.AGENT": "A model of its own for an agent. What is left out has the default, not what `[model]` "
    "says.",
    "annotators": "By default there are two: one reads the classes in the schema's order, the other reversed "
    "and at temperature 0.3.",
}
_AS_MODEL = frozenset({"agents.AGENT", "annotators.model"})

_GRAPH = """# The document graph

Every document goes through this graph; `guidex graph` prints it for any number of annotators. Solid
edges are always taken. The dashed ones are the decision's: back to the agent that an objection names,
which redoes its part and all that depends on it, or to the end. The number of rounds is capped (`rounds`
in the job file).

"""
_GIVEN = """## `--mode given`

The schema is fixed. A document begins at the annotators and goes back to them alone; objections to the
schema and its guidelines are on record, and neither change it nor reject the document.

"""
_PILOT = """## The pilot of `--mode corpus`

Before the documents, a few of them go through this graph, which makes the schema that all are then
annotated with: classes are proposed for each, made one schema, and given guidelines; the annotators work by
these alone, and where they differ the guidelines are revised, as long as that makes them agree more.
Documents then go through the graph of mode given. `guidex graph --mode corpus` prints it.

"""
_JOB = """## The stages of a job

`guidex run --through evaluate` takes a job from its documents to an evaluation; `guidex graph --job` prints
this. A stage that gives nothing, as an interrupted one does, ends the job; the same command goes on there.
Each stage can be run alone: `guidex run`, `guidex train --preview`, `guidex train`, `guidex eval`.

"""
_CONTROLS = {
    Method.LINEAR: """## `--method linear`

The four prompts of GuideX's paper in one conversation, each asked with all that was said before. What does
not stand in the document is dropped; nobody objects.

""",
    Method.SELF_CONSISTENCY: """## `--method self-consistency`

One annotator, asked `self_consistency.samples` times; what more than half of the samples have is kept.

""",
}
_CLI = """# The command line

Every flag is also read from an environment variable, shown beside it; flags take precedence.
`--json` prints a result as one JSON value on standard output; progress and messages go to standard error.
Colours are left out where `NO_COLOR` is set or the output is no terminal.

Exit codes: 0 done, 1 failed, 2 usage, 75 stopped with documents left, 130 interrupted. A mistake that you
can mend is told in one sentence with its remedy; a traceback is a fault of GuideX.
"""


def configuration_page() -> str:
    """docs/configuration.md."""
    parts = [_GENERATED, _CONFIGURATION]
    for table, keys in groupby(job_keys(), key=lambda key: key.table):
        parts.append(f"## {_HEADINGS.get(table, f'`[{table}]`')}\n")
        if table in _ABOUT:
            parts.append(f"{_ABOUT[table]}\n")
        if table in _AS_MODEL:
            parts.append("The keys of [`[model]`](#model).\n")
        else:
            parts.append(_table(list(keys)))
    parts.append(f"## A whole job file\n\n```toml\n{render_job_file(['documents.jsonl'])}```\n")
    return "\n".join(parts)


def cli_page() -> str:
    """docs/cli.md."""
    sections = (
        f"## {path}\n\n```text\n{text}\n```\n" for path, text in _helps(get_command(app), "guidex", None)
    )
    return "\n".join([_GENERATED, _CLI, *sections])


def graph_page() -> str:
    """`docs/graph.md`: the document graph of each mode and method, drawn from the compiled one."""
    from graph.document_graph import mermaid
    from graph.job_graph import mermaid as stages
    from graph.pilot_graph import mermaid as pilot
    from schemas.inputs import DocumentsConfig
    from schemas.job import Job, Mode

    def drawn(method: Method, mode: Mode = Mode.PER_DOCUMENT) -> str:
        job = Job(documents=DocumentsConfig(paths=("documents",)), method=method)
        job = job.model_copy(update={"mode": mode})  # without the schema, of which a drawing shows nothing
        return f"```mermaid\n{mermaid(job).strip()}\n```\n"

    controls = (f"\n{about}{drawn(method)}" for method, about in _CONTROLS.items())
    given = f"\n{_GIVEN}{drawn(Method.AGENTS, Mode.GIVEN)}"
    corpus = Job(documents=DocumentsConfig(paths=("documents",)), mode=Mode.CORPUS)
    piloted = f"\n{_PILOT}```mermaid\n{pilot(corpus).strip()}\n```\n"
    job = f"\n{_JOB}```mermaid\n{stages().strip()}\n```\n"
    return f"{_GENERATED}\n{_GRAPH}{drawn(Method.AGENTS)}{given}{piloted}{''.join(controls)}{job}"


PAGES: dict[Path, Callable[[], str]] = {
    Path("docs/configuration.md"): configuration_page,
    Path("docs/cli.md"): cli_page,
    Path("docs/graph.md"): graph_page,
    **{Path(f"docs/schemas/{name}.json"): partial(json_schema_page, name) for name in SCHEMAS},
}
"""The pages and what makes them."""


def _table(keys: Sequence[Key]) -> str:
    rows = ["| key | type | default | |", "| --- | --- | --- | --- |"]
    for key in keys:
        default = "required" if key.required else f"`{key.default}`" if key.default else "-"
        cells = (f"`{key.name}`", key.type, default, key.description)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _helps(command: Any, name: str, parent: typer.Context | None) -> Iterator[tuple[str, str]]:
    """Help texts of a command and those below it, each with the whole name."""
    context = typer.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        **({} if parent else command.context_settings),
    )
    yield context.command_path, command.get_help(context)
    if isinstance(command, TyperGroup):
        for each, below in command.commands.items():
            yield from _helps(below, each, context)


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or check them; the exit code."""
    stale = 0
    for path, make in PAGES.items():
        page = make()
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != page:
            stale = 1
            print(f"{path} is out of date: run `python -m guidex.reference`.", file=sys.stderr)
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
