"""What peers are given: recorded prompts by step, the answers they want, and how they report."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from footprint import peak_mib
from pydantic import BaseModel


class ProposedClass(BaseModel):
    """A class of a schema."""

    name: str
    definition: str


class Design(BaseModel):
    """What a designer answers."""

    domain: str
    facts: list[str]
    classes: list[ProposedClass]


class Guideline(BaseModel):
    """The rules of a class."""

    name: str
    definition: str
    include: list[str]
    exclude: list[str]
    boundary: str


class Guidelines(BaseModel):
    """What a writer answers."""

    guidelines: list[Guideline]


class Annotation(BaseModel):
    """What an annotator answers."""

    person: list[str]
    place: list[str]
    vessel: list[str]
    instrument: list[str]


class Judgement(BaseModel):
    """A verdict on one mention."""

    item: int
    verdict: Literal["correct", "spurious", "wrong_class", "wrong_boundary"]


class Critique(BaseModel):
    """What a critic answers."""

    verdicts: list[Judgement]
    missing: list[str]
    remarks: list[str]


STEPS = (Design, Guidelines, Annotation, Critique)
"""The answers in the order in which a document's requests were recorded."""


def options(about: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--connections", type=int, required=True)
    return parser.parse_args()


def rows(requests: Path, step: int) -> list[dict[str, str]]:
    """A step's messages for every document, as JSON, since tools keep rows in tables."""
    with requests.open("rb") as lines:
        return [{"messages": json.dumps(json.loads(line)[step]["messages"])} for line in lines]


@contextmanager
def finished() -> Iterator[dict[str, Any]]:
    """Measure CPU and memory of what is done within; printed as the last line, as JSON."""
    told: dict[str, Any] = {}
    before = time.process_time()
    yield told
    print(json.dumps({**told, "cpu": time.process_time() - before, "peak_mib": peak_mib()}))
