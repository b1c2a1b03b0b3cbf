"""Passages of long texts: where text goes its labels go, and no instance is cut."""

from __future__ import annotations

from collections import Counter

from annotated_sources import source, sources
from hypothesis import given
from hypothesis import strategies as st

from finetune.examples import Source
from finetune.examples.passages import passages_of
from schemas.annotation import Annotation, Instance
from schemas.grounded import require_grounded
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind

TEXT = (
    "Ada Lovelace spoke first. It rained all day long in the town. Then Grace Hopper spoke. Nobody else did."
)
SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person"),
        ClassSpec(
            name="Debate",
            fields=(
                FieldSpec(name="first", type=FieldType(kind=Kind.CLASS, class_name="Person")),
                FieldSpec(name="last", type=FieldType(kind=Kind.CLASS, class_name="Person")),
            ),
        ),
    )
)


def person(name: str) -> Instance:
    return Instance(class_name="Person", values={"span": name})


def debated(*instances: Instance) -> Source:
    found = ground_all(instances, SCHEMA, TextIndex(TEXT))
    annotation = Annotation(document_id="d", annotator="agreed", instances=found)
    return Source(id="d", text=TEXT, annotation_schema=SCHEMA, annotation=annotation)


@given(
    st.one_of(sources(), st.just([source("r", "Oslo. Oslo! Oslo? " * 9, {"City": ["Oslo"]})])),
    st.integers(10, 90),
)
def test_where_text_goes_its_labels_go(documents: list[Source], most: int) -> None:
    for one in documents:
        pieces = list(passages_of(one, most))
        assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(one.text.split())
        found: Counter[tuple[str, int]] = Counter()
        begin = 0
        for piece in pieces:
            begin = one.text.index(piece.text, begin)
            assert piece.annotation_schema == one.annotation_schema and piece.id == one.id
            assert piece.text == piece.text.strip() != ""
            for instance in piece.annotation.instances:
                require_grounded(instance, one.annotation_schema, piece.text)
                anchor = instance.anchor
                assert anchor and anchor.start is not None
                places = [start for start, _ in TextIndex(piece.text).spans(instance.surface)]
                assert places[anchor.occurrence - 1] == anchor.start
                found[instance.class_name, begin + anchor.start] += 1
            if len(piece.text) > most:
                assert (
                    len(piece.annotation.instances) > 0
                )  # what is longer has an instance that a cut would tear
            begin += len(piece.text)
        assert found == Counter(
            (each.class_name, each.anchor.start) for each in one.annotation.instances if each.anchor
        )


def test_an_instance_keeps_all_that_it_says_in_one_passage() -> None:
    debate = Instance(
        class_name="Debate", values={"first": person("Ada Lovelace"), "last": person("Grace Hopper")}
    )
    pieces = list(passages_of(debated(debate, person("Ada Lovelace")), 40))
    assert [piece.text for piece in pieces] == [TEXT.removesuffix(" Nobody else did."), "Nobody else did."]
    assert [len(piece.annotation.instances) for piece in pieces] == [2, 0]
    alone = list(passages_of(debated(person("Ada Lovelace"), person("Grace Hopper")), 40))
    assert [len(piece.annotation.instances) for piece in alone] == [1, 0, 1, 0][: len(alone)]
    assert len(alone) > 2


def test_a_text_stays_whole_for_an_instance_that_stands_nowhere() -> None:
    (piece,) = passages_of(debated(Instance(class_name="Debate", values={}), person("Ada Lovelace")), 40)
    assert piece.text == TEXT and len(piece.annotation.instances) == 2
