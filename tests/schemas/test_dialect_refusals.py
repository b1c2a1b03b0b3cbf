"""What is not in the dialect is refused, with the line and the reason; nothing is executed."""

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

from schemas.dialect import Limits, parse
from schemas.errors import DialectError

DRUG = '@dataclass\nclass Drug:\n    """A medicine."""\n    name: str\n    dose: Optional[str] = None\n'
FULL = DRUG + 'text = "Take aspirin."\nresult = [Drug(name="aspirin")]\n'


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
    ("class A(Enum):\n    x = 1", 2, "Literal"),
    ("class A(str, Enum):\n    x = auto()", 2, "no string"),
    ("class A(IntEnum):\n    x = 1", 1, "no plain enumeration"),
    ("class A(Enum):\n    pass", 2, "no string"),
    ('class A(Enum):\n    """Nothing."""', 1, "no members"),
    ("class A(Enum):\n    x = '\\ud800'", 2, "surrogate"),
    ("class B(Other, Enum):\n    x = 'a'\nclass Other:\n    f: str", 1, "no plain enumeration"),
    ("class A:\n    x: Annotated[str]", 2, "Annotated needs"),
    ("class A:\n    x: Annotated[str, Strict()]", 2, "a default is"),
    ("class A:\n    x: str\n    model_config = ConfigDict(title=f())", 3, "not this"),
    ("class A:\n    x: str = Field(examples=[f])", 2, "example must be a string"),
    ("class A:\n    x: str = Color.RED", 2, "a default is"),
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
        "a" + "\t" * 300_000 + "`",
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
