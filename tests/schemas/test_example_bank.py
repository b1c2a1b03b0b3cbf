"""Examples in guidelines: from other documents alone, and never of both kinds."""

from __future__ import annotations

from exported_rows import rows
from hypothesis import given
from hypothesis import strategies as st

from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.example_bank import MOST, Example, ExampleBank, SharedSchema, mentioned, objected_to, own_phrases
from schemas.judgement import Agent, Finding, FindingCode, Scores, Severity
from schemas.locate import normal_form
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, Guideline

SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person", fields=(FieldSpec(name="span"), FieldSpec(name="title"))),
        ClassSpec(name="Place"),
    )
)
PHRASES = st.sampled_from(("Ann", "ann", "Bo", "Cy", "Dr  Eve", "Oslo", "Rome", "x" * 61, " "))
EXAMPLES = st.lists(
    st.builds(
        Example,
        st.sampled_from(("Person", "Place")),
        st.sampled_from(("span", "title", "")),
        PHRASES,
        st.sampled_from(("d0", "d1", "d2")),
    ),
    max_size=30,
)


def span(class_name: str, phrase: str, document_id: str) -> Example:
    return Example(class_name, "span", phrase, document_id)


@given(EXAMPLES, st.lists(PHRASES, max_size=3), st.booleans())
def test_no_example_is_from_the_document_and_none_is_of_both_kinds(
    examples: list[Example], own: list[str], varied: bool
) -> None:
    bank = ExampleBank(examples)
    made = bank.given_to(SCHEMA, "d0", own, salt="d0" if varied else None)
    assert made == bank.given_to(SCHEMA, "d0", own, salt="d0" if varied else None)
    here = {normal_form(phrase) for phrase in own}
    for spec in made.classes:
        for name, shown in [(field.name, field.examples) for field in spec.fields] + [
            ("", spec.guideline.negatives)
        ]:
            of = [example for example in examples if (example.class_name, example.field) == (spec.name, name)]
            mine = here | {normal_form(each.phrase) for each in of if each.document_id == "d0"}
            others = {normal_form(each.phrase) for each in of if each.document_id != "d0"}
            keys = [normal_form(phrase) for phrase in shown]
            assert len(set(keys)) == len(keys) <= MOST
            assert set(keys) <= others - mine
        anchors = {normal_form(e.phrase) for e in examples if (e.class_name, e.field) == (spec.name, "span")}
        assert not anchors & {normal_form(phrase) for phrase in spec.guideline.negatives}


def test_the_most_widespread_come_first_and_alike_for_all_who_mention_none_of_them() -> None:
    bank = ExampleBank(
        [
            span("Person", "Ann", "d1"),
            span("Person", "Bo", "d1"),
            span("Person", "BO", "d2"),
            Example("Person", "", "the crowd", "d1"),
            Example("Person", "", "Ann", "d2"),
        ]
    )
    first, second = (bank.given_to(SCHEMA, name) for name in ("d8", "d9"))
    assert first == second
    person = first.classes[0]
    assert person.fields[0].examples == ("Bo", "Ann")
    assert person.guideline.negatives == ("the crowd",)


def test_examples_of_the_author_come_first_unless_the_document_mentions_them() -> None:
    schema = AnnotationSchema(
        classes=(ClassSpec(name="Person", fields=(FieldSpec(name="span", examples=("Zoe", "Ann")),)),)
    )
    bank = ExampleBank([span("Person", "Ann", "d1"), span("Person", "Bo", "d2")])
    assert bank.given_to(schema, "d9").classes[0].fields[0].examples == ("Zoe", "Ann", "Bo")
    assert bank.given_to(schema, "d1").classes[0].fields[0].examples == ("Zoe", "Bo")


def kept(document_id: str, text: str, **phrases: str) -> tuple[Document, Round]:
    found = tuple(
        Instance(
            class_name=name,
            values={"span": phrase},
            mentions=(
                Mention(
                    field="span",
                    quote=phrase,
                    start=text.index(phrase),
                    end=text.index(phrase) + len(phrase),
                    status=MentionStatus.EXACT,
                ),
            ),
        )
        for name, phrase in phrases.items()
    )
    schema = AnnotationSchema(
        classes=(
            ClassSpec(name="Person", guideline=Guideline(definition="A human.")),
            ClassSpec(name="Place"),
        )
    )
    agreed = Annotation(document_id=document_id, annotator="agreed", instances=found)
    spurious = Finding(
        code=FindingCode.SPURIOUS,
        severity=Severity.MINOR,
        raised_by="critic",
        class_name="Place",
        quote=f"the way to {document_id}",
    )
    made = Round(
        number=1,
        entered=Agent.ANNOTATOR,
        annotation_schema=schema,
        annotations=(agreed,),
        agreed=agreed,
        findings=(spurious,),
        scores=Scores(grounding=1),
        state_hash="0",
    )
    return Document(id=document_id, text=text), made


def test_exported_rows_show_what_other_rows_have_and_what_the_critic_refused_there() -> None:
    accepted = [
        kept("d1", "Ann is in Oslo.", Person="Ann", Place="Oslo"),
        kept("d2", "Bo is in Oslo.", Person="Bo", Place="Oslo"),
    ]
    bank = ExampleBank(
        example
        for _, round_ in accepted
        for example in (*mentioned(round_.agreed, round_.annotation_schema), *objected_to(round_))
    )
    assert own_phrases(accepted[0][1]) == ("Ann", "Oslo", "Ann", "Oslo")
    first, second = (
        row["text"] for row in rows(accepted, "guidex", SharedSchema(accepted[0][1].annotation_schema, bank))
    )
    assert 'span: str  # Such as: "Bo"' in first and 'span: str  # Such as: "Ann"' in second
    assert "- the way to d2" in first and "the way to d1" not in first
    assert '"Oslo"' not in first.partition("text =")[0]
    plain = next(iter(rows(accepted, "guidex")))["text"]
    assert "Such as" not in plain
