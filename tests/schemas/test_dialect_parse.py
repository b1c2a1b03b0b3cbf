"""The reader takes what models really write, and refuses everything else with the line and the reason."""

from __future__ import annotations

import pytest

from schemas.annotation import Instance
from schemas.dialect import Flavour, Parsed, parse
from schemas.errors import DialectError
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind

DRUG = '@dataclass\nclass Drug:\n    """A medicine."""\n    name: str\n    dose: Optional[str] = None\n'


def fields_of(code: str) -> tuple[FieldSpec, ...]:
    schema = parse(code).schema
    assert schema is not None
    return schema.classes[0].fields


def field_of(annotation: str) -> FieldSpec:
    schema = parse(f"class Other:\n    x: str\nclass A:\n    f: {annotation}\n").schema
    assert schema is not None
    return schema.classes[1].fields[0]


def values_of(code: str) -> list[tuple[str, dict[str, object]]]:
    instances = parse(code).instances
    assert instances is not None
    return [(instance.class_name, dict(instance.values)) for instance in instances]


FULL = DRUG + 'text = "Take aspirin."\nresult = [Drug(name="aspirin")]\n'


@pytest.mark.parametrize(
    "answer",
    [
        FULL,
        f"```python\n{FULL}```",
        f"Here is the code you asked for; while it's short:\n\n```python\n{FULL}```\nHope it helps!",
        f"```\n{FULL}\n```\n",
        f"~~~py\n{FULL}~~~",
        f"````python\n{FULL}````",
        f"Sure!\n```python\n{FULL}",
        f"First the classes.\n```python\n{DRUG}```\nThen the rest.\n```python\n"
        'text = "Take aspirin."\nresult = [Drug(name="aspirin")]\n```',
        'The data:\n```json\n{"a": 1}\n```\nThe code:\n```python\n' + FULL + "```",
        FULL.replace("\n", "\r\n"),
        "\ufeff" + FULL,
        "\n".join("    " + line for line in FULL.split("\n")),
        "# -*- coding: latin-1 -*-\n# a comment\n\n\n" + FULL + "# the end",
        "from __future__ import annotations\nimport typing as t\nfrom dataclasses import dataclass, field\n"
        "from typing import List, Optional\n" + FULL,
        FULL.replace("@dataclass", "@dataclass(frozen=True)"),
        FULL.replace("@dataclass", "@dataclasses.dataclass()"),
        FULL.replace("text =", "text: str =").replace("result =", "result: List[Drug] ="),
        FULL.replace("result =", "result_instances ="),
        FULL.replace("result = ", ""),
        FULL.replace('"Take aspirin."', '"""Take aspirin."""'),
        FULL.replace('"Take aspirin."', "(\n    \"Take \"\n    'aspirin.'\n)"),
        FULL.replace('Drug(name="aspirin")', 'Drug("aspirin"),'),
        FULL.replace("@dataclass\nclass Drug:", "class Drug(BaseModel):"),
    ],
)
def test_forms_that_models_write_mean_the_same(answer: str) -> None:
    assert parse(answer) == parse(FULL)


def test_fence_inside_a_string_is_text() -> None:
    code = FULL.replace('"Take aspirin."', '"""\n```python\nimport os\n```\n"""')
    assert parse(code).text == "\n```python\nimport os\n```\n"


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("str", FieldType()),
        ("int", FieldType(kind=Kind.INT)),
        ("float", FieldType(kind=Kind.FLOAT)),
        ("bool", FieldType(kind=Kind.BOOL)),
        ("Other", FieldType(kind=Kind.CLASS, class_name="Other")),
        ('"Other"', FieldType(kind=Kind.CLASS, class_name="Other")),
        ('"List[Other]"', FieldType(kind=Kind.CLASS, class_name="Other", many=True)),
        ("Optional[str]", FieldType(optional=True)),
        ("typing.Optional[typing.List[int]]", FieldType(kind=Kind.INT, many=True, optional=True)),
        ("Union[str, None]", FieldType(optional=True)),
        ("str | None", FieldType(optional=True)),
        ("None | list[str]", FieldType(many=True, optional=True)),
        ("list", FieldType(many=True)),
        ("List[Optional[str]]", FieldType(many=True)),
        ("Tuple[str, ...]", FieldType(many=True)),
        ("set[str]", FieldType(many=True)),
        ('Literal["a", "b"]', FieldType(kind=Kind.LITERAL, choices=("a", "b"))),
        ("Literal['a', None]", FieldType(kind=Kind.LITERAL, choices=("a",), optional=True)),
        ("str = None", FieldType(optional=True)),
        ('str = ""', FieldType()),
        ("List[str] = field(default_factory=list)", FieldType(many=True)),
        ("str = Field(default=None, max_length=3)", FieldType(optional=True)),
        ("str = Field(..., min_length=1)", FieldType()),
        ("Dict[str, float]", FieldType(many=True)),
        ("dict", FieldType(many=True)),
    ],
)
def test_types(annotation: str, expected: FieldType) -> None:
    assert field_of(annotation).type == expected


def test_dict_is_read_as_free_text_entries() -> None:
    code = 'class A:\n    sizes: Dict[str, int]\nresult = [A(sizes={"height": 3, "width": -1})]'
    assert fields_of(code)[0].verbatim is False
    assert values_of(code) == [("A", {"sizes": ("height: 3", "width: -1")})]


@pytest.mark.parametrize(
    "body",
    [
        'f: str  # The name. Such as: "a", "b"',
        '# The name. Such as: "a", "b"\n    f: str',
        "# The name.\n    # Such as: \"a\", 'b'\n    f: str",
        'f: str\n    """The name. Such as: "a", "b" """',
        'f: str = Field(description=\'The name. Such as: "a", "b"\')',
        'f: str = field(default="", metadata={"description": \'The name. Such as: "a", "b"\'})',
        'f: str = (\n        ""\n    )  # The name. Such as: "a", "b"',
    ],
)
def test_descriptions_of_fields(body: str) -> None:
    (field,) = fields_of(f"class A:\n    {body}\n")
    assert (field.description, field.examples) == ("The name.", ("a", "b"))


def test_hash_in_a_default_is_no_comment() -> None:
    assert fields_of('class A:\n    f: str = "# not this"\n')[0].description == ""


def test_guideline_sections_and_free_docstrings() -> None:
    code = '''class A:
    """
    A long definition
    on two lines.

    include: one thing
    Exclude:
    * another
      that goes on
    Boundary: none
    """
    f: str
'''
    schema = parse(code).schema
    assert schema is not None
    guideline = schema.classes[0].guideline
    assert guideline.definition == "A long definition on two lines."
    assert (guideline.include, guideline.exclude) == (("one thing",), ("another that goes on",))
    assert guideline.boundary == "none"


def test_nested_classes_stand_beside_their_outer_class() -> None:
    code = """
class Outer:
    class Inner:
        x: str
    y: "Outer.Inner"
    z: List[Inner]
result = [Outer(y=Outer.Inner("a"), z=[Inner(x="b")])]
""".replace('"Outer.Inner"', "Outer.Inner")
    parsed = parse(code)
    assert parsed.schema is not None
    assert parsed.schema.names == ("Outer", "Inner")
    inner = [Instance(class_name="Inner", values={"x": letter}) for letter in "ab"]
    assert parsed.instances == (Instance(class_name="Outer", values={"y": inner[0], "z": (inner[1],)}),)


def test_fields_are_inherited() -> None:
    fields = fields_of("class B(A):\n    y: int\nclass A:\n    x: str\n    y: str\n")
    assert [(field.name, field.type.kind) for field in fields] == [("x", Kind.STR), ("y", Kind.INT)]


def test_entity_is_a_marker_unless_the_program_defines_it() -> None:
    assert parse("class A(Entity):\n    pass").flavour is Flavour.GOLLIE
    assert [field.name for field in fields_of("class A(Entity):\n    pass")] == ["span"]
    parent = parse("class Entity:\n    x: str\nclass A(Entity):\n    y: str\n")
    assert parent.flavour is Flavour.GUIDEX
    assert parent.schema is not None
    assert [field.name for field in parent.schema.classes[1].fields] == ["x", "y"]


def test_values_of_every_kind() -> None:
    code = (
        'class A:\n    x: str\nresult = [A(x=-1), A(x=-2.5e3), A(x=True), A(x=None), A(x=("a", "b")), '
        'A(x=[]), A(x="a" \'b\'), A(), A(x="\\ud83d\\ude00")]'
    )
    values = [values.get("x", "absent") for _, values in values_of(code)]
    assert values == [-1, -2500.0, True, None, ("a", "b"), (), "ab", "absent", "😀"]


def test_answer_after_the_prompt_is_read_against_a_given_schema() -> None:
    schema = AnnotationSchema(classes=(ClassSpec(name="Drug"),))
    answer = ' [\n    Drug(span="aspirin"),\n]\n'
    assert parse(answer, schema=schema) == Parsed(
        None, None, (Instance(class_name="Drug", values={"span": "aspirin"}),), Flavour.GUIDEX
    )
    with pytest.raises(DialectError, match="`Drug` is no class of the schema"):
        parse(answer)


def test_parts_that_are_absent_are_none() -> None:
    assert parse("") == Parsed(None, None, None, Flavour.GUIDEX)
    assert parse("result = []").instances == ()
