"""Making a bundle: the pages are what the viewer itself answers, with other addresses in them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from starlette.applications import Starlette

from graph.store.document_search import (
    DocumentFilter,
    DocumentOrder,
    FoundDocument,
    find_documents,
    positions,
)
from graph.store.reading import RunReader
from guidex.version import version
from guidex.viewer.app import create_app
from guidex.viewer.bundle.asking import ask
from guidex.viewer.bundle.links import LEFT_OUT, BundleLinks
from guidex.viewer.bundle.scripts import JoinedScripts
from guidex.viewer.links import Links
from guidex.viewer.pages.documents import table_context
from guidex.viewer.rendering import render
from schemas.errors import UsageError

GENERATOR: Final = "GuideX bundle"
"""By this a bundle is known again: it stands in the file's head."""

_POLICY: Final = (
    "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'"
)
_THEME: Final = "theme.js"
_SCRIPT: Final = "bundle.js"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a bundle: pieces of what the viewer answered."""

    name: str
    title: Markup
    trail: Markup
    main: Markup

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.main.encode()) + len(self.trail.encode())


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that has been made."""

    html: str
    documents: tuple[str, ...]
    """Ids of those in it."""
    of: int
    """Documents of the run."""
    calls: int
    """Calls whose prompts and answers are in it."""
    too_large: int
    """Documents that were asked for and left out, as the file would have become too large."""


async def make_bundle(
    folder: Path, document_ids: Sequence[str] = (), *, limit: int, largest: int, with_calls: bool
) -> Bundle:
    """Make the bundle of a run.

    Args:
        folder: The run's.
        document_ids: The documents; without any, those with the most rounds.
        limit: The most documents, if none are named.
        largest: Bytes. Once the pages of the documents are larger, no further document is added; the first is
            there in any case.
        with_calls: Whether prompts and answers are in it.

    Raises:
        UsageError: There is no document of one of the ids.
        StoreError: The run cannot be read.
    """
    folder = folder.resolve()
    with RunReader(folder) as reader:
        chosen, of = _chosen(reader, document_ids, limit)
        links = BundleLinks(folder.name, [each.document.position for each in chosen])
        app = create_app(folder.parent, links=links)
        pages: list[Page] = []
        kept: list[FoundDocument] = []
        size = 0
        for each in chosen:
            if with_calls:
                links.calls_kept |= _calls_of(reader, each.document.id)
            links.in_hand = each.document.position
            links.document(folder.name, each.document.position)
            made = await _waiting(app, links)
            size += sum(page.size for page in made)
            if kept and size > largest:
                break
            pages += made
            kept.append(each)
        links.in_hand = None
        pages.insert(0, _cut("run", await ask(app, Links().run(folder.name))))
        in_order = DocumentFilter(positions=[each.document.position for each in kept])
        found = find_documents(reader, in_order, limit=len(kept))
        context = {"run": folder.name, "token": "", "links": links}
        listed = render("bundle_documents.html", of=of, query=None, **context, **table_context(reader, found))
    left_out = render(
        "bundle_left_out.html",
        here=LEFT_OUT,
        kept=len(kept),
        of=of,
        named=bool(document_ids),
        too_large=len(chosen) - len(kept),
        largest=largest,
        with_calls=with_calls,
        made=datetime.now(UTC).isoformat(),
        version=version(),
        **context,
    )
    pages += [_cut("documents", listed), _cut(LEFT_OUT, left_out)]
    return Bundle(
        html=await _file(app, links, pages, context),
        documents=tuple(each.document.id for each in found.shown),
        of=of,
        calls=sum(page.name.startswith("call-") for page in pages),
        too_large=len(chosen) - len(kept),
    )


def _chosen(reader: RunReader, ids: Sequence[str], limit: int) -> tuple[tuple[FoundDocument, ...], int]:
    """The documents that are wanted, those with most to tell first, and how many the run has."""
    wanted = None
    if ids:
        places = positions(reader, ids)
        for missing in (each for each in ids if each not in places):
            raise UsageError(
                f"There is no document `{missing}` in run {reader.folder.name}.",
                f"`guidex trace show {reader.folder.name}` lists the documents there are.",
            )
        wanted, limit = DocumentFilter(positions=list(places.values())), len(places)
    found = find_documents(reader, wanted, order=DocumentOrder.ROUNDS, descending=True, limit=limit)
    return found.shown, reader.totals().documents


def _calls_of(reader: RunReader, document_id: str) -> frozenset[str]:
    return frozenset(
        call for (call,) in reader.rows("SELECT id FROM calls WHERE document_id = ?", document_id)
    )


async def _waiting(app: Starlette, links: BundleLinks) -> list[Page]:
    """Make the pages that are linked to and not made yet, and those that these link to."""
    made = []
    while links.waiting:
        name = next(iter(links.waiting))
        made.append(_cut(name, await ask(app, links.waiting.pop(name))))
    return made


def _cut(name: str, answer: str) -> Page:
    """The pieces of an answer. Their bounds are markup of the templates, which no escaped text can hold."""

    def between(begin: str, end: str) -> Markup:
        return Markup(answer.partition(begin)[2].partition(end)[0].strip())

    return Page(
        name,
        between("<title>", "</title>"),
        between('<ol class="trail">', "</ol>"),
        between('<main id="main" tabindex="-1">', "</main>"),
    )


async def _file(app: Starlette, links: BundleLinks, pages: Sequence[Page], context: dict[str, Any]) -> str:
    texts = {name: await ask(app, Links().static(name)) for name in (*links.files, _SCRIPT)}
    script = JoinedScripts(texts.__getitem__)
    for name in texts:
        if name.endswith(".js") and name != _THEME:
            script.add(name)
    style = "\n".join(text for name, text in texts.items() if name.endswith(".css"))
    parts = {"style": style, "theme": texts[_THEME], "script": script.text()}
    for part in parts.values():
        if "</" in part:
            raise ValueError("the text of a script or style sheet ends its element")
    policy = _POLICY.format(
        script=f"{_hash(parts['theme'])} {_hash(parts['script'])}", style=_hash(parts["style"])
    )
    return render(
        "bundle.html",
        pages=pages,
        policy=policy,
        generator=GENERATOR,
        **{name: Markup(text) for name, text in parts.items()},
        **context,
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
