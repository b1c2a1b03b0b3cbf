"""What a document's story tells: how the schema changed, who gave way, where mentions are, what holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Command, mixed
from servers.scripted import ScriptedServer

from graph.store.store import RunStore
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.inputs import DocumentsConfig
from schemas.job import Job
from schemas.judgement import Agent, Decision, Finding, FindingCode, Outcome, Scores, Severity
from schemas.objections import Objection, Standing
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind

TEXT = "The Bank of England in London wrote to Ada Lovelace and Byron, a poet."


def found(class_name: str, quote: str) -> Instance:
    start = TEXT.index(quote)
    mention = Mention(
        field="span", quote=quote, start=start, end=start + len(quote), status=MentionStatus.EXACT
    )
    return Instance(class_name=class_name, values={"span": quote}, mentions=(mention,))


FIRST = AnnotationSchema(
    domain="letters",
    classes=(
        ClassSpec(
            name="Person",
            guideline=Guideline(
                definition="A man or woman who is named.",
                include=("full names", "first names of people"),
                exclude=("professions",),
            ),
        ),
        ClassSpec(name="Place", guideline=Guideline(definition="Where something is.")),
        ClassSpec(name="Bank", guideline=Guideline(definition="A bank.")),
    ),
)
SECOND = AnnotationSchema(
    domain="letters of banks",
    classes=(
        ClassSpec(
            name="Person",
            guideline=Guideline(
                definition="A man or woman who is called by name.",
                include=("full names",),
                exclude=("professions", "titles such as Lord"),
                contrast=(Contrast(sibling="Organisation", difference="It has employees."),),
            ),
            fields=(
                FieldSpec(name="span"),
                FieldSpec(name="age", type=FieldType(kind=Kind.INT, optional=True), description="In years."),
            ),
        ),
        ClassSpec(name="Place", guideline=Guideline(definition="Where something is.")),
        ClassSpec(name="Organisation", guideline=Guideline(definition="A body with a name.")),
    ),
)


def finding(code: FindingCode, class_name: str, quote: str | None = None) -> Finding:
    return Finding(
        code=code,
        severity=Severity.MAJOR,
        raised_by="critic",
        class_name=class_name,
        quote=quote,
        message="No.",
    )


GENERIC = finding(FindingCode.SCHEMA_GENERIC, "Bank")
SPURIOUS = finding(FindingCode.SPURIOUS, "Person", "a poet")


def made_round(
    number: int, schema: AnnotationSchema, instances: tuple[Instance, ...], **more: object
) -> Round:
    annotations = tuple(
        Annotation(document_id="letter", annotator=f"annotator-{n}", instances=instances) for n in (1, 2)
    )
    return Round.model_validate(
        {
            "number": number,
            "entered": Agent.DESIGNER,
            "annotation_schema": schema,
            "annotations": annotations,
            "agreed": Annotation(document_id="letter", annotator="agreed", instances=instances),
            "scores": Scores(grounding=1.0, agreement=1.0, faithfulness=0.5 if number == 1 else 1.0),
            "state_hash": str(number),
        }
        | more
    )


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """A run of one document, in two rounds that differ in everything."""
    job = Job(documents=DocumentsConfig(paths=("letters.jsonl",)))
    folder = tmp_path / "runs" / "letters"
    settled = {"settled_in": 2, "status": Standing.MENDED}
    instances = (
        found("Organisation", "Bank of England"),
        found("Place", "England"),
        found("Place", "England in London"),  # crosses the bank
        found("Person", "Ada Lovelace"),
        found("Author", "Ada Lovelace"),
    )
    with RunStore.create(folder, name="letters", job=job, job_toml="# a job\n", version="1") as store:
        store.add_documents([Document(id="letter", text=TEXT)])
        raised = tuple(
            Objection(number=n, finding=one, raised_in=1) for n, one in enumerate((GENERIC, SPURIOUS), 1)
        )
        store.add_round(
            "letter",
            made_round(
                1, FIRST, (found("Person", "a poet"),), findings=(GENERIC, SPURIOUS), objections=raised
            ),
        )
        ended = (
            raised[0].model_copy(update=settled | {"gave_way": ("schema-designer",)}),
            raised[1].model_copy(update=settled | {"gave_way": ("annotator-1", "annotator-2")}),
            Objection(
                number=3,
                finding=SPURIOUS.model_copy(update={"quote": "Byron"}),
                raised_in=1,
                status=Standing.CONCEDED,
                settled_in=2,
                gave_way=("critic",),
            ),
        )
        store.add_round("letter", made_round(2, SECOND, instances, objections=ended))
        store.decide("letter", Decision(outcome=Outcome.ACCEPTED, reason="agreed in round 2", round=2))
        store.finish_run("done")
    return folder


@pytest.fixture(params=[80, 100])
def story(
    request: pytest.FixtureRequest, guidex: Command, letters: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("COLUMNS", str(request.param))
    done = guidex("trace", "show", letters, "letter")
    assert done.code == 0
    assert max(len(line.rstrip()) for line in done.out.splitlines()) <= request.param
    return done.out


def test_a_round_tells_what_it_changed_in_schema_and_guidelines(story: str) -> None:
    first, second = story.split("Round 2, ")
    assert "Schema: letters\n  Person (span: str)\n      is: A man or woman who is named.\n" in re.sub(
        " +\n", "\n", first
    )
    lines = [line.rstrip() for line in second.splitlines()]
    told = lines[lines.index("Schema: 1 added, 1 removed, 1 changed, 1 as before") + 1 :]
    assert told[: told.index("")] == [
        "  ~ domain: letters{+ of banks+}",
        "  ~ Person  3 as before",
        "      + field: age: Optional[int]  # In years.",
        "      ~ is: A man or woman who is [-named-]{+called by name+}.",
        "      - annotate: first names of people",
        "      + not: titles such as Lord",
        "      + unlike Organisation: It has employees.",
        "  + Organisation (span: str)",
        "      is: A body with a name.",
        "  - Bank (span: str)",
        "      is: A bank.",
    ]


def test_a_round_tells_which_annotations_are_new_and_which_nobody_has_any_more(story: str) -> None:
    rounds = story.split("Round 2, ")
    first, second = (told[told.index("Annotations") : told.index("Findings")] for told in rounds)
    assert "+" not in first
    rows = [line.split() for line in second.splitlines()[2:] if line.strip()]
    assert ["+", "Organisation", "Bank", "of", "England", "4-19", "x", "x", "yes"] in rows
    assert rows[-1] == ["-", "Person", "a", "poet", "63-69"]
    assert {row[0] for row in rows} == {"+", "-"}


def test_findings_tell_who_raised_them_and_objections_who_gave_way(story: str) -> None:
    text = " ".join(story.split())
    for part in (
        "major SCHEMA_GENERIC by critic for the schema-designer: No.: Bank (objection 1)",
        'major SPURIOUS by critic for the annotator: No.: Person "a poet" (objection 2)',
        "objection 1 (SCHEMA_GENERIC, Bank): raised in round 1 by critic, mended in round 2 by "
        "schema-designer",
        'objection 2 (SPURIOUS, Person "a poet"): raised in round 1 by critic, mended in round 2 by '
        "annotator-1 and annotator-2",
        'objection 3 (SPURIOUS, Person "Byron"): raised in round 1 by critic, conceded in round 2 by critic',
    ):
        assert part in text, part


def test_a_score_that_is_short_is_marked(story: str) -> None:
    first, second = story.split("Round 2, ")
    assert re.search(r"^! +faithfulness +0\.50 +less than 0\.8", first, re.M)
    assert re.search(r"^ +agreement +1\.00 +at least 0\.9", first, re.M)
    assert "!" not in second


def test_mentions_are_marked_in_the_text_also_within_others(story: str) -> None:
    text = " ".join(story[story.index("Result") :].split())
    assert "The [Bank of [England|Place]|Organisation] in London wrote to [Ada Lovelace|" in text
    assert "[Ada Lovelace|Person, Author] and Byron, a poet." in text
    assert "also 12-29 England in London|Place" in text


def test_a_document_without_a_result_is_shown_as_it_is(guidex: Command, tmp_path: Path) -> None:
    job = Job(documents=DocumentsConfig(paths=("letters.jsonl",)))
    with RunStore.create(tmp_path / "runs" / "new", name="new", job=job, job_toml="#", version="1") as store:
        store.add_documents([Document(id="letter", text=TEXT)])
    shown = guidex("trace", "show", "new", "letter")
    assert "Document letter: pending" in shown.out and "No decision yet." in shown.out and TEXT in shown.out


def test_of_several_decisions_the_one_that_holds_is_marked(
    guidex: Command, documents: Path, scripted_server: Callable[..., ScriptedServer]
) -> None:
    url = scripted_server(mixed).openai_url
    guidex("run", "--documents", documents, "--model", "openai/test", "--base-url", url, "--rounds", 1)
    once = guidex("trace", "show", "people", "ada").out
    assert "accepted: agreed in round 1" in once and "version" not in once
    assert guidex("threshold", "set", "people", "--min-instances", 50).code == 0
    end = guidex("trace", "show", "people", "ada").out.split("Result")[1].splitlines()
    assert end[1].startswith("  version 1, ") and end[1].rstrip().endswith(
        "accepted: agreed in round 1 (round 1)"
    )
    assert end[2].startswith("* version 2, ") and ": rejected: " in end[2]
    told = guidex("trace", "show", "people", "ada", "--json").json["decisions"]
    assert [(made["version"], made["in_force"]) for made in told] == [(1, False), (2, True)]
    assert [made["decision"]["outcome"] for made in told] == ["accepted", "rejected"]
