"""What a run needs of the machine, the installation and the models; behind `guidex doctor`."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from agents.llm.embedded import Progress, available_models, models_folder
from agents.llm.factory import ProbeResult, probe
from agents.llm.names import resolve
from graph.extras import EXTRAS, install_command, is_installed
from guidex.version import version
from schemas.base import Model
from schemas.errors import GuidexError
from schemas.job import Job, ModelConfig

_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
_LEAST_FREE = 500_000_000
"""Bytes on the disk of the runs below which a run is likely to fill it."""
_OLDEST_PYTHON = (3, 11)


class Check(Model):
    """One thing that was looked at."""

    what: str = Field(description="What was looked at.")
    state: Literal["ok", "note", "missing"] = Field(description="'missing' is what a run fails without.")
    found: str = Field(description="What was found.")
    remedy: str = Field(default="", description="What to do about it.")


def machine_checks(runs_dir: Path) -> Iterator[Check]:
    """Python, SQLite, disk, folders, extras and keys; nothing is asked of any network."""
    python_fits = sys.version_info >= _OLDEST_PYTHON
    yield Check(
        what="Python",
        state="ok" if python_fits else "missing",
        found=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        remedy="" if python_fits else "Install Python 3.11 or newer.",
    )
    yield Check(what="GuideX", state="ok", found=version())
    yield _sqlite()
    yield _runs_folder(runs_dir)
    yield from map(extra_check, EXTRAS)
    for key in _KEYS:
        given = bool(os.environ.get(key, "").strip())
        yield Check(what=key, state="ok" if given else "note", found="set" if given else "not set")
    for model in available_models():
        yield Check(
            what=model.name,
            state="ok" if model.path else "note",
            found=str(model.path) if model.path else f"not pulled yet; it will be kept in {models_folder()}",
            remedy="" if model.path else f"guidex models pull {model.name}",
        )


def model_checks(job: Job, progress: Progress | None = None) -> Iterator[Check]:
    """Ask each model of a job one tiny question in the very way a run would; a local one is fetched first."""
    for config in distinct_models(job):
        yield _from_probe(asyncio.run(probe(config, progress=progress)))


def extra_check(name: str) -> Check:
    """Whether an extra is installed."""
    here, purpose = is_installed(name), EXTRAS[name].purpose
    return Check(
        what=f"extra {name}",
        state="ok" if here else "note",
        found=f"installed, for {purpose}" if here else f"not installed; it is for {purpose}",
        remedy="" if here else f"{install_command(name)} in GuideX's folder",
    )


def _sqlite() -> Check:
    with sqlite3.connect(":memory:") as connection:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    connection.close()
    has_search = "ENABLE_FTS5" in options
    return Check(
        what="SQLite",
        state="ok" if has_search else "missing",
        found=f"{sqlite3.sqlite_version}{'' if has_search else ' without full-text search (FTS5)'}",
        remedy="" if has_search else "Use a Python whose sqlite3 has FTS5, such as python.org's.",
    )


def _runs_folder(runs_dir: Path) -> Check:
    where = next(folder for folder in (runs_dir.absolute(), *runs_dir.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=where):
            pass
        free = shutil.disk_usage(where).free
    except OSError as error:
        return Check(
            what=f"runs in {runs_dir.as_posix()}",
            state="missing",
            found=f"cannot be written: {error.strerror}",
            remedy="Choose another folder with --runs-dir.",
        )
    return Check(
        what=f"runs in {runs_dir.as_posix()}",
        state="ok" if free >= _LEAST_FREE else "note",
        found=f"writable, {free / 1e9:.1f} GB free",
        remedy="" if free >= _LEAST_FREE else "Free some space, or choose another folder with --runs-dir.",
    )


def distinct_models(job: Job) -> list[ModelConfig]:
    """The models of a job, each once however it is sampled."""
    seen: dict[object, ModelConfig] = {}
    for config in job.models:
        seen.setdefault(_identity(config), config)
    return list(seen.values())


def _identity(config: ModelConfig) -> object:
    try:
        return resolve(config).model_copy(update={"max_tokens": 0, "profile": "full"})
    except GuidexError:  # the probe will say what is wrong with it
        return config.name


def _from_probe(result: ProbeResult) -> Check:
    if not result.ok:
        return Check(what=result.model, state="missing", found=result.problem, remedy=result.remedy)
    how = "grounded decoding" if result.grounded else f"structure by {result.structured}"
    return Check(what=result.model, state="ok", found=f"answers in {result.latency or 0:.2f} s, {how}")
