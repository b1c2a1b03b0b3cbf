"""Annotations of one short text under a schema with fields, lists and nested instances; by hand or drawn."""

from __future__ import annotations

from hypothesis import strategies as st

from schemas.annotation import Annotation, Instance, Value
from schemas.locate import TextIndex, ground
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind

TEXT = "Ann met Bo in Oslo, and Cy wrote to Ann from Rome in 1843."
SURFACES = ("Ann", "Bo", "Oslo", "Cy", "Rome", "1843", "Zed")  # Zed does not stand in the text
SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person"),
        ClassSpec(
            name="Place",
            fields=(
                FieldSpec(name="span"),
                FieldSpec(name="visitor", type=FieldType(optional=True)),
                FieldSpec(name="year", type=FieldType(kind=Kind.INT, optional=True)),
            ),
        ),
        ClassSpec(
            name="Letter",
            fields=(
                FieldSpec(name="span"),
                FieldSpec(name="kind", type=FieldType(kind=Kind.LITERAL, choices=("short", "long"))),
                FieldSpec(name="readers", type=FieldType(many=True)),
                FieldSpec(name="sender", type=FieldType(kind=Kind.CLASS, class_name="Person", optional=True)),
            ),
        ),
        ClassSpec(name="Count", fields=(FieldSpec(name="size", type=FieldType(kind=Kind.INT)),)),
    )
)
INDEX = TextIndex(TEXT)


def instance(name: str, occurrence: int = 1, **values: Value) -> Instance:
    made = Instance(class_name=name, values=values)
    return ground(made, SCHEMA, INDEX, {"span": occurrence})


def annotation(*instances: Instance, by: str = "annotator-1") -> Annotation:
    return Annotation(document_id="d", annotator=by, instances=instances)


def words() -> st.SearchStrategy[str]:
    return st.sampled_from(SURFACES)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    name = draw(st.sampled_from(SCHEMA.names))
    occurrence = draw(st.integers(1, 2))
    values: dict[str, Value] = {"span": draw(words())}
    if name == "Count":
        return instance(name, size=draw(st.integers(0, 2)))
    if name == "Place":
        values |= draw(st.fixed_dictionaries({}, optional={"visitor": words(), "year": st.integers(0, 1)}))
    if name == "Letter":
        values["kind"] = draw(st.sampled_from(("short", "long")))
        values["readers"] = tuple(draw(st.lists(words(), max_size=2)))
        if draw(st.booleans()):
            values["sender"] = Instance(class_name="Person", values={"span": draw(words())})
    return instance(name, occurrence, **values)


def annotators(least: int = 2, most: int = 4) -> st.SearchStrategy[list[Annotation]]:
    one = st.lists(instances(), max_size=5).map(lambda found: annotation(*found))
    return st.lists(one, min_size=least, max_size=most)
