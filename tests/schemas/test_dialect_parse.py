"""The reader takes what models really write, and refuses everything else with the line and the reason."""

from __future__ import annotations

import contextlib
import keyword
import re
import threading
import time

import pytest
from dialect_strategies import any_text
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.annotation import Instance
from schemas.dialect import Flavour, Limits, Parsed, parse
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


REFUSED = [
    ("import os", 1, "import of `os`"),
    ("from os import system", 1, "import of `os`"),
    ("from . import x", 1, "import of `.`"),
    ("from typing import List as L", 1, "another name"),
    ("from typing import *", 1, "operator `*`"),
    ("\nx = 1", 2, "`x` may not be assigned"),
    ("text = x", 1, "text must be a string"),
    ('text = "a"\ntext = "b"', 2, "`text` is given twice"),
    ("result = []\n[]", 2, "`result` is given twice"),
    ('text = f"{x}"', 1, "f-strings"),
    ('text = "a" + "b"', 1, "operator `+`"),
    ('text = "\\ud800"', 1, "lone surrogate"),
    ("text = open('/etc/passwd').read()", 1, "text must be a string"),
    ("text = b'bytes'", 1, "text must be a string"),
    ('__import__("os").system("id")', 1, "a bare expression"),
    ('exec("x")', 1, "a bare expression"),
    ("while True: pass", 1, "`while`"),
    ("del text", 1, "`del`"),
    ("lambda: 0", 1, "`lambda`"),
    ("if True:\n    pass", 1, "`if`"),
    ("async def f(): pass", 1, "`async`"),
    ("text: __import__('os') = 'a'", 1, "no type"),
    ("match text:\n    case 1:\n        pass", 1, "Match"),
    ("class A:\n    x: str\n    def f(self): pass", 3, "`def`"),
    ("class A:\n    x: str\n    y = 1", 3, "may hold typed fields"),
    ("class A:\n    x: str\n    print('a')", 3, "may hold typed fields"),
    ("class A:\n    x.y: str", 2, "plain name"),
    ("class A:\n    pass", 1, "no fields"),
    ("class A:\n    _x: str", 2, "underscore"),
    ("class Ä:\n    x: str", 1, "identifier"),
    ("class A:\n    x: str\nclass A:\n    y: str", 3, "twice"),
    ("class A(B):\n    x: str", 1, "derives"),
    ("class A(A):\n    x: str", 1, "derives from itself"),
    ("class A(B):\n    x: str\nclass B(A):\n    y: str", 1, "derives from itself"),
    ("class A(Enum):\n    x = 1", 1, "Literal"),
    ("class A(metaclass=M):\n    x: str", 1, "keywords"),
    ("@evil\nclass A:\n    x: str", 1, "decorator"),
    ("@dataclass(frozen=f())\nclass A:\n    x: str", 1, "constants"),
    ("class A:\n    x: B", 2, "type `B`"),
    ("class A:\n    x: datetime", 2, "type `datetime`"),
    ("class A:\n    x: 'B'", 2, "type `B`"),
    ("class A:\n    x: 'f()'", 2, "in quotes"),
    ("class A:\n    x: 'str str'", 2, "is no type"),
    ("class A:\n    x: str | int", 2, "union"),
    ("class A:\n    x: List[List[str]]", 2, "lists of lists"),
    ("class A:\n    x: Tuple[str, int]", 2, "one type"),
    ("class A:\n    x: Literal[1]", 2, "must be strings"),
    ("class A:\n    x: Dict[str, List[str]]", 2, "plain types"),
    ("class A:\n    x: Callable[str]", 2, "`Callable[...]`"),
    ("class A:\n    x: (str, int)", 2, "no type"),
    ("class A:\n    x: str = f()", 2, "a default"),
    ("class A:\n    x: str = field(default=f())", 2, "a default"),
    ("class A:\n    x: str = field(default_factory=a.b)", 2, "default_factory"),
    ("class A:\n    x: str = Field(description=1)", 2, "description"),
    (DRUG + "result = Drug()", 6, "must be a list"),
    (DRUG + "result = [1]", 6, "must be an instance"),
    (DRUG + "result = [\n    Food()]", 7, "`Food` is no class"),
    (DRUG + "result = [Drug(price=1)]", 6, "no field `price`"),
    (DRUG + "result = [Drug('a', name='b')]", 6, "Drug.name is given twice"),
    (DRUG + "result = [Drug(name='a', name='b')]", 6, "twice"),
    (DRUG + "result = [Drug(1, 2, 3)]", 6, "2 fields, and 3"),
    (DRUG + "result = [Drug(*x)]", 6, "operator `*`"),
    (DRUG + "result = [Drug(**x)]", 6, "operator `**`"),
    (DRUG + "result = [Drug(name=text)]", 6, "the variable `text`"),
    (DRUG + "result = [Drug(name=text.upper)]", 6, "an attribute"),
    (DRUG + "result = [Drug(name=text[0])]", 6, "an index"),
    (DRUG + "result = [Drug(name=len(text))]", 6, "`len` is no class"),
    (DRUG + "result = [Drug(name='a'.upper())]", 6, "only classes"),
    (DRUG + "result = [Drug(name=[['a']])]", 6, "lists within lists"),
    (DRUG + "result = [Drug(name={'a': 'b'})]", 6, "holds no Dict"),
    (DRUG + "result = [Drug(name=1j)]", 6, "complex"),
    (DRUG + "result = [Drug(name=-'a')]", 6, "minus"),
    (DRUG + "result = [Drug(name=...)]", 6, "ellipsis"),
    (DRUG + "result = [Drug(name='a') for x in y]", 6, "`for`"),
    (DRUG + "result = [Drug(name=(x := 1))]", 6, "operator `:=`"),
    (DRUG + "result = [Drug(name='a')(1)]", 6, "a result"),
    (DRUG + "result = [Drug(name='aspi", 6, "no Python"),
    (DRUG + "result = [Drug(name='aspirin'),", 6, "ends before its brackets"),
    ("Here are the classes that you wanted.", 1, "no Python"),
    ("x = `id`", 1, "`"),
    ("class A:\n  x: str\n y: str", 3, "no Python"),
    ("text = '\x00'", 1, "null"),
    (':\n ""\n\x00', 3, "null"),
    ("text = 'a'\ntext = " + "9" * 5000, 2, "4,300 digits"),
]


@pytest.mark.parametrize(("code", "line", "reason"), REFUSED)
def test_refusals_name_the_line_and_the_reason(code: str, line: int, reason: str) -> None:
    with pytest.raises(DialectError, match=f"^line {line}: .*{re.escape(reason)}") as caught:
        parse(code)
    assert caught.value.remedy


def test_line_numbers_count_the_prose_before_a_fence() -> None:
    with pytest.raises(DialectError, match="line 4: import of `os`"):
        parse("Some prose is here.\n\n```python\nimport os\n```")


DEEP = 100_000


@pytest.mark.parametrize(
    "code",
    [
        "(" * DEEP + ")" * DEEP,
        "[" * DEEP,
        "text = " + "-" * DEEP + "1",
        "text = " + "not " * DEEP + "1",
        "text = " + "lambda: " * DEEP + "1",
        "text = x" + ".x" * DEEP,
        "text = x" + "()" * DEEP,
        "text = x" + "[0]" * DEEP,
        "text = x" + "[0, 0]" * DEEP,
        "text = x" + "(a)(b, c)" * DEEP,
        "text = 1" + " + 1" * DEEP,
        "text = 1" + " if 1 else 1" * DEEP,
        "text = x" + " @ x" * DEEP,
        "class A:\n    x: " + "List[" * DEEP + "str" + "]" * DEEP,
        "class A:\n    x: str" + " | List[str]" * DEEP,
        "class A:\n    x: '" + "List[" * 100 + "str" + "]" * 100 + "'",
        "\n".join(" " * depth + "class A:" for depth in range(500)),
        "text = f'" + "{f'" * 5000 + "'",
        "import a" + ".a" * DEEP,
        "x = " * DEEP + "1",
        "# Such as: \n" * 1000 + "(" * 300,
    ],
)
def test_deep_and_chained_input_is_refused_before_the_parser_sees_it(code: str) -> None:
    with pytest.raises(DialectError):
        parse(code)


def test_deep_input_is_refused_on_a_small_stack_too() -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            parse("text = " + "[" * 31 + "-" * 31 + "1" + "]" * 31)
        except DialectError as error:
            caught.append(error)

    previous = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(previous)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "code",
    [
        "\n".join(f"class A{number}:\n    x: str" for number in range(5000)),
        "class A0:\n    x: str\nclass B0:\n    y: str\n"
        + "".join(
            f"class {name}{number}(A{number - 1}, B{number - 1}):\n    {name}: str\n"
            for number in range(1, 16)
            for name in "AB"
        ),
        "class A:\n"
        + "    # c\n" * 10_000
        + "    "
        + "; ".join(f"x{number}: str" for number in range(10_000)),
        "class A:\n    x: str  # " + "Such as: " * 200_000,
        "class A:\n    x: str  # Such as: " + '"a", ' * 200_000 + "x",
        "text = " + "1" * 500_000,
        "text = " + "'a' " * 90_000,
        "\n" * 1_000_000,
        "```\n~~~\n" * 200_000 + "(",
    ],
)
def test_time_grows_with_size_and_not_with_its_square(code: str) -> None:
    start = time.perf_counter()
    with contextlib.suppress(DialectError):
        parse(code)
    assert time.perf_counter() - start < 5  # each takes well under a second


def test_limits_on_size_and_nodes() -> None:
    with pytest.raises(DialectError, match="11 characters, more than 10"):
        parse("result = []", limits=Limits(characters=10))
    with pytest.raises(DialectError, match="more than 5 tokens"):
        parse("result = [1, 2, 3]", limits=Limits(nodes=5))
    with pytest.raises(DialectError, match="more than 2 brackets"):
        parse(DRUG + "result = [Drug(['a'])]", limits=Limits(depth=2))


def test_unknown_escapes_are_read_as_python_reads_them() -> None:
    assert parse(r'text = "\d"').text == "\\d"


@settings(max_examples=300, deadline=None)
@given(any_text)
@example("`")
@example("```python\n(")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except DialectError as error:
        assert str(error).startswith("line ")
        return
    assert parsed.schema is None  # nothing here defines a whole class


HOSTILE = (
    "__import__('os').system('true')",
    "open('x', 'w')",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'exec')",
    "getattr(text, 'x')",
    "().__class__.__bases__[0].__subclasses__()",
    "[Drug for Drug in ()]",
    "{**x}",
    "f'{x}'",
    "lambda: 0",
    "(yield)",
    "await x",
    "x if x else x",
    "not x",
    "~1",
    "1 + 1",
    "x.y",
    "x[0]",
    "b''",
    "1j",
    "print",
    "*x",
    "(x := 1)",
    "Drug.__init__('a')",
    "type('X', (), {})",
)
PLACES = (
    "{}",
    "text = {}",
    "result = {}",
    "result = [{}]",
    "result = [Drug({})]",
    "result = [Drug(name={})]",
    "result = [Drug(name=[{}])]",
    "class A:\n    x: {}",
    "class A:\n    x: List[{}]",
    "class A:\n    x: Literal[{}]",
    "class A:\n    x: str = Field(default_factory={})",
    "class A({}):\n    x: str",
    "@{}\nclass A:\n    x: str",
    "class A:\n    x: str\n    {}",
    "x: str = {}",
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(HOSTILE), st.sampled_from(PLACES), st.sampled_from(("{}", "```python\n{}\n```")))
def test_hostile_programs_are_refused_wherever_they_stand(attack: str, place: str, fence: str) -> None:
    code = fence.format(DRUG + place.format(attack))
    with pytest.raises(DialectError):
        parse(code)


TOKENS = (
    *"( ) [ ] { } , : = . @ - | ; ... + * ** := -> \n".split(" "),
    *keyword.kwlist,
    *"Drug name dose text result str List Optional Literal Field dataclass typing match case".split(),
    *(
        "'a'",
        '"""b"""',
        "f'x'",
        "1",
        "-1",
        "1.5",
        "# c\n",
        "\\\n",
        "\n    ",
        "\n        ",
        '"',
        "'",
        "`",
        "$",
        "\x00",
    ),
    DRUG,
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(TOKENS), max_size=25),
    st.integers(0, len(FULL)),
    st.integers(0, 6),
    st.booleans(),
)
def test_mutated_programs_are_read_or_refused(
    tokens: list[str], position: int, removed: int, spaced: bool
) -> None:
    mutation = (" " if spaced else "").join(tokens)
    code = FULL[:position] + mutation + FULL[position + removed :]
    try:
        first = parse(code)
    except DialectError as error:
        with pytest.raises(DialectError) as again:
            parse(code)
        assert str(again.value) == str(error)
        return
    assert first == parse(code)
