"""What stands out in a run, put together for reading."""

from __future__ import annotations

from dataclasses import dataclass, fields

from graph.store.anomalies import (
    LongDocument,
    OddCall,
    connection_setbacks,
    cut_off,
    most_rounds,
    re_asked,
    repeated,
    slow,
    unfinished,
)
from graph.store.reading import RunReader
from graph.store.records import Event, Found, RunStatus


@dataclass(frozen=True)
class Anomalies:
    """The calls, documents and setbacks of a run that stand out, so many of each kind."""

    run: str
    status: RunStatus
    """RUNNING: what is unfinished may well be under way."""
    unfinished: Found[OddCall]
    slow: Found[OddCall]
    re_asked: Found[OddCall]
    cut_off: Found[OddCall]
    repeated: Found[OddCall]
    most_rounds: Found[LongDocument]
    connections: Found[Event]
    """Cuts of the number of connections, pauses, and stops."""

    @property
    def nothing(self) -> bool:
        """Whether no kind has any."""
        found = (getattr(self, each.name) for each in fields(self))
        return not any(kind.total for kind in found if isinstance(kind, Found))


def anomalies_of(reader: RunReader, *, limit: int = 10, slow_seconds: float | None = None) -> Anomalies:
    """Find what stands out, also while the run goes on.

    Args:
        reader: The run.
        limit: Most of each kind.
        slow_seconds: From how many seconds a request is slow; None judges by its agent and model.

    Raises:
        StoreError: The run cannot be read.
    """
    run = reader.run()
    return Anomalies(
        run=run.name,
        status=run.status,
        unfinished=unfinished(reader, limit),
        slow=slow(reader, limit, slow_seconds),
        re_asked=re_asked(reader, limit),
        cut_off=cut_off(reader, limit),
        repeated=repeated(reader, limit),
        most_rounds=most_rounds(reader, limit),
        connections=connection_setbacks(reader, limit),
    )
