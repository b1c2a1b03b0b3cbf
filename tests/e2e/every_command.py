"""Every command that reads a run, as the command line lists them: one that is added is tried as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import typer

from guidex.cli.app import app

WITHOUT_A_RUN: Final = {
    "init": "writes a job file",
    "validate": "reads a job file",
    "gold": "reads gold files",
    "graph": "draws the code",
    "models list": "lists models",
    "models pull": "fetches a model",
    "merge": "reads an adapter",
}
AT_WORK: Final = {
    "run": "asks a model",
    "resume": "asks a model",
    "retry": "asks a model",
    "estimate": "asks a model",
    "preview": "asks a model",
    "doctor": "asks a model",
    "critic flip-test": "asks a model",
    "train": "trains a model",
    "eval": "asks a model",
    "view serve": "serves until it is interrupted",
    "trace tail": "follows a run until it is interrupted",
    "runs delete": "takes the run away",
}
"""Commands that are not called by `readings`, with the reason."""


def commands() -> dict[str, Any]:
    """All commands by their words."""

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*words, name))
        if not getattr(command, "commands", None):
            yield " ".join(words), command

    return dict(walk(typer.main.get_command(app), ()))


def readings(values: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Each command that reads a run, in words and as JSON.

    Args:
        values: What is given for required parameters, by their names. An optional argument that is named is
            given and left out; of several values each is given.

    Raises:
        AssertionError: A command requires what nothing is known about; add it to the values.
    """
    for words, command in commands().items():
        if words in WITHOUT_A_RUN or words in AT_WORK:
            continue
        calls: list[list[str]] = [words.split()]
        for parameter in command.params:
            name, is_option = parameter.name, parameter.param_type_name == "option"
            if is_option and not parameter.required:
                continue
            assert name in values or not parameter.required, f"`{words}` requires {name}: say what to give"
            flag = [parameter.opts[0]] if is_option else []
            given = [[*call, *flag, value] for call in calls for value in values.get(name, ())]
            calls = given if parameter.required else [*calls, *given]
        takes_json = any(parameter.name == "json" for parameter in command.params)
        for call in calls:
            yield call
            if takes_json:
                yield [*call, "--json"]
