"""HTML pages: their main text as trafilatura extracts it. Scripts are never run, nothing is fetched."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Final

from graph.documents.packing import read_whole
from graph.documents.quiet import quiet
from graph.documents.records import Record, Source

_LARGEST: Final = 10 * 2**20
_MOST_TAGS: Final = 200_000
"""Extraction walks the tree many times; so many tags take it half a minute."""

_ABOUT: Final = {"title": "title", "author": "author", "date": "date", "sitename": "site", "url": "url"}
"""What trafilatura finds out about a page, and its name in `meta`."""


def read_html(source: Source, text_field: str) -> Iterator[Record]:
    """A page that is one document; what it says of itself (title, author, date) are its further fields."""
    from trafilatura import bare_extraction

    content = read_whole(source.path, source.packing, _LARGEST)
    if content.count(b"<") > _MOST_TAGS:
        yield Record(source.file, None, None, f"it has more than {_MOST_TAGS:,} tags")
        return
    fault, page = "no main text was found in the page", None
    with quiet("trafilatura", "htmldate", "courlan"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            page = bare_extraction(content, with_metadata=True, include_comments=False)
        except Exception as error:  # whatever a parser stumbles over in a page of the web
            fault = f"no page that can be read: {type(error).__name__}"
    text = getattr(page, "text", None)
    if not text:
        yield Record(source.file, None, None, fault)
        return
    about = {name: getattr(page, field, None) for field, name in _ABOUT.items()}
    fields = {name: value for name, value in about.items() if value}
    yield Record(source.file, None, {**fields, text_field: text}, name=source.name)
