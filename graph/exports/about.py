"""What is said of an export beside its rows: of which run, by which thresholds, what it holds and lacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

from pydantic import Field

from graph.exports.tally import Tally
from graph.store.reading import RunReader
from graph.store.versions import job_of_run, thresholds_of_version, version_in_force
from schemas.base import Model


class Provenance(Model):
    """Where an export is from."""

    run: str = Field(description="Name of the run.")
    run_id: str = Field(description="Its id.")
    guidex: str = Field(description="Version of GuideX that made the run.")
    mode: str = Field(description="Where the schema came from: per-document, corpus or given.")
    method: str = Field(description="How documents were annotated.")
    models: tuple[str, ...] = Field(description="That annotated and judged; a file's without its folder.")
    decision_version: int = Field(description="Of the decisions that accepted the documents.")
    thresholds: dict[str, bool | int | float | None] = Field(description="Of that version.")
    reviewed: int = Field(default=0, ge=0, description="Documents of the run that people have reviewed.")


class About(Provenance):
    """The record `FILE.about.json` beside an exported file, or `about.json` in an exported folder."""

    format: str = Field(description="Of the export.")
    rows: int = Field(ge=0, description="Rows, or documents in a format without rows.")
    documents: int = Field(ge=0, description="Accepted documents that were looked at.")
    without_mentions: int = Field(ge=0, description="Documents without a mention, which are negatives.")
    partial: int = Field(
        ge=0, description="Documents in which the absence of some class proves nothing (`unknown_classes`)."
    )
    mentions: dict[str, int] = Field(description="Mentions that stand for an instance, by class.")
    mean_agreement: float | None = Field(description="Of the annotators, 0 to 1; null without two of them.")
    left_out: dict[str, int] = Field(description="What the format cannot hold, by kind.")
    licences: dict[str, int] = Field(description="Documents by the licence that their records name.")


@dataclass
class Export:
    """An export while it is written.

    Attributes:
        provenance: Where it is from.
        tally: What it holds.
    """

    provenance: Provenance
    tally: Tally = field(default_factory=Tally)

    def about(self, format_name: str) -> About:
        """What is said of it, once all is written."""
        tally = self.tally
        return About(
            **dict(self.provenance),
            format=format_name,
            rows=tally.rows,
            documents=tally.documents,
            without_mentions=tally.empty,
            partial=tally.partial,
            mentions=dict(sorted(tally.mentions.items(), key=lambda item: (-item[1], item[0]))),
            mean_agreement=None if tally.agreement is None else round(tally.agreement, 4),
            left_out={lost.value: count for lost, count in sorted(tally.lost.items()) if count},
            licences=dict(sorted(tally.licences.items())),
        )


def provenance_of(reader: RunReader) -> Provenance:
    """Where an export of a run is from.

    Args:
        reader: The run.
    """
    run, job, version = reader.run(), job_of_run(reader), version_in_force(reader)
    ((reviewed,),) = reader.rows("SELECT count(DISTINCT document_id) FROM reviews")
    return Provenance(
        run=run.name,
        run_id=run.id,
        guidex=run.version,
        mode=job.mode.value,
        method=job.method.value,
        models=tuple(dict.fromkeys(shown_model(model.name) for model in job.models)),
        decision_version=version,
        thresholds=thresholds_of_version(reader, version).model_dump(mode="json"),
        reviewed=reviewed,
    )


def shown_model(name: str) -> str:
    """A model's name without the folder of its file, which is of one machine."""
    return f"local/{PurePath(name).name}" if name.lower().endswith(".gguf") else name
