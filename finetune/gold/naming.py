"""What the labels of gold are called as classes."""

from __future__ import annotations

from typing import Final

from schemas.lint import class_name_from

_CROSSNER: Final = {
    "musicalartist": "MusicalArtist",
    "musicalinstrument": "MusicalInstrument",
    "musicgenre": "MusicGenre",
    "literarygenre": "LiteraryGenre",
    "programlang": "ProgrammingLanguage",
    "metrics": "Metric",
    "politicalparty": "PoliticalParty",
    "academicjournal": "AcademicJournal",
    "astronomicalobject": "AstronomicalObject",
    "chemicalcompound": "ChemicalCompound",
    "chemicalelement": "ChemicalElement",
}
"""Labels that are several words in one, or shortened; others only get their capital."""


def class_of(label: str) -> str:
    """The class that a label of gold stands for: `programlang` is ProgrammingLanguage.

    Args:
        label: As the gold writes it; one that makes no class name is given back.
    """
    return _CROSSNER.get(label.lower()) or class_name_from(label) or label
