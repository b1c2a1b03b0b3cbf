"""Training texts in the code dialect: rows of `guidex` and `gollie`, and conversations of `chat`."""

from __future__ import annotations

from graph.exports.documents import ExportedDocument, cannot_export
from graph.exports.rows import ChatRow, TrainingRow
from graph.exports.tally import Lost, Tally
from schemas.dialect import Flavour, render, split_prompt
from schemas.errors import DialectError

TASK_ID = "guidex_ie"
"""Data set and task, joined as GoLLIE does."""

SCORER_CLS = "src.tasks.guidex.scorer.GuidexScorer"
"""Where GoLLIE would look for a scorer, by its naming rule. Its trainer reads it for test sets only."""

SYSTEM = (
    "You extract information from texts. You are given classes as Python dataclasses whose docstrings are "
    "the annotation guidelines, and a text. Answer with the Python list of instances that the text mentions, "
    "and nothing else. Copy names and phrases from the text as they stand; an empty list is an answer."
)
"""What a conversation begins with."""


def guidex_row(document: ExportedDocument, tally: Tally) -> TrainingRow | None:
    """A row with the keys of the GuideX data set."""
    return _row(document, tally, Flavour.GUIDEX)


def gollie_row(document: ExportedDocument, tally: Tally) -> TrainingRow | None:
    """The same in GoLLIE's flavour of the dialect."""
    return _row(document, tally, Flavour.GOLLIE)


def chat_row(document: ExportedDocument, tally: Tally) -> ChatRow | None:
    """Prompt and result as turns of a conversation; the two are those of `guidex`."""
    code = _code(document, tally, Flavour.GUIDEX)
    if code is None:
        return None
    prompt, result = split_prompt(code)
    return {
        "id": document.document.id,
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": result.strip()},
        ],
    }


def _row(document: ExportedDocument, tally: Tally, flavour: Flavour) -> TrainingRow | None:
    code = _code(document, tally, flavour)
    if code is None:
        return None
    return {
        "ids": [document.document.id],
        "task_id": TASK_ID,
        "scorer_cls": SCORER_CLS,
        "labels": split_prompt(code)[1].strip(),
        "text": code,
        "unlabelled_sentence": document.document.text,
    }


def _code(document: ExportedDocument, tally: Tally, flavour: Flavour) -> str | None:
    kept = document.to_learn_from()
    if kept is None:
        tally.lost[Lost.NO_CLASS] += 1
        return None
    try:
        return render(kept.annotation_schema, kept.agreed, document.document.text, flavour)
    except DialectError as error:
        raise cannot_export(document.document, error) from error
