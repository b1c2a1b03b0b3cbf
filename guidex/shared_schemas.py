"""The schema that a run's documents share, with how it came about."""

from __future__ import annotations

from pydantic import Field

from graph.store.pilots import stored_pilot
from graph.store.reading import RunReader
from schemas.base import Model
from schemas.errors import UsageError
from schemas.job import Job
from schemas.pilot import Pilot
from schemas.schema import AnnotationSchema


class SharedSchemaReport(Model):
    """A schema and its history."""

    run: str = Field(description="The run.")
    version: int | None = Field(description="Which version this is; None for a schema that was only given.")
    annotation_schema: AnnotationSchema = Field(description="Classes and guidelines of this version.")
    pilot: Pilot | None = Field(description="What the pilot came to; None if there was none.")


def shared_schema_of(reader: RunReader, version: int | None = None) -> SharedSchemaReport:
    """The schema of a run in one version.

    Args:
        reader: Of the run.
        version: Which; None for the one documents are annotated with.

    Raises:
        UsageError: The run has no such schema, or not yet.
    """
    run = reader.run()
    job, stored = Job.model_validate_json(run.job), stored_pilot(reader)
    if stored is not None:
        pilot = stored[0]
        wanted = pilot.frozen.version if version is None else version
        found = next((each for each in pilot.versions if each.version == wanted), None)
        if found is None:
            raise UsageError(
                f"The schema of run {run.name} has no version {wanted}.",
                f"It has {len(pilot.versions)}; version {pilot.frozen.version} is the frozen one.",
            )
        return SharedSchemaReport(
            run=run.name, version=wanted, annotation_schema=found.annotation_schema, pilot=pilot
        )
    if job.has_pilot:
        raise UsageError(
            f"The pilot of run {run.name} has not come to its end.",
            f"Go on with it: guidex resume {run.name}",
        )
    if job.given_schema is None:
        raise UsageError(
            f"In run {run.name} every document has a schema of its own.",
            f"`guidex trace show {run.name} DOCUMENT` shows it.",
        )
    if version is not None:
        raise UsageError(
            f"The schema of run {run.name} was given and has no versions.", "Leave --version out."
        )
    return SharedSchemaReport(run=run.name, version=None, annotation_schema=job.given_schema, pilot=None)
