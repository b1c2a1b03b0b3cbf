"""The rounds of a made-up document: agents that err by chance, judged by the rules of a real run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.critic import objection
from benchmarks.bulk_documents import HOSTILE, Place, Sample, Writer
from graph.consensus import agree, can_be_revised, candidates, differ, key_of
from graph.nodes.grounding import Grounding
from graph.nodes.judging import Judging
from graph.nodes.state import DocumentState
from graph.objections import CRITIC
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.job import Job
from schemas.judgement import (
    Agent,
    Decision,
    Finding,
    FindingCode,
    MentionJudgement,
    Severity,
    Verdict,
)
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

_REMARKS: Final = (
    FindingCode.GUIDELINE_UNDERSPECIFIED,
    FindingCode.GUIDELINE_UNDERSPECIFIED,
    FindingCode.GUIDELINE_CONTRADICTION,
    FindingCode.SCHEMA_OVERLAP,
    FindingCode.SCHEMA_MISSING_CLASS,
)
_WRONG: Final = (Verdict.SPURIOUS, Verdict.WRONG_BOUNDARY, Verdict.WRONG_CLASS)
_EASIER: Final = 0.55
"""How often agents still err once they were told, beside how often they did before."""


@dataclass(frozen=True)
class Worked:
    """A document at its end."""

    sample: Sample
    rounds: tuple[Round, ...]
    kept: Round
    decision: Decision


class Simulation:
    """Takes made-up documents through rounds until they are decided."""

    def __init__(self, job: Job, seed: int, *, hostile: bool = False) -> None:
        self._seed = seed
        self._hostile = hostile
        self._writer = Writer(seed)
        self._grounding = Grounding(job, frozen=False)
        self._judging = Judging(job, lambda *_: None, frozen=False)

    def work(self, sample: Sample, draw: int = 0) -> Worked:
        """All rounds of a document and its decision, drawn for the first time or anew."""
        steps = self._work(sample, random.Random(f"{self._seed} rounds {draw} {sample.document.id}"))
        try:
            steps.send(None)
        except StopIteration as end:
            worked: Worked = end.value
            return worked
        raise AssertionError("no node of the simulation waits for anything")

    async def _work(self, sample: Sample, rng: random.Random) -> Worked:
        schema = self._designed(sample, rng)
        errs = sample.difficulty
        state: DocumentState = {
            "document": sample.document,
            "number": 1,
            "entered": Agent.DESIGNER,
            "mending": (),
            "rounds": [],
            "judged": {},
        }
        annotations: dict[int, Annotation] = {}
        knows = rng.random() < 0.85
        while True:
            entered = state["entered"]
            if state["number"] > 1:
                errs *= _EASIER
                schema = self._mended(sample, schema, entered, rng)
            annotations = {
                number: self._annotation(sample, schema, number, annotations.get(number), entered, errs, rng)
                for number in range(2)
            }
            state |= {"schema": schema, "annotations": annotations}
            state |= await self._grounding.ground(state)
            state |= self._criticised(sample, state, errs, rng, knows=knows)
            told = await self._judging.decide(state)
            rounds = [*state["rounds"], *told["rounds"]]
            state |= told
            state["rounds"] = rounds
            if "decision" in told:
                return Worked(sample, tuple(rounds), told["kept"], told["decision"])

    # --- schema and guidelines ---

    def _designed(self, sample: Sample, rng: random.Random) -> AnnotationSchema:
        """A first design: some classes may be missing, and guidelines are thin."""
        classes = list(sample.schema.classes)
        if rng.random() < 0.5 * sample.difficulty:
            classes.pop(rng.randrange(1, len(classes)))
        thin = tuple(
            spec.model_copy(
                update={
                    "guideline": Guideline(
                        definition=spec.guideline.definition,
                        boundary=spec.guideline.boundary,
                        exclude=(rng.choice(HOSTILE),) if self._hostile else (),
                    )
                }
            )
            for spec in classes
        )
        return AnnotationSchema(domain=sample.schema.domain, classes=thin)

    def _mended(
        self, sample: Sample, schema: AnnotationSchema, entered: Agent, rng: random.Random
    ) -> AnnotationSchema:
        """The schema once those who were asked about it have changed it."""
        if entered is Agent.ANNOTATOR:
            return schema
        classes = list(schema.classes)
        if entered is Agent.DESIGNER:
            missing = [spec for spec in sample.schema.classes if spec.name not in schema.names]
            classes = [*classes, *missing]
        flawless = {spec.name: spec.guideline for spec in sample.schema.classes}
        return schema.model_copy(
            update={"classes": tuple(self._rewritten(spec, flawless[spec.name], rng) for spec in classes)}
        )

    def _rewritten(self, spec: ClassSpec, flawless: Guideline, rng: random.Random) -> ClassSpec:
        """The class with more of the guideline that it should have."""
        update: dict[str, object] = {"include": flawless.include}
        if rng.random() < 0.7:
            update |= {"exclude": flawless.exclude, "contrast": flawless.contrast}
        if rng.random() < 0.4:
            update["boundary"] = f"{flawless.boundary} {self._writer.sentence(rng, 7)}"
        return spec.model_copy(update={"guideline": spec.guideline.model_copy(update=update)})

    # --- annotators ---

    def _annotation(
        self,
        sample: Sample,
        schema: AnnotationSchema,
        number: int,
        before: Annotation | None,
        entered: Agent,
        errs: float,
        rng: random.Random,
    ) -> Annotation:
        """What an annotator finds; one that is asked again about disputes keeps most of what it had."""
        true = [place for place in sample.places if place.class_name in schema.names]
        if before is not None and entered is Agent.ANNOTATOR and can_be_revised(schema):
            had = [instance for instance in before.instances if rng.random() < 0.5]
            held = {key_of(instance) for instance in had}
            fresh = [self._instance(sample, schema, place, errs, rng) for place in true]
            found = had + [one for one in fresh if one is not None and key_of(one) not in held]
        else:
            found = [one for place in true if (one := self._instance(sample, schema, place, errs, rng))]
            found += self._invented(sample, schema, errs, rng)
        found.sort(key=lambda one: (one.anchor.span or (10**9, 0)) if one.anchor else (10**9, 0))
        return Annotation(
            document_id=sample.document.id, annotator=f"annotator-{number + 1}", instances=tuple(found)
        )

    def _instance(
        self, sample: Sample, schema: AnnotationSchema, place: Place, errs: float, rng: random.Random
    ) -> Instance | None:
        """What becomes of a true mention; None if it is passed over."""
        if place in sample.mistaken and rng.random() < 0.8:
            taken_for = sample.mistaken[place]
            if taken_for is None or taken_for.class_name not in schema.names:
                return None
            place = taken_for
        start, end, name = place
        draw = rng.random()
        if draw < 0.18 * errs:
            return None
        if draw < 0.26 * errs:
            name = rng.choice(schema.names)
        elif draw < 0.36 * errs and " " in sample.document.text[start:end]:
            start = sample.document.text.index(" ", start) + 1
        status = MentionStatus.EXACT
        if rng.random() < 0.03:
            status = rng.choice((MentionStatus.NORMALISED, MentionStatus.PROPAGATED))
        return self._mentioned(sample, schema, name, start, end, status, rng)

    def _invented(
        self, sample: Sample, schema: AnnotationSchema, errs: float, rng: random.Random
    ) -> list[Instance]:
        """Mentions that are none; now and then one that does not even stand in the document."""
        found = []
        text = sample.document.text
        while rng.random() < 0.55 * errs:
            start = text.index(" ", rng.randrange(len(text) // 2)) + 1
            end = text.find(" ", start + 4)
            name = rng.choice(schema.names)
            found.append(self._mentioned(sample, schema, name, start, end, MentionStatus.EXACT, rng))
        if rng.random() < 0.12 * errs:
            quote = rng.choice(HOSTILE) + "?" if self._hostile else self._writer.sentence(rng, 3)
            name = rng.choice(schema.names)
            found.append(
                Instance(
                    class_name=name, values={"span": quote}, mentions=(Mention(field="span", quote=quote),)
                )
            )
        return found

    def _mentioned(
        self,
        sample: Sample,
        schema: AnnotationSchema,
        name: str,
        start: int,
        end: int,
        status: MentionStatus,
        rng: random.Random,
    ) -> Instance:
        text = sample.document.text
        surface = text[start:end]
        mention = Mention(
            field="span",
            quote=surface.lower() if status is MentionStatus.NORMALISED else surface,
            occurrence=text.count(surface, 0, start) + 1,
            start=start,
            end=end,
            status=status,
        )
        spec = schema.get(name)
        values: dict[str, str | None] = {"span": surface}
        if spec is not None and len(spec.fields) > 1:
            values["grade"] = "pure" if len(surface) % 2 and rng.random() < 0.8 else "crude"
        return Instance(class_name=name, values=dict(values), mentions=(mention,))

    # --- critic ---

    def _criticised(
        self, sample: Sample, state: DocumentState, errs: float, rng: random.Random, *, knows: bool
    ) -> DocumentState:
        """What the critic says, itself wrong at times; `knows`: its model gives probabilities."""
        schema = state["schema"]
        annotations = tuple(state["annotations"].values())
        listed = candidates(annotations)
        agreed = agree(sample.document.id, schema, annotations)
        undisputed = {key_of(instance) for instance in agreed.instances}
        true, mistakes = set(sample.places), set(sample.mistaken.values())
        judged: dict[tuple[object, ...], MentionJudgement] = {}
        objected: list[Finding] = []
        for instance in listed:
            assert instance.anchor is not None and instance.anchor.span is not None
            start, end = instance.anchor.span
            place = Place(start, end, instance.class_name)
            mean, spread = (0.95 - 0.35 * errs, 0.12) if place in true else (0.4, 0.2)
            chance = _clipped(rng.gauss(0.75 if place in mistakes else mean, spread))
            verdict = Verdict.CORRECT if chance >= 0.5 else rng.choice(_WRONG)
            found = rng.choice(schema.names) if verdict is Verdict.WRONG_CLASS else None
            judged[key_of(instance)] = MentionJudgement(
                class_name=instance.class_name,
                start=start,
                end=end,
                verdict=verdict,
                probability=round(chance, 4) if knows else None,
                class_found=found,
            )
            if verdict is not Verdict.CORRECT:
                disputed = key_of(instance) not in undisputed
                objected.append(objection(verdict, instance, found, disputed=disputed))
        held = {(one.class_name, one.anchor.span) for one in listed if one.anchor}
        missed = [
            _missing(place, sample.document.text)
            for place in sample.places
            if (place.class_name, (place.start, place.end)) not in held
            and place.class_name in schema.names
            and rng.random() < 0.8
        ]
        remarks = self._remarks(sample, schema, errs, rng)
        findings = tuple(dict.fromkeys((*state["findings"], *objected, *missed, *remarks)))
        return {"findings": findings, "agreed": agreed, "judged": judged, "missing": len(missed)}

    def _remarks(
        self, sample: Sample, schema: AnnotationSchema, errs: float, rng: random.Random
    ) -> Sequence[Finding]:
        """Objections to schema and guidelines."""
        remarks = []
        absent = [spec.name for spec in sample.schema.classes if spec.name not in schema.names]
        if absent and rng.random() < 0.8:
            remarks.append(self._remark(FindingCode.SCHEMA_MISSING_CLASS, absent[0], Severity.MAJOR, rng))
        if rng.random() < 0.5 * errs:
            severity = Severity.MAJOR if rng.random() < 0.6 else Severity.MINOR
            remarks.append(self._remark(rng.choice(_REMARKS), rng.choice(schema.names), severity, rng))
        return remarks

    def _remark(self, code: FindingCode, name: str, severity: Severity, rng: random.Random) -> Finding:
        said = self._writer.sentence(rng)
        if self._hostile:
            said = f"{rng.choice(HOSTILE)} {said}"
        return Finding(code=code, severity=severity, raised_by=CRITIC, class_name=name, message=said)


def disputed_passages(worked: Worked, number: int) -> frozenset[int]:
    """The passages about which annotators are asked again in a round that begins with them."""
    before = worked.rounds[number - 2]
    starts = [span[0] for _, span in differ(before.annotations) if span is not None]
    starts += [finding.start for finding in before.findings if finding.start is not None]
    bounds = worked.sample.passages
    return frozenset(
        at for at, (start, end) in enumerate(bounds) if any(start <= one < end for one in starts)
    )


def _missing(place: Place, text: str) -> Finding:
    return Finding(
        code=FindingCode.MISSING,
        severity=Severity.MINOR,
        raised_by=CRITIC,
        class_name=place.class_name,
        quote=text[place.start : place.end],
        start=place.start,
        end=place.end,
        message="a mention of the class that was not annotated",
    )


def _clipped(chance: float) -> float:
    return min(0.999, max(0.001, chance))
