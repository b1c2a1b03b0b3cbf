"""What an example takes from other documents: classes that are absent from its text, and phrases."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from annotated_sources import PHRASES, source, sources
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.examples import Source
from finetune.examples.candidates import with_candidates, without_own_phrases
from finetune.examples.curating import held_out, without_copies
from finetune.examples.models import LeftOut
from finetune.examples.names import NEAR, nearest
from finetune.examples.near_copies import NearCopies
from finetune.examples.negatives import ClassPool
from finetune.examples.regularisers import Annotated
from schemas.example_bank import ExampleBank, mentioned
from schemas.locate import normal_form
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind

names = st.lists(st.sampled_from([*PHRASES, "Persons", "Cities", "ship", "Unheard"]), max_size=3)
texts = st.lists(
    st.sampled_from(["Oslo", "oslo-based", "Tosca!", "It rained.", "ASPIRIN", "the Beagle's"])
).map(" ".join)


def stands(phrase: str, text: str) -> bool:
    """Whether words stand in a text, whatever their case."""
    return re.search(rf"\b{re.escape(phrase.casefold())}\b", text.casefold()) is not None


@given(sources(), texts, names, st.integers(0, 4), st.integers(0, 99))
def test_negatives_are_absent_as_far_as_is_known_and_near_to_nothing_that_is_there(
    documents: list[Source], text: str, but: list[str], count: int, seed: int
) -> None:
    pool = ClassPool(documents)
    drawn = pool.absent_from(text, but, count, Random(seed))
    assert drawn == pool.absent_from(text, but, count, Random(seed))
    known = {(one.class_name, one.surface) for each in documents for one in each.annotation.instances}
    there = {name for each in documents for name in each.annotation_schema.names}

    def usable(name: str) -> bool:
        near = nearest(name, but)
        absent = not any(stands(surface, text) for of, surface in known if of == name)
        return absent and (near is None or near[1] < NEAR)

    taken = [spec.name for spec in drawn]
    assert all(usable(name) for name in taken) and set(taken) <= there
    assert len(set(taken)) == len(taken) == min(count, sum(map(usable, there)))


def test_negatives_come_by_frequency_and_by_likeness() -> None:
    documents = [source(f"d{n}", str(n), {"Ship": []}) for n in range(40)]
    documents += [source(name, name, {name: []}) for name in ("PoliticalPartyLeader", "Xyz", "Qqq", "Vvv")]
    pool = ClassPool(documents)
    first = Counter(pool.absent_from("", ["Song"], 1, Random(n))[0].name for n in range(200))
    assert first["Ship"] > 150
    specs = tuple(ClassSpec(name=f"{letter * 3}") for letter in "BCDFGHJKLMNP")
    letters = [
        Source.model_validate({**dict(documents[0]), "annotation_schema": AnnotationSchema(classes=specs)})
    ]
    pool = ClassPool([*documents, *letters])
    drawn = [pool.absent_from("", ["PoliticalParty"], 2, Random(n)) for n in range(100)]
    likest = Counter(spec.name for _, spec in drawn)
    assert likest["PoliticalPartyLeader"] >= 3  # of a hundred draws among the ten likest of 17 classes


def test_classes_that_cannot_stand_alone_are_no_negatives() -> None:
    nested = FieldSpec(name="of", type=FieldType(kind=Kind.CLASS, class_name="Ship"))
    guideline = Guideline(definition="A vessel.", contrast=(Contrast(sibling="Crew", difference="people"),))
    schema = AnnotationSchema(
        classes=(
            ClassSpec(name="Ship", guideline=guideline),
            ClassSpec(name="Crew", fields=(FieldSpec(name="span"), nested)),
            ClassSpec(name="Information"),
        )
    )
    document = source("d", "x", {"A": []}).model_copy(update={"annotation_schema": schema})
    (only,) = ClassPool([document]).absent_from("", [], 3, Random(0))
    assert only.name == "Ship" and only.guideline == Guideline(definition="A vessel.")


@given(sources(), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=50)
def test_candidates_are_phrases_of_other_documents_alone(
    documents: list[Source], most: int, seed: int
) -> None:
    bank = ExampleBank(
        phrase for one in documents for phrase in mentioned(one.annotation, one.annotation_schema)
    )
    for document in documents:
        given_text = Annotated(document.annotation_schema, document.annotation)
        made = with_candidates(given_text, bank, document, most, Random(seed))
        assert made.annotation == document.annotation
        assert made.schema.names == document.annotation_schema.names
        for spec in made.schema.classes:
            others = {
                one.surface
                for other in documents
                if other.id != document.id
                for one in other.annotation.instances
                if one.class_name == spec.name
            }
            (field,) = spec.fields
            assert len(field.examples) <= most
            assert set(field.examples) <= others
            assert not [each for each in field.examples if normal_form(each) in normal_form(document.text)]


def test_an_authors_phrases_are_shown_where_they_are_no_answer() -> None:
    field = FieldSpec(name="span", examples=("Oslo", "Lima"))
    guideline = Guideline(definition="A city.", negatives=("OSLO", "Peru"))
    schema = AnnotationSchema(classes=(ClassSpec(name="City", guideline=guideline, fields=(field,)),))
    document = source("d", "Oslo", {"City": ["Oslo"]}).model_copy(update={"annotation_schema": schema})
    (spec,) = without_own_phrases(document).annotation_schema.classes
    assert (spec.fields[0].examples, spec.guideline.negatives) == (("Lima",), ("Peru",))
    others = source("o", "Quito, Lagos", {"City": ["Quito", "Lagos"]})
    bank = ExampleBank(mentioned(others.annotation, others.annotation_schema))
    given_text = Annotated(schema, document.annotation)
    shown = Counter(
        phrase
        for seed in range(60)
        for phrase in with_candidates(given_text, bank, document, 1, Random(seed))
        .schema.classes[0]
        .fields[0]
        .examples
    )
    assert set(shown) == {"Lima", "Quito", "Lagos"} and shown.total() == 60


WORDS = " ".join(f"word{number}" for number in range(60))


def test_near_copies_are_told_from_parts_and_from_others() -> None:
    pytest.importorskip("datasketch")
    near = NearCopies(0.8)
    assert near.add("first", WORDS) is None
    assert near.add("second", WORDS.upper().replace(" ", ",  ")) == "first"
    assert near.add("third", WORDS.replace("word59", "end")) == "first"
    assert near.near(WORDS[: len(WORDS) // 2]) is None
    assert near.add("short", "a b") is None and near.add("same", "A, b.") == "short"
    assert near.near("a c") is None
    key, likeness = near.near(WORDS) or ("", 0.0)
    assert (key, likeness) == ("first", 1.0)


def test_of_copies_the_first_stays_and_the_reason_is_told() -> None:
    pytest.importorskip("datasketch")
    given_sources = [
        source(name, text, {"A": []})
        for name, text in (("a", WORDS), ("b", WORDS), ("c", WORDS.replace("word0", "x")), ("d", "other"))
    ]
    kept, left_out = without_copies(given_sources, 0.8)
    assert [one.id for one in kept] == ["a", "d"]
    assert [(one.id, reason) for one, reason in left_out] == [("b", LeftOut.EQUAL), ("c", LeftOut.NEAR)]
    kept, _ = without_copies(given_sources, 1)
    assert [one.id for one in kept] == ["a", "c", "d"]


@given(st.sets(st.text(max_size=3), max_size=20), st.floats(0, 0.99), st.integers(0, 9), st.randoms())
def test_held_out_documents_depend_on_the_set_and_the_seed_alone(
    ids: set[str], share: float, seed: int, order: Random
) -> None:
    mixed = list(ids)
    order.shuffle(mixed)
    out = held_out(mixed, share, seed)
    assert out == held_out(sorted(ids), share, seed) and out <= ids
    if share and len(ids) > 1:
        assert 1 <= len(out) < len(ids)
    else:
        assert not out
