"""How the same question is put to an annotator, so that equal answers are evidence."""

from __future__ import annotations

from enum import StrEnum


class ClassOrder(StrEnum):
    """Order in which an annotator is shown the classes."""

    SCHEMA = "schema"
    REVERSED = "reversed"
    SHUFFLED = "shuffled"


class AnswerForm(StrEnum):
    """In what form an annotator answers, and so what it is asked at each step."""

    BY_CLASS = "by-class"
    """One list for each class: what is there of this class?"""

    IN_ORDER = "in-order"
    """One list of mentions in document order: what comes next, and what is it?"""
