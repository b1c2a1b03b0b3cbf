"""Between passages and their document: offsets and occurrences are the document's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.annotation import Instance, Value
from schemas.documents import Passage
from schemas.locate import TextIndex, ground, ground_all
from schemas.passages import shifted, within
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind
from schemas.splitting import split

SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person"),
        ClassSpec(
            name="Letter",
            fields=(
                FieldSpec(name="span"),
                FieldSpec(name="readers", type=FieldType(many=True)),
                FieldSpec(name="sender", type=FieldType(kind=Kind.CLASS, class_name="Person", optional=True)),
                FieldSpec(name="copies", type=FieldType(kind=Kind.CLASS, class_name="Person", many=True)),
            ),
        ),
    )
)
WORDS = [
    "Ann",
    "ann",
    "Bo",
    "Zo\u00eb",
    "Zoe\u0308",
    "wrote.",
    "\U0001f469\u200d\U0001f467",
    "\u5317\u4eac",
    "-",
]

texts = st.lists(st.sampled_from(WORDS), min_size=8, max_size=60).map(" ".join)


def person(quote: str) -> Instance:
    return Instance(class_name="Person", values={"span": quote})


def parts(instances: tuple[Instance, ...]) -> list[Instance]:
    return [part for top in instances for part in top.walk()]


@given(texts, st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), st.integers(20, 80))
def test_mentions_of_every_passage_stand_at_their_offsets_in_the_document(
    text: str, quotes: list[str], size: int
) -> None:
    whole = TextIndex(text)
    for passage in split(text, size):
        index = TextIndex(passage.text)
        values: dict[str, Value] = {
            "span": quotes[0],
            "readers": tuple(quotes),
            "sender": person(quotes[-1]),
            "copies": tuple(map(person, quotes)),
        }
        found = ground_all(
            [Instance(class_name="Letter", values=values), *map(person, quotes)], SCHEMA, index
        )
        moved = shifted(found, passage, whole)
        assert len(moved) == len(found)
        for before, after in zip(parts(found), parts(moved), strict=True):
            assert [m.field for m in before.mentions] == [m.field for m in after.mentions]
            for old, new in zip(before.mentions, after.mentions, strict=True):
                if old.span is None:
                    assert new == old
                else:
                    assert new.span == (old.span[0] + passage.start, old.span[1] + passage.start)
                    assert text[slice(*new.span)] == passage.text[slice(*old.span)]
                    # The quote, located in the document as this occurrence, is this place.
                    spans = list(whole.spans(old.quote.strip()))
                    assert new.span not in spans or spans[new.occurrence - 1] == new.span


@given(texts, st.integers(20, 80))
def test_every_instance_lies_in_one_passage_and_comes_back_as_it_was(text: str, size: int) -> None:
    whole = TextIndex(text)
    everyone = ground_all([person(word) for word in text.split()], SCHEMA, whole)
    placed = tuple(one for one in everyone if one.mentions[0].span is not None)
    passages = split(text, size)
    back: list[Instance] = []
    for passage in passages:
        here = within(placed, passage)
        for instance in here:
            start, end = instance.mentions[0].span or (-1, -1)
            assert 0 <= start < len(passage.text)
            if end <= len(passage.text):
                assert passage.text[start:end] == instance.values["span"]
        back += shifted(here, passage, whole)
    assert sorted(i.mentions[0].span or (0, 0) for i in back) == sorted(
        i.mentions[0].span or (0, 0) for i in placed
    )
    assert {i.model_dump_json() for i in back} == {i.model_dump_json() for i in placed}


def test_occurrences_are_counted_in_the_document() -> None:
    text = "Ann met Ann. Ann left, and Bo met Ann."
    passages = (Passage(text=text[:12], start=0), Passage(text=text[12:], start=12))
    whole = TextIndex(text)
    counted = []
    for passage in passages:
        found = ground_all([person("Ann"), person("Ann")], SCHEMA, TextIndex(passage.text))
        counted += [(i.mentions[0].occurrence, i.mentions[0].span) for i in shifted(found, passage, whole)]
    assert counted == [(1, (0, 3)), (2, (8, 11)), (3, (13, 16)), (4, (34, 37))]


def test_occurrences_in_the_first_passage_are_counted_in_the_document_too() -> None:
    """In the passage the quote stands only inside words, in the document as a word of its own."""
    text = "annals and annals. An ann here."
    passage = Passage(text=text[:18], start=0)
    (found,) = ground_all([person("ann")], SCHEMA, TextIndex(passage.text))
    (moved,) = shifted((found,), passage, TextIndex(text))
    assert moved.mentions[0].span == (0, 3) == found.mentions[0].span
    (second,) = ground_all([person("annals")], SCHEMA, TextIndex(text[10:18]))
    (moved,) = shifted((second,), Passage(text=text[10:18], start=10), TextIndex(text))
    assert moved.mentions[0].span == (11, 17) and moved.mentions[0].occurrence == 2


def test_what_was_not_found_stays_where_it_is_in_no_passage() -> None:
    lost = ground(person("Nobody"), SCHEMA, TextIndex("Ann met Bo."))
    passage = Passage(text="met Bo.", start=4)
    assert shifted((lost,), passage, TextIndex("Ann met Bo.")) == (lost,)
    assert within((lost,), passage) == ()
    assert within((Instance(class_name="Person", values={}),), passage) == ()
