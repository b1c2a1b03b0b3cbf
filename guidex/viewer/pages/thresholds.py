"""The thresholds of a run: tried on what is stored, and set as a new version of the decisions."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final, Literal

from markupsafe import Markup
from pydantic import Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from graph.store.reading import RunReader
from graph.store.statistics import score_distributions
from graph.store.versions import (
    decision_versions,
    thresholds_in_force,
    thresholds_of_version,
    version_before,
    version_in_force,
)
from graph.thresholds import NewVersion, set_thresholds, use_version
from graph.thresholds.choosing import Target
from guidex.next_steps import run_argument
from guidex.threshold_charts import called, sweep_chart
from guidex.viewer.measured_runs import MeasuredRun, MeasuredRuns
from guidex.viewer.open_runs import open_run, runs_folder
from guidex.viewer.queries import Query
from guidex.viewer.rendering import page, render, streamed_page
from guidex.viewer.reviewing import reviewed_documents
from guidex.viewer.run_charts import SCORE_NAMES, score_charts
from guidex.viewer.threshold_trials import tried
from guidex.viewer.writing import writes
from schemas.base import Model
from schemas.errors import UsageError
from schemas.judgement import THRESHOLD_SCORES, Thresholds

_CHART: Final = 150
_MOST_INSTANCES: Final = 1_000_000
_NOTE: Final = 500
_WANTED: Final = 0.9
_LAST_VERSION: Final = 2**31


def _least(of: str) -> Any:
    return Field(default=None, ge=0, le=1, allow_inf_nan=False, description=f"Least {of}.")


class Setting(Model):
    """Thresholds to try or to set; those that are not given stay as they are in force."""

    agreement: float | None = _least("agreement between annotators")
    faithfulness: float | None = _least("share of correct instances")
    completeness: float | None = _least("share of mentions not missed")
    guideline: float | None = _least("share of sound guidelines")
    schema_fit: float | None = _least("share of sound classes")
    min_instances: int | None = Field(
        default=None, ge=0, le=_MOST_INSTANCES, description="Fewest agreed instances."
    )
    block_on_major: bool | None = Field(default=None, description="Reject while a major finding is open.")

    def over(self, before: Thresholds) -> Thresholds:
        """Thresholds with those that are given."""
        given = self.model_dump(include=_SETTABLE, exclude_none=True)
        return before.model_copy(update=given)


class SettingQuery(Setting, Query):
    """The setting that an address asks for."""


class QualityQuery(SettingQuery):
    """The setting to measure, and what one is recommended for."""

    target: Literal["precision", "yield"] | None = Field(default=None, description="Of what.")
    wanted: float = Field(default=_WANTED, ge=0, le=1, allow_inf_nan=False, description="Its least value.")


class NewSetting(Model):
    """A setting to put in force."""

    thresholds: Setting = Field(description="What documents must reach.")
    note: str = Field(default="", max_length=_NOTE, description="Why, for the record.")


class EarlierVersion(Model):
    """A version to put in force again."""

    version: int = Field(ge=1, le=_LAST_VERSION, description="Its number.")


def thresholds(request: Request) -> Response:
    """The page: what holds, what else could, and what would follow."""
    query = SettingQuery.of(request)
    reader = open_run(request)
    try:
        held = thresholds_in_force(reader)
        context = _frame(reader, held)
        context["knows"] = _measured_runs(request).has_gold or context["reviewed"] > 0
        context |= {"held": held, "setting": query.over(held)}
    except BaseException:
        reader.close()
        raise
    return streamed_page(
        request,
        "thresholds.html",
        reader,
        run=request.path_params["run"],
        here="thresholds",
        target=None,
        wanted=_WANTED,
        tried=lambda: tried(reader, _measured_runs(request).facts(reader), query.over(held)),
        **context,
    )


def outcome(request: Request) -> Response:
    """What follows from a setting: the part of the page that changes with it."""
    query = SettingQuery.of(request)
    with open_run(request) as reader:
        facts = _measured_runs(request).facts(reader)
        made = tried(reader, facts, query.over(facts.thresholds))
    return HTMLResponse(
        render(
            "thresholds_outcome.html",
            links=request.app.state.links,
            run=request.path_params["run"],
            names=_NAMES,
            tried=lambda: made,
        )
    )


_SETTABLE: Final = set(Setting.model_fields)
_NAMES: Final[Mapping[str, str]] = {name: SCORE_NAMES[name] for name in THRESHOLD_SCORES}


def quality(request: Request) -> Response:
    """How good what a setting accepts is, as far as it is known, and the setting for a target."""
    query = QualityQuery.of(request)
    with open_run(request) as reader:
        runs = _measured_runs(request)
        facts = runs.facts(reader)
        context: dict[str, Any] = {"report": None, "recommended": None, "refused": ""}
        if facts.documents:
            context |= _quality(runs.measured(reader), query.over(facts.thresholds), query)
        knows = runs.has_gold or bool(reviewed_documents(reader))
    return page(
        request,
        "thresholds_quality.html",
        run=request.path_params["run"],
        here="thresholds",
        target=query.target,
        wanted=query.wanted,
        knows=knows,
        folder=shlex.quote(runs_folder(request).path.as_posix()),
        **context,
    )


def _quality(run: MeasuredRun, setting: Thresholds, query: QualityQuery) -> dict[str, Any]:
    point = run.sweep.at(setting)
    recommended, refused = None, ""
    if query.target is not None:
        target = Target(**{"precision" if query.target == "precision" else "share": query.wanted})
        try:
            recommended = run.recommending.recommend(target)
        except UsageError as error:
            refused = str(error)
    report = run.report.model_copy(update={"recommendation": recommended})
    return {
        "report": report,
        "point": point,
        "in_force": run.in_force,
        "chart": Markup(sweep_chart(report, tried=None if setting == report.thresholds else point)),
        "called": called,
        "recommended": recommended,
        "refused": refused,
        "without": run.without,
        "take": {} if recommended is None else recommended.thresholds.model_dump(include=_SETTABLE),
    }


def _measured_runs(request: Request) -> MeasuredRuns:
    runs: MeasuredRuns = request.app.state.measured
    return runs


def _frame(reader: RunReader, held: Thresholds) -> dict[str, Any]:
    """What the page shows that does not depend on the setting."""
    versions = decision_versions(reader)
    least = {name: getattr(held, name) for name in THRESHOLD_SCORES}
    charts = score_charts(score_distributions(reader, THRESHOLD_SCORES), least, _CHART)
    return {
        "names": _NAMES,
        "charts": {chart.key: chart for chart in charts},
        "versions": versions,
        "in_force": next(each for each in versions if each.in_force),
        "before": version_before(reader),
        "reviewed": len(reviewed_documents(reader)),
        "most_instances": _MOST_INSTANCES,
        "longest_note": _NOTE,
        "argument": run_argument(reader.folder),
    }


def set_setting(request: Request, asked: NewSetting) -> Mapping[str, Any]:
    """Put a setting in force as a new version."""
    with open_run(request) as reader:
        before = version_in_force(reader)
        wanted = asked.thresholds.over(thresholds_of_version(reader, before))
        return _said(set_thresholds(reader, wanted, asked.note), before)


def use_earlier(request: Request, asked: EarlierVersion) -> Mapping[str, Any]:
    """Put an earlier version in force again."""
    with open_run(request) as reader:
        before = version_in_force(reader)
        return _said(use_version(reader, asked.version), before)


def _said(made: NewVersion, before: int) -> Mapping[str, Any]:
    return {
        "version": made.version,
        "before": before,
        "documents": made.trial.documents,
        "accepted": made.trial.accepted,
        "gained": len(made.trial.gained),
        "lost": len(made.trial.lost),
    }


ROUTES = [
    Route("/runs/{run}/thresholds", thresholds, name="thresholds"),
    Route("/runs/{run}/thresholds/outcome", outcome, name="thresholds_outcome"),
    Route("/runs/{run}/thresholds/quality", quality, name="thresholds_quality"),
    Route(
        "/runs/{run}/thresholds/versions",
        writes(NewSetting, set_setting),
        methods=["POST"],
        name="thresholds_set",
    ),
    Route(
        "/runs/{run}/thresholds/in-force",
        writes(EarlierVersion, use_earlier),
        methods=["POST"],
        name="thresholds_use",
    ),
]
