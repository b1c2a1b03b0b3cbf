"""Schemas that people write are read as they are meant, or refused with the place and the reason."""

from __future__ import annotations

import json

import pytest
from dialect_strategies import schemas
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.dialect import Flavour, as_gollie, render
from schemas.errors import UsageError
from schemas.given import MOST_CHARACTERS, read_schema
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind

PYDANTIC = '''
"""Medicines and who took them."""

from __future__ import annotations

import enum
from enum import StrEnum
from typing import Annotated, Literal, Optional
from pydantic import BaseModel, ConfigDict, Field


class Route(str, enum.Enum):
    """How it is taken."""

    ORAL = "oral"
    INTRAVENOUS = "intravenous"


class Unit(StrEnum):
    MG = "mg"


class Base(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="As it is written.", examples=["Aspirin", "Ramipril"])


class Drug(Base):
    """A medicine.

    Exclude:
    - groups of medicines
    """

    route: Route = Route.ORAL  # of the first dose
    unit: "Optional[Unit]" = None
    doses: list[Annotated[int, Field(gt=0)]] = Field(default_factory=list)
    form: Annotated[Optional[Literal["tablet", "syrup"]], Field(description="What it looks like.")] = None
    note: Annotated[str, "Anything else."] = ""


class Patient(BaseModel):
    """Who took it."""

    took: list[Drug]
'''


def spec(text: str, name: str, file: str = "schema.py") -> ClassSpec:
    found = read_schema(text, file).annotation_schema.get(name)
    assert found is not None
    return found


# --- Python ---


def test_pydantic_models_with_enumerations_are_read() -> None:
    schema = read_schema(PYDANTIC.replace("list[Annotated[int, Field(gt=0)]]", "list[int]"), "schema.py")
    assert schema.annotation_schema.names == ("Base", "Drug", "Patient") and schema.notes == ()
    drug = schema.annotation_schema.get("Drug")
    assert drug is not None and drug.guideline.exclude == ("groups of medicines",)
    name, route, unit, doses, form, note = drug.fields
    assert (name.description, name.examples) == ("As it is written.", ("Aspirin", "Ramipril"))
    assert route.type == FieldType(kind=Kind.LITERAL, choices=("oral", "intravenous"))
    assert route.description == "of the first dose" and not route.verbatim
    assert unit.type == FieldType(kind=Kind.LITERAL, choices=("mg",), optional=True)
    assert doses.type == FieldType(kind=Kind.INT, many=True)
    assert form.type == FieldType(kind=Kind.LITERAL, choices=("tablet", "syrup"), optional=True)
    assert (form.description, note.description) == ("What it looks like.", "Anything else.")
    patient = schema.annotation_schema.get("Patient")
    assert patient is not None and patient.anchor is None
    assert patient.fields[0].type == FieldType(kind=Kind.CLASS, class_name="Drug", many=True)


def test_the_code_of_a_row_gives_its_schema_alone() -> None:
    code = "class Drug(Entity):\n    span: str\n\ntext = 'x'\nresult = []\n"
    schema = read_schema(code, "row.py")
    assert schema.annotation_schema.names == ("Drug",)
    assert schema.notes == ("Its text and its result were left out.",)


@settings(max_examples=60, deadline=None)
@given(schemas(), st.sampled_from(Flavour))
def test_what_is_exported_reads_back(schema: AnnotationSchema, flavour: Flavour) -> None:
    expected = as_gollie(schema)[0] if flavour is Flavour.GOLLIE else schema
    assert read_schema(render(schema, None, "A text.", flavour) + " []", "x.py").annotation_schema == expected


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "there is no class in it"),
        ("text = 'x'", "there is no class in it"),
        ("class Only(Enum):\n    A = 'a'", "there is no class in it"),
        ("class A:\n    x: str\n    def f(self): ...", "line 3: `def` is not in the dialect"),
        ("import os\nclass A:\n    x: str", "line 1: import of `os`"),
        ("class A:\n    x: str = __import__('os').system('false')", "line 2: a default is"),
        ("class A:\n    x: eval('1')", "line 2: this is no type"),
        ("class A:\n    x: 'eval(1)'", "line 2: the type in quotes"),
        ("open('x', 'w')\nclass A:\n    x: str", "line 1: a bare expression"),
        ("@register\nclass A:\n    x: str", "line 1: the only decorator"),
        ("class A(make()):\n    x: str", "line 1: class A derives from what is no class"),
        ("if True:\n    class A:\n        x: str", "line 1: `if` is not in the dialect"),
        ("class A:\n    x: date", "line 2: type `date` is neither"),
        ("class A:\n    x: str\nclass A:\n    y: str", "line 3: class A is defined twice"),
        ("class A:\n    x: " + "list[" * 40 + "str" + "]" * 40, "line 2: more than 32 brackets"),
        ("class A:\n    x: str\n" * 100_000, "more than 1,000,000 characters"),
        ("".join(f"class A{n}:\n    x: str\n" for n in range(201)), "line 401: more than 200 classes"),
        ("".join(f"class A{n}:\n    x: A{n + 1}\n" for n in range(13)) + "class A13:\n    x: str", "nested"),
        (
            "".join(f"class A{n}:\n" + "".join(f"    f{m}: A{m}\n" for m in range(9)) for n in range(9)),
            "1,000",
        ),
    ],
)
def test_what_is_no_schema_in_python_is_refused_with_its_line(code: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_schema(code, "mine.py")
    assert str(caught.value).startswith("mine.py: ") and reason in str(caught.value)
    assert "nothing in it is executed" in caught.value.remedy


def test_a_class_within_itself_is_no_depth() -> None:
    tree = spec("class Node:\n    name: str\n    children: list['Node']\n", "Node")
    assert tree.fields[1].type.class_name == "Node"


# --- JSON ---


@settings(max_examples=60, deadline=None)
@given(schemas(), st.booleans())
@example(AnnotationSchema(classes=(ClassSpec(name="str"),)), False)
def test_a_dump_of_a_schema_reads_back(schema: AnnotationSchema, whole: bool) -> None:
    dumped = schema.model_dump_json(exclude_defaults=not whole)
    assert read_schema(dumped, "x.json") == (schema, ())


SPAN = FieldSpec(name="span")


@pytest.mark.parametrize(
    "written",
    [
        ["Person", "Place"],
        {"Person": None, "Place": ""},
        {"classes": ["Person", {"name": "Place"}]},
        {"classes": [{"name": "Person", "fields": []}, {"name": "Place", "fields": ["span"]}]},
        {"domain": "", "classes": {"Person": {"definition": ""}, "Place": {"fields": {"span": None}}}},
    ],
)
def test_names_alone_are_a_schema(written: object) -> None:
    schema = read_schema(json.dumps(written), "x.JSON").annotation_schema
    assert schema == AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))


def test_a_schema_by_hand_may_say_everything() -> None:
    written = {
        "domain": "music",
        "classes": {
            "musical artist": "Who makes music.",
            "Song": {
                "description": "A piece.",
                "exclude": ["albums"],
                "contrast": [{"sibling": "musical artist", "difference": "who sings it"}],
                "fields": {
                    "title": "as it is written",
                    "first year": {"type": "Optional[int]"},
                    "by": {"type": "musical artist"},
                    "other": {"type": "list[Song]"},
                    "mood": {"choices": ["glad", "sad"]},
                    "about": {"type": "string", "verbatim": False, "examples": ["love"]},
                },
            },
        },
    }
    schema, notes = read_schema(json.dumps(written), "x.json")
    assert schema.names == ("MusicalArtist", "Song") and schema.domain == "music"
    assert notes == (
        "The class 'musical artist' is called MusicalArtist.",
        "The field 'first year' of Song is called first_year.",
    )
    artist, song = schema.classes
    assert (artist.guideline.definition, artist.fields) == ("Who makes music.", (SPAN,))
    assert song.guideline.contrast[0].sibling == "MusicalArtist" and song.guideline.exclude == ("albums",)
    assert song.anchor == FieldSpec(name="title", description="as it is written")
    assert [field.type for field in song.fields] == [
        FieldType(),
        FieldType(kind=Kind.INT, optional=True),
        FieldType(kind=Kind.CLASS, class_name="MusicalArtist"),
        FieldType(kind=Kind.CLASS, class_name="Song", many=True),
        FieldType(kind=Kind.LITERAL, choices=("glad", "sad")),
        FieldType(),
    ]
    assert not song.fields[5].verbatim and song.fields[5].examples == ("love",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: this is no JSON"),
        ('["A",\n"B"', "line 2: this is no JSON"),
        ("[]", "classes: nothing is in it"),
        ("{}", "classes: nothing is in it"),
        ("3", "it: an object or a name"),
        ('{"classes": "Person"}', "classes: a list"),
        ('["A", 1]', "classes[1]: an object or a name"),
        ('["A", "A"]', "two classes of one name"),
        ('["music artist", "MusicArtist"]', "two classes of one name"),
        ('{"A": "x", "A": "y"}', "'A' is given twice"),
        ('{"classes": [{"name": "A", "colour": 1}]}', "classes[0].colour: this key is not known"),
        ('{"classes": [{"fields": ["x"]}]}', "classes[0].name: field required"),
        ('{"classes": [{"name": "A", "fields": [{"name": "x", "type": "date"}]}]}', "A.x: type `date`"),
        ('{"classes": [{"name": "A", "fields": [{"name": "x", "type": "eval(1)"}]}]}', "A.x: the type in q"),
        ('{"classes": [{"name": "A", "fields": ["x", "x"]}]}', "two fields of one name"),
        ('{"classes": [{"name": "A", "fields": ["?"]}]}', "A: no field can be named '?'"),
        ('{"A": {"fields": [{"name": "x", "type": "int", "choices": ["1"]}]}}', "A.x: choices are strings"),
        ('{"A": {"definition": "x", "guideline": {"definition": "y"}}}', "not both"),
        ('{"A": {"fields": [{"name": "x", "type": {"kind": "class", "class_name": "B"}}]}}', "class 'B'"),
        ('["\\u6f22"]', "no class can be named"),
        ('["A \\ud800"]', "lone surrogate"),
        ("[" * 100_000, "nested too deep"),
        ("1" * 5000, "a number is too long"),
        (json.dumps([f"A{n}" for n in range(201)]), "more than 200 classes"),
        (" " * MOST_CHARACTERS + "[]", "more than 1,000,000 characters"),
    ],
)
def test_what_is_no_schema_in_json_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_schema(text, "mine.json")
    assert str(caught.value).startswith("mine.json: ") and reason in str(caught.value)
    assert '{"classes": [' in caught.value.remedy


def test_the_name_says_how_a_file_is_read() -> None:
    with pytest.raises(UsageError, match="neither Python nor JSON"):
        read_schema("[]", "schema.yaml")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["span", "list[A]", "A"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "classes name fields type definition description guideline A b\u00e9 choices kind".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(json_values.map(json.dumps) | st.text(max_size=40), st.sampled_from(["x.json", "x.py"]))
@example('{"classes": {"A": {"fields": {"b": {"type": "A"}}}}}', "x.json")
def test_any_text_is_read_or_refused(text: str, file: str) -> None:
    try:
        schema = read_schema(text, file).annotation_schema
    except UsageError as error:
        assert "\n" not in str(error).strip() and error.remedy
    else:
        assert schema.classes and read_schema(schema.model_dump_json(), "x.json").annotation_schema == schema
