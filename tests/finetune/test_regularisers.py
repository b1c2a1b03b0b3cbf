"""GoLLIE's regularisers: each changes what it says, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from finetune.examples.regularisers import (
    Annotated,
    shuffled,
    with_dropped_classes,
    with_further_classes,
    with_masked_names,
    with_paraphrases,
)
from schemas.annotation import Annotation, Instance
from schemas.dialect import parse, render
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind
from tests.dialect_strategies import annotated

texts = annotated().map(lambda pair: Annotated(*pair))
randoms = st.integers(0, 1000).map(Random)


def by_class(annotation: Annotation) -> Counter[str]:
    return Counter(one.class_name for one in annotation.instances)


@given(texts, randoms)
def test_shuffling_permutes_the_classes_and_leaves_the_result(one: Annotated, rng: Random) -> None:
    made = shuffled(one, rng)
    assert sorted(made.schema.names) == sorted(one.schema.names)
    assert {spec.name: spec for spec in made.schema.classes} == {
        spec.name: spec for spec in one.schema.classes
    }
    assert made.annotation == one.annotation


@given(texts, randoms, st.floats(0, 0.99))
def test_a_dropped_class_vanishes_from_both_sides_and_one_stays(
    one: Annotated, rng: Random, chance: float
) -> None:
    made = with_dropped_classes(one, rng, chance)
    names = set(made.schema.names)
    assert names and names <= set(one.schema.names)
    assert made.annotation.instances == tuple(
        each for each in one.annotation.instances if each.class_name in names
    )
    for spec in made.schema.classes:
        assert {field.type.class_name for field in spec.fields if field.type.class_name} <= names
        dropped = set(one.schema.names) - names
        assert not {each.sibling for each in spec.guideline.contrast} & dropped


def test_dropping_takes_classes_at_the_chance_it_says() -> None:
    schema = AnnotationSchema(classes=tuple(ClassSpec(name=f"C{number}") for number in range(20)))
    one = Annotated(schema, Annotation(document_id="d", annotator="a"))
    kept = sum(len(with_dropped_classes(one, Random(seed), 0.25).schema.classes) for seed in range(200))
    assert 0.72 < kept / (20 * 200) < 0.78


@given(texts)
def test_masking_is_injective_and_consistent_and_reads_back(one: Annotated) -> None:
    made = with_masked_names(one)
    assert made.schema.names == tuple(f"LABEL_{number}" for number in range(1, len(one.schema.names) + 1))
    masks = dict(zip(one.schema.names, made.schema.names, strict=True))

    def unmasked(instance: Instance) -> list[str]:
        return [each.class_name for each in instance.walk()]

    for before, after in zip(one.annotation.instances, made.annotation.instances, strict=True):
        assert [masks[name] for name in unmasked(before)] == unmasked(after)
    parsed = parse(render(made.schema, made.annotation, "text"))
    assert parsed.instances is not None and len(parsed.instances) == len(one.annotation.instances)


def test_masking_leaves_no_name_in_guidelines_fields_and_contrasts() -> None:
    fields = (
        FieldSpec(name="span", description="the Person"),
        FieldSpec(name="of", type=FieldType(kind=Kind.CLASS, class_name="Person", optional=True)),
    )
    guideline = Guideline(
        definition="Not a Person, and no Personage.",
        include=("a Team",),
        contrast=(Contrast(sibling="Person", difference="a Person is one"),),
    )
    schema = AnnotationSchema(
        domain="Person and Team",
        classes=(ClassSpec(name="Person"), ClassSpec(name="Team", guideline=guideline, fields=fields)),
    )
    inner = Instance(class_name="Person", values={"span": "Ann"})
    found = Annotation(
        document_id="d",
        annotator="a",
        instances=(Instance(class_name="Team", values={"span": "Person", "of": inner}),),
    )
    made = with_masked_names(Annotated(schema, found))
    written = render(made.schema, None, "")
    assert not re.search(r"\b(Person|Team)\b", written)
    assert "Personage" in written and "LABEL_1" in written
    assert 'LABEL_2(span="Person", of=LABEL_1(span="Ann"))' in render(made.schema, made.annotation, "")


@given(texts, randoms)
def test_paraphrases_exchange_guidelines_by_those_of_the_same_name_alone(one: Annotated, rng: Random) -> None:
    name = one.schema.names[0]
    other = Guideline(definition="another", contrast=(Contrast(sibling="Nowhere", difference="x"),))
    made = with_paraphrases(one, rng, {name: [other], "Nowhere": [Guideline(definition="never")]})
    assert made.annotation == one.annotation and made.schema.names == one.schema.names
    first, *rest = made.schema.classes
    assert first.guideline in (one.schema.classes[0].guideline, Guideline(definition="another"))
    assert tuple(rest) == one.schema.classes[1:]


@given(texts, randoms)
def test_further_classes_come_among_the_others_and_have_no_instance(one: Annotated, rng: Random) -> None:
    further = (ClassSpec(name="FurtherOne"), ClassSpec(name="FurtherTwo"))
    assume(not {"FurtherOne", "FurtherTwo"} & set(one.schema.names))
    made = with_further_classes(one, further, rng)
    assert [name for name in made.schema.names if not name.startswith("Further")] == list(one.schema.names)
    assert set(made.schema.names) - set(one.schema.names) == {"FurtherOne", "FurtherTwo"}
    assert by_class(made.annotation) == by_class(one.annotation)
