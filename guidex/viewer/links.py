"""Addresses of pages, made in one place: templates ask for them, and a bundle has others than a server."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote, urlencode


class Links:
    """Addresses on the server.

    Attributes:
        beside_run: Whether a page is read where the run is, so that its folder and commands about it say
            something to the reader, and something can be changed.
        positions: Places in the run of the documents that have pages; None: all have.
    """

    beside_run: bool = True
    positions: Collection[int] | None = None

    def runs(self) -> str:
        """All runs."""
        return "/"

    def run(self, run: str) -> str:
        """A run."""
        return f"/runs/{quote(run, safe='')}"

    def tabs(self, run: str) -> tuple[tuple[str, str, str], ...]:
        """The pages of a run: name, label and address of each."""
        return (
            ("run", "Overview", self.run(run)),
            ("documents", "Documents", self.documents(run)),
            ("calls", "Calls", self.calls(run)),
            ("thresholds", "Thresholds", self.thresholds(run)),
        )

    def documents(self, run: str, **query: str | int | float | None) -> str:
        """A run's documents; `query` filters and sorts them."""
        return f"{self.run(run)}/documents{_query(query)}"

    def document(self, run: str, position: int, **query: str | int | float | None) -> str:
        """A document, by its position in the run; ids may hold anything."""
        return f"{self.run(run)}/documents/{position}{_query(query)}"

    def calls(self, run: str, **query: str | int | float | None) -> str:
        """A run's calls; `query` filters and sorts them."""
        return f"{self.run(run)}/calls{_query(query)}"

    def call(self, run: str, call_id: str) -> str:
        """A call."""
        return f"{self.run(run)}/calls/{quote(call_id, safe='')}"

    def thresholds(self, run: str, **query: str | int | float | None) -> str:
        """The thresholds of a run; `query` tries others than those in force."""
        return f"{self.run(run)}/thresholds{_query(query)}"

    def compare(self, *runs: str, offset: int = 0) -> str:
        """Two runs side by side; `offset` is of the documents that ended differently."""
        query = [("run", run) for run in runs] + ([("offset", f"{offset}")] if offset else [])
        return f"/compare?{urlencode(query)}" if query else "/compare"

    def static(self, name: str) -> str:
        """A file of the viewer itself."""
        return f"/static/{quote(name)}"


def _query(query: dict[str, str | int | float | None]) -> str:
    given = {name: value for name, value in query.items() if value is not None and value != ""}
    return f"?{urlencode(given)}" if given else ""
