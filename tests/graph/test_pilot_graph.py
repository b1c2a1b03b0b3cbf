"""The pilot graph: one schema out of many proposals, guidelines that get better or stay as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from scripted_team import Cast, Script, designed, instructions, job
from servers.in_memory import Said

from agents.llm.client import CallFailedError, CallFault, Request
from graph.pilot.state import PilotOffice
from graph.pilot_graph import PilotGraph, mermaid
from schemas.documents import Document
from schemas.errors import GuidexError, ModelUnavailableError, StoppedError
from schemas.example_bank import Example
from schemas.job import Job, Mode, Profile
from schemas.judgement import Agent
from schemas.pilot import Pilot, Ruling
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

PEOPLE = ("Ann", "Bo", "Cy", "Dee", "Eve", "Flo")
TEXTS = {
    f"d{n}": f"Captain {name} sailed from Oslo to Rome{' and back again' * n}."
    for n, name in enumerate(PEOPLE)
}


class Shelf:
    """A corpus in memory."""

    def document_ids(self) -> tuple[str, ...]:
        return tuple(TEXTS)

    def document(self, document_id: str) -> Document | None:
        return Document(id=document_id, text=TEXTS[document_id])


def pilot_job(mode: Mode = Mode.CORPUS, schema: AnnotationSchema | None = None, **pilot: Any) -> Job:
    data = job(max_classes=2).model_dump()
    given = None if schema is None else schema.model_dump()
    return Job.model_validate(
        {
            **data,
            "mode": mode,
            "given_schema": given,
            "pilot": {"documents": 4, "change_budget": 0.5, **pilot},
        }
    )


async def piloted(cast: Cast, job_: Job | None = None, **office: Any) -> tuple[Pilot, tuple[Example, ...]]:
    return await PilotGraph(PilotOffice(job_ or pilot_job(), cast.team, **office), Shelf()).run()


def rule(name: str, definition: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "definition": definition, **more}


def writer(revision: Mapping[str, str] | Sequence[Mapping[str, str]]) -> Script:
    """Writes plain definitions; each later time adds to `include` what `revision` says for a class."""
    later = [revision] if isinstance(revision, Mapping) else list(revision)

    def script(request: Request[Any]) -> Said:
        extra = later[min(request.purpose.round - 2, len(later) - 1)] if request.purpose.round > 1 else {}
        return {
            "guidelines": [
                rule(name, f"A named {name.lower()}.", include=[extra[name]] if name in extra else [])
                for name in ("Person", "Place")
            ]
        }

    return script


def annotators(better: str, worse: str = "never said") -> Script:
    """Two who differ on whether 'Captain' belongs to a name, unless the guideline says `better`."""

    def script(request: Request[Any]) -> Said:
        text = request.messages[-1].parts[0]
        name = next(each for each in PEOPLE if each in text)
        told = instructions(request)
        person = [f"Captain {name}"] if request.purpose.sample and better not in told else [name]
        place = ["Oslo"] if request.purpose.sample and worse in told else ["Oslo", "Rome"]
        return {"Person": person, "Place": place}

    return script


async def test_one_schema_is_made_and_revised_until_the_annotators_agree() -> None:
    cast = Cast(writer=writer({"Person": "the name alone"}), annotator=annotators("the name alone"))
    pilot, examples = await piloted(cast)
    assert len(pilot.documents) == 4
    assert pilot.ending == "agreement of 1.00 reached"
    first, second = pilot.versions
    assert (first.frozen, second.frozen) == (False, True) and pilot.frozen is second
    assert (first.agreement, second.agreement) == (pytest.approx(2 / 3), 1)
    assert first.by_class == {"Person": 0, "Place": 1}
    assert second.note == "revised Person"
    person, place = second.annotation_schema.classes
    assert person.guideline.include == ("the name alone",)
    assert place == first.annotation_schema.classes[1]
    assert {(entry.name, len(entry.documents), entry.kept_as) for entry in pilot.registry} == {
        ("Person", 4, "Person"),
        ("Place", 4, "Place"),
    }
    # The writer was told where they differ, of which class alone.
    told = instructions(cast.requests(Agent.WRITER)[1])
    assert "GUIDELINE_UNDERSPECIFIED Person" in told and "GUIDELINE_UNDERSPECIFIED Place" not in told
    assert "Captain" in told
    # From the guidelines alone: no examples, no objections, nothing of an earlier annotation.
    assert all("such as" not in instructions(request) for request in cast.requests(Agent.ANNOTATOR))
    assert {e.phrase for e in examples if e.field == "span" and e.class_name == "Place"} == {"Oslo", "Rome"}
    assert {e.document_id for e in examples} == set(pilot.documents)
    assert not cast.requests(Agent.CRITIC)


async def test_rules_of_a_class_on_which_annotators_agree_are_not_touched() -> None:
    revision = {"Person": "the name alone", "Place": "cities of any size"}
    pilot, _ = await piloted(Cast(writer=writer(revision), annotator=annotators("the name alone")))
    assert pilot.frozen.annotation_schema.classes[1].guideline.include == ()


async def test_a_revision_under_which_annotators_agree_less_is_taken_back() -> None:
    cast = Cast(writer=writer({"Person": "made worse"}), annotator=annotators("never", worse="made worse"))
    pilot, _ = await piloted(cast)
    first, second = pilot.versions
    assert first.frozen and not second.frozen
    assert second.note.startswith("revised Person; taken back")
    assert (second.agreement or 0) < (first.agreement or 0)
    assert pilot.ending == "no class left to revise"


async def test_agreement_by_silence_is_no_progress() -> None:
    def silent(request: Request[Any]) -> Said:
        if "say less" in instructions(request):
            return {"Person": [], "Place": ["Oslo"]}
        said = annotators("never")(request)
        assert isinstance(said, dict)
        return said

    pilot, _ = await piloted(Cast(writer=writer({"Person": "say less"}), annotator=silent))
    assert pilot.versions[1].agreement == 1 and pilot.frozen.version == 1


async def test_the_cap_ends_what_gets_better_only_slowly() -> None:
    turns = [{"Person": f"rule {n}"} for n in range(9)]
    cast = Cast(writer=writer(turns), annotator=annotators("never"))
    pilot, _ = await piloted(cast, pilot_job(rounds=1))
    assert pilot.ending == "round cap" and len(cast.requests(Agent.WRITER)) == 2
    unrevised, _ = await piloted(Cast(annotator=annotators("never")), pilot_job(rounds=0))
    assert len(unrevised.versions) == 1 and unrevised.ending == "round cap"


async def test_the_designer_decides_on_what_is_alike_and_on_too_many_classes() -> None:
    def designer(request: Request[Any]) -> Said:
        if request.purpose.document_id is None:
            return {
                "domain": "sailing",
                "classes": [
                    {"name": "Person", "definition": "Who sails.", "covers": ["PersonName", "Nobody"]},
                    {"name": "place", "definition": "", "covers": []},
                    {"name": "Harbour", "definition": "", "covers": []},
                ],
            }
        return designed("Place", "PersonName" if "Ann" in request.messages[-1].parts[0] else "Person")(
            request
        )

    cast = Cast(designer=designer, writer=writer({}), annotator=annotators(""))
    pilot, _ = await piloted(cast, pilot_job(documents=6))
    schema = pilot.frozen.annotation_schema
    assert (schema.domain, schema.names) == ("sailing", ("Person", "Place"))
    assert {entry.name: entry.kept_as for entry in pilot.registry} == {
        "Place": "Place",
        "PersonName": "Person",
        "Person": "Person",
    }
    (merge,) = (each for each in pilot.merges if {each.kept, each.merged} == {"Person", "PersonName"})
    assert merge.kept == "Person" and merge.ruling is Ruling.ACCEPTED
    asked = [r for r in cast.requests(Agent.DESIGNER) if r.purpose.document_id is None]
    assert len(asked) == 1 and "- PersonName" in instructions(asked[0])


async def test_a_small_model_is_asked_for_nothing_but_classes_of_its_inventory() -> None:
    cast = Cast(annotator=annotators(""), profile=Profile.COMPACT, writer=writer({}))
    pilot, _ = await piloted(cast)
    assert pilot.frozen.annotation_schema.names == ("Person", "Place")
    assert all(request.purpose.document_id for request in cast.requests(Agent.DESIGNER))


GIVEN = AnnotationSchema(domain="sailing", classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))


async def test_the_users_classes_stay_and_only_their_guidelines_are_written() -> None:
    asked = pilot_job(Mode.GIVEN, GIVEN)
    assert (
        asked.has_pilot and Agent.WRITER in asked.agents_needed and Agent.DESIGNER not in asked.agents_needed
    )
    cast = Cast(writer=writer({"Person": "the name alone"}), annotator=annotators("the name alone"))
    pilot, _ = await piloted(cast, asked)
    made = pilot.frozen.annotation_schema
    assert [(spec.name, spec.fields) for spec in made.classes] == [(s.name, s.fields) for s in GIVEN.classes]
    assert made.classes[0].guideline.include == ("the name alone",) and pilot.registry == ()
    assert not cast.requests(Agent.DESIGNER)


async def test_guidelines_of_the_user_are_refined_only_when_asked_and_never_written_anew() -> None:
    own = GIVEN.classes[0].model_copy(update={"guideline": Guideline(definition="Whoever sails.")})
    schema = GIVEN.model_copy(update={"classes": (own, GIVEN.classes[1])})
    assert not pilot_job(Mode.GIVEN, schema).has_pilot
    assert not pilot_job(Mode.GIVEN, GIVEN, refine=False).has_pilot
    asked = pilot_job(Mode.GIVEN, schema, refine=True, rounds=0)
    pilot, _ = await piloted(Cast(writer=writer({}), annotator=annotators("")), asked)
    assert pilot.frozen.annotation_schema.classes[0] == own


def failing(script: Script, fault: CallFault, where: str) -> Script:
    def answer(request: Request[Any]) -> Said:
        if where in request.messages[-1].parts[0] and request.purpose.document_id:
            return CallFailedError(fault, "no answer")
        return script(request)

    return answer


async def test_a_document_without_answers_is_left_out_and_the_pilot_goes_on() -> None:
    notes: list[tuple[str, str]] = []
    cast = Cast(
        designer=failing(designed("Person", "Place"), CallFault.TRUNCATED, "Ann"),
        writer=writer({}),
        annotator=failing(annotators(""), CallFault.INVALID, "Flo"),
    )
    pilot, examples = await piloted(
        cast, pilot_job(documents=6), noted=lambda message, document_id: notes.append((message, document_id))
    )
    assert {document_id for _, document_id in notes} == {"d0", "d5"}
    assert "d5" not in {example.document_id for example in examples} and len(pilot.documents) == 6


async def test_a_pilot_without_any_answer_fails_with_a_sentence() -> None:
    with pytest.raises(GuidexError, match="proposed no classes"):
        await piloted(Cast(designer=failing(designed("Person"), CallFault.INVALID, "")))
    with pytest.raises(ModelUnavailableError):
        await piloted(Cast(designer=failing(designed("Person"), CallFault.REFUSED, "")))


async def test_a_run_that_stops_begins_no_further_step() -> None:
    stages: list[str] = []
    cast = Cast(writer=writer({}), annotator=annotators(""))
    with pytest.raises(StoppedError):
        await piloted(cast, told=stages.append, stopping=lambda: len(stages) == 3)
    assert stages == ["choosing documents", "proposing classes", "making one schema"]
    assert not cast.requests(Agent.WRITER)


def test_the_drawing_shows_the_loop_and_the_given_classes() -> None:
    drawing = mermaid(pilot_job())
    for edge in ("sample --> propose", "write --> annotate", "judge -.-> revise", "revise -.-> annotate"):
        assert f"{edge};" in drawing
    assert "propose" not in mermaid(pilot_job(Mode.GIVEN, GIVEN))
