"""Job files on disk: reading one, changing it by flags, and writing the job that a run really does."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w

from graph.documents import seen_from, stem_of, with_path
from graph.store.redaction import redactor_for
from guidex.given_schemas import load_schema
from guidex.toml_files import read_toml
from schemas.errors import UsageError
from schemas.job import Job, Mode, job_from
from schemas.methods import Method

_GENERIC = frozenset({"guidex", "job"})
"""Stems of job files that say nothing: the folder is then the better name."""

_OF_ONE_MODEL = ("base_url", "api_key_env", "profile", "structured", "grounded", "logprobs")
"""Settings that belong to the model they were written for."""

_FURTHER_PATHS = (
    ("training", "base"),
    ("evaluation", "benchmark"),
    ("evaluation", "data"),
    ("evaluation", "schema_file"),
)
"""Keys that hold a path, or a name where there is no such file."""


@dataclass(frozen=True)
class Changes:
    """What flags change in a job file; None changes nothing."""

    documents: Sequence[str | Path] | None = None
    format: str | None = None
    min_words: int | None = None
    max_words: int | None = None
    min_characters: int | None = None
    max_characters: int | None = None
    language: Sequence[str] | None = None
    sample: int | None = None
    select: str | None = None
    limit: int | None = None
    doc_id: Sequence[str] | None = None
    model: str | None = None
    base_url: str | None = None
    brief: str | None = None
    mode: str | None = None
    schema: Path | None = None
    rounds: int | None = None
    pilot_documents: int | None = None
    pilot_rounds: int | None = None
    method: str | None = None
    samples: int | None = None
    max_connections: int | None = None
    adaptive_connections: str | None = None
    timeout: float | None = None
    retries: int | None = None
    retry_on_error: int | None = None
    documents_in_flight: int | None = None
    cost_limit: float | None = None
    token_limit: int | None = None
    time_limit: str | None = None
    """Seconds, or as in 15m and 2h."""
    target_accepted: int | None = None
    max_candidates: int | None = None
    fail_on_error: float | None = None


def load_job(path: Path | None, changes: Changes | None = None) -> Job:
    """Read a job file and change it; a schema that it names is read with it.

    Paths in the file are relative to the file, those of the changes to the working directory.

    Args:
        path: The file; None where the changes make up the whole job.
        changes: What takes precedence over the file.

    Raises:
        UsageError: The file cannot be read, or what comes out is no job.
    """
    data = _read(path) if path is not None else {}
    if changes is not None:
        _change(data, changes)
    if not data.get("documents"):
        raise UsageError(
            "No documents were named.",
            "Give a job file (`guidex init` writes one), or name them: guidex run --documents PATH.",
        )
    return job_with_schema(data, _shown(path) if path is not None else "the job")


def job_with_schema(data: Mapping[str, Any], source: str = "the job") -> Job:
    """Validate a mapping as a job, with the schema in the file that it names.

    Args:
        data: The mapping; a schema file's path in it is relative to the working directory.
        source: Name for messages.

    Raises:
        UsageError: The schema file cannot be read, or the mapping is no job.
    """
    named = data.get("schema_file")
    if isinstance(named, str):
        given = load_schema(Path(named)).annotation_schema
        data = {"mode": Mode.GIVEN, **data, "given_schema": given}
    return job_from(data, source)


def job_of(toml: str, folder: Path, changes: Changes) -> Job:
    """The job of a run, from its job file, changed; document paths are relative to the run's folder.

    Its schema is the one it was begun with, whatever has become of the file.

    Raises:
        UsageError: What comes out is no job.
    """
    data = tomllib.loads(toml)
    _from_folder(data, folder)
    _change(data, changes)
    return job_from(data, f"the job of {_shown(folder)}")


def suggested_name(job: Job, path: Path | None) -> str:
    """A name for a run: after the job file, its folder if the file's name is generic, or the documents."""
    if path is not None:
        stem = path.resolve().parent.name if path.stem.lower() in _GENERIC else path.stem
    else:
        stem = stem_of(job.documents.paths[0])
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")[:60] or "run"


def effective_toml(job: Job, folder: Path) -> str:
    """The job as it is run, with every default, as a job file that lies in `folder`; without secrets.

    It holds a given schema itself, so that it goes on meaning the same when the schema's file changes.
    """
    data = job.model_dump(mode="json", exclude_none=True, exclude={"schema_file"})
    data = {key: value for key, value in data.items() if value != {}}
    if job.given_schema is not None:
        data["given_schema"] = job.given_schema.model_dump(mode="json", exclude_defaults=True)
    data["documents"]["paths"] = [with_path(path, partial(seen_from, folder)) for path in job.documents.paths]
    for table, key in _FURTHER_PATHS:
        if (named := data[table].get(key)) is not None and Path(named).exists():
            data[table][key] = seen_from(folder, named)
    return redactor_for(job)(tomli_w.dumps(data))


def _read(path: Path) -> dict[str, Any]:
    data = read_toml(path, "job file", "Check the path; `guidex init` writes a job file.")
    _from_folder(data, path.parent)
    return data


def _from_folder(data: dict[str, Any], folder: Path) -> None:
    """Take paths as relative to a folder, a linked one as it is where it really lies."""
    folder = folder.resolve()
    if isinstance(named := data.get("schema_file"), str):
        data["schema_file"] = _from_here(folder / named)
    documents = data.get("documents")
    paths = documents.get("paths") if isinstance(documents, dict) else None
    if isinstance(documents, dict) and isinstance(paths, list):
        documents["paths"] = [
            with_path(each, lambda path: _from_here(folder / path)) if isinstance(each, str) else each
            for each in paths
        ]
    for table, key in _FURTHER_PATHS:
        values = data.get(table)
        named = values.get(key) if isinstance(values, dict) else None
        if isinstance(values, dict) and isinstance(named, str) and (folder / named).exists():
            values[key] = _from_here(folder / named)


def _change(data: dict[str, Any], changes: Changes) -> None:
    if changes.model is not None:
        model = _table(data, "model")
        if model.get("name") != changes.model:
            for key in _OF_ONE_MODEL:
                model.pop(key, None)
    if changes.adaptive_connections is not None:
        if changes.max_connections is not None:
            raise UsageError(
                "The number of connections cannot be both fixed and adaptive.",
                "Give --max-connections or --adaptive-connections, not both.",
            )
        _table(data, "run").pop("max_connections", None)
    _change_mode(data, changes)
    _set(data, (), brief=changes.brief, rounds=changes.rounds, method=changes.method)
    if changes.samples is not None and data.get("method") != Method.SELF_CONSISTENCY:
        raise UsageError(
            "Only the method self-consistency has samples.",
            "Give --method self-consistency as well, or leave --samples out.",
        )
    _set(data, ("self_consistency",), samples=changes.samples)
    _set(data, ("pilot",), documents=changes.pilot_documents, rounds=changes.pilot_rounds)
    _set(data, ("model",), name=changes.model, base_url=changes.base_url)
    _set(
        data,
        ("documents",),
        paths=[str(path) for path in changes.documents or ()] or None,
        format=changes.format,
        min_words=changes.min_words,
        max_words=changes.max_words,
        min_characters=changes.min_characters,
        max_characters=changes.max_characters,
        languages=list(changes.language or ()) or None,
        sample=changes.sample,
        select=changes.select,
        limit=changes.limit,
        ids=list(changes.doc_id or ()) or None,
    )
    _set(
        data,
        ("run",),
        max_connections=changes.max_connections,
        adaptive_connections=changes.adaptive_connections,
        timeout=changes.timeout,
        retries=changes.retries,
        retry_on_error=changes.retry_on_error,
        documents_in_flight=changes.documents_in_flight,
    )
    _set(
        data,
        ("limits",),
        cost=changes.cost_limit,
        tokens=changes.token_limit,
        time=changes.time_limit,
        target_accepted=changes.target_accepted,
        max_candidates=changes.max_candidates,
        fail_on_error=changes.fail_on_error,
    )


def _change_mode(data: dict[str, Any], changes: Changes) -> None:
    """A schema implies its mode, and another mode does without the file's schema."""
    if changes.schema is not None:
        data.pop("given_schema", None)
        _set(data, (), schema_file=str(changes.schema), mode=changes.mode or Mode.GIVEN.value)
    elif changes.mode is not None:
        if changes.mode != Mode.GIVEN:
            data.pop("given_schema", None)
            data.pop("schema_file", None)
        _set(data, (), mode=changes.mode)


def _set(data: dict[str, Any], place: tuple[str, ...], **values: object) -> None:
    given = {key: value for key, value in values.items() if value is not None}
    if given:
        (_table(data, *place) if place else data).update(given)


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of the job file, made where there is none; what is no table is left to validation."""
    table = data.setdefault(name, {})
    return table if isinstance(table, dict) else {}


def _from_here(path: Path) -> str:
    """A path relative to the working directory where it lies inside, else absolute."""
    absolute = Path(os.path.abspath(path))
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def _shown(path: Path) -> str:
    return path.as_posix()
