"""Whether a job can be run, as far as that is seen without a call and without a download."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from agents.llm.embedded import find_gguf
from agents.llm.names import ResolvedModel, api_key, resolve
from agents.llm.prices import price_of, price_remedy
from graph.documents import (
    STANDARD_INPUT,
    count_records,
    data_set_named,
    documents_of,
    find_sources,
    read_documents,
)
from guidex.checks import Check, distinct_models, extra_check
from guidex.given_schemas import load_schema
from schemas.documents import Document, LeftOut, Unreadable
from schemas.errors import GuidexError
from schemas.inputs import DocumentsConfig
from schemas.job import Job
from schemas.lint import lint


def job_checks(job: Job) -> Iterator[Check]:
    """Documents, schema, models, keys and prices of a job; "missing" is what a run of it fails for."""
    yield from document_checks(job)
    yield from _schema(job)
    resolved: list[ResolvedModel] = []
    for config in distinct_models(job):
        try:
            model = resolve(config)
        except GuidexError as error:
            yield _missing(config.name, error)
        else:
            resolved.append(model)
            yield from _model(model)
    for model in resolved:
        yield _price(model, job)


def document_checks(job: Job) -> Iterator[Check]:
    """Each path with its first record and how many there are; of all, how many filters and sample leave."""
    wanted = job.documents
    found = list(_paths(wanted))
    yield from found
    if wanted.leaves_out and all(check.state == "ok" for check in found):
        yield _left(job)


def _left(job: Job) -> Check:
    """How many documents are taken, which takes reading all of them."""
    what = "filters and sample"
    whole = job.documents.model_copy(update={"limit": None, "ids": ()})
    taken, left_out = 0, Counter[str]()
    try:
        for item in documents_of(whole, job.seed):
            taken += isinstance(item, Document)
            if isinstance(item, LeftOut):
                left_out[item.key] += 1
    except GuidexError as error:
        return _missing(what, error)
    by = ", ".join(f"{count:,} by {key}" for key, count in left_out.most_common())
    return Check(
        what=what,
        state="ok" if taken else "missing",
        found=f"{taken:,} of {taken + left_out.total():,} documents are taken"
        + (f"; left out {by}" if by else ""),
        remedy="" if taken else "Loosen what leaves them all out.",
    )


def _paths(wanted: DocumentsConfig) -> Iterator[Check]:
    for name in wanted.paths:
        if name == STANDARD_INPUT:
            yield Check(what=name, state="note", found="standard input, which is read when the run begins")
            continue
        try:
            if (data_set := data_set_named(name)) is not None and data_set.folder is None:
                find_sources([name])
                yield Check(what=name, state="note", found="on the hub, which is asked when the run begins")
                continue
            first = next(
                read_documents([name], text_field=wanted.text_field, id_field=wanted.id_field, limit=1)
            )
            count = count_records([name], wanted.text_field)
        except GuidexError as error:
            yield _missing(name, error)
            continue
        if isinstance(first, Unreadable):
            yield Check(
                what=name,
                state="missing",
                found=f"the first record is no document: {first.reason}",
                remedy="Correct it, or name the fields as documents.text_field and documents.id_field.",
            )
            continue
        yield Check(what=name, state="ok", found=f"{count:,} record{'s' * (count != 1)}")


def _schema(job: Job) -> Iterator[Check]:
    """The given schema, how it was read, and what lint objects to in it."""
    if job.given_schema is None:
        return
    what = job.schema_file or "schema of the job"
    names = job.given_schema.names
    yield Check(
        what=what,
        state="ok",
        found=f"{len(names)} class{'es' * (len(names) != 1)}: {', '.join(names)}",
    )
    notes = load_schema(Path(job.schema_file)).notes if job.schema_file is not None else ()
    for note in (*notes, *(finding.message for finding in lint(job.given_schema))):
        yield Check(what=what, state="note", found=note)


def _model(model: ResolvedModel) -> Iterator[Check]:
    """Its key or its file; nothing is asked of any server."""
    try:
        if model.provider != "local":
            given = api_key(model) != "none"
            found = f"key from {model.key_env}" if given else "no key, which its server may not need"
            yield Check(what=model.label, state="ok" if given else "note", found=found)
            return
        extra = extra_check("local")
        if extra.state != "ok":
            yield extra.model_copy(update={"state": "missing"})
        path = find_gguf(model.model)
    except GuidexError as error:
        yield _missing(model.label, error)
        return
    yield Check(
        what=model.label,
        state="ok" if path else "note",
        found=str(path) if path else "not here yet; the first run fetches it",
        remedy="" if path else f"guidex models pull {model.model}",
    )


def _price(model: ResolvedModel, job: Job) -> Check:
    price = price_of(model, job.prices)
    what = f"price of {model.provider}/{model.model}"
    if price is not None:
        return Check(what=what, state="ok", found=str(price))
    return Check(
        what=what,
        state="note" if job.limits.cost is None else "missing",
        found="unknown" if job.limits.cost is None else "unknown, so limits.cost cannot be held",
        remedy=price_remedy(model, job.prices),
    )


def _missing(what: str, error: GuidexError) -> Check:
    return Check(what=what, state="missing", found=str(error), remedy=error.remedy)
