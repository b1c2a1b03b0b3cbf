"""Made-up documents whose true mentions are known, for a run of any size; the same for the same seed.

Everything is put together from syllables and a few templates. Words are as frequent as in prose (Zipf), so
that a search finds "the" in every document, and each document has a word that no other has.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final, NamedTuple

from schemas.documents import Document
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, FieldType, Guideline, Kind

_SYLLABLES: Final = (
    "ba be bo ca ce da di do fa fe ga go ha he ho ka ke la le li lo ma me mi mo na ne no pa pe po "
    "ra re ri ro sa se so ta te ti to va ve vi wa ze"
).split()
_COMMON: Final = (
    "the of and to in a was for on that by with at from as it had were which this after before when "
    "report said under new two first into during over"
).split()

HOSTILE: Final = (
    "<script>alert('guidex')</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(2)>'",
    "</textarea></title></style></script><h1 onclick=alert(3)>",
    "javascript:alert(4)//",
    "\x1b[31;1mred\x1b[0m\x1b]0;title\x07\x1b[2J\x9b31m",
    "\u202egnp.exe\u202c \u2066isolated\u2069 zero\u200bwidth",
    "'; DROP TABLE documents; --",
    '" OR "1"="1',
    "NEAR(a b, 2) AND text: *",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "%2e%2e%2f%00",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "[bold red]markup[/bold red]",
    "&lt;b&gt;&#60;i&#62;",
    "\r\nSet-Cookie: a=b\r\n\r\n",
    "]]>--><!--",
    "=HYPERLINK(1)",
)
"""What must come out of a page, a terminal or a query as the text that it is."""


class Place(NamedTuple):
    """A mention that is really there.

    Attributes:
        start: First code point.
        end: One past the last.
        class_name: Its class.
    """

    start: int
    end: int
    class_name: str


@dataclass(frozen=True)
class Sample:
    """A document and all that is true of it."""

    document: Document
    places: tuple[Place, ...]
    schema: AnnotationSchema
    """The schema that a flawless designer would draw up."""
    mistaken: Mapping[Place, Place | None]
    """Mentions that everybody is likely to take for another one, or to pass over (None)."""
    difficulty: float
    """0 to 1: how often the agents err."""
    passages: tuple[tuple[int, int], ...]
    """Start and end of each."""


class _Kind(NamedTuple):
    """How mentions of a class look, and what its guideline says."""

    definition: str
    name: Callable[[random.Random], str]
    sibling: str


def word(rng: random.Random, syllables: int = 0) -> str:
    """A word that is none."""
    return "".join(rng.choices(_SYLLABLES, k=syllables or rng.choice((2, 2, 3, 3, 4))))


@cache
def _vocabulary(seed: int) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Words and their cumulative frequencies."""
    rng = random.Random(f"words {seed}")
    words = (*_COMMON, *dict.fromkeys(word(rng) for _ in range(9000)))
    return words, tuple(accumulate(1 / (rank + 2) for rank in range(len(words))))


class Writer:
    """Writes prose in the vocabulary of a seed."""

    def __init__(self, seed: int) -> None:
        self._words, self._sums = _vocabulary(seed)

    def words(self, rng: random.Random, count: int) -> list[str]:
        total, last = self._sums[-1], len(self._words) - 1
        return [self._words[min(last, bisect(self._sums, rng.random() * total))] for _ in range(count)]

    def sentence(self, rng: random.Random, count: int = 0) -> str:
        return " ".join(self.words(rng, count or rng.randint(8, 16))).capitalize() + "."


def _person(rng: random.Random) -> str:
    return f"{word(rng, 2).title()} {word(rng, 3).title()}"


def _body(rng: random.Random) -> str:
    return f"{word(rng, 3).title()} {rng.choice(('Company', 'Institute', 'Council', 'Union'))}"


def _place(rng: random.Random) -> str:
    return f"{rng.choice(('Port', 'Mount', 'New', 'Lake'))} {word(rng, 2).title()}"


def _ship(rng: random.Random) -> str:
    return f"MV {word(rng, 3).title()}"


def _amount(rng: random.Random) -> str:
    return f"{rng.randint(2, 980)} {rng.choice(('tonnes', 'litres', 'crates', 'degrees'))}"


def _date(rng: random.Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(('March', 'June', 'October'))} {rng.randint(1890, 2024)}"


def _code(rng: random.Random) -> str:
    return f"{word(rng, 2).upper()}-{rng.randint(10, 999)}"


_DOMAINS: Final[dict[str, dict[str, _Kind]]] = {
    "shipping": {
        "Vessel": _Kind("A ship that is called by its name.", _ship, "Operator"),
        "Harbour": _Kind("A named place where ships load or wait.", _place, "Operator"),
        "Operator": _Kind("A body that runs ships or harbours.", _body, "Harbour"),
        "Consignment": _Kind("A measured quantity of goods on board.", _amount, "Vessel"),
        "Departure": _Kind("The day on which a voyage begins.", _date, "Consignment"),
    },
    "laboratory": {
        "Researcher": _Kind("A person who takes part in an experiment.", _person, "Laboratory"),
        "Laboratory": _Kind("The body at which an experiment is made.", _body, "Researcher"),
        "Compound": _Kind("A substance, called by its code.", _code, "Dose"),
        "Dose": _Kind("A measured quantity of a substance.", _amount, "Compound"),
    },
    "politics": {
        "Delegate": _Kind("A person who speaks for others in an assembly.", _person, "Assembly"),
        "Assembly": _Kind("A body that votes.", _body, "Delegate"),
        "Constituency": _Kind("A place that sends somebody to an assembly.", _place, "Assembly"),
        "SessionDay": _Kind("The day of a vote or a speech.", _date, "Motion"),
        "Motion": _Kind("A proposal, called by its number.", _code, "SessionDay"),
    },
}
_OPENINGS: Final = ("of", "by", "from", "with", "near", "for")


def schema_of(domain: str, writer: Writer, rng: random.Random) -> AnnotationSchema:
    """The flawless schema of a domain; of every second one a class has further fields."""
    classes = []
    for number, (name, kind) in enumerate(_DOMAINS[domain].items()):
        guideline = Guideline(
            definition=kind.definition,
            include=(f"every mention, also a repeated one, where {writer.sentence(rng, 8).lower()}",),
            exclude=(f"words such as {word(rng)} that only describe {name.lower()}s",),
            boundary="Names with all their parts, without an article.",
            contrast=(Contrast(sibling=kind.sibling, difference=writer.sentence(rng, 9)),),
        )
        fields = [FieldSpec(name="span")]
        if domain == "laboratory" and number == 2:
            grade = FieldType(kind=Kind.LITERAL, choices=("pure", "crude"), optional=True)
            fields.append(FieldSpec(name="grade", type=grade, description="How clean the substance is."))
        classes.append(ClassSpec(name=name, guideline=guideline, fields=tuple(fields)))
    return AnnotationSchema(domain=domain, classes=tuple(classes))


def _paragraph(
    domain: str, writer: Writer, rng: random.Random, names: Sequence[tuple[str, str]], characters: int
) -> tuple[str, list[Place]]:
    """So many characters and what is mentioned in them."""
    text, places = "", []
    while len(text) < characters:
        text += writer.sentence(rng)[:-1]
        if rng.random() < 0.6:
            class_name, surface = rng.choice(names)
            text += f" {rng.choice(_OPENINGS)} "
            places.append(Place(len(text), len(text) + len(surface), class_name))
            text += f"{surface} {' '.join(writer.words(rng, 3))}"
        text += ". "
    return text.rstrip(), places


def _mistake(place: Place, names: Sequence[str], text: str, rng: random.Random) -> Place | None:
    if rng.random() < 0.6:
        return None
    if rng.random() < 0.5 and " " in text[place.start : place.end]:
        return place._replace(start=text.index(" ", place.start) + 1)
    return place._replace(class_name=rng.choice(names))


def sample(number: int, seed: int, passages: int, *, hostile: bool = False) -> Sample:
    """A document of so many passages.

    Args:
        number: Which one; it draws its own chances, so that it does not depend on those before it.
        seed: Of the run.
        passages: How many of about 1,800 characters.
        hostile: Whether its id, text, source and meta attack whoever shows them.
    """
    rng, writer = random.Random(f"{seed} document {number}"), Writer(seed)
    domain = rng.choice(tuple(_DOMAINS))
    kinds = _DOMAINS[domain]
    difficulty = min(1.0, rng.betavariate(1.8, 2.4))
    names = [(name, kind.name(rng)) for name, kind in kinds.items() for _ in range(rng.randint(1, 3))]
    text, places, bounds = "", [], []
    for part in range(passages):
        begin = len(text)
        if part == 0:
            text += f"{word(rng, 2).title()} notes on {domain}, sheet zq{seed}x{number}. "
        if hostile:
            text += f"{HOSTILE[(number + part) % len(HOSTILE)]} "
        made, found = _paragraph(domain, writer, rng, names, rng.randint(1300, 2300))
        places += [Place(len(text) + start, len(text) + end, name) for start, end, name in found]
        text += made
        bounds.append((begin, len(text)))
        if part < passages - 1:
            text += "\n\n"
    identifier, source = (
        f"{domain}-{number:05d}",
        f"archive/{domain}/{1 + number // 500}.jsonl:{1 + number % 500}",
    )
    meta: dict[str, object] = {"domain": domain, "year": rng.randint(1890, 2024)}
    if hostile:
        attack = HOSTILE[number % len(HOSTILE)]
        identifier, source = f"{attack} {number}", f"{attack}.jsonl:{number}"
        meta[attack] = attack
    mistaken = {
        place: _mistake(place, tuple(kinds), text, rng) for place in places if rng.random() < 0.3 * difficulty
    }
    document = Document.model_validate({"id": identifier, "text": text, "source": source, "meta": meta})
    return Sample(
        document,
        tuple(places),
        schema_of(domain, writer, random.Random(f"{seed} {domain}")),
        mistaken,
        difficulty,
        tuple(bounds),
    )
