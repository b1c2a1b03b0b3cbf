"""The page of a run: what came of it, what it took, and what is done next; it follows a run that goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from graph.store.accepted_spans import ClassCount, class_counts
from graph.store.anomalies import connection_setbacks
from graph.store.document_search import positions
from graph.store.reading import RunReader
from graph.store.records import CallStatus, Event, Found, RunStatus
from graph.store.statistics import (
    ObjectionCount,
    RoundsTaken,
    Use,
    decided_since,
    objection_counts,
    rounds_taken,
    score_distributions,
    use_by_agent,
)
from graph.store.versions import job_of_run, thresholds_in_force, version_in_force
from guidex.cli.summary import FIGURES
from guidex.run_summary import RunSummary, summary_of
from guidex.stories import held_to
from guidex.viewer.open_runs import open_run
from guidex.viewer.rendering import render, streamed_page
from guidex.viewer.run_charts import SCORE_NAMES, ScoreChart, rounds_chart, score_charts
from schemas.judgement import JUDGED_SCORES, FindingCode, Outcome

_CLASSES: Final = 20
_SETBACKS: Final = 5
_DOCUMENTS: Final = 5
"""Documents that are named with a cause."""

LIVE_HEADER: Final = "X-GuideX-Live"
"""Tells the page's script whether there is more to come."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is that goes on."""

    decided: int
    documents: int
    per_minute: float | None
    """Documents decided on in this session; None before the first one."""
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the lower part of the page shows."""

    scores: tuple[ScoreChart, ...]
    taken: tuple[RoundsTaken, ...]
    rounds: Markup | None
    """The same, drawn."""
    use: tuple[Use, ...]
    classes: tuple[ClassCount, ...]
    objections: tuple[ObjectionCount, ...]
    setbacks: Found[Event]
    positions: Mapping[str, int]
    """Of the documents that are named."""

    @property
    def shown_classes(self) -> tuple[ClassCount, ...]:
        """The most frequent ones."""
        return self.classes[:_CLASSES]


def run(request: Request) -> Response:
    """A run."""
    reader = open_run(request)
    try:
        about, status = _about(reader), reader.run().status
    except BaseException:
        reader.close()
        raise
    return streamed_page(
        request,
        "run.html",
        reader,
        **_named(request),
        here="run",
        about=about,
        is_live=status is RunStatus.RUNNING,
        standing=lambda: _standing(reader),
        statistics=lambda summary: _statistics(reader, summary),
    )


def live(request: Request) -> Response:
    """How far the run is: the part of the page that follows it closely."""
    with open_run(request) as reader:
        standing = _standing(reader)
    return _part(request, "run_live.html", standing)


def statistics(request: Request) -> Response:
    """The lower part of the page."""
    with open_run(request) as reader:
        standing = _standing(reader)
        made = _statistics(reader, standing["summary"])
    return _part(request, "run_statistics.html", standing, statistics=lambda _: made)


def _part(request: Request, template: str, standing: dict[str, Any], **context: Any) -> Response:
    is_running = standing["summary"].status is RunStatus.RUNNING
    return HTMLResponse(
        render(template, links=request.app.state.links, **_named(request), **standing, **context),
        headers={LIVE_HEADER: "running" if is_running else "ended"},
    )


def _named(request: Request) -> dict[str, Any]:
    """What all parts of the page are told."""
    measures = {"agreement": ("strict", "same span, same class"), **FIGURES}
    return {
        "run": request.path_params["run"],
        "measures": measures,
        "vain": _VAIN,
        "statuses": frozenset(status.value for status in CallStatus),
        "rejected": _rejected,
    }


_VAIN: Final[Mapping[str, str]] = {
    "re-asked": "the answer did not fit and was asked for again",
    "invalid": "the last answer did not fit either",
    "truncated": "the answer was cut off at its longest",
    "filtered": "the provider held the answer back",
    "retried": "server or connection failed, and it was sent again",
    "no answer": "server or connection failed for good",
    "cancelled": "given up while under way",
    "interrupted": "the process ended while it was under way",
    "error": "a fault of the program",
}
"""What became of requests (`graph.store.attempts.spent_in_vain`), in words."""


def _rejected(reason: str) -> dict[str, str]:
    """The query that lists rejected documents with those of a reason first, as far as it can be asked for."""
    query = {"outcome": Outcome.REJECTED.value}
    score = reason.partition(" < ")[0]
    if score in JUDGED_SCORES:
        return query | {"sort": score}
    code = next((code for code in FindingCode if f"({code.value}" in reason), None)
    return query if code is None else query | {"finding": code.value}


def _standing(reader: RunReader) -> dict[str, Any]:
    """Where the run stands."""
    summary = summary_of(reader)
    is_running = summary.status is RunStatus.RUNNING
    return {"summary": summary, "progress": _progress(reader, summary) if is_running else None}


@dataclass(frozen=True, slots=True)
class About:
    """What a run was told to do."""

    models: tuple[str, ...]
    mode: str
    method: str
    version: int
    """Of the decisions in force."""
    thresholds: Mapping[str, float]
    """Those in force, by the score's name as shown."""
    least_instances: int


def _about(reader: RunReader) -> About:
    job, held = job_of_run(reader), held_to(reader)
    return About(
        tuple(dict.fromkeys(model.name for model in job.models)),
        job.mode.value,
        job.method.value,
        version_in_force(reader),
        {label: held[name] for name, label in SCORE_NAMES.items() if name in held},
        thresholds_in_force(reader).min_instances,
    )


def _progress(reader: RunReader, summary: RunSummary) -> Progress:
    documents, pending = summary.documents["in"], summary.documents["pending"]
    began = reader.sessions()[-1].started
    minutes = (datetime.now(UTC) - datetime.fromisoformat(began)).total_seconds() / 60
    decided = decided_since(reader, began)
    per_minute = decided / minutes if decided and minutes > 0 else None
    left = None if per_minute is None else 60 * pending / per_minute
    return Progress(documents - pending, documents, per_minute, left)


def _statistics(reader: RunReader, summary: RunSummary) -> Statistics:
    named = [name for failure in summary.failures for name in failure.document_ids[:_DOCUMENTS]]
    named += [name for missing in summary.missing_classes for name in missing.document_ids]
    taken = rounds_taken(reader)
    return Statistics(
        score_charts(score_distributions(reader, tuple(SCORE_NAMES)), held_to(reader)),
        taken,
        rounds_chart(taken),
        use_by_agent(reader),
        class_counts(reader),
        objection_counts(reader),
        connection_setbacks(reader, _SETBACKS),
        positions(reader, named),
    )


ROUTES = [
    Route("/runs/{run}", run, name="run"),
    Route("/runs/{run}/live", live, name="run_live"),
    Route("/runs/{run}/statistics", statistics, name="run_statistics"),
]
