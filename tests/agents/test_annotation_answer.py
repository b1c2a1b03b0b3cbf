"""The annotator's answer: what is coerced, what is left alone, and what quotes are checked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from schemas_to_annotate import PLAIN, RICH

from agents.annotation_answer import AnnotationAnswer, answer_model
from schemas.annotation import Instance, MentionStatus
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema

TEXT = "Ann met Bo in Oslo, and Cy wrote to Ann from Rome in 1843 about the engine."
INDEX = TextIndex(TEXT)


def read(value: object, schema: AnnotationSchema = PLAIN, index: TextIndex | None = None) -> AnnotationAnswer:
    answer = answer_model(schema, schema.names)
    return answer.model_validate_json(json.dumps(value), context={"index": index} if index else {})


def found(value: object, schema: AnnotationSchema = PLAIN) -> list[tuple[str, Any]]:
    """Class and first value of every instance, or all values where there are several."""
    return [
        (i.class_name, next(iter(i.values.values())) if len(i.values) == 1 else i.values)
        for i in read(value, schema).instances()
    ]


# --- coercions ---

ANN_OSLO = [("Person", "Ann"), ("PlaceName", "Oslo")]


@pytest.mark.parametrize(
    "value",
    [
        {"Person": ["Ann"], "PlaceName": ["Oslo"]},
        {"person": ["Ann"], "place_name": ["Oslo"]},
        {"PERSON": ["Ann"], "Place Name": ["Oslo"]},
        {"Person": "Ann", "PlaceName": "Oslo"},
        {"Person": ["Ann", None, "", "  "], "PlaceName": ["Oslo"]},
        {"Person": [{"span": "Ann"}], "PlaceName": {"quote": "Oslo"}},
        {"Person": [{"text": "Ann", "confidence": 0.9}], "PlaceName": [{"mention": "Oslo"}]},
        {"Person": [{"span": None, "text": "Ann"}], "PlaceName": ["Oslo"]},
        [{"class": "Person", "span": "Ann"}, {"type": "place_name", "text": "Oslo"}],
        {"mentions": [{"label": "Person", "quote": "Ann"}, {"class_name": "PlaceName", "value": "Oslo"}]},
        {"entities": [{"type": "Person", "name": "Ann"}, {"type": "PlaceName", "name": "Oslo"}]},
        {"Person": ["Ann"], "PlaceName": ["Oslo"], "Date": ["1843"], "thoughts": "none"},
        {"Person": ["Ann"], "PlaceName": ["Oslo"], "mentions": []},
        {"Person": ["Ann"], "PlaceName": ["Oslo"], "annotations": [{"class": "Person", "span": "Cy"}]},
    ],
)
def test_what_models_write_instead_is_understood(value: object) -> None:
    assert found(value) == ANN_OSLO


@pytest.mark.parametrize(
    "value", [{}, {"Person": None, "PlaceName": []}, [], {"mentions": []}, {"Date": ["1843"]}]
)
def test_nothing_found_is_an_answer(value: object) -> None:
    assert found(value) == []


def test_two_spellings_of_a_class_are_one_list() -> None:
    assert found({"Person": ["Ann"], "person": ["Bo"]}) == [("Person", "Ann"), ("Person", "Bo")]


def test_flat_mentions_of_an_unknown_class_are_dropped() -> None:
    mentions = [{"class": "Ship", "span": "Ann"}, {"span": "Bo"}, "Cy", {"class": "Person", "span": "Ann"}]
    assert found(mentions) == [("Person", "Ann")]


@pytest.mark.parametrize("value", ["Ann", 3, {"Person": [3]}, {"Person": [["Ann"]]}, {"Person": [True]}])
def test_what_cannot_be_understood_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        read(value)


def test_a_class_with_fields_takes_quotes_single_values_and_nulls() -> None:
    values = {"span": "wrote", "readers": (), "answers": ()}
    assert found({"Letter": "wrote"}, RICH) == [("Letter", values)]
    assert found({"Letter": [{"text": "wrote", "readers": None, "place": None}]}, RICH) == [
        ("Letter", values)
    ]
    assert found({"Letter": [{"span": "wrote", "readers": "Ann"}]}, RICH) == [
        ("Letter", values | {"readers": ("Ann",)})
    ]


def test_a_list_that_stands_for_its_instance_takes_a_single_value_too() -> None:
    assert found({"Meeting": [{"people": "Ann", "size": 1}]}, RICH) == [
        ("Meeting", {"people": ("Ann",), "size": 1})
    ]
    assert found({"Meeting": [{"people": ["Ann"], "size": 1}]}, RICH) == found(
        {"Meeting": {"people": "Ann", "size": "1"}}, RICH
    )


# --- fields ---


def test_all_kinds_of_fields_are_read() -> None:
    letter = {
        "span": "wrote",
        "readers": ["Ann", "Bo"],
        "place": "Rome",
        "year": 1843,
        "weight": 2.5,
        "answered": False,
        "mood": "warm",
        "summary": "about machines",
        "sender": {"span": "Cy"},
        "answers": ["met"],
    }
    (made,) = read({"Letter": [letter]}, RICH, INDEX).grounded(INDEX)
    sender, answers = made.values["sender"], made.values["answers"]
    assert isinstance(sender, Instance) and sender.class_name == "Person" and sender.values == {"span": "Cy"}
    assert isinstance(answers, tuple) and isinstance(answers[0], Instance)
    assert (answers[0].class_name, answers[0].values) == ("Letter", {"span": "met"})
    expected = letter | {"readers": ("Ann", "Bo"), "sender": sender, "answers": answers}
    assert made.values == expected and [type(v) for v in made.values.values()] == [
        type(v) for v in expected.values()
    ]
    assert [mention.field for mention in made.mentions] == ["span", "readers", "readers", "place"]


@pytest.mark.parametrize(
    "letter",
    [
        {"readers": []},
        {"span": "wrote", "mood": "tepid"},
        {"span": "wrote", "year": "long ago"},
        {"span": ["wrote"]},
        {"span": "wrote", "sender": 3},
    ],
)
def test_fields_of_the_wrong_kind_are_refused(letter: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read({"Letter": [letter]}, RICH)


def test_an_answer_can_be_read_again_from_its_own_dump() -> None:
    answer = read({"letter": [{"text": "wrote", "year": "1843"}], "Person": "Ann"}, RICH)
    again = type(answer).model_validate_json(answer.model_dump_json(), context={})
    assert again == answer and again.instances() == answer.instances() != ()


def test_the_model_of_a_schema_is_made_once() -> None:
    copy = AnnotationSchema.model_validate_json(PLAIN.model_dump_json())
    assert answer_model(PLAIN, PLAIN.names) is answer_model(copy, copy.names)
    assert answer_model(PLAIN, PLAIN.names[::-1]) is not answer_model(PLAIN, PLAIN.names)


# --- what validates is never changed ---

quotes = st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable())
letters = st.fixed_dictionaries(
    {"span": quotes},
    optional={
        "readers": st.lists(quotes, max_size=3),
        "place": st.none() | quotes,
        "year": st.none() | st.integers(-(10**6), 10**6),
        "weight": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "answered": st.none() | st.booleans(),
        "mood": st.none() | st.sampled_from(["warm", "cold"]),
        "summary": st.none() | quotes,
        "sender": st.none() | st.fixed_dictionaries({"span": quotes}),
        "text": quotes,
        "name": quotes,
    },
)
meetings = st.fixed_dictionaries({"people": st.lists(quotes, max_size=3), "size": st.integers(0, 99)})


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "Person": st.lists(quotes, max_size=3),
            "Letter": st.lists(letters, max_size=2),
            "Meeting": st.lists(meetings, max_size=2),
        },
    )
)
def test_what_has_the_right_form_is_taken_as_it_is(value: dict[str, list[Any]]) -> None:
    made: dict[str, list[Any]] = {}
    for instance in read(value, RICH).instances():
        made.setdefault(instance.class_name, []).append(plain(instance))
    expected = {
        name: [item if isinstance(item, str) else asked(name, item) for item in items]
        for name, items in value.items()
        if items
    }
    assert made == expected


def plain(instance: Instance) -> Any:
    """An instance as it was written."""
    if instance.class_name == "Person":
        return instance.values["span"]
    values: dict[str, Any] = {}
    for name, value in instance.values.items():
        if isinstance(value, tuple):
            values[name] = list(value)
        else:
            values[name] = {"span": plain(value)} if isinstance(value, Instance) else value
    return values


def asked(name: str, item: dict[str, Any]) -> dict[str, Any]:
    """What of a written instance its class has fields for; lists that are left out are empty."""
    spec = RICH.get(name)
    assert spec is not None
    lists: dict[str, Any] = {field.name: [] for field in spec.fields if field.type.many}
    names = {field.name for field in spec.fields}
    return lists | {key: value for key, value in item.items() if key in names and value is not None}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["Person", "person", "Letter", "span", "class", "mentions", "readers", "sender", "x"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_anything_is_read_or_refused(value: object) -> None:
    """Only a validation error may come of what a model writes."""
    try:
        answer = read(value, RICH)
    except ValidationError:
        return
    assert all(instance.class_name in RICH.names for instance in answer.instances())
    assert len(answer.grounded(INDEX)) <= len(answer.instances())


# --- quotes ---


def objection(value: object, schema: AnnotationSchema = PLAIN) -> str:
    with pytest.raises(ValidationError) as raised:
        read(value, schema, INDEX)
    return str(raised.value.errors()[0]["msg"])


def test_quotes_that_stand_nowhere_are_objected_to_by_name() -> None:
    told = objection({"Person": ["Ann", "Zed", "Çelik"], "PlaceName": ["Atlantis"]})
    assert 'Person: "Zed"; Person: "Çelik"; PlaceName: "Atlantis"' in told and "Ann" not in told
    read({"Person": ["Ann", "bo", "Ann", "Ann", "Ann"]}, PLAIN, INDEX)  # other letter case will do


def test_quotes_in_fields_and_nested_instances_are_checked_too() -> None:
    assert '"Mars"' in objection({"Letter": [{"span": "wrote", "place": "Mars"}]}, RICH)
    assert '"Zed"' in objection({"Letter": [{"span": "wrote", "readers": ["Ann", "Zed"]}]}, RICH)
    assert 'Person: "Zed"' in objection({"Letter": [{"span": "wrote", "sender": "Zed"}]}, RICH)
    # A field that is not verbatim may say anything.
    read({"Letter": [{"span": "wrote", "summary": "nothing of the sort"}]}, RICH, INDEX)


def test_many_faults_are_told_in_part() -> None:
    told = objection({"Person": [f"Nobody{number}" for number in range(50)]})
    assert told.count("Nobody") == 5 and len(told) < 400


def test_without_a_document_quotes_are_not_checked() -> None:
    assert found({"Person": ["Zed"]}) == [("Person", "Zed")]


# --- grounded ---


def test_a_quote_given_twice_is_two_places_and_no_place_is_given_twice() -> None:
    instances = read({"Person": ["Ann", "Ann", "Ann", "ann"], "PlaceName": ["Ann"]}).grounded(INDEX)
    assert [(i.class_name, i.anchor.span if i.anchor else None) for i in instances] == [
        ("Person", (0, 3)),
        ("PlaceName", (0, 3)),
        ("Person", (36, 39)),
    ]


def test_what_stands_nowhere_is_kept_once_and_marked() -> None:
    instances = read({"Person": ["Zed", "Bo", "Zed"]}).grounded(INDEX)
    assert [(i.surface, i.mentions[0].status) for i in instances] == [
        ("Bo", MentionStatus.EXACT),
        ("Zed", MentionStatus.NOT_FOUND),
    ]


@given(st.lists(st.sampled_from(["Ann", "ANN", "bo", "Zed", "in", "Rome in  1843"]), max_size=6))
def test_grounded_instances_are_verbatim_and_in_order(given_: list[str]) -> None:
    instances = read({"Person": given_, "PlaceName": given_[::-1]}).grounded(INDEX)
    spans = [i.mentions[0].span for i in instances]
    located = [span for span in spans if span is not None]
    assert spans[: len(located)] == sorted(located)
    for instance in instances:
        span = instance.mentions[0].span
        assert span is None or TEXT[span[0] : span[1]] == instance.values["span"]
    assert len({(i.class_name, i.mentions[0].span or i.surface) for i in instances}) == len(instances)
