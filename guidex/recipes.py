"""Recipes: those that come with GuideX, files, and single settings that are changed."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import finetune
from guidex.toml_files import read_toml
from schemas.errors import UsageError
from schemas.job import Job
from schemas.job_faults import in_words
from schemas.recipe import Recipe

DEFAULT = "small-cpu"

_FOLDER = Path(finetune.__file__).with_name("recipes")


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with GuideX."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_recipe(named: str | None, job: Job | None = None, changes: Sequence[str] = ()) -> tuple[Recipe, str]:
    """A recipe, and a name for what is trained by it.

    Args:
        named: A recipe that comes with GuideX, or a file; None for the job's own, or the default where the
            job says nothing about training.
        job: Of the run that is trained on.
        changes: Settings to change, as `training.rank=32`: a key and its value in TOML.

    Raises:
        UsageError: There is no such recipe, or what comes out is none.
    """
    if named is None and job is not None and (own := _of_job(job)) is not None:
        data, name = own, "job"
    else:
        path = _path(named or DEFAULT)
        data, name = read_toml(path, "recipe", "Check the file."), path.stem
    for change in changes:
        _change(data, change)
    try:
        return Recipe.model_validate(data), name
    except ValidationError as error:
        faults = (in_words(Recipe, each["loc"], each["type"], each["msg"]) for each in error.errors())
        raise UsageError(
            f"This is no recipe: {'; '.join(faults)}.", "docs/training.md lists the keys."
        ) from error


def _of_job(job: Job) -> dict[str, Any] | None:
    """The tables of a job that say how to train; None where all is as by default."""
    data = {
        "examples": job.examples.model_dump(mode="json", exclude_none=True),
        "training": job.training.model_dump(mode="json", exclude_none=True),
    }
    return None if Recipe.model_validate(data) == Recipe() else data


def _path(named: str) -> Path:
    if (known := _FOLDER / f"{named}.toml").is_file() and "/" not in named:
        return known
    if (path := Path(named)).is_file():
        return path
    raise UsageError(
        f"There is no recipe `{named}`.", f"Name a file, or one of: {', '.join(recipe_names())}."
    )


def _change(data: dict[str, Any], change: str) -> None:
    key, equals, written = change.partition("=")
    table, dot, name = key.strip().partition(".")
    if not equals or not dot:
        raise UsageError(f"`{change}` sets nothing.", "Write it as TABLE.KEY=VALUE: training.rank=32.")
    try:
        value = tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        value = written.strip()  # a word without its quotes
    values = data.setdefault(table, {})
    if isinstance(values, dict):
        values[name] = value
