"""What stands on a page: its figures and its tables, as text."""

from __future__ import annotations

from html.parser import HTMLParser

_CELLS = ("td", "th")


class PageText(HTMLParser):
    """Reads a page.

    Attributes:
        figures: What each `dt` says, with what its `dd` says.
        tables: The rows of each table by the heading above it; each row as its cells.
        links: Addresses by the text of the link.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.figures: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.links: dict[str, str] = {}
        self._texts: list[tuple[str, list[str]]] = []
        self._heading = self._name = self._address = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("dt", "dd", "h1", "h2", "h3", "a", "caption", *_CELLS):
            self._texts.append((tag, []))
        if tag == "a":
            self._address = dict(attrs).get("href") or ""
        if tag == "tr":
            self.tables.setdefault(self._heading, []).append([])

    def handle_data(self, data: str) -> None:
        for _, text in self._texts:
            text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if not self._texts or self._texts[-1][0] != tag:
            return
        said = " ".join("".join(self._texts.pop()[1]).split())
        if tag in ("h1", "h2", "h3"):
            self._heading = said
        elif tag == "dt":
            self._name = said
        elif tag == "dd":
            self.figures[self._name] = said
        elif tag == "a":
            self.links[said] = self._address
        elif tag in _CELLS:
            self.tables[self._heading][-1].append(said)
