"""Classes for the quickstart's documents, with guidelines. GuideX reads this file and never executes it."""

from dataclasses import dataclass


@dataclass
class Person:
    """A human being who is named.

    Exclude:
    - roles without a name, such as "the referee"
    """

    span: str


@dataclass
class Organisation:
    """A company, institution, club or team that is named."""

    span: str


@dataclass
class Place:
    """A town, country, body of water, building or room that is named."""

    span: str


@dataclass
class Date:
    """A day, month or year in the calendar."""

    span: str


@dataclass
class Quantity:
    """A number with its unit, or an amount of money."""

    span: str
