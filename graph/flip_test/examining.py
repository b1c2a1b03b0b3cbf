"""The flip test at work: every specimen untouched and with each error, before code, lint and critic.

The nodes of the document graph do the judging, so what is measured is what runs. Calls go through the ledger
into a run of its own: a test that was broken off goes on where it was, and nothing is paid twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from agents.llm.budget import Budget
from agents.llm.client import CallFailedError
from agents.llm.embedded import Progress as DownloadProgress
from agents.llm.factory import ClientPool
from agents.llm.names import resolve
from agents.llm.prices import require_prices
from graph.fingerprint import differences
from graph.flip_test.mutations import Flip, flip
from graph.flip_test.report import CodeReport, DecidedBy, FlipReport, rate, separation
from graph.flip_test.specimens import Specimen
from graph.ledger import Ledger
from graph.nodes.critiquing import Critiquing
from graph.nodes.grounding import Grounding
from graph.nodes.state import DocumentState
from graph.spending import spent_before
from graph.store.opening import holds_run
from graph.store.records import RunStatus
from graph.store.store import RunStore
from graph.team import Team, assemble
from schemas.annotation import Annotation, Instance
from schemas.documents import Document
from schemas.errors import GuidexError, StoppedError, UsageError
from schemas.job import AnnotatorConfig, Job, Profile, parse_job
from schemas.judgement import (
    CODE_DECIDED,
    ROUTES,
    Agent,
    Decision,
    Finding,
    FindingCode,
    MentionJudgement,
    Outcome,
    Verdict,
)
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema
from schemas.splitting import split

_REASON = "its correct annotation was used to test the critic"

_BY_CRITIC_ALONE = frozenset({FindingCode.GUIDELINE_CONTRADICTION, FindingCode.SCHEMA_MISSING_CLASS})
"""Errors of guidelines and schema that no lint can see."""


@dataclass
class _Tally:
    """What was counted of one code."""

    injected: int = 0
    found: int = 0
    otherwise: int = 0
    unanswered: int = 0
    chances: list[float] = field(default_factory=list)


@dataclass
class _Counts:
    """What was counted over all specimens."""

    codes: dict[FindingCode, _Tally]
    judged: int = 0
    objected: int = 0
    missing: int = 0
    chances: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Examined:
    """What code, lint and critic say of an annotation."""

    findings: tuple[Finding, ...]
    judged: tuple[MentionJudgement, ...]


class FlipTest:
    """A flip test of the critic of a job."""

    def __init__(
        self,
        job: Job,
        specimens: Sequence[Specimen],
        folder: Path,
        *,
        job_toml: str,
        version: str,
        on_progress: Callable[[int, int], None] = lambda done, documents: None,
        download: DownloadProgress | None = None,
    ) -> None:
        """Describe the test; nothing is asked yet.

        Args:
            job: Its critic is tested; its seed chooses the errors' places.
            specimens: Documents with correct annotations.
            folder: Of the run that the calls go to; one of the same test is gone on with.
            job_toml: The job as a job file that lies in the folder.
            version: GuideX that runs the test.
            on_progress: Told how many documents are done, of how many.
            download: Told about the download of a local model.
        """
        critic = job.model_for(Agent.CRITIC)
        # One model for all agents: of the team only the critic is asked.
        alone = {"model": critic, "agents": type(job.agents)(), "annotators": (AnnotatorConfig(),)}
        self._job = job
        self._tested = job.model_copy(update=alone)
        self._specimens = specimens
        self._folder = folder
        self._toml = job_toml
        self._version = version
        self._on_progress = on_progress
        self._download = download
        self._remarks = resolve(critic).profile is Profile.FULL
        self._counts = _Counts({code: _Tally() for code in FindingCode})

    async def run(self) -> FlipReport:
        """Examine all specimens.

        Raises:
            UsageError: The folder holds a run of another job.
            ModelUnavailableError: The critic's model cannot be used.
            CallStoppedError: The test has to stop (a limit, a server that is down); it can be gone on with.
            StoreError: The calls cannot be recorded.
        """
        require_prices(self._tested)
        limits = self._job.limits
        budget = Budget(limits) if limits.bound_spending else None
        pool = ClientPool(self._job.run, self._download, budget=budget, prices=self._job.prices)
        try:
            client = await asyncio.to_thread(pool.client_for, self._tested.model)
            with self._store() as store:
                if budget is not None:
                    budget.take_up(*spent_before(store.reader, self._job))
                ledger = Ledger(client, store)
                team = assemble(self._tested, lambda config: ledger)
                await self._recorded(store, team, pool)
                return self._report(store)
        finally:
            await pool.close()

    def _store(self) -> RunStore:
        if not holds_run(self._folder):
            name = self._folder.name
            return RunStore.create(
                self._folder, name=name, job=self._job, job_toml=self._toml, version=self._version
            )
        store = RunStore.open(self._folder, self._job, version=self._version)
        before, now = parse_job(store.reader.run().job_toml), parse_job(self._toml)
        changed = differences(before, now, self._folder)
        if changed:
            store.close()
            raise UsageError(
                f"Run {self._folder.name} is of another job: {', '.join(changed)} differ.",
                "Give the test another --name.",
            )
        return store

    async def _recorded(self, store: RunStore, team: Team, pool: ClientPool) -> None:
        """Examine, and record how that ended whatever happens."""
        status, reason = RunStatus.INTERRUPTED, "documents in flight are pending"
        try:
            await self._examine_all(store, team, pool)
            status, reason = RunStatus.DONE, ""
        except GuidexError as error:
            status = RunStatus.STOPPED if isinstance(error, StoppedError) else RunStatus.FAILED
            reason = str(error)
            raise
        finally:
            store.finish_run(status.value, reason)
            await store.flush()

    async def _examine_all(self, store: RunStore, team: Team, pool: ClientPool) -> None:
        # Where a secret would be taken out of a text in the store, spans would no longer hold.
        specimens = [one for one in self._specimens if store.redacted(one.document) == one.document]
        store.add_documents([specimen.document for specimen in specimens])
        ended = set(store.reader.document_ids([Outcome.SKIPPED]))
        waiting, done = iter(specimens), 0

        async def worker() -> None:
            nonlocal done
            for specimen in waiting:
                await self._examine(specimen, team)
                if specimen.document.id not in ended:
                    decision = Decision(outcome=Outcome.SKIPPED, reason=_REASON)
                    store.decide(specimen.document.id, decision)
                done += 1
                self._on_progress(done, len(specimens))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, pool.documents_in_flight)):
                    group.create_task(worker())
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from several

    async def _examine(self, specimen: Specimen, team: Team) -> None:
        """One specimen: untouched, then with each error. Which errors does not depend on other specimens."""
        chance = random.Random(f"{self._job.seed}:{specimen.document.id}")
        flips = [one for code in self._codes() if (one := flip(specimen, code, chance)) is not None]
        instances = specimen.annotation.instances
        try:
            untouched = await self._examined(specimen.document, specimen.schema, instances, team)
        except CallFailedError:
            for one in flips:
                self._counts.codes[one.code].unanswered += 1
            return
        self._count_untouched(untouched)
        for one in flips:
            try:
                flipped = await self._examined(
                    specimen.document, one.schema, one.instances, team, ask=self._by(one.code) == "critic"
                )
            except CallFailedError:
                self._counts.codes[one.code].unanswered += 1
                continue
            self._count(one, flipped, untouched)

    async def _examined(
        self,
        document: Document,
        schema: AnnotationSchema,
        instances: tuple[Instance, ...],
        team: Team,
        *,
        ask: bool = True,
    ) -> _Examined:
        annotation = Annotation(document_id=document.id, annotator="annotator-1", instances=instances)
        state: DocumentState = {
            "document": document,
            "draw": 0,
            "passages": split(document.text, team.passage_bytes),
            "index_of": cache(TextIndex),
            "number": 1,
            "entered": Agent.ANNOTATOR,
            "mending": (),
            "schema": schema,
            "annotations": {0: annotation},
            "rounds": [],
        }
        state |= await Grounding(self._tested, frozen=False).ground(state)
        if ask:
            state |= await Critiquing(team, self._tested.thresholds.correct).critique(state)
        return _Examined(state["findings"], tuple(state.get("judged", {}).values()))

    # --- counting ---

    def _codes(self) -> Iterator[FindingCode]:
        """The codes that can be found: small models make no remarks on guidelines and schema."""
        for code in FindingCode:
            if self._remarks or code not in _BY_CRITIC_ALONE:
                yield code

    def _by(self, code: FindingCode) -> DecidedBy:
        if code in CODE_DECIDED:
            return "code"
        # What lint sees is no merit of the critic, whoever else may remark on it.
        return "critic" if code in _BY_CRITIC_ALONE or ROUTES[code] is Agent.ANNOTATOR else "lint"

    def _count_untouched(self, examined: _Examined) -> None:
        counts = self._counts
        counts.judged += len(examined.judged)
        counts.objected += sum(said.verdict is not Verdict.CORRECT for said in examined.judged)
        counts.missing += sum(finding.code is FindingCode.MISSING for finding in examined.findings)
        counts.chances += [said.probability for said in examined.judged if said.probability is not None]

    def _count(self, one: Flip, flipped: _Examined, untouched: _Examined) -> None:
        """What is said of the untouched annotation as well is not due to the error."""
        tally = self._counts.codes[one.code]
        known = {_identity(finding) for finding in untouched.findings}
        new = [finding for finding in flipped.findings if _identity(finding) not in known]
        at_target = [finding for finding in new if _is_at(finding, one)]
        tally.injected += 1
        if any(finding.code is one.code and _is_about(finding, one) for finding in at_target):
            tally.found += 1
        else:
            tally.otherwise += bool(at_target)
        for said in flipped.judged:
            if (said.class_name, said.span) == (one.class_name, one.span) and said.probability is not None:
                tally.chances.append(said.probability)

    def _report(self, store: RunStore) -> FlipReport:
        counts = self._counts
        codes = tuple(
            CodeReport(
                code=code,
                by=self._by(code),
                found=rate(tally.found, tally.injected),
                otherwise=tally.otherwise,
                unanswered=tally.unanswered,
                separation=separation(counts.chances, tally.chances),
            )
            for code, tally in counts.codes.items()
            if tally.injected or tally.unanswered
        )

        def found(by: DecidedBy) -> tuple[int, int]:
            mine = [one.found for one in codes if one.by == by]
            return sum(one.hits for one in mine), sum(one.of for one in mine)

        totals = store.reader.totals()
        return FlipReport(
            run=self._folder.as_posix(),
            model=resolve(self._tested.model).label,
            seed=self._job.seed,
            documents=len(self._specimens),
            codes=codes,
            decided_by_model=rate(*found("critic")),
            decided_by_code=rate(*found("code")),
            false_alarms=rate(counts.objected, counts.judged),
            claimed_missing=counts.missing,
            tokens=totals.input_tokens + totals.output_tokens,
        )


def _identity(finding: Finding) -> tuple[object, ...]:
    return finding.code, finding.class_name, finding.span, finding.quote


def _is_at(finding: Finding, one: Flip) -> bool:
    """Whether a finding is about the place of an error: its mention, its quote, or its class."""
    if one.span is not None:
        return finding.span is not None and finding.span[0] < one.span[1] and one.span[0] < finding.span[1]
    if one.quote is not None:
        return finding.quote == one.quote
    return one.class_name in (None, finding.class_name)


def _is_about(finding: Finding, one: Flip) -> bool:
    """Whether one at its place is about the very mention; what is missing may be quoted in part."""
    if one.span is None:
        return True
    same = finding.span == one.span or one.code is FindingCode.MISSING
    return same and finding.class_name == one.class_name
