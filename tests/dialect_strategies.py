"""Generated schemas, annotations and documents, with the text that is hardest to write as code."""

from __future__ import annotations

import keyword

from hypothesis import strategies as st

from schemas.annotation import Annotation, Instance
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind

NASTY = (
    '"""',
    "'''",
    '"',
    "'",
    "\\",
    "\\\\",
    '\\"',
    "result =",
    "result",
    "=",
    " ",
    "  ",
    "#",
    "# fmt: off",
    "fmt: skip",
    "type: ignore",
    "# type: ignore",
    "Include:",
    "Exclude:",
    "Boundary:",
    "Contrast:",
    "\\Include: x",
    "- x",
    "-",
    "Such as:",
    'Such as: "a"',
    'Such as: "a", "b"',
    "free text:",
    "verbatim:",
    "Domain:",
    ": ",
    ", ",
    "```",
    "```python",
    "@dataclass",
    "class X:",
    'text = "',
    "\\N{BULLET}",
    "\\xAB",
    "\\u00e9",
    "{x}",
    "é",
    "e\u0301",
    "漢字",
    "😀",
    "\u00a0",
    "\u200b",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ue000",
    "\x00",
    "\x1b[31m",
    "\x85",
    "\x0c",
    "\r\n",
    "\r",
    "\n",
    "\t",
    "\U000e0001",
)
any_text = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.lists(st.sampled_from(NASTY), max_size=8).map("".join),
    st.lists(
        st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
        max_size=6,
    ).map(" ".join),
    st.integers(60, 130).map(lambda width: "word " * (width // 5)),
)
"""Any Unicode text. The models fold the prose among it to one printable line."""

names = st.one_of(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True).filter(
        lambda name: not keyword.iskeyword(name)
    ),
    st.sampled_from(
        "span text result str int float bool list List Optional Literal Dict Union Entity Event BaseModel "
        "object dataclass field Field Enum self t typing print match case type Drug".split()
    ),
)

guidelines = st.builds(
    Guideline,
    definition=any_text,
    include=st.lists(any_text, max_size=3).map(tuple),
    exclude=st.lists(any_text, max_size=2).map(tuple),
    boundary=any_text,
    contrast=st.lists(
        st.builds(Contrast, sibling=st.one_of(names, any_text), difference=any_text), max_size=2
    ).map(tuple),
    negatives=st.lists(any_text, max_size=2).map(tuple),
)


@st.composite
def field_types(draw: st.DrawFn, classes: tuple[str, ...]) -> FieldType:
    kind = draw(st.sampled_from(list(Kind)))
    choices = draw(st.lists(any_text, min_size=1, max_size=4)) if kind is Kind.LITERAL else []
    return FieldType(
        kind=kind,
        many=draw(st.booleans()),
        optional=draw(st.booleans()),
        choices=tuple(choices),
        class_name=draw(st.sampled_from(classes)) if kind is Kind.CLASS else None,
    )


@st.composite
def schemas(draw: st.DrawFn) -> AnnotationSchema:
    class_names = tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True)))
    return AnnotationSchema(
        domain=draw(any_text),
        classes=tuple(
            ClassSpec(
                name=class_name,
                guideline=draw(guidelines),
                fields=tuple(
                    FieldSpec(
                        name=field_name,
                        type=draw(field_types(class_names)),
                        description=draw(any_text),
                        verbatim=draw(st.booleans()),
                        examples=tuple(draw(st.lists(any_text, max_size=2))),
                    )
                    for field_name in draw(st.lists(names, min_size=1, max_size=3, unique=True))
                ),
            )
            for class_name in class_names
        ),
    )


@st.composite
def instances(draw: st.DrawFn, schema: AnnotationSchema, depth: int = 2) -> Instance:
    """Values of every kind in every field: the dialect does not check their types."""
    spec = draw(st.sampled_from(schema.classes))
    scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), any_text)
    if depth:
        scalars = st.one_of(scalars, instances(schema, depth - 1))
    values = st.one_of(scalars, st.lists(scalars, max_size=3).map(tuple))
    chosen = draw(st.lists(st.sampled_from([field.name for field in spec.fields]), unique=True))
    return Instance(class_name=spec.name, values={name: draw(values) for name in chosen})


@st.composite
def annotated(draw: st.DrawFn) -> tuple[AnnotationSchema, Annotation]:
    schema = draw(schemas())
    found = draw(st.lists(instances(schema), max_size=4))
    return schema, Annotation(document_id="d", annotator="a", instances=tuple(found))
