"""What each document took: tokens of its calls, and answers of its annotators."""

from __future__ import annotations

from dataclasses import dataclass

from graph.store.attempts import CUT_OFF, MISFIT, NO_ANSWER
from graph.store.opening import OpenedRun
from schemas.judgement import Agent


@dataclass(frozen=True, slots=True)
class Taken:
    """Sums over all calls of a document, in all its rounds and takes.

    Attributes:
        input_tokens: Of the prompts, cached ones included.
        cached_tokens: Of these, served from a prefix cache.
        output_tokens: Generated.
        answers: What came back from the model to its annotators, re-asks included.
        unusable: Of these, the ones that did not fit what was asked, or were truncated or filtered.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    answers: int = 0
    unusable: int = 0


def taken_by_document(run: OpenedRun) -> dict[str | None, Taken]:
    """What each document took; under None what was asked on behalf of no single document.

    Answers that were replayed took nothing (again).

    Raises:
        StoreError: The run cannot be read.
    """
    answers = {
        document_id: counts
        for document_id, *counts in run.rows(
            f"""SELECT c.document_id, count(*), count(*) FILTER (WHERE {MISFIT} OR {CUT_OFF})
            FROM attempts a JOIN calls c ON c.id = a.call_id
            WHERE c.agent = ? AND NOT {NO_ANSWER} GROUP BY c.document_id""",
            Agent.ANNOTATOR.value,
        )
    }
    return {
        document_id: Taken(*tokens, *answers.get(document_id, (0, 0)))
        for document_id, *tokens in run.rows(
            """SELECT document_id, sum(input_tokens), sum(cached_tokens), sum(output_tokens)
            FROM calls GROUP BY document_id"""
        )
    }


def answers_from_elsewhere(run: OpenedRun) -> int:
    """How many answers were taken from other runs, so that their tokens are not in this one's sums.

    Raises:
        StoreError: The run cannot be read.
    """
    return int(run.rows("SELECT count(*) FROM calls WHERE reused_from IS NOT NULL")[0][0])
