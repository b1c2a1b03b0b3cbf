"""Addresses within a bundle: a page's is a fragment, and what is not in the file has one page in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import quote

from guidex.viewer.links import Links

LEFT_OUT: Final = "left-out"
"""The page about what is not in the file."""

_SERVED: Final = Links()


class BundleLinks(Links):
    """Addresses of one run's pages.

    What templates ask for while pages are made is kept, as that is what has to be in the file.

    Attributes:
        positions: Those of the documents whose pages are in the file.
        in_hand: The document whose pages are being made; links to others have no pages made.
        calls_kept: Ids of the calls whose pages are in the file.
        waiting: Pages to be made: their addresses on a server, by their names in the file.
        files: The viewer's own files that the pages need, in the order in which these ask for them.
    """

    beside_run = False
    positions: frozenset[int]

    def __init__(self, name: str, positions: Collection[int]) -> None:
        """Make addresses of a run's pages.

        Args:
            name: The run's.
            positions: Those of the documents.
        """
        self._name = name
        self.positions = frozenset(positions)
        self.in_hand: int | None = None
        self.calls_kept: frozenset[str] = frozenset()
        self.waiting: dict[str, str] = {}
        self.files: dict[str, None] = {}
        self._made: set[str] = set()

    def runs(self) -> str:
        """The run, as there is no other."""
        return "#run"

    def run(self, run: str) -> str:
        """The run."""
        return "#run" if run == self._name else f"#{LEFT_OUT}"

    def tabs(self, run: str) -> tuple[tuple[str, str, str], ...]:
        """The pages of the run that are in the file."""
        return (
            ("run", "Overview", self.run(run)),
            ("documents", "Documents", self.documents(run)),
            (LEFT_OUT, "Left out", f"#{LEFT_OUT}"),
        )

    def documents(self, run: str, **query: str | int | float | None) -> str:
        """The documents in the file; words and outcome are what they can be filtered by."""
        filters = {name: value for name, value in query.items() if name in ("q", "outcome") and value}
        shown = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in filters.items())
        return f"#documents?{shown}" if shown else "#documents"

    def document(self, run: str, position: int, **query: str | int | float | None) -> str:
        """A document in one of its rounds."""
        if position not in self.positions:
            return f"#{LEFT_OUT}"
        which = {name: value for name, value in query.items() if isinstance(value, int)}
        name = "-".join(["document", str(position), *(f"{key}-{which[key]}" for key in sorted(which))])
        if position != self.in_hand:
            return f"#{name}"
        return self._page(name, _SERVED.document(run, position, **which))

    def calls(self, run: str, **query: str | int | float | None) -> str:
        """Lists of calls are not in the file; each call is shown with its document."""
        return f"#{LEFT_OUT}"

    def call(self, run: str, call_id: str) -> str:
        """A call of a document in the file."""
        if call_id not in self.calls_kept:
            return f"#{LEFT_OUT}"
        return self._page(f"call-{quote(call_id, safe='')}", _SERVED.call(run, call_id))

    def thresholds(self, run: str, **query: str | int | float | None) -> str:
        """Thresholds are tried out on a server."""
        return f"#{LEFT_OUT}"

    def compare(self, *runs: str, offset: int = 0) -> str:
        """There is one run only."""
        return f"#{LEFT_OUT}"

    def static(self, name: str) -> str:
        """A file of the viewer itself, which is put into the bundle."""
        self.files.setdefault(name)
        return ""

    def _page(self, name: str, address: str) -> str:
        if name not in self._made:
            self._made.add(name)
            self.waiting[name] = address
        return f"#{name}"
