"""Fuzz the reader of the code dialect: `python benchmarks/fuzz_dialect.py --seconds 60`.

Whole programs are mutated by character, by token and by line, and spliced with one another and with
hostile pieces. Reports inputs per second, how many were read and refused, and the slowest input; any
exception other than DialectError is printed with its input and makes the exit status 1. A crash of the
interpreter ends the process: run with `-X faulthandler` and take up the printed seed again.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import traceback

from schemas.annotation import Annotation, Instance
from schemas.dialect import Flavour, parse, render
from schemas.errors import DialectError
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind

SIGNS = "( ) [ ] { } , : ; = . @ - | + * ** := -> ... ~ ! ? $ ` \\ \" ' \"\"\" ''' # \n \n\n \t \r \x0c \x00"
WORDS = "class from import as pass None True False lambda def if else for while not await yield match case"
NAMES = "Drug name text result str List[ Optional[ Literal[ Dict[ Union[ Field( field( @dataclass Entity"
LITERALS = "f' rb' u' \\N{BULLET} \\ud800 \\x 0x 1e999 1_0 99999999999999999999 \u00e9 \U0001f600 \ufeff"
PIECES = (
    *SIGNS.split(" "),
    *WORDS.split(),
    *NAMES.split(),
    *"(Enum): Annotated[ Route.ORAL ConfigDict(".split(),
    *LITERALS.split(" "),
    *(
        "\n    ",
        "\n        ",
        "\\\n",
        "```python\n",
        "\n```\n",
        "~~~\n",
        "result = [",
        'text = "',
        '# Such as: "a"',
    ),
    *("[" * 40, "-" * 40, "(" * 300, ".x" * 40, "()" * 40, "| None" * 40, "not " * 200, "lambda: " * 200),
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
)
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def seeds() -> list[str]:
    """Programs to start from: both flavours, and the styles that models write."""
    schema = AnnotationSchema(
        domain="Pharmacology",
        classes=(
            ClassSpec(
                name="Drug",
                guideline=Guideline(
                    definition='A "medicine" \\ and more.',
                    include=("brand names",),
                    exclude=("foods",),
                    boundary="no dose",
                    contrast=(Contrast(sibling="Device", difference="no substance"),),
                ),
                fields=(
                    FieldSpec(name="name", description="The name.", examples=("aspirin", "a\nb")),
                    FieldSpec(name="form", type=FieldType(kind=Kind.LITERAL, choices=("pill", "syrup"))),
                    FieldSpec(name="doses", type=FieldType(many=True, optional=True), verbatim=False),
                    FieldSpec(name="device", type=FieldType(kind=Kind.CLASS, class_name="Device")),
                ),
            ),
            ClassSpec(name="Device"),
        ),
    )
    device = Instance(class_name="Device", values={"span": "pump"})
    found = Annotation(
        document_id="d",
        annotator="a",
        instances=(
            Instance(class_name="Drug", values={"name": "aspirin", "doses": ("1 mg", "2"), "device": device}),
            device,
        ),
    )
    rendered = [
        render(schema, found, 'Take "aspirin"\nnow. result = é\u2028', flavour) for flavour in Flavour
    ]
    styles = '''Sure:
```python
from typing import List, Optional
@dataclass(frozen=True)
class Drug(BaseModel):
    """A medicine."""
    name: str = Field(description="the name")  # The name. Such as: "a", 'b'
    """More."""
    doses: Dict[str, int] = field(default_factory=dict)
    class Inner:
        x: "Optional[Drug]" = None
text: str = ("a" """b""")
result = [Drug("a", doses={"x": -1}), Drug.Inner(x=None)]
```
Done.'''
    by_hand = '''class Route(str, enum.Enum):
    """How it is taken."""
    ORAL = "oral"
class Drug(BaseModel):
    model_config = ConfigDict(extra="forbid")
    route: Annotated["Optional[Route]", Field(description="how", examples=["oral"])] = Route.ORAL
    unit: Annotated[str, "of the dose"] = ""
'''
    return [*rendered, by_hand, styles, styles.split("```")[1].removeprefix("python"), "[]"]


def mutate(source: random.Random, program: str, others: list[str]) -> str:
    """One to eight random edits."""
    for _ in range(source.randint(1, 8)):
        parts = source.choice((list, TOKEN.findall, lambda text: text.splitlines(keepends=True)))(program)
        position = source.randint(0, len(parts))
        edit = source.randrange(6)
        if edit == 0:
            parts.insert(position, source.choice(PIECES))
        elif edit == 1:
            del parts[position : position + source.randint(1, 4)]
        elif edit == 2:
            parts[position : position + 1] = [source.choice(PIECES)]
        elif edit == 3:
            parts[position:position] = parts[position : position + source.randint(1, 20)] * source.randint(
                1, 60
            )
        elif edit == 4:
            other = TOKEN.findall(source.choice(others))
            start = source.randint(0, len(other))
            parts[position:position] = other[start : start + source.randint(1, 30)]
        elif len(parts) > 1:
            first, second = source.randrange(len(parts)), source.randrange(len(parts))
            parts[first], parts[second] = parts[second], parts[first]
        program = "".join(parts)[:20_000]
    return program


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--seed", type=int, default=None)
    chosen = options.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", flush=True)
    source = random.Random(seed)
    corpus = seeds()
    read = refused = failed = 0
    slowest = (0.0, "")
    begun = time.perf_counter()
    while time.perf_counter() - begun < chosen.seconds:
        program = mutate(source, source.choice(corpus), corpus)
        start = time.perf_counter()
        try:
            parse(program)
            read += 1
            if len(corpus) < 200 and len(program) < 3_000:
                corpus.append(program)  # grow from what is still in the dialect
        except DialectError:
            refused += 1
        except Exception:
            failed += 1
            print(f"--- not a DialectError ---\n{program!r}\n{traceback.format_exc()}", flush=True)
        slowest = max(slowest, (time.perf_counter() - start, program))
    elapsed = time.perf_counter() - begun
    total = read + refused + failed
    print(
        f"{total:,} inputs in {elapsed:.0f} s ({total / elapsed:,.0f}/s): "
        f"{read:,} read, {refused:,} refused, {failed:,} failed"
    )
    print(f"slowest {slowest[0]:.3f} s, {len(slowest[1]):,} characters")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
