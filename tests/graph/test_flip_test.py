"""The flip test: exactly one error an annotation, found or not, counted as it is."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers.scripted import Call, Fail, Say, ScriptedServer, Turn

from finetune.gold import Gold, GoldDocument, GoldMention
from graph.flip_test import Flip, FlipReport, FlipTest, Specimen, flip, from_gold
from graph.flip_test.report import rate, separation
from graph.flip_test.specimens import schema_of
from schemas.annotation import Annotation
from schemas.documents import Document
from schemas.errors import UsageError
from schemas.inputs import DocumentsConfig
from schemas.job import Job, Mode, ModelConfig, Profile
from schemas.judgement import ROUTES, Agent, FindingCode
from schemas.locate import TextIndex, instance_at
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

TEXT = "Then Ada Lovelace wrote to Charles Babbage about the engine from London."
SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition="A human being.", include=("by name",))),
        ClassSpec(name="Place", guideline=Guideline(definition="Somewhere on earth.")),
    )
)
OF_ANNOTATIONS = [code for code in FindingCode if ROUTES[code] is Agent.ANNOTATOR]


def gold(*mentions: tuple[str, str], text: str = TEXT) -> GoldDocument:
    found = [(text.index(quote), quote, label) for label, quote in mentions]
    return GoldDocument(
        text, tuple(GoldMention(at, at + len(quote), label) for at, quote, label in found), "d"
    )


GOLD = Gold((gold(("person", "Ada Lovelace"), ("person", "Charles Babbage"), ("place", "London")),))


# --- the errors ---


@st.composite
def specimens(draw: st.DrawFn) -> Specimen:
    """Words, some of them mentions."""
    words = draw(st.lists(st.text("abcdEF", min_size=1, max_size=6), min_size=1, max_size=12))
    text, at, instances = " ".join(words), 0, []
    index = TextIndex(text)
    for word in words:
        name = draw(st.sampled_from([None, "Person", "Place"]))
        if name is not None:
            spec = SCHEMA.get(name)
            assert spec is not None
            instances.append(instance_at(spec, index, (at, at + len(word))))
        at += len(word) + 1
    annotation = Annotation(document_id="d", annotator="gold", instances=tuple(instances))
    return Specimen(Document(id="d", text=text), SCHEMA, annotation)


@given(specimens(), st.sampled_from(list(FindingCode)), st.integers(0, 99))
def test_there_is_exactly_one_error_and_everything_else_is_untouched(
    specimen: Specimen, code: FindingCode, seed: int
) -> None:
    before = specimen.annotation.instances
    made = flip(specimen, code, random.Random(seed))
    assert made == flip(specimen, code, random.Random(seed)) and specimen.annotation.instances == before
    if made is None:
        return
    assert made.code is code
    gone = [one for one in before if one not in made.instances]
    new = [one for one in made.instances if one not in before]
    if code in OF_ANNOTATIONS:
        assert made.schema == SCHEMA
        changes = {FindingCode.DUPLICATE: (0, 0), FindingCode.MISSING: (1, 0), FindingCode.SPURIOUS: (0, 1)}
        assert (len(gone), len(new)) == changes.get(code, (1, 1))
        assert len(made.instances) - len(before) == {"DUPLICATE": 1, "SPURIOUS": 1, "MISSING": -1}.get(
            code, 0
        )
        _is_the_error(made, gone[0] if gone else None, new[0] if new else None, specimen)
    else:
        assert made.schema != SCHEMA
        kept = {spec for spec in SCHEMA.classes if spec in made.schema.classes}
        assert len(kept) >= len(SCHEMA.classes) - 1
        if code in (FindingCode.GUIDELINE_UNDERSPECIFIED, FindingCode.GUIDELINE_CONTRADICTION):
            assert made.instances == before and made.schema.names == SCHEMA.names


def _is_the_error(made: Flip, gone: Any, new: Any, specimen: Specimen) -> None:
    spans = {one.anchor.span for one in specimen.annotation.instances}
    text = specimen.document.text
    if made.code is FindingCode.UNGROUNDED:
        assert made.quote not in text and new.anchor.span is None and new.anchor.quote == made.quote
    elif made.code is FindingCode.TYPE:
        assert new.anchor.span == gone.anchor.span and new.class_name != gone.class_name
    elif made.code is FindingCode.BOUNDARY:
        assert new.class_name == gone.class_name and new.anchor.span not in spans
        ends = zip(new.anchor.span, gone.anchor.span, strict=True)
        assert sum(one == other for one, other in ends) == 1
    elif made.code is FindingCode.SPURIOUS:
        start, end = new.anchor.span
        assert not any(s < end and start < e for s, e in spans) and text[start:end].islower()
    if new is not None and new.anchor.span is not None:
        assert text[slice(*new.anchor.span)] == new.surface


def test_a_schema_whose_classes_name_each_other_loses_and_renames_none() -> None:
    contrast = {"sibling": "Place", "difference": "People move."}
    person = SCHEMA.classes[0].model_copy(
        update={"guideline": Guideline.model_validate({"definition": "x", "contrast": [contrast]})}
    )
    schema = SCHEMA.model_copy(update={"classes": (person, SCHEMA.classes[1])})
    (specimen,) = from_gold(GOLD, schema)
    for code in (FindingCode.SCHEMA_GENERIC, FindingCode.SCHEMA_MISSING_CLASS):
        assert flip(specimen, code, random.Random(0)) is None


# --- specimens ---


def test_gold_becomes_instances_of_the_classes_its_labels_name() -> None:
    (specimen,) = from_gold(GOLD, SCHEMA)
    assert [(one.class_name, one.surface) for one in specimen.annotation.instances] == [
        ("Person", "Ada Lovelace"),
        ("Person", "Charles Babbage"),
        ("Place", "London"),
    ]
    assert schema_of(GOLD).names == ("Person", "Place")
    with pytest.raises(UsageError, match="no class with a mention for the gold's 'ship'"):
        from_gold(Gold((gold(("ship", "engine")),)), SCHEMA)


# --- the test ---


async def examined(
    server: ScriptedServer, folder: Path, profile: Profile = Profile.COMPACT, **settings: Any
) -> FlipReport:
    model = ModelConfig(name="openai/m", base_url=server.openai_url, profile=profile, **settings)
    job = Job(
        documents=DocumentsConfig(paths=("gold.conll",)), model=model, mode=Mode.GIVEN, given_schema=SCHEMA
    )
    test = FlipTest(job, from_gold(GOLD, SCHEMA), folder, job_toml=_toml(server), version="0")
    return await test.run()


def _toml(server: ScriptedServer) -> str:
    return (
        f'[documents]\npaths = ["gold.conll"]\n[model]\nname = "openai/m"\nbase_url = "{server.openai_url}"\n'
    )


CLASSES = {"Ada Lovelace": "Person", "Charles Babbage": "Person", "London": "Place"}


def knowing(call: Call) -> Turn:
    """A critic who knows the gold: the class of each phrase, and what is missing."""
    phrases = [json.loads(quote) for quote in re.findall(r'^\d+\. ("[^\n]*")$', call.prompt, re.MULTILINE)]
    said = [{"quote": phrase, "class": CLASSES.get(phrase, "Other")} for phrase in phrases]
    missing = [{"class": name, "quotes": [phrase]} for phrase, name in CLASSES.items()]
    return Say({"classes": said, "missing": missing}, likely={"Other": {"Other": 0.75, "Person": 0.25}})


def agreeing(call: Call) -> Turn:
    """One who finds nothing wrong, and the last mention."""
    numbered = [int(line.split(".")[0]) for line in call.prompt.splitlines() if line[:1].isdecimal()]
    verdicts = [{"item": n, "verdict": "spurious" if n == 3 else "correct"} for n in numbered]
    return {"verdicts": verdicts, "missing": [], "remarks": []}


async def test_a_critic_that_knows_finds_every_error_and_raises_no_false_alarm(
    tmp_path: Path, scripted_server: Any
) -> None:
    server = scripted_server(knowing)
    report = await examined(server, tmp_path / "flip", logprobs=True)
    by_code = {one.code: one for one in report.codes}
    assert set(by_code) == set(FindingCode) - {
        FindingCode.GUIDELINE_CONTRADICTION,
        FindingCode.SCHEMA_MISSING_CLASS,
    }
    # Asked for the class of a phrase that is cut wrong, it says that it has none.
    assert {code for code, one in by_code.items() if not one.found.hits} == {FindingCode.BOUNDARY}
    assert by_code[FindingCode.BOUNDARY].otherwise == 1
    assert (report.decided_by_code.hits, report.decided_by_code.of) == (2, 2)
    assert (report.false_alarms.hits, report.false_alarms.of, report.claimed_missing) == (0, 3, 0)
    assert by_code[FindingCode.SPURIOUS].separation == 1.0
    assert {one.by for one in report.codes} == {"code", "lint", "critic"}


async def test_the_same_test_again_pays_for_nothing(tmp_path: Path, scripted_server: Any) -> None:
    server = scripted_server(knowing)
    first = await examined(server, tmp_path / "flip")
    sent = len(server.calls)
    # Untouched, cut and spurious; another class is asked about in the same words.
    assert sent == 4
    assert await examined(server, tmp_path / "flip") == first and len(server.calls) == sent


async def test_a_large_critic_is_tested_on_guidelines_and_schema_too(
    tmp_path: Path, scripted_server: Any
) -> None:
    report = await examined(scripted_server(agreeing), tmp_path / "flip", Profile.FULL)
    by_code = {one.code: one for one in report.codes}
    assert set(by_code) == set(FindingCode)
    assert not by_code[FindingCode.GUIDELINE_CONTRADICTION].found.hits
    generic = by_code[FindingCode.SCHEMA_GENERIC]
    assert generic.found.hits and generic.by == "lint"  # and no merit of the critic
    assert report.decided_by_model.hits == 0
    assert report.decided_by_code.value == 1
    assert (report.false_alarms.hits, report.false_alarms.of) == (1, 3)
    assert all(one.separation is None for one in report.codes)


async def test_what_brings_no_answer_is_counted_apart(tmp_path: Path, scripted_server: Any) -> None:
    def failing(call: Call) -> Turn:
        return knowing(call) if '"Ada Lovelace"' in call.prompt else Fail(400, "no")

    report = await examined(scripted_server(lambda call: Fail(400, "no")), tmp_path / "none")
    assert all((one.found.of, one.unanswered) == (0, 1) for one in report.codes)
    assert report.false_alarms.value is None
    partly = await examined(scripted_server(failing), tmp_path / "partly")
    assert sum(one.unanswered for one in partly.codes) <= 2


async def test_another_job_does_not_go_on_with_it(tmp_path: Path, scripted_server: Any) -> None:
    await examined(scripted_server(knowing), tmp_path / "flip")
    job = Job(documents=DocumentsConfig(paths=("gold.conll",)), seed=9)
    toml = '[documents]\npaths = ["other.conll"]\n'
    with pytest.raises(UsageError, match="is of another job"):
        await FlipTest(job, (), tmp_path / "flip", job_toml=toml, version="0").run()


# --- figures ---


def test_intervals_are_wilsons() -> None:
    made = rate(8, 10)  # Wilson 1927; the figures of R's binom.confint
    assert made.low is not None and made.high is not None
    assert math.isclose(made.low, 0.4901625, abs_tol=1e-6)
    assert math.isclose(made.high, 0.9433178, abs_tol=1e-6)
    assert (rate(0, 10).low, rate(10, 10).high) == pytest.approx((0.0, 1.0))
    assert rate(0, 0).value is None


def test_separation_is_the_area_under_the_curve() -> None:
    assert separation([0.9, 0.8], [0.1, 0.8]) == 3.5 / 4
    assert separation([], [0.1]) is None
