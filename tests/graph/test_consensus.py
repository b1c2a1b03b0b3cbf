"""Voting: what must hold of everything that annotators agree on."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from travel_annotations import INDEX, SCHEMA, annotation, annotators, instance, instances

from graph.agreement import typed_spans
from graph.consensus import agree, candidates, key_of
from schemas.annotation import Annotation, Instance
from schemas.locate import ground
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType


def merged(*annotations: Annotation) -> Annotation:
    return agree("d", SCHEMA, annotations)


def grounded(found: Instance) -> bool:
    return all(mention.span is not None for part in found.walk() for mention in part.mentions)


# --- what holds of every agreement ---


@given(annotators(least=1))
def test_what_is_agreed_was_said_by_more_than_half(given_: list[Annotation]) -> None:
    for found in merged(*given_).instances:
        said = sum(key_of(found) in map(key_of, one.instances) for one in given_)
        assert said * 2 > len(given_)


@given(annotators(least=2, most=2))
def test_two_annotators_agree_only_on_what_both_say(given_: list[Annotation]) -> None:
    agreed = merged(*given_)
    for one in given_:
        own = {
            key_of(found): [i for i in one.instances if key_of(i) == key_of(found)] for found in one.instances
        }
        for found in agreed.instances:
            same = own[key_of(found)]
            for name, value in found.values.items():
                if value not in (None, ()):
                    assert any(essence(i.values.get(name)) == essence(value) for i in same), name
    assert typed_spans(agreed) <= typed_spans(given_[0]) | typed_spans(given_[1])


@given(annotators())
def test_the_class_of_everything_that_was_dropped_is_unknown(given_: list[Annotation]) -> None:
    agreed = merged(*given_)
    kept = set(map(key_of, agreed.instances))
    dropped = {i.class_name for one in given_ for i in one.instances if key_of(i) not in kept}
    assert dropped <= set(agreed.unknown_classes) <= set(SCHEMA.names)
    ungrounded = {i.class_name for one in given_ for i in one.instances if not grounded(i)}
    assert ungrounded <= set(agreed.unknown_classes)


@given(annotators(least=1))
def test_nothing_ungrounded_is_agreed_or_judged(given_: list[Annotation]) -> None:
    assert all(map(grounded, merged(*given_).instances))
    listed = candidates(given_)
    assert all(map(grounded, listed))
    assert len(set(map(key_of, listed))) == len(listed)
    starts = [found.mentions[0].span for found in listed]
    assert starts == sorted(starts, key=lambda span: span or (0, 0))


@given(annotators(least=1))
def test_what_is_agreed_is_whole_and_in_document_order(given_: list[Annotation]) -> None:
    agreed = merged(*given_)
    places = [i.anchor.span for i in agreed.instances if i.anchor is not None]
    assert places == sorted(places, key=lambda span: span or (0, 0))
    for found in agreed.instances:
        assert ground(found, SCHEMA, INDEX) == found  # every value has its mention, in field order
        spec = SCHEMA.get(found.class_name)
        assert spec is not None
        for field in spec.fields:
            assert field.type.optional or found.values.get(field.name) is not None


@given(st.lists(instances(), max_size=5).map(lambda found: annotation(*found)), st.integers(1, 4))
def test_identical_annotations_agree_on_everything_grounded(one: Annotation, count: int) -> None:
    first = {key_of(found): found for found in reversed(one.instances) if grounded(found)}
    assert {key_of(found): found for found in merged(*[one] * count).instances} == first


def essence(value: object) -> object:
    """A value by what it says, without how its quotes were written."""
    if isinstance(value, Instance):
        return value.class_name, {name: essence(part) for name, part in value.values.items()}
    return tuple(map(essence, value)) if isinstance(value, tuple) else value


# --- votes ---


def vote(*given_: Sequence[Instance]) -> Annotation:
    return merged(*(annotation(*found) for found in given_))


def test_two_of_three_are_a_majority_and_two_of_four_are_not() -> None:
    ann = instance("Person", span="Ann")
    assert vote([ann], [ann], []).instances == (ann,)
    assert vote([ann], [ann], []).unknown_classes == ()
    assert vote([ann], [ann], [], []).instances == ()
    assert vote([ann], [ann], [], []).unknown_classes == ("Person",)


def test_one_annotator_who_repeats_itself_is_no_majority() -> None:
    ann = instance("Person", span="Ann")
    agreed = vote([ann, ann], [])
    assert agreed.instances == () and agreed.unknown_classes == ("Person",)


def test_two_occurrences_are_two_instances() -> None:
    first, second = instance("Person", 1, span="Ann"), instance("Person", 2, span="Ann")
    agreed = vote([first, second], [second])
    assert agreed.instances == (second,) and agreed.unknown_classes == ("Person",)


def test_a_disputed_optional_field_is_left_out_and_a_required_one_drops_the_instance() -> None:
    agreed = vote(
        [instance("Place", span="Oslo", visitor="Ann", year=1)], [instance("Place", span="Oslo", year=1)]
    )
    (place,) = agreed.instances
    assert place.values == {"span": "Oslo", "year": 1}
    assert [mention.field for mention in place.mentions] == ["span"]
    long, short = (instance("Letter", span="wrote", kind=kind, readers=()) for kind in ("long", "short"))
    assert vote([long], [short]).instances == () and vote([long], [short]).unknown_classes == ("Letter",)
    assert vote([long], [long], [short]).instances == (long,)


def test_a_disputed_list_is_empty_and_a_disputed_nested_instance_absent() -> None:
    def letter(reader: str, sender: str) -> Instance:
        nested = Instance(class_name="Person", values={"span": sender})
        return instance("Letter", span="wrote", kind="long", readers=(reader,), sender=nested)

    (found,) = vote([letter("Ann", "Bo")], [letter("Bo", "Ann")]).instances
    assert found.values == {"span": "wrote", "kind": "long", "readers": ()}
    (kept,) = vote([letter("Ann", "Bo")], [letter("Ann", "Bo")]).instances
    assert kept == letter("Ann", "Bo")


def test_nested_instances_are_the_same_however_their_quotes_are_written() -> None:
    def letter(sender: str) -> Instance:
        nested = Instance(class_name="Person", values={"span": sender})
        return instance("Letter", span="wrote", kind="long", readers=(), sender=nested)

    (found,) = vote([letter("Cy")], [letter("CY")]).instances
    sender = found.values["sender"]
    assert isinstance(sender, Instance) and sender.values == {"span": "Cy"}


def test_a_list_that_stands_for_its_instance_is_kept_only_as_a_majority_gave_it() -> None:
    schema = AnnotationSchema(
        classes=(ClassSpec(name="Meeting", fields=(FieldSpec(name="people", type=FieldType(many=True)),)),)
    )

    def meeting(*people: str) -> Annotation:
        made = Instance(class_name="Meeting", values={"people": people})
        return annotation(ground(made, schema, INDEX))

    assert agree("d", schema, [meeting("Ann", "Bo"), meeting("Ann", "Cy")]).instances == ()
    assert agree("d", schema, [meeting("Ann", "Bo"), meeting("Ann", "Cy")]).unknown_classes == ("Meeting",)
    both = agree("d", schema, [meeting("Ann", "Bo"), meeting("Ann", "Bo")])
    assert [i.values["people"] for i in both.instances] == [("Ann", "Bo")]


def test_an_ungrounded_nested_quote_keeps_its_instance_from_being_agreed() -> None:
    nested = Instance(class_name="Person", values={"span": "Zed"})
    letter = instance("Letter", span="wrote", kind="long", readers=(), sender=nested)
    agreed = vote([letter], [letter])
    assert agreed.instances == () and agreed.unknown_classes == ("Letter",)
