"""Examples are made of sources: what is left out is counted, what is drawn depends on the seed alone."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from annotated_sources import source, sources
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.examples import Blocking, Example, ExampleSet, LeftOut, Origin, Source, build_examples
from schemas.annotation import Annotation, Instance
from schemas.dialect import Flavour, Parsed, parse
from schemas.errors import UsageError
from schemas.locate import normal_form
from schemas.recipe import ExamplesConfig
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind

PLAIN = ExamplesConfig(empty=1, shuffle=False, paraphrases=False, duplicates=1)
RICH = ExamplesConfig(
    empty=1, class_dropout=0.3, masked=0.4, candidates=3, negatives=2, duplicates=1, passage_chars=60
)
TWO = [
    source("a", "Ada Lovelace went to Oslo.", {"Person": ["Ada Lovelace"], "City": ["Oslo"]}),
    source("b", "Grace Hopper took aspirin.", {"Person": ["Grace Hopper"], "Drug": ["aspirin"]}),
]


def words(text: str) -> int:
    return len(text.split())


def built(given: list[Source], config: ExamplesConfig = PLAIN, **more: object) -> ExampleSet:
    return build_examples(given, config, seed=1, count_tokens=words, **more)  # type: ignore[arg-type]


def read(example: Example) -> Parsed:
    return parse(example.prompt + example.result)


def surfaces(instances: tuple[Instance, ...]) -> Counter[str]:
    return Counter(str(one.values["span"]) for one in instances)


def test_an_example_is_the_document_as_it_was_annotated() -> None:
    made = {each.document_id: each for each in built(TWO).epoch(0)}
    assert set(made) == {"a", "b"}
    assert made["a"].prompt.endswith("\nresult =")
    assert made["a"].result == ' [Person(span="Ada Lovelace"), City(span="Oslo")]\n'
    parsed = read(made["a"])
    assert parsed.flavour is Flavour.GOLLIE and parsed.text == TWO[0].text
    assert parsed.schema and parsed.schema.names == ("Person", "City")


@settings(deadline=None, max_examples=25)
@given(sources(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_whatever_is_drawn_an_example_is_true_of_its_text(
    given: list[Source], order: random.Random, number: int
) -> None:
    by_id = {one.id: one for one in given}
    try:
        made = built(given, RICH)
    except UsageError:
        assert all(set(one.annotation.unknown_classes) >= set(one.annotation_schema.names) for one in given)
        return
    shuffled = list(given)
    order.shuffle(shuffled)
    assert built(shuffled, RICH).epoch(number) == made.epoch(number)
    assert built(shuffled, RICH).data_hash == made.data_hash
    for example in made.epoch(number):
        document, parsed = by_id[example.document_id], read(example)
        assert parsed.schema and parsed.text and parsed.instances is not None
        assert parsed.text in document.text
        masked = parsed.schema.names[0].startswith("LABEL_")
        annotated = {
            (one.class_name, one.surface)
            for one in document.annotation.instances
            if one.class_name not in document.annotation.unknown_classes
        }
        said = {(one.class_name, str(one.values["span"])) for one in parsed.instances}
        if masked:
            assert {surface for _, surface in said} <= {surface for _, surface in annotated}
            assert parsed.schema.names == tuple(f"LABEL_{n}" for n in range(1, len(parsed.schema.names) + 1))
        else:
            assert said <= annotated
            assert not set(parsed.schema.names) & set(document.annotation.unknown_classes)
            # What is annotated, shown and stands in the passage is in the result.
            assert said >= {
                (name, surface)
                for name, surface in annotated
                if name in parsed.schema.names and surface in parsed.text
            }
        for spec in parsed.schema.classes:
            for field in spec.fields:
                assert not [
                    each for each in field.examples if normal_form(each) in normal_form(document.text)
                ]


def test_passes_differ_and_come_again() -> None:
    made = built([*TWO, source("c", "Lima.", {"City": ["Lima"], "Ship": [], "Drug": []})], RICH)
    passes = [made.epoch(number) for number in range(6)]
    assert len(set(passes)) > 1
    assert passes == [made.epoch(number) for number in range(6)]
    assert all(Counter(each.id for each in one) == Counter(("a#0", "b#0", "c#0")) for one in passes)


@given(sources(), st.integers(40, 120), st.sampled_from((0.0, 0.3, 1.0)), st.sampled_from((0.0, 0.4)))
@settings(deadline=None, max_examples=25)
def test_the_numbers_of_the_report_balance(
    given: list[Source], most: int, empty: float, validation: float
) -> None:
    config = PLAIN.model_copy(
        update={"passage_chars": 50, "max_tokens": most, "empty": empty, "validation": validation}
    )
    try:
        made = built([*given, *given[:2]], config)
    except UsageError as error:
        assert "nothing to train on" in str(error)
        return
    report = made.report
    assert report.documents == len(given) + len(given[:2])
    assert report.documents_left_out.get(LeftOut.EQUAL, 0) == len(given[:2])
    assert report.passages == report.training + report.validation + sum(report.passages_left_out.values())
    assert len(made) == report.training and len(made.validation) == report.validation
    assert report.empty <= empty * report.training
    held = {each.document_id for each in made.validation}
    assert held.isdisjoint(each.document_id for each in made.epoch(0))
    for each in (*made.epoch(0), *made.validation):
        assert words(each.prompt + each.result) <= most
    assert report.tokens == sum(words(each.prompt + each.result) for each in made.epoch(0))
    assert report.instances == sum(len(read(each).instances or ()) for each in made.epoch(0))


def test_passages_have_the_instances_of_their_text_and_cut_no_phrase() -> None:
    text = "It rained in Oslo for days on end. Ada Lovelace left. Nothing happened then in the whole town."
    given = source("a", text, {"City": ["Oslo"], "Person": ["Ada Lovelace"]})
    for most in range(40, len(text) + 1):
        made = built([given], PLAIN.model_copy(update={"passage_chars": most}))
        read_back = [read(each) for each in sorted(made.epoch(0))]
        assert " ".join(each.text or "" for each in read_back) == text
        assert sum((surfaces(each.instances or ()) for each in read_back), Counter()) == Counter(
            ("Oslo", "Ada Lovelace")
        )
        for each in read_back:
            assert set(surfaces(each.instances or ())) == {
                phrase for phrase in ("Oslo", "Ada Lovelace") if phrase in (each.text or "")
            }


def test_an_example_that_outgrows_the_budget_is_shown_smaller() -> None:
    others = [
        source(f"d{n}", f"{name} {n}", {f"{name}Class": [name]}) for n, name in enumerate(("Oslo", "Aida"))
    ]
    plain = max(words(each.prompt + each.result) for each in built([*TWO, *others]).epoch(0))
    config = PLAIN.model_copy(
        update={"negatives": 3, "candidates": 5, "masked": 0.5, "max_tokens": max(plain, 64)}
    )
    assert all(
        words(each.prompt + each.result) <= config.max_tokens
        for number in range(5)
        for each in built([*TWO, *others], config).epoch(number)
    )


def test_blocked_classes_vanish_with_those_that_refer_to_them() -> None:
    schema = AnnotationSchema(
        classes=(
            ClassSpec(name="Band"),
            ClassSpec(name="Song"),
            ClassSpec(
                name="Concert",
                fields=(
                    FieldSpec(name="span"),
                    FieldSpec(name="by", type=FieldType(kind=Kind.CLASS, class_name="Band", optional=True)),
                ),
            ),
        )
    )
    music = Source(
        id="m", text="x", annotation_schema=schema, annotation=Annotation(document_id="m", annotator="a")
    )
    made = built([*TWO, music], blocking=Blocking(("bands", "persons")))
    shown = {each.document_id: read(each).schema for each in made.epoch(0)}
    assert {key: each.names for key, each in shown.items() if each} == {
        "a": ("City",),
        "b": ("Drug",),
        "m": ("Song",),
    }
    assert made.report.blocked == ("Band", "Person")
    with pytest.raises(UsageError, match="2 every class blocked"):
        built(TWO, blocking=Blocking(("person", "CITY", "drugs")))


def test_what_does_not_stand_in_its_text_makes_its_class_unknown() -> None:
    one = TWO[0]
    lies = one.model_copy(update={"text": "Ada Lovelace went to Lima."})
    made = built([lies])
    (example,) = made.epoch(0)
    schema = read(example).schema
    assert schema and schema.names == ("Person",)
    assert made.report.ungrounded == 1


@pytest.mark.parametrize(
    ("share", "counts"), [(None, (2, 1)), (0.5, (2, 2)), (0.25, (3, 1)), (0, (2, 0)), (1, (0, 1))]
)
def test_gold_has_its_share_of_a_pass(share: float | None, counts: tuple[int, int]) -> None:
    gold = source("g", "Lagos and Lima", {"City": ["Lagos", "Lima"]}, origin=Origin.GOLD)
    made = built(TWO, PLAIN.model_copy(update={"gold_share": share, "negatives": 2}), gold=[gold])
    for number in range(3):
        taken = made.epoch(number)
        of_gold = [each for each in taken if each.document_id == "g"]
        assert (len(taken) - len(of_gold), len(of_gold)) == counts
        assert len(made) == sum(counts)
        for each in of_gold:
            schema = read(each).schema
            assert schema and schema.names == ("City",)


def test_texts_of_one_id_are_told_apart() -> None:
    other = source("a", "Quito is another.", {"City": ["Quito"]})
    made = built([*TWO, other])
    assert len({each.document_id for each in made.epoch(0)}) == 3


def test_a_class_in_dispute_is_left_out_of_the_passages_where_it_was_alone() -> None:
    text = "Ada Lovelace wrote to Oslo. Grace Hopper sailed to Lima, it is said."
    one = source("d", text, {"Person": ["Ada Lovelace"], "City": ["Oslo", "Lima"]}, unknown=("Person",))
    begin = text.index("Grace Hopper")
    placed = one.model_copy(update={"disputes": ((begin, begin + len("Grace Hopper"), "Person"),)})
    config = ExamplesConfig(passage_chars=40, duplicates=1)
    (first, second) = sorted(build_examples([placed], config, seed=0, count_tokens=len).epoch(0))
    assert 'Person(span="Ada Lovelace")' in first.result
    assert "class Person" not in second.prompt and 'City(span="Lima")' in second.result
    nowhere = build_examples([one], config, seed=0, count_tokens=len).epoch(0)
    assert not any("Person" in each.prompt for each in nowhere)
    away = placed.model_copy(update={"text": text.replace("Ada Lovelace", "Someone else")})
    made = build_examples([away], config, seed=0, count_tokens=len)
    assert made.report.ungrounded and not any("Person" in each.prompt for each in made.epoch(0))
