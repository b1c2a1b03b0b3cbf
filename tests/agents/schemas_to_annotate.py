"""Schemas whose annotations are asked for: one with nothing but spans, one with every kind of field."""

from __future__ import annotations

from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Guideline, Kind

PLAIN = AnnotationSchema(
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition="A human being.")),
        ClassSpec(name="PlaceName"),
    )
)
RICH = AnnotationSchema(
    classes=(
        ClassSpec(name="Person"),
        ClassSpec(
            name="Letter",
            fields=(
                FieldSpec(name="span"),
                FieldSpec(name="readers", type=FieldType(many=True)),
                FieldSpec(name="place", type=FieldType(optional=True)),
                FieldSpec(name="year", type=FieldType(kind=Kind.INT, optional=True)),
                FieldSpec(name="weight", type=FieldType(kind=Kind.FLOAT, optional=True)),
                FieldSpec(name="answered", type=FieldType(kind=Kind.BOOL, optional=True)),
                FieldSpec(
                    name="mood", type=FieldType(kind=Kind.LITERAL, choices=("warm", "cold"), optional=True)
                ),
                FieldSpec(name="summary", type=FieldType(optional=True), verbatim=False),
                FieldSpec(name="sender", type=FieldType(kind=Kind.CLASS, class_name="Person", optional=True)),
                FieldSpec(name="answers", type=FieldType(kind=Kind.CLASS, class_name="Letter", many=True)),
            ),
        ),
        ClassSpec(
            name="Meeting",
            fields=(
                FieldSpec(name="people", type=FieldType(many=True)),
                FieldSpec(name="size", type=FieldType(kind=Kind.INT)),
            ),
        ),
    )
)
