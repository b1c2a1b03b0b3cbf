"""Whether two jobs can give different answers: what a run taken up again must not change in silence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from graph.documents import with_path
from schemas.job import Job
from schemas.schema import AnnotationSchema

WITHOUT_EFFECT: Final = (
    *("run", "limits", "prices", "documents.limit", "documents.ids", "documents.format", "schema_file"),
    *("examples", "training", "evaluation"),
)
"""Keys and tables that change how much is done and how fast, or what is done with the result, but no answer
and no decision."""

_OF_ANY_MODEL_WITHOUT_EFFECT: Final = "api_key_env"


_NAMES_SHOWN: Final = 6
"""Classes that are named where two schemas differ."""


def differences(
    before: Job, after: Job, folder: Path, folder_after: Path | None = None
) -> dict[str, tuple[Any, Any]]:
    """The keys of a job file that can change content and differ, each with both values.

    Args:
        before: The job of the run.
        after: The job it shall go on with, or that of another run.
        folder: The run's, which the document paths of both are relative to.
        folder_after: What those of the second job are relative to, if it is of another run.
    """
    old, new = _content(before, folder), _content(after, folder_after or folder)
    keys = dict.fromkeys((*old, *new))
    return {key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)}


def _content(job: Job, folder: Path) -> dict[str, Any]:
    data = job.model_dump(mode="json")
    data["documents"]["paths"] = [with_path(path, partial(_resolved, folder)) for path in job.documents.paths]
    if job.given_schema is not None:
        data["given_schema"] = _in_short(job.given_schema)
    return {key: value for key, value in _flat(data, "") if not _is_without_effect(key)}


def _resolved(folder: Path, path: str) -> str:
    return str((folder / path).resolve())


def _in_short(schema: AnnotationSchema) -> str:
    """A schema by its classes and a hash of all that it says."""
    names, more = schema.names[:_NAMES_SHOWN], len(schema.names) - _NAMES_SHOWN
    listed = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    digest = hashlib.sha256(schema.model_dump_json().encode()).hexdigest()
    return f"{listed} ({digest[:12]})"


def _is_without_effect(key: str) -> bool:
    of_all = any(key == name or key.startswith(f"{name}.") for name in WITHOUT_EFFECT)
    return of_all or key.endswith(f".{_OF_ANY_MODEL_WITHOUT_EFFECT}")


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The leaves of nested tables, by dotted key; lists are numbered as `annotators.0`."""
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        items = ((str(number), item) for number, item in enumerate(value))  # type: ignore[assignment]
    else:
        yield path, value
        return
    for key, item in items:
        yield from _flat(item, f"{path}.{key}" if path else str(key))
