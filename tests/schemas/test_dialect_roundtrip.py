"""What is rendered is read back unchanged, whatever the text."""

from __future__ import annotations

import ast
import math
import time

import black
import pytest
from dialect_strategies import annotated, any_text
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.annotation import Annotation, Instance
from schemas.dialect import Flavour, as_gollie, parse, render, split_prompt, string_literal
from schemas.errors import DialectError
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind

DRUG = AnnotationSchema(
    domain="Pharmacology",
    classes=(
        ClassSpec(
            name="Drug",
            guideline=Guideline(
                definition="A substance given to treat a disease.",
                include=("brand names",),
                exclude=("foods",),
                boundary="Leave the dose out.",
                contrast=(Contrast(sibling="Device", difference="a device is no substance"),),
                negatives=("vitamin-rich food",),
            ),
            fields=(
                FieldSpec(name="name", description="The name.", examples=("aspirin", "ibuprofen")),
                FieldSpec(name="dose", type=FieldType(optional=True), verbatim=False),
            ),
        ),
        ClassSpec(name="Device"),
    ),
)
FOUND = Annotation(
    document_id="d",
    annotator="a",
    instances=(
        Instance(class_name="Drug", values={"name": "aspirin", "dose": None}),
        Instance(class_name="Device", values={"span": "pump"}),
    ),
)


def test_guidex_flavour_looks_as_documented() -> None:
    assert (
        render(DRUG, FOUND, "Take aspirin.")
        == '''\
# The following lines describe the annotation schema
# Domain: Pharmacology
@dataclass
class Drug:
    """A substance given to treat a disease.

    Include:
    - brand names
    Exclude:
    - foods
    Boundary: Leave the dose out.
    Contrast:
    - Device: a device is no substance
    Not mentions:
    - vitamin-rich food
    """

    name: str  # The name. Such as: "aspirin", "ibuprofen"
    dose: Optional[str]  # free text:


@dataclass
class Device:
    span: str


# This is the text to analyze
text = "Take aspirin."

# The annotation instances that take place in the text above are listed here
result = [Drug(name="aspirin", dose=None), Device(span="pump")]
'''
    )


def test_gollie_flavour_is_gollies_template() -> None:
    schema = AnnotationSchema(
        classes=(
            ClassSpec(
                name="X",
                guideline=Guideline(definition="guideline"),
                fields=(FieldSpec(name="name", examples=("a", "b")),),
            ),
        )
    )
    found = Annotation(
        document_id="d", annotator="a", instances=(Instance(class_name="X", values={"name": "..."}),)
    )
    assert (
        render(schema, found, "...", Flavour.GOLLIE)
        == '''\
# The following lines describe the task definition
@dataclass
class X(Entity):
    """guideline"""

    span: str  # Such as: "a", "b"


# This is the text to analyze
text = "..."

# The annotation instances that take place in the text above are listed here
result = [X(span="...")]
'''
    )


@settings(max_examples=120, deadline=None)
@given(annotated(), any_text, st.sampled_from(Flavour))
def test_round_trip(pair: tuple[AnnotationSchema, Annotation], document: str, flavour: Flavour) -> None:
    schema, annotation = pair
    text = render(schema, annotation, document, flavour)
    expected, found = schema, annotation.instances
    if flavour is Flavour.GOLLIE:
        expected, found = as_gollie(schema, found)
    parsed = parse(text)
    assert parsed.schema == expected
    assert parsed.text == document
    assert parsed.instances == found
    assert parsed.flavour is flavour


@settings(max_examples=60, deadline=None)
@given(annotated(), any_text, st.sampled_from(Flavour))
def test_prompt_and_result_split_at_the_only_marker(
    pair: tuple[AnnotationSchema, Annotation], document: str, flavour: Flavour
) -> None:
    schema, annotation = pair
    text = render(schema, annotation, document, flavour)
    prompt, result = split_prompt(text)
    assert prompt + result == text
    assert text.count("result =") == 1
    assert render(schema, None, document, flavour) == prompt
    assert isinstance(ast.parse(result.strip()).body[0].value, ast.List)  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(annotated(), st.sampled_from(Flavour))
def test_code_around_the_document_is_as_black_leaves_it(
    pair: tuple[AnnotationSchema, Annotation], flavour: Flavour
) -> None:
    text = render(*pair, "A plain text.", flavour)
    if not any(order in text.lower() for order in ("fmt:", "type:")):  # orders to black in comments
        assert black.format_str(text, mode=black.Mode()) == text


@settings(max_examples=300)
@given(any_text)
@example("result =")
@example("\result =")
@example("ends with \\")
def test_literal_is_exact_and_on_one_line(text: str) -> None:
    literal = string_literal(text)
    assert ast.literal_eval(literal) == text
    assert literal.isprintable()
    assert "result =" not in literal


def test_literal_escapes_in_lower_case_without_surrogate_pairs() -> None:
    assert string_literal("é😀\x1b\u2028\U000e0001") == '"é😀\\x1b\\u2028\\U000e0001"'


@pytest.mark.parametrize("length", [80, 82, 83, 84, 85, 90, 5000])
def test_document_stays_on_one_line_whatever_its_length(length: int) -> None:
    text = render(DRUG, FOUND, "x" * length)
    assert f'\ntext = "{"x" * length}"\n' in text


def test_special_floats_survive() -> None:
    schema = AnnotationSchema(classes=(ClassSpec(name="Size", fields=(FieldSpec(name="value"),)),))
    numbers = (math.inf, -math.inf, -0.0, 1e300, math.nan)
    annotation = Annotation(
        document_id="d",
        annotator="a",
        instances=(Instance(class_name="Size", values={"value": numbers}),),
    )
    read = parse(render(schema, annotation, "")).instances
    assert read is not None
    assert repr(read[0].values["value"]) == repr(numbers)


def test_megabyte_document_renders_and_reads_in_seconds() -> None:
    document = 'A "quoted" line, é and 😀.\n' * 40_000
    start = time.perf_counter()
    parsed = parse(render(DRUG, FOUND, document))
    assert parsed.text == document
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    ("instance", "reason"),
    [
        (Instance(class_name="Food", values={}), "no class 'Food'"),
        (Instance(class_name="Drug", values={"price": 1}), "no field 'price'"),
        (Instance(class_name="Drug", values={"dose": 10**5000}), "too long"),
    ],
)
def test_what_does_not_fit_the_schema_is_not_rendered(instance: Instance, reason: str) -> None:
    with pytest.raises(DialectError, match=reason):
        render(DRUG, Annotation(document_id="d", annotator="a", instances=(instance,)), "")


def test_gollie_keeps_names_where_span_is_taken() -> None:
    schema = AnnotationSchema(
        classes=(
            ClassSpec(name="A", fields=(FieldSpec(name="name"), FieldSpec(name="span"))),
            ClassSpec(name="B", fields=(FieldSpec(name="size", type=FieldType(kind=Kind.INT)),)),
        )
    )
    renamed, _ = as_gollie(schema)
    assert [field.name for spec in renamed.classes for field in spec.fields] == ["name", "span", "size"]
