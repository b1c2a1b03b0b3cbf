"""A schema for the quickstart's documents. GuideX reads this file and never executes it.

A class's docstring is its guideline; a comment says what a field holds. The first text field of a class is
its mention, quoted from the document.
"""

from dataclasses import dataclass
from enum import Enum


class Sector(Enum):
    """What an organisation works in."""

    BUSINESS = "business"
    PUBLIC = "public"
    CULTURE = "culture"


@dataclass
class Person:
    """A human being who is named, alive or dead.

    Exclude:
    - roles without a name, such as "the referee"
    Boundary: the name alone, without titles such as "Dr" or "Captain"
    """

    name: str
    role: str | None = None  # what the text says they are. Such as: "coppersmith", "curator"


@dataclass
class Organisation:
    """A company, institution, club or team that is named.

    Contrast:
    - Place: a museum that lends or insures is an Organisation; a museum where something hangs is a Place
    """

    name: str
    sector: Sector | None = None


@dataclass
class Place:
    """A town, country, body of water, building or room that is named."""

    name: str


@dataclass
class Amount:
    """A number with its unit or currency, as it is written: "185,000 euros", "48 minutes"."""

    span: str
