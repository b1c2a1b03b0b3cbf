"""How a job uses the machine: calls at the same time, waiting and trying again."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field, field_validator

from schemas.base import Model


class ConnectionBounds(NamedTuple):
    """Between what the number of connections to a model moves; all three equal: it is fixed."""

    least: int
    start: int
    most: int


class RunConfig(Model):
    """How the machine is used; none of it changes an answer."""

    documents_in_flight: int | None = Field(
        default=None,
        ge=1,
        examples=[4],
        description="Documents worked on at the same time; default: half as many again as connections, with "
        "a local model as many as it has slots.",
    )
    max_connections: int | None = Field(
        default=None,
        ge=1,
        examples=[8],
        description="Calls at the same time to one model, fixed; default: as many as turn out to be good for "
        "throughput, see adaptive_connections.",
    )
    adaptive_connections: str = Field(
        default="1-8-200",
        description="Least, first and greatest number of calls at the same time to one hosted model or "
        "server. It grows while that brings more answers, and shrinks when the server says 429 or only gets "
        "slower.",
    )
    timeout: float = Field(
        default=600,
        gt=0,
        description="Longest time of one request in seconds, from sending to the whole answer. Waiting for a "
        "free connection is no part of it.",
    )
    connect_timeout: float = Field(
        default=30, gt=0, description="Longest time until a connection is made, in seconds."
    )
    read_timeout: float | None = Field(
        default=None,
        gt=0,
        examples=[120],
        description="Longest silence of a server, in seconds; default: as timeout, since a server is silent "
        "until its answer is complete.",
    )
    retries: int = Field(
        default=5,
        ge=0,
        le=50,
        description="How often a request is repeated after a lost connection, a timeout or an error of the "
        "server, with growing pauses. Being told to wait (429) is no error.",
    )

    retry_on_error: int = Field(
        default=1,
        ge=0,
        le=20,
        description="How often a document is taken up again at the end of the run if it failed for a reason "
        "that may pass: no valid answer, a lost connection, a timeout, an error of the server. Its finished "
        "calls are not sent again.",
    )

    @field_validator("adaptive_connections")
    @classmethod
    def _three_numbers(cls, value: str) -> str:
        parts = value.split("-")
        if len(parts) == 3 and all(part.isdecimal() and len(part) < 6 for part in parts):
            least, start, most = map(int, parts)
            if 1 <= least <= start <= most:
                return value
        raise ValueError("write it as LEAST-FIRST-GREATEST, rising, from 1: 1-8-200")

    @property
    def connections(self) -> ConnectionBounds:
        """Bounds of the connections to one hosted model or server."""
        if self.max_connections is not None:
            return ConnectionBounds(self.max_connections, self.max_connections, self.max_connections)
        return ConnectionBounds(*map(int, self.adaptive_connections.split("-")))
