"""What is mentioned in some quickstart documents, by hand: for a run to be looked at, without a model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.bulk_documents import Place, Sample
from schemas.documents import Document
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, Guideline

QUICKSTART: Final = Path(__file__).parents[1] / "examples" / "quickstart" / "documents.jsonl"

_Class = tuple[str, str, str, str]
"""Definition, what is not one, the class it is confused with, and how to tell them apart."""

_CLASSES: Final[dict[str, _Class]] = {
    "Museum": (
        "A body that keeps or shows a collection.",
        "exhibitions, which it puts on",
        "Person",
        "a museum lends and insures; a person makes, gives or curates",
    ),
    "Artefact": (
        "A made object that is shown, lent or restored, by its name.",
        "its parts and materials",
        "Museum",
        "what is kept, not who keeps it",
    ),
    "Person": (
        "A human being who is called by name.",
        "roles without a name, such as the conservator",
        "Organisation",
        "one human being, not a body that acts as one",
    ),
    "Date": ("A day, a month or a year in the calendar.", "durations", "Quantity", "when, not how long"),
    "Organisation": (
        "A company, team, trust or court that acts under a name.",
        "the goods or ships it owns",
        "Person",
        "a body of people under one name",
    ),
    "Vessel": (
        "A ship or boat that is called by its name.",
        "kinds of ships, such as a whaling ship",
        "Organisation",
        "what sails, not who runs it",
    ),
    "Place": (
        "A named place that one can go to.",
        "directions and regions without a name",
        "Organisation",
        "where, not who",
    ),
    "Drug": (
        "A substance that is given as medicine.",
        "doses alone",
        "Finding",
        "what is given, not what is measured",
    ),
    "Finding": (
        "What is measured or seen in a patient.",
        "treatments",
        "Drug",
        "what is measured or seen, not what is given for it",
    ),
    "Product": (
        "A thing that is made and sold, by its name or number.",
        "its maker",
        "Organisation",
        "what is sold, not who sells it",
    ),
    "Quantity": (
        "A number with its unit.",
        "years and times of day",
        "Date",
        "how much or how many, not when",
    ),
}

_MENTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "museum-loan": {
        "Artefact": ("Harrowgate Lantern", "Harbour at Dusk"),
        "Museum": ("Veldmark Museum of Applied Arts", "Casa Oriol", "Museo Naval de Cartalla"),
        "Person": ("Joost Tennegel", "Alida Brandsma", "Núria Castellfort", "Mirjam Hoekwater"),
        "Date": ("14 March", "30 August 2025", "3 February 2025", "1 October 2025"),
    },
    "clinical-note": {
        "Person": ("Odile Farrant", "Tobias Achterberg", "Ngaire Wetherell"),
        "Drug": ("metformin", "ramipril", "penicillin", "levofloxacin", "insulin"),
        "Finding": ("small pleural effusion", "lobar pneumonia", "Crackles"),
        "Date": ("9 November", "12 November", "14 November", "6 January"),
    },
    "ferry-timetable": {
        "Vessel": ("MS Tärnan", "MS Alken"),
        "Place": ("Skarholm", "Lilla Vens", "Port Ambrose", "Eskeby"),
        "Organisation": ("Norrsund Linjen",),
        "Quantity": ("62 cars", "340 passengers", "48 minutes", "84 kronor"),
    },
    "product-recall": {
        "Product": ("QS-17W", "QS-20", "QuickSteam"),
        "Organisation": ("Brindle & Rook", "Hallam Home", "Oakes Brothers", "Elmetal", "Dornach Polymers"),
        "Place": ("Tarnowice", "Leeds"),
        "Date": ("September 2023", "April 2024"),
    },
    "football-report": {
        "Person": ("Inês Duarte", "Fenna Strand", "Kasia Wilk", "Hilary Munt", "Ruby Achebe", "Corin Maddox"),
        "Organisation": ("Port Lessing Rovers", "Kelmouth Town"),
        "Place": ("Tollgate Park",),
    },
    "court-notice": {
        "Organisation": ("Meridew Shipping", "Calloway Grain"),
        "Person": ("Justice Penhallow", "Radu Ionescu", "Helle Gravlund", "Thomas Akande"),
        "Vessel": ("Astrid Meridew",),
        "Place": ("Port Calder", "Ravenna"),
        "Quantity": ("31,500 tonnes", "2,800 tonnes", "412,000 dollars"),
    },
    "wildlife-survey": {
        "Organisation": ("Oostmeer Trust",),
        "Person": ("Willemijn Staal",),
        "Place": ("Grote Kolk", "Zwanenplas", "Heron Island"),
        "Date": ("3 April", "28 June", "19 May"),
    },
    "startup-funding": {
        "Organisation": ("Halcyon Loop", "Bluewater Ventures", "Fjordkapital", "Anchor Six", "Tessaro"),
        "Person": ("Sunniva Krogh", "Eirik Landmark"),
        "Place": ("Trondelven", "Copenhagen", "Brattvika", "Vigo"),
        "Quantity": ("18 million euros", "1,900 tonnes", "12,000 tonnes"),
    },
}
"""Of each document its classes with the words that are mentions, wherever they stand."""

_DIFFICULTY: Final = (0.5, 0.25, 0.7, 0.35, 0.15, 0.6, 0.1, 0.4)


def demo_samples() -> Iterator[Sample]:
    """The documents, with all that is true of them."""
    records = [json.loads(line) for line in QUICKSTART.read_text("utf-8").splitlines()]
    texts = {record["id"]: record for record in records}
    for number, (identifier, mentions) in enumerate(_MENTIONS.items()):
        record = texts[identifier]
        text = record["text"]
        places = sorted(
            Place(found.start(), found.end(), name)
            for name, surfaces in mentions.items()
            for surface in surfaces
            for found in re.finditer(re.escape(surface), text)
        )
        schema = AnnotationSchema(domain=record["domain"], classes=tuple(map(_spec, mentions)))
        mistaken: dict[Place, Place | None] = {places[1]: None}
        if " " in text[places[-2].start : places[-2].end]:
            mistaken[places[-2]] = places[-2]._replace(start=text.index(" ", places[-2].start) + 1)
        document = Document(id=identifier, text=text, source=f"quickstart/documents.jsonl:{number + 1}")
        yield Sample(document, tuple(places), schema, mistaken, _DIFFICULTY[number], ((0, len(text)),))


def _spec(name: str) -> ClassSpec:
    definition, other, sibling, difference = _CLASSES[name]
    return ClassSpec(
        name=name,
        guideline=Guideline(
            definition=definition,
            include=("every mention, repeated ones too",),
            exclude=(other,),
            boundary="The name with all its parts, without an article.",
            contrast=(Contrast(sibling=sibling, difference=difference),),
        ),
    )
