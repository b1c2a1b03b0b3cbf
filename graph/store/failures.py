"""What failed in a run as it stands now, by cause.

A document may fail, be taken up again and succeed, or fail anew. Failures are never deleted; those of the
present are the last one of each document that is failed now, and those of no document in particular.
"""

from __future__ import annotations

import re

from graph.store.opening import OpenedRun
from graph.store.records import FailureGroup
from schemas.judgement import Outcome

_PRESENT = """f.document_id IS NULL OR f.id IN (
    SELECT max(g.id) FROM failures g JOIN documents d ON d.id = g.document_id
    WHERE d.outcome = ? GROUP BY g.document_id)"""

_QUOTED = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|`[^`]*`|“[^”]*”""")
_WITH_DIGIT = re.compile(r"[\w-]*\d[\w-]*(?:[.,:]\d[\w-]*)*")


def failure_groups(run: OpenedRun) -> tuple[FailureGroup, ...]:
    """Failures of the present by agent, class of error and kind of message, the most frequent first.

    Raises:
        StoreError: The run cannot be read.
    """
    groups: dict[tuple[object, ...], list[tuple[str | None, str]]] = {}
    for document_id, agent, error_class, message in run.rows(
        f"SELECT document_id, agent, error_class, message FROM failures f WHERE {_PRESENT} ORDER BY id",
        Outcome.FAILED.value,
    ):
        cause = (agent, error_class, kind_of(message))
        groups.setdefault(cause, []).append((document_id, message))
    made = [
        FailureGroup(
            str(agent),
            str(error_class),
            members[0][1],
            len(members),
            tuple(document_id for document_id, _ in members if document_id is not None),
        )
        for (agent, error_class, _), members in groups.items()
    ]
    return tuple(sorted(made, key=lambda group: -group.count))


def past_failures(run: OpenedRun) -> int:
    """How many failures are of the past: their documents were taken up again since.

    Raises:
        StoreError: The run cannot be read.
    """
    ((count,),) = run.rows(f"SELECT count(*) FROM failures f WHERE NOT ({_PRESENT})", Outcome.FAILED.value)
    return int(count)


def failures_since_decided(run: OpenedRun) -> dict[str, int]:
    """How often each pending document has failed since it was last decided on; those never are left out.

    Raises:
        StoreError: The run cannot be read.
    """
    return dict(
        run.rows(
            """SELECT f.document_id, count(*) FROM failures f JOIN documents d ON d.id = f.document_id
            WHERE d.outcome = ? AND f.time > coalesce(
                (SELECT max(e.created) FROM decisions e WHERE e.document_id = d.id), '')
            GROUP BY f.document_id""",
            Outcome.PENDING.value,
        )
    )


def failures_of(run: OpenedRun, document_id: str) -> tuple[str, ...]:
    """All failures of a document in words, the oldest first.

    Raises:
        StoreError: The run cannot be read.
    """
    return tuple(
        f"{agent}: {error_class}: {message}"
        for agent, error_class, message in run.rows(
            "SELECT agent, error_class, message FROM failures WHERE document_id = ? ORDER BY id", document_id
        )
    )


def kind_of(message: str) -> frozenset[str]:
    """What a message says of any document: its clauses without quotations, numbers and words with a digit.

    As a set, so that one fault in three places is of a kind with the same fault in five.
    """
    plain = _WITH_DIGIT.sub("#", _QUOTED.sub("#", message))
    return frozenset(plain.split("; "))
