"""Pages as a browser takes them apart, for tests of what stands in them."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """What a browser makes of a page: its elements, the texts of its cells, its links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: dict[str, str] = {}
        self.rows: list[str] = []
        self.words: list[str] = []
        self._at = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        assert not any(name.startswith("on") or name == "style" for name in given), given
        if tag == "a":
            self._at = given.get("href") or ""
        if tag == "tr" and "data-row" in given:
            self.rows.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._at = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._at:
            self.links[data.strip()] = self._at
        if self.rows:
            self.rows[-1] += data
